//! What the catalogue says of the tables of a lake.

use carelake_contracts::{ColumnType, Contract, Table};
use carelake_lake::{ColumnEntry, Layer, TableEntry, TableFormat};
use carelake_sql::views::View;
use datafusion::arrow::datatypes::Schema;

use crate::context::Context;
use crate::error::StepError;
use crate::noshow::{KeptTable, kept_tables};
use crate::schema;

/// The entry of a mart or view, with the columns that its query gives.
pub fn entry_of(view: &View, planned: &Schema) -> TableEntry {
    let describe = |name: &str| {
        view.columns
            .iter()
            .find(|column| column.name == name)
            .map(|column| column.description.clone())
            .unwrap_or_default()
    };
    TableEntry {
        database: view.database.clone(),
        name: view.name.clone(),
        description: view.description.clone(),
        format: TableFormat::Delta,
        location: format!("{}/{}", view.database, view.name),
        columns: schema::entries(planned, &describe),
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

/// The table of a dataset in a layer that ingest writes.
pub fn landed(contract: &Contract, layer: Layer) -> TableEntry {
    let schema = match layer {
        Layer::Bronze => schema::bronze(contract),
        Layer::Identity => schema::identity(contract),
        Layer::Quarantine => schema::quarantine(),
    };
    let describe = |name: &str| {
        let known = contract.column(name).filter(|_| layer != Layer::Quarantine);
        known.map(|column| column.description.clone()).unwrap_or_default()
    };
    let column = |name: &str, column_type: ColumnType, description: &str| ColumnEntry {
        name: name.to_owned(),
        column_type: column_type.to_string(),
        description: description.to_owned(),
    };
    TableEntry {
        database: layer.database().to_owned(),
        name: contract.table(),
        description: contract.description.clone(),
        format: TableFormat::Parquet,
        location: format!("{}/{}", layer.database(), contract.table()),
        columns: schema::entries(&schema, &describe),
        partition_by: vec![
            column("source", ColumnType::String, "Sender."),
            column("ingest_date", ColumnType::Date, "Day of the landing folder, else of arrival."),
        ],
    }
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
