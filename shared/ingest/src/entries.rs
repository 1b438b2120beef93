//! What the catalogue says of the tables that ingest writes.

use carelake_contracts::{ColumnType, Contract};
use carelake_lake::{ColumnEntry, Layer, TableEntry, TableFormat};

use crate::schema;

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
