//! The Delta tables of a lake.

use std::collections::{BTreeMap, BTreeSet};

use carelake_sql::views::View;

use crate::context::Context;
use crate::error::{QueryError, StepError};
use crate::publish::{AS_OF, SOURCES};

/// Every Delta table that is stored, by database and name.
pub async fn all(context: &Context) -> Result<BTreeSet<String>, StepError> {
    let mut tables = BTreeSet::new();
    for database in ["silver", "identity", "gold", "gold_identified"] {
        tables.extend(of(context, database).await?);
    }
    Ok(tables)
}

/// The stored tables of a database.
pub async fn of(context: &Context, database: &str) -> Result<BTreeSet<String>, StepError> {
    let mut tables = BTreeSet::new();
    for path in context.lake.list(database).await? {
        let table = path.split("/_delta_log/").next().filter(|table| *table != path);
        tables.extend(table.map(|table| table.replacen('/', ".", 1)));
    }
    Ok(tables)
}

/// The tables that a run makes: those of contracts, the small ones, the marts.
pub fn made(context: &Context, views: &[View]) -> BTreeSet<String> {
    let marts = views.iter().filter(|view| view.materialised).map(|view| format!("{}.{}", view.database, view.name));
    context.contracts.tables.keys().cloned().chain([SOURCES, AS_OF].map(str::to_owned)).chain(marts).collect()
}

/// Rows of every one of the tables that is stored.
pub async fn rows(context: &Context, tables: &BTreeSet<String>) -> Result<BTreeMap<String, u64>, StepError> {
    let session = crate::conform::session(context)?;
    let mut rows = BTreeMap::new();
    for table in tables {
        let Some(open) = context.tables.open(table, None).await? else { continue };
        let failed = |error| StepError::query(format!("counting the rows of {table}"), &error);
        let all = session.read_table(context.tables.provider(&open).await?).map_err(failed)?;
        rows.insert(table.clone(), all.count().await.map_err(failed)? as u64);
    }
    Ok(rows)
}
