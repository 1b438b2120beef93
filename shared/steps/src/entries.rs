//! What the catalogue says of the tables of a lake.

use carelake_contracts::{ColumnType, Table};
use carelake_ingest::entries::landed;
use carelake_lake::{ColumnEntry, Layer, TableEntry, TableFormat, ViewEntry};
use carelake_sql::views::View;
use datafusion::arrow::datatypes::Schema;

use crate::context::Context;
use crate::error::StepError;
use crate::noshow::{KeptTable, kept_tables};
use crate::schema;

/// Name and type of each column of a mart or view.
pub type Columns = Vec<(String, String)>;

/// The columns that the query of a mart or view gives.
pub fn planned_columns(planned: &Schema) -> Columns {
    let fields = planned.fields().iter();
    fields.map(|field| (field.name().clone(), schema::type_name(field.data_type()))).collect()
}

fn described(view: &View, columns: &Columns) -> Vec<ColumnEntry> {
    let about = |name: &String| view.columns.iter().find(|column| &column.name == name);
    let entry = |(name, column_type): &(String, String)| ColumnEntry {
        name: name.clone(),
        column_type: column_type.clone(),
        description: about(name).map(|column| column.description.clone()).unwrap_or_default(),
    };
    columns.iter().map(entry).collect()
}

/// The entry of a view that stands at that rank, with the columns that its query gives.
pub fn view_entry(view: &View, rank: usize, columns: &Columns) -> ViewEntry {
    ViewEntry {
        database: view.database.clone(),
        name: view.name.clone(),
        description: view.description.clone(),
        sql: view.sql.clone(),
        rank,
        columns: described(view, columns),
    }
}

/// The entry of a mart, with the columns that its query gives.
pub fn mart_entry(view: &View, columns: &Columns) -> TableEntry {
    TableEntry {
        database: view.database.clone(),
        name: view.name.clone(),
        description: view.description.clone(),
        format: TableFormat::Delta,
        location: format!("{}/{}", view.database, view.name),
        columns: described(view, columns),
        partition_by: Vec::new(),
    }
}

/// Every bronze, identity, quarantine and canonical table that the contracts describe, and what is kept in gold.
pub fn lake_tables(context: &Context) -> Result<Vec<TableEntry>, StepError> {
    let mut entries = Vec::new();
    for contract in context.contracts.contracts.values() {
        entries.push(landed(contract, Layer::Bronze));
        entries.push(landed(contract, Layer::Quarantine));
        if contract.has_identity() {
            entries.push(landed(contract, Layer::Identity));
        }
    }
    entries.extend(context.contracts.tables.values().map(canonical));
    let text = |name: &str, description: &str| ColumnEntry {
        name: name.to_owned(),
        column_type: ColumnType::String.to_string(),
        description: description.to_owned(),
    };
    let sources =
        vec![text("source", "Sender."), text("feed", "Feed it sends."), text("area", "Subject area of gold.")];
    let day = vec![ColumnEntry { column_type: ColumnType::Date.to_string(), ..text("as_of_date", "The day.") }];
    for (database, name, columns) in [("silver", "sources", sources), ("gold", "as_of", day)] {
        entries.push(TableEntry {
            database: database.to_owned(),
            name: name.to_owned(),
            description: String::new(),
            format: TableFormat::Delta,
            location: format!("{database}/{name}"),
            columns,
            partition_by: Vec::new(),
        });
    }
    entries.extend(kept_tables()?.iter().map(KeptTable::entry));
    Ok(entries)
}

fn canonical(table: &Table) -> TableEntry {
    let describe = |name: &str| {
        table
            .columns
            .iter()
            .find(|column| column.name == name)
            .map(|column| column.description.clone())
            .unwrap_or_default()
    };
    let columns = table.stored_columns().into_iter().map(|(name, column_type)| ColumnEntry {
        name: name.to_owned(),
        column_type: column_type.to_string(),
        description: describe(name),
    });
    TableEntry {
        database: table.database.clone(),
        name: table.name.clone(),
        description: table.description.clone(),
        format: TableFormat::Delta,
        location: format!("{}/{}", table.database, table.name),
        columns: columns.collect(),
        partition_by: Vec::new(),
    }
}
