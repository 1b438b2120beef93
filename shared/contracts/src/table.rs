//! The canonical tables that conform writes: columns, key, partitions.

use serde::Serialize;

use crate::model::short_hash;
use crate::types::ColumnType;

/// A column of a silver table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub column_type: ColumnType,
    /// For readers.
    pub description: String,
    /// Unit of measure.
    pub unit: Option<String>,
}

/// How fine the time partition of a table is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// Column `year`, an int.
    Year,
    /// Column `month`, text yyyy-mm.
    Month,
}

impl Period {
    /// The partition column's name.
    pub fn column(self) -> &'static str {
        match self {
            Self::Year => "year",
            Self::Month => "month",
        }
    }

    /// The partition column's type.
    pub fn column_type(self) -> ColumnType {
        match self {
            Self::Year => ColumnType::Int,
            Self::Month => ColumnType::String,
        }
    }
}

/// A canonical table that conform writes.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    /// `silver` or `identity`.
    pub database: String,
    /// Its name.
    pub name: String,
    /// For readers.
    pub description: String,
    /// What one row is.
    pub grain: String,
    /// Columns that, with source, identify a row; empty: every bronze row is its own.
    pub key: Vec<String>,
    /// Column with the sender's identifier of the record. Where it is filled it stands in place of the key: the rows of
    /// the latest record with that identifier take the place of those of earlier ones.
    pub record: Option<String>,
    /// Partition columns, outermost first.
    pub partition_by: Vec<String>,
    /// The derived time partition and the column it is taken from.
    pub period: Option<(Period, String)>,
    /// Columns to Z-order by.
    pub z_order: Vec<String>,
    /// The columns, without those that the engine adds.
    pub columns: Vec<TableColumn>,
}

impl Table {
    /// `silver.patients`.
    pub fn qualified(&self) -> String {
        format!("{}.{}", self.database, self.name)
    }

    /// True when the table has the column.
    pub fn has_column(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.name == name)
    }

    /// Every column with its type, in the order of the stored table.
    pub fn stored_columns(&self) -> Vec<(&str, ColumnType)> {
        let mut all = vec![("source", ColumnType::String), ("feed", ColumnType::String)];
        all.extend(self.columns.iter().map(|c| (c.name.as_str(), c.column_type)));
        if let Some((period, _)) = &self.period {
            all.push((period.column(), period.column_type()));
        }
        all.push(("ingest_date", ColumnType::Date));
        all.push(("_order", ColumnType::String));
        all.push(("_row", ColumnType::Long));
        all
    }

    /// Hash of the table's shape.
    pub fn fingerprint(&self) -> String {
        short_hash(&(&self.key, &self.partition_by, &self.period, self.stored_columns()))
    }
}
