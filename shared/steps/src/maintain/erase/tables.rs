//! Delta tables without the persons: rows left out in one commit a table, then the past removed.

use std::collections::BTreeSet;

use carelake_tables::Write;
use datafusion::arrow::array::AsArray;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::{DataFrame, SessionContext, ident};

use super::Work;
use crate::context::Context;
use crate::error::{QueryError, StepError};
use crate::maintain::tables as stored;
use crate::noshow::{kept_by_patient, kept_tables};
use crate::roles::TableRoles;

/// A table of the lake as a relation, the rows of one source, or all if it has no sources; `None` when it is not there.
pub async fn rows_of(
    context: &Context,
    session: &SessionContext,
    table: &str,
    source: &str,
) -> Result<Option<DataFrame>, StepError> {
    let Some(open) = context.tables.open(table, None).await? else { return Ok(None) };
    let rows = session.read_table(context.tables.provider(&open).await?).map_err(failed(table))?;
    if !rows.schema().has_column_with_unqualified_name("source") {
        return Ok(Some(rows));
    }
    rows.filter(ident("source").eq(lit(source))).map(Some).map_err(failed(table))
}

fn failed(table: &str) -> impl Fn(DataFusionError) -> StepError {
    move |error| StepError::query(format!("looking for the persons in {table}"), &error)
}

/// Distinct texts of a column.
pub async fn texts(rows: &DataFrame, column: &str, table: &str) -> Result<BTreeSet<String>, StepError> {
    let distinct = rows.clone().select(vec![ident(column)]).and_then(DataFrame::distinct).map_err(failed(table))?;
    let mut found = BTreeSet::new();
    for batch in distinct.collect().await.map_err(failed(table))? {
        let values = cast(batch.column(0), &DataType::Utf8).map_err(|error| failed(table)(error.into()))?;
        found.extend(values.as_string::<i32>().iter().flatten().map(str::to_owned));
    }
    Ok(found)
}

/// Condition on the rows of persons: one of the columns has one of the values.
pub fn is_one_of(columns: &[(String, BTreeSet<String>)]) -> Option<Expr> {
    let filled = columns.iter().filter(|(_, values)| !values.is_empty());
    let one =
        filled.map(|(column, values)| ident(column).in_list(values.iter().map(|text| lit_text(text)).collect(), false));
    one.reduce(Expr::or)
}

fn lit_text(text: &str) -> Expr {
    lit(text)
}

/// The columns of a table by which the persons' rows are known, with the values that are theirs.
async fn theirs(
    work: &Work<'_>,
    rows: &DataFrame,
    table: &str,
    roles: &TableRoles,
) -> Result<Vec<(String, BTreeSet<String>)>, StepError> {
    let mut columns: Vec<(String, BTreeSet<String>)> =
        roles.persons.iter().map(|column| (column.clone(), work.pseudonyms())).collect();
    for (column, key) in &roles.belongs {
        let mut values = texts(rows, column, table).await?;
        values.retain(|value| work.persons.owned(key, value));
        columns.push((column.clone(), values));
    }
    Ok(columns)
}

/// Leaves the persons' rows out of every table of the feed, and of those of gold that are not computed again. The conditions of these commits name the source alone.
pub async fn leave_out(work: &Work<'_>) -> Result<(), StepError> {
    for (table, roles) in &work.roles.tables {
        crate::conform::retry(|| leave_out_of(work, table, roles)).await?;
    }
    let roles = TableRoles { persons: BTreeSet::from(["patient_id".to_owned()]), ..TableRoles::default() };
    for table in kept_by_patient()? {
        crate::conform::retry(|| leave_out_of(work, &table, &roles)).await?;
    }
    Ok(())
}

async fn leave_out_of(work: &Work<'_>, table: &str, roles: &TableRoles) -> Result<(), StepError> {
    let (context, source) = (work.context, work.erasure.source.as_str());
    let session = crate::conform::session(context)?;
    let Some(current) = context.tables.open(table, None).await? else { return Ok(()) };
    let Some(rows) = rows_of(context, &session, table, source).await? else { return Ok(()) };
    let Some(condition) = is_one_of(&theirs(work, &rows, table, roles).await?) else { return Ok(()) };
    let found = rows.clone().filter(condition.clone()).map_err(failed(table))?;
    if found.count().await.map_err(failed(table))? == 0 {
        return Ok(());
    }
    let left = rows.filter(condition.is_not_true()).map_err(failed(table))?;
    let write = Write {
        plan: left.into_unoptimized_plan(),
        session: session.state(),
        predicate: Some(ident("source").eq(lit(source))),
        clustered: false,
        partition_by: partitions(context, table)?,
        description: String::new(),
        run_id: context.run_id.clone(),
    };
    context.tables.write(table, Some(current), write).await?;
    Ok(())
}

fn partitions(context: &Context, table: &str) -> Result<Vec<String>, StepError> {
    if let Some(table) = context.contracts.tables.get(table) {
        return Ok(table.partition_by.clone());
    }
    let kept = kept_tables()?.into_iter().find(|kept| kept.qualified() == table);
    Ok(kept.map(|kept| kept.partition_by).unwrap_or_default())
}

/// Removes the past of every table that may have held something of the persons: the tables of the feed, and all of gold.
pub async fn purge(work: &mut Work<'_>) -> Result<(), StepError> {
    let context = work.context;
    let personal = |roles: &TableRoles| !roles.persons.is_empty() || !roles.belongs.is_empty();
    let tables = work.roles.tables.iter().filter(|(_, roles)| personal(roles));
    let mut tables: BTreeSet<String> = tables.map(|(table, _)| table.clone()).collect();
    tables.extend(gold(context).await?);
    for table in &tables {
        let purged = context.tables.purge(table).await?;
        let removed = &mut work.erasure.removed;
        removed.files += purged.files;
        if purged.versions > 0 {
            *removed.versions.entry(table.clone()).or_default() += purged.versions;
        }
    }
    Ok(())
}

/// The stored tables of gold.
pub async fn gold(context: &Context) -> Result<BTreeSet<String>, StepError> {
    let mut tables = stored::of(context, "gold").await?;
    tables.extend(stored::of(context, "gold_identified").await?);
    Ok(tables)
}
