//! Rewriting: small files become large ones, and rows come into the order that the table declares.

use std::collections::{BTreeMap, BTreeSet};

use carelake_sql::views::View;
use carelake_tables::{LiveFile, OpenTable, Write, clustered, one_stream};
use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::ScalarValue;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::{SessionContext, ident};
use serde::{Deserialize, Serialize};

use super::{Policy, UpkeepReport};
use crate::context::Context;
use crate::error::{QueryError, StepError};
use crate::maintain::tables;
use crate::noshow::kept_tables;
use crate::publish::{AS_OF, SOURCES};
use crate::run::Observer;

/// Files below this many bytes are put together.
const SMALL: u64 = 64 << 20;
/// Bytes of files that one commit rewrites, at most, but for a partition that is larger.
const PORTION: u64 = 256 << 20;
/// Commits that may be lost to other writers before a table is left for the next time.
const ATTEMPTS: u32 = 5;

type Partition = BTreeMap<String, Option<String>>;

/// How a table is laid out.
#[derive(Debug, Default)]
struct Shape {
    partition_by: Vec<String>,
    z_order: Vec<String>,
}

/// Files that are as they should be: written by upkeep, in this order.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Arranged {
    z_order: Vec<String>,
    files: BTreeSet<String>,
}

/// Rewrites what is not laid out as it should be. The tables rewritten, each with the versions before and after.
///
/// # Errors
/// When storage fails. A table that others keep changing is left, and said in the report.
pub async fn arrange(
    context: &Context,
    views: &[View],
    policy: &Policy,
    observer: &dyn Observer,
    report: &mut UpkeepReport,
) -> Result<Vec<(String, u64, u64)>, StepError> {
    let shapes = shapes(context, views)?;
    let tables = tables::all(context).await?;
    let mut rewritten = Vec::new();
    observer.begin("arrange", tables.len() as u64);
    for table in &tables {
        let mut lost = 0;
        // A table that nothing describes any more is left as it is.
        while let Some(shape) = shapes.get(table) {
            match portion(context, table, shape, policy, report).await {
                Ok(None) => break,
                Ok(Some((from, to))) => rewritten.push((table.clone(), from, to)),
                Err(error) if error.overtaken() && lost < ATTEMPTS => lost += 1,
                Err(error) if error.overtaken() => {
                    report.left.push(table.clone());
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        observer.advance(table);
    }
    observer.end();
    Ok(rewritten)
}

fn shapes(context: &Context, views: &[View]) -> Result<BTreeMap<String, Shape>, StepError> {
    let canonical = context.contracts.tables.iter().map(|(name, table)| {
        (name.clone(), Shape { partition_by: table.partition_by.clone(), z_order: table.z_order.clone() })
    });
    let marts = views.iter().filter(|view| view.materialised).map(|view| {
        let shape = Shape { partition_by: view.partition_by.clone(), z_order: view.z_order.clone() };
        (format!("{}.{}", view.database, view.name), shape)
    });
    let small = [SOURCES, AS_OF].map(|name| (name.to_owned(), Shape::default()));
    let kept = kept_tables()?
        .into_iter()
        .map(|table| (table.qualified(), Shape { partition_by: table.partition_by, z_order: Vec::new() }));
    Ok(canonical.chain(small).chain(marts).chain(kept).collect())
}

fn note(table: &str) -> String {
    format!("_carelake/upkeep/{table}.json")
}

/// Rewrites some of the partitions that need it, in one commit; `None` when none does, or for a dry run.
async fn portion(
    context: &Context,
    name: &str,
    shape: &Shape,
    policy: &Policy,
    report: &mut UpkeepReport,
) -> Result<Option<(u64, u64)>, StepError> {
    let Some(table) = context.tables.open(name, None).await? else { return Ok(None) };
    let mut arranged = context.lake.get_json::<Arranged>(&note(name)).await?.unwrap_or_default();
    if arranged.z_order != shape.z_order {
        arranged = Arranged { z_order: shape.z_order.clone(), files: BTreeSet::new() };
    }
    let live = context.tables.live(name, &table)?;
    let mut due = due(&live, &arranged, shape);
    if due.is_empty() {
        return Ok(None);
    }
    if policy.dry_run {
        due.values().flatten().for_each(|file| report.table(name).rewritten.add(file.bytes));
        return Ok(None);
    }
    let mut bytes = 0;
    due.retain(|_, files| {
        let first = bytes == 0;
        bytes += files.iter().map(|file| file.bytes).sum::<u64>().max(1);
        first || bytes <= PORTION
    });
    let Some(from) = table.version() else { return Ok(None) };
    let partitions: Vec<&Partition> = due.keys().collect();
    let to = rewrite(context, name, &table, shape, &partitions).await?;
    let before: BTreeSet<&String> = live.iter().map(|file| &file.path).collect();
    // The commit stands: what follows is a note that spares the next upkeep from doing it again.
    if let Some(now) = context.tables.open(name, None).await?.filter(|now| now.version() == Some(to)) {
        let live = context.tables.live(name, &now)?;
        let done = report.table(name);
        due.values().flatten().for_each(|file| done.rewritten.add(file.bytes));
        arranged.files.retain(|path| live.iter().any(|file| file.path == *path));
        for file in live.iter().filter(|file| !before.contains(&file.path)) {
            done.written.add(file.bytes);
            arranged.files.insert(file.path.clone());
        }
        context.lake.put_json(&note(name), &arranged).await?;
    }
    Ok(Some((from, to)))
}

/// Partitions to rewrite: with several small files, or with rows that are not in the order declared.
fn due<'a>(live: &'a [LiveFile], arranged: &Arranged, shape: &Shape) -> BTreeMap<Partition, Vec<&'a LiveFile>> {
    let mut partitions: BTreeMap<Partition, Vec<&LiveFile>> = BTreeMap::new();
    for file in live {
        partitions.entry(file.partition.clone()).or_default().push(file);
    }
    partitions.retain(|_, files| {
        let small = files.iter().filter(|file| file.bytes < SMALL).count();
        let settled = files.iter().all(|file| arranged.files.contains(&file.path));
        !settled && (!shape.z_order.is_empty() || small > 1)
    });
    partitions
}

async fn rewrite(
    context: &Context,
    name: &str,
    table: &OpenTable,
    shape: &Shape,
    partitions: &[&Partition],
) -> Result<u64, StepError> {
    let failed = |error: DataFusionError| StepError::query(format!("rewriting {name}"), &error);
    let session = SessionContext::new_with_state(one_stream(crate::conform::session(context)?.state()));
    let provider = context.tables.provider(table).await?;
    let condition = condition(partitions, &provider.schema()).map_err(failed)?;
    let rows = session.read_table(provider).map_err(failed)?;
    let rows = match &condition {
        Some(condition) => rows.filter(condition.clone()).map_err(failed)?,
        None => rows,
    };
    let rows = clustered(rows, session.state(), &shape.partition_by, &shape.z_order).await.map_err(failed)?;
    let write = Write {
        plan: rows.plan,
        session: rows.session,
        predicate: condition,
        clustered: rows.by_partition,
        partition_by: shape.partition_by.clone(),
        description: String::new(),
        run_id: context.run_id.clone(),
    };
    Ok(context.tables.write(name, Some(table.clone()), write).await?)
}

/// Condition on the rows of the partitions; `None` for a table that has no partitions.
fn condition(partitions: &[&Partition], schema: &Schema) -> Result<Option<Expr>, DataFusionError> {
    let mut any: Option<Expr> = None;
    for partition in partitions {
        let mut all: Option<Expr> = None;
        for (column, value) in *partition {
            let is = match value {
                Some(value) => ident(column).eq(lit(typed(value, schema.field_with_name(column)?.data_type())?)),
                None => ident(column).is_null(),
            };
            all = Some(all.map_or(is.clone(), |all| all.and(is)));
        }
        let Some(all) = all else { return Ok(None) };
        any = Some(any.map_or(all.clone(), |any| any.or(all)));
    }
    Ok(any)
}

fn typed(value: &str, data_type: &DataType) -> Result<ScalarValue, DataFusionError> {
    match data_type {
        DataType::Dictionary(_, values) => typed(value, values),
        other => ScalarValue::try_from_string(value.to_owned(), other),
    }
}
