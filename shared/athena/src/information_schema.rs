//! `information_schema` as Trino has it, made of the catalogue: no table is opened for it.

use std::sync::Arc;

use carelake_sql::session::{CATALOG, register_in};
use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use datafusion::datasource::MemTable;
use datafusion::error::Result;
use datafusion::prelude::SessionContext;

use crate::catalogue::{Entry, INFORMATION, Seen};
use crate::types::trino;

/// Its tables.
pub const TABLES: [&str; 4] = ["columns", "schemata", "tables", "views"];

/// Registers the tables that describe what is seen.
///
/// # Errors
/// When they cannot be registered.
pub fn register(session: &SessionContext, seen: &Seen) -> Result<()> {
    for (name, columns) in
        [("columns", columns(seen)), ("schemata", schemata(seen)), ("tables", tables(seen)), ("views", views(seen))]
    {
        let batch =
            RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))?;
        let table = MemTable::try_new(batch.schema(), vec![vec![batch]])?;
        register_in(session, INFORMATION, name, Arc::new(table))?;
    }
    Ok(())
}

type Columns = Vec<(&'static str, ArrayRef)>;

fn texts<'a>(values: impl Iterator<Item = &'a str>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

fn same(value: &str, rows: usize) -> ArrayRef {
    texts(std::iter::repeat_n(value, rows))
}

fn nothing(rows: usize) -> ArrayRef {
    Arc::new(StringArray::new_null(rows))
}

fn schemata(seen: &Seen) -> Columns {
    let names: Vec<&str> = seen.databases().into_keys().chain([INFORMATION]).collect();
    vec![("catalog_name", same(CATALOG, names.len())), ("schema_name", texts(names.into_iter()))]
}

fn tables(seen: &Seen) -> Columns {
    let entries = seen.entries();
    let kind = |entry: &Entry<'_>| if matches!(entry, Entry::View(_)) { "VIEW" } else { "BASE TABLE" };
    vec![
        ("table_catalog", same(CATALOG, entries.len())),
        ("table_schema", texts(entries.iter().map(|entry| entry.database()))),
        ("table_name", texts(entries.iter().map(|entry| entry.name()))),
        ("table_type", texts(entries.iter().map(kind))),
    ]
}

fn views(seen: &Seen) -> Columns {
    let entries = seen.entries();
    let views: Vec<_> = entries
        .iter()
        .filter_map(|entry| match entry {
            Entry::View(view) => Some(view),
            Entry::Table(_) => None,
        })
        .collect();
    vec![
        ("table_catalog", same(CATALOG, views.len())),
        ("table_schema", texts(views.iter().map(|view| view.database.as_str()))),
        ("table_name", texts(views.iter().map(|view| view.name.as_str()))),
        ("view_definition", texts(views.iter().map(|view| view.sql.as_str()))),
    ]
}

fn columns(seen: &Seen) -> Columns {
    let entries = seen.entries();
    let mut rows = Vec::new();
    for entry in entries {
        for (position, column) in (1_i64..).zip(entry.columns()) {
            rows.push((entry, position, column));
        }
    }
    vec![
        ("table_catalog", same(CATALOG, rows.len())),
        ("table_schema", texts(rows.iter().map(|(entry, ..)| entry.database()))),
        ("table_name", texts(rows.iter().map(|(entry, ..)| entry.name()))),
        ("column_name", texts(rows.iter().map(|(.., column)| column.name.as_str()))),
        ("ordinal_position", Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, position, _)| *position)))),
        ("column_default", nothing(rows.len())),
        ("is_nullable", same("YES", rows.len())),
        ("data_type", texts(rows.iter().map(|(.., column)| trino(&column.column_type)))),
        ("comment", texts(rows.iter().map(|(.., column)| column.description.as_str()))),
        ("extra_info", nothing(rows.len())),
    ]
}
