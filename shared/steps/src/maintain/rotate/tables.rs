//! The tables: emptied, compared, without a past, without anything of the old key.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::AsArray;
use carelake_lake::{Layer, Layout, Rotation, Rotations};
use carelake_privacy::Phi;
use carelake_sql::views::View;

use crate::context::Context;
use crate::error::StepError;
use crate::maintain::parquet::{batches, broken};
use crate::maintain::tables;
use crate::maintain::verify::{self, Hashes};
use crate::noshow::{KeptTable, kept_tables};
use crate::run::Observer;
use crate::schema::real_name;

/// Forgets what was computed, and empties the tables. A mart that the next run makes is left until then, and a table that
/// is kept for good.
pub async fn clear(context: &Context, views: &[View]) -> Result<(), StepError> {
    context.lake.delete(Layout::published()).await?;
    for folder in ["_carelake/ledger/conform", "_carelake/checks"] {
        for path in context.lake.list(folder).await? {
            context.lake.delete(&path).await?;
        }
    }
    let made = tables::made(context, views);
    let kept: BTreeSet<String> = kept_tables()?.iter().map(KeptTable::qualified).collect();
    for table in tables::all(context).await? {
        let replaced = table.starts_with("gold") && made.contains(&table);
        if !replaced && !kept.contains(&table) {
            crate::conform::retry(|| async { Ok(context.tables.empty(&table, &context.run_id).await?) }).await?;
        }
    }
    Ok(())
}

/// Fails when a table has not as many rows as before.
pub async fn compare(context: &Context, before: &BTreeMap<String, u64>) -> Result<(), StepError> {
    let after = tables::rows(context, &before.keys().cloned().collect()).await?;
    for (table, rows) in before {
        let found = after.get(table).copied().unwrap_or_default();
        if found != *rows {
            return Err(StepError::Conservation(format!("{table} had {rows} rows under the old key and has {found}")));
        }
    }
    Ok(())
}

/// Removes every version from before.
pub async fn purge(context: &Context, observer: &dyn Observer) -> Result<(), StepError> {
    let tables = tables::all(context).await?;
    observer.begin("purge", tables.len() as u64);
    for table in &tables {
        context.tables.purge(table).await?;
        observer.advance(table);
    }
    observer.end();
    Ok(())
}

/// Fails when an old pseudonym, or an old name of a file, is left anywhere but in the record.
pub async fn absent(context: &Context, rotation: &Rotation) -> Result<(), StepError> {
    let mut old = Hashes::default();
    for one in &rotation.moves {
        for hash in [&one.from.key, &one.from.place, &one.from.name] {
            old.add(hash);
        }
    }
    let key = context.lake.key()?;
    for entry in context.ledger.ingested().await? {
        let Some(file) = context.lake.read_file(&entry.object(Layer::Identity)).await? else { continue };
        let pseudonyms = key.pseudonyms(&entry.source);
        for batch in batches(&file)? {
            let batch = batch.map_err(broken)?;
            let schema = batch.schema();
            for field in schema.fields() {
                let real = batch.column_by_name(&real_name(field.name()));
                for id in real.and_then(|real| real.as_string_opt::<i32>()).into_iter().flatten().flatten() {
                    old.add(pseudonyms.of(Phi::new(id), &mut [0; 32]));
                }
            }
        }
    }
    verify::absent(context, old, "something of the old key", &Rotations::is_record).await
}
