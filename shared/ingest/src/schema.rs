//! Arrow schemas of what ingest writes.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use carelake_contracts::{ColumnType, Contract, Phi};
use carelake_lake::ColumnEntry;

/// Column of what the contract does not know.
const EXTRA: &str = "_extra";

/// Name of the true identifier beside a pseudonym in identity.
pub fn real_name(column: &str) -> String {
    format!("real_{column}")
}

/// Columns of bronze: the contract's, without what is restricted, then the engine's own.
pub fn bronze(contract: &Contract) -> SchemaRef {
    let open = contract.columns.iter().filter(|column| !column.phi.restricted());
    let mut fields: Vec<Field> =
        open.map(|column| Field::new(&column.name, column.column_type.arrow(), true)).collect();
    fields.push(Field::new(EXTRA, DataType::Utf8, true));
    fields.extend(position());
    Arc::new(Schema::new(fields))
}

/// Columns of identity: pseudonyms with the true identifiers, and all that is restricted.
pub fn identity(contract: &Contract) -> SchemaRef {
    let mut fields = Vec::new();
    for column in &contract.columns {
        if column.phi == Phi::PersonId {
            fields.push(Field::new(&column.name, DataType::Utf8, true));
            fields.push(Field::new(real_name(&column.name), DataType::Utf8, true));
        } else if column.phi.restricted() {
            fields.push(Field::new(&column.name, column.column_type.arrow(), true));
        }
    }
    fields.push(Field::new(EXTRA, DataType::Utf8, true));
    fields.extend(position());
    Arc::new(Schema::new(fields))
}

/// Columns of identity without those that are the same in bronze: pseudonyms and position.
pub fn person(contract: &Contract) -> SchemaRef {
    let pseudonym = |name: &str| contract.column(name).is_some_and(|column| column.phi == Phi::PersonId);
    let shared = |name: &str| pseudonym(name) || position().iter().any(|field| field.name() == name);
    let identity = identity(contract);
    let own = identity.fields().iter().filter(|field| !shared(field.name()));
    Arc::new(Schema::new(own.cloned().collect::<Vec<_>>()))
}

/// Columns of quarantine: one row a broken rule.
pub fn quarantine() -> SchemaRef {
    let text = |name: &str| Field::new(name, DataType::Utf8, true);
    let mut fields = position();
    fields.extend(["column", "rule", "severity", "reason", "value", "record"].map(text));
    Arc::new(Schema::new(fields))
}

fn position() -> Vec<Field> {
    vec![Field::new("_order", DataType::Utf8, false), Field::new("_row", DataType::Int64, false)]
}

/// The catalogue's form of a schema.
pub fn entries(schema: &Schema, describe: &dyn Fn(&str) -> String) -> Vec<ColumnEntry> {
    let entry = |field: &Arc<Field>| ColumnEntry {
        name: field.name().clone(),
        column_type: type_name(field.data_type()),
        description: describe(field.name()),
    };
    schema.fields().iter().map(entry).collect()
}

/// The contract's name of an Arrow type.
pub fn type_name(data_type: &DataType) -> String {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => ColumnType::String.to_string(),
        DataType::Int8 | DataType::Int16 | DataType::Int32 => ColumnType::Int.to_string(),
        DataType::Int64 | DataType::UInt64 | DataType::UInt32 => ColumnType::Long.to_string(),
        DataType::Float32 | DataType::Float64 => ColumnType::Double.to_string(),
        DataType::Boolean => ColumnType::Boolean.to_string(),
        DataType::Date32 | DataType::Date64 => ColumnType::Date.to_string(),
        DataType::Timestamp(_, _) => ColumnType::Timestamp.to_string(),
        DataType::Decimal128(precision, scale) => format!("decimal({precision},{scale})"),
        DataType::Dictionary(_, values) => type_name(values),
        other => other.to_string().to_lowercase(),
    }
}
