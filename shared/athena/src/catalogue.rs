//! What a workgroup sees of the lake's catalogue, and how Athena describes it.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use carelake_lake::{Catalog, ColumnEntry, ErrorKind, LakeError, TableEntry, TableFormat, ViewEntry};
use serde_json::{Value, json};

use crate::error::Fault;
use crate::names::Known;
use crate::types::hive;
use crate::workgroup::WorkGroup;

/// The catalogue's name in lists.
pub const CATALOG_NAME: &str = "AwsDataCatalog";
/// The database that describes the others.
pub const INFORMATION: &str = "information_schema";

/// The tables and views that a workgroup sees, as they were at one moment.
#[derive(Debug, Clone)]
pub struct Seen {
    tables: Vec<TableEntry>,
    views: Vec<ViewEntry>,
}

/// A table or view.
#[derive(Debug, Clone, Copy)]
pub enum Entry<'a> {
    /// A table.
    Table(&'a TableEntry),
    /// A view.
    View(&'a ViewEntry),
}

impl<'a> Entry<'a> {
    /// Its database.
    pub fn database(self) -> &'a str {
        match self {
            Self::Table(table) => &table.database,
            Self::View(view) => &view.database,
        }
    }

    /// Its name.
    pub fn name(self) -> &'a str {
        match self {
            Self::Table(table) => &table.name,
            Self::View(view) => &view.name,
        }
    }

    /// Its columns, those of partitions last.
    pub fn columns(self) -> Vec<&'a ColumnEntry> {
        match self {
            Self::Table(table) => table.columns.iter().chain(&table.partition_by).collect(),
            Self::View(view) => view.columns.iter().collect(),
        }
    }

    /// As `TableMetadata`.
    pub fn metadata(self) -> Value {
        let columns = |columns: &[ColumnEntry]| -> Vec<Value> {
            let one = |one: &ColumnEntry| json!({"Name": one.name, "Type": hive(&one.column_type), "Comment": one.description});
            columns.iter().map(one).collect()
        };
        match self {
            Self::Table(table) => {
                let kind = if table.format == TableFormat::Delta { "delta" } else { "parquet" };
                json!({
                    "Name": table.name,
                    "TableType": "EXTERNAL_TABLE",
                    "Columns": columns(&table.columns),
                    "PartitionKeys": columns(&table.partition_by),
                    "Parameters": {"classification": kind, "comment": table.description, "EXTERNAL": "TRUE"},
                })
            }
            Self::View(view) => json!({
                "Name": view.name,
                "TableType": "VIRTUAL_VIEW",
                "Columns": columns(&view.columns),
                "PartitionKeys": [],
                "Parameters": {"presto_view": "true", "comment": view.description},
            }),
        }
    }
}

impl Seen {
    /// What that workgroup sees now.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub async fn by(group: WorkGroup, catalog: &dyn Catalog) -> Result<Self, LakeError> {
        let mut seen = Self { tables: catalog.tables().await?, views: catalog.views().await? };
        seen.tables.retain(|table| group.sees(&table.database));
        seen.views.retain(|view| group.sees(&view.database));
        Ok(seen)
    }

    /// The same without one entry.
    pub fn without(mut self, database: &str, name: &str) -> Self {
        self.views.retain(|view| (view.database.as_str(), view.name.as_str()) != (database, name));
        self
    }

    /// Tables and views by database and name.
    pub fn entries(&self) -> Vec<Entry<'_>> {
        let mut entries: Vec<Entry<'_>> = self.tables.iter().map(Entry::Table).collect();
        entries.extend(self.views.iter().map(Entry::View));
        entries.sort_by_key(|entry| (entry.database(), entry.name()));
        entries
    }

    /// Databases, and what is said of them.
    pub fn databases(&self) -> BTreeMap<&str, &'static str> {
        self.entries().iter().map(|entry| (entry.database(), about(entry.database()))).collect()
    }

    /// An entry of a database.
    pub fn get(&self, database: &str, name: &str) -> Option<Entry<'_>> {
        self.entries().into_iter().find(|entry| entry.database() == database && entry.name() == name)
    }

    /// The entry of that name.
    ///
    /// # Errors
    /// When there is none, in the words of Athena.
    pub fn find(&self, database: &str, name: &str) -> Result<Entry<'_>, Fault> {
        self.get(database, name).ok_or_else(|| Fault::entity_not_found(&format!("Table {database}.{name}")))
    }

    /// Place after all views.
    pub fn next_rank(&self) -> usize {
        self.views.iter().map(|view| view.rank + 1).max().unwrap_or_default()
    }

    /// What queries may name.
    pub fn known(&self) -> Known {
        let mut databases: BTreeSet<String> = self.databases().into_keys().map(str::to_owned).collect();
        databases.insert(INFORMATION.to_owned());
        let tables = self.entries().into_iter().map(|entry| format!("{}.{}", entry.database(), entry.name()));
        let own = crate::information_schema::TABLES.iter().map(|name| format!("{INFORMATION}.{name}"));
        Known { databases, tables: tables.chain(own).collect() }
    }
}

/// What is said of a database.
pub fn about(database: &str) -> &'static str {
    match database {
        "bronze" => "Typed rows as they were sent, persons as pseudonyms",
        "codes" => "Code lists",
        "gold" => "Analytics",
        "gold_identified" => "Analytics with names; restricted",
        "identity" => "Who the pseudonyms are; restricted",
        "quarantine" => "What was rejected, and why; values masked",
        "silver" => "Canonical tables",
        _ => "",
    }
}

/// A read-only catalogue of what is seen.
#[async_trait]
impl Catalog for Seen {
    async fn put_table(&self, _: &TableEntry) -> Result<(), LakeError> {
        Err(LakeError::new(ErrorKind::Denied, "writing the catalogue"))
    }

    async fn put_view(&self, _: &ViewEntry) -> Result<(), LakeError> {
        Err(LakeError::new(ErrorKind::Denied, "writing the catalogue"))
    }

    async fn remove_view(&self, _: &str, _: &str) -> Result<(), LakeError> {
        Err(LakeError::new(ErrorKind::Denied, "writing the catalogue"))
    }

    async fn tables(&self) -> Result<Vec<TableEntry>, LakeError> {
        Ok(self.tables.clone())
    }

    async fn views(&self) -> Result<Vec<ViewEntry>, LakeError> {
        Ok(self.views.clone())
    }
}
