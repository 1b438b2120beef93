//! Views as Athena holds them in Glue: a virtual table with Presto's description of the view, in base64.

use aws_sdk_glue::types::{SerDeInfo, StorageDescriptor, Table, TableInput};
use carelake_lake::{ColumnEntry, LakeError, ViewEntry};
use serde_json::json;

use super::ENTRY;
use super::table::{columns, invalid, text};

const VIRTUAL: &str = "VIRTUAL_VIEW";
/// What marks a view as Presto's. Trino takes a description of the table for this comment, so that must say the same: with
/// words of its own a view is none to Trino. What the view shows stands in its entry.
const MARK: &str = "Presto View";

/// What Glue should hold of a view.
pub fn input(entry: &ViewEntry) -> Result<TableInput, LakeError> {
    let described: Vec<_> =
        entry.columns.iter().map(|column| json!({"name": column.name, "type": presto_type(column)})).collect();
    let view = json!({
        "originalSql": entry.sql,
        "catalog": "awsdatacatalog",
        "schema": entry.database,
        "columns": described,
        "runAsInvoker": true,
    });
    TableInput::builder()
        .name(&entry.name)
        .description(MARK)
        .table_type(VIRTUAL)
        .view_original_text(format!("/* Presto View: {} */", base64(view.to_string().as_bytes())))
        .view_expanded_text("/* Presto View */")
        .storage_descriptor(
            StorageDescriptor::builder()
                .set_columns(Some(columns(&entry.columns)?))
                .location("")
                .serde_info(SerDeInfo::builder().build())
                .build(),
        )
        .parameters("presto_view", "true")
        .parameters("comment", MARK)
        .parameters(ENTRY, text(entry)?)
        .build()
        .map_err(|error| invalid(&entry.database, &entry.name, error))
}

/// True for a view.
pub fn is_view(table: &Table) -> bool {
    table.table_type() == Some(VIRTUAL)
}

/// Presto's name of a contract's type. Times in Delta tables are moments, which Athena shows with their zone.
fn presto_type(column: &ColumnEntry) -> &str {
    match column.column_type.as_str() {
        "string" => "varchar",
        "int" => "integer",
        "long" => "bigint",
        "timestamp" => "timestamp(3) with time zone",
        other => other,
    }
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 by RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |place: usize| u32::from(chunk.get(place).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4_usize {
            let index = (bits >> (18 - 6 * place)) & 63;
            let letter = LETTERS.get(index as usize).copied().unwrap_or_default();
            text.push(if place > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_gives_the_test_vectors_of_its_standard() {
        let vectors =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (plain, encoded) in vectors {
            assert_eq!(base64(plain.as_bytes()), encoded);
        }
    }
}
