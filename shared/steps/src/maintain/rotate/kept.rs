//! Tables of gold that are kept, not computed again: their old pseudonyms become the new ones.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, RecordBatch, StringBuilder};
use carelake_lake::Layer;
use carelake_privacy::{LakeKey, Phi};
use carelake_tables::Write;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::error::DataFusionError;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::JoinType;
use datafusion::prelude::ident;

use crate::context::Context;
use crate::error::{QueryError, StepError};
use crate::maintain::parquet::{batches, broken};
use crate::noshow::{KeptTable, kept_tables};
use crate::schema::real_name;

/// Writes every kept table with the pseudonyms of `next`. One that has them is left as it is, so that it can be done again.
/// Identity must have its new pseudonyms.
pub async fn renew(context: &Context, next: &LakeKey) -> Result<(), StepError> {
    let mut pseudonyms = None;
    for table in kept_tables()?.into_iter().filter(|table| table.by_patient) {
        if context.tables.open(&table.qualified(), None).await?.is_none() {
            continue;
        }
        let pairs = match &pseudonyms {
            Some(pairs) => pairs,
            None => pseudonyms.insert(pairs(context, next).await?),
        };
        crate::conform::retry(|| renew_table(context, &table, pairs)).await?;
    }
    Ok(())
}

async fn renew_table(context: &Context, table: &KeptTable, pairs: &RecordBatch) -> Result<(), StepError> {
    let name = table.qualified();
    let failed = |error: DataFusionError| StepError::query(format!("renewing {name}"), &error);
    let session = crate::conform::session(context)?;
    let Some(current) = context.tables.open(&name, None).await? else { return Ok(()) };
    let rows = session.read_table(context.tables.provider(&current).await?).map_err(failed)?;
    let pairs = session.read_batch(pairs.clone()).map_err(failed)?;
    let keys = (["source", "patient_id"], ["__source", "__old"]);
    let due = rows.clone().join(pairs.clone(), JoinType::LeftSemi, &keys.0, &keys.1, None).map_err(failed)?;
    if due.count().await.map_err(failed)? == 0 {
        return Ok(());
    }
    let columns = table.columns.iter().map(|column| match column.name.as_str() {
        "patient_id" => coalesce(vec![ident("__new"), ident("patient_id")]).alias("patient_id"),
        other => ident(other),
    });
    let renewed = rows
        .join(pairs, JoinType::Left, &keys.0, &keys.1, None)
        .and_then(|joined| joined.select(columns.collect::<Vec<_>>()))
        .map_err(failed)?;
    let write = Write {
        plan: renewed.into_unoptimized_plan(),
        session: session.state(),
        predicate: None,
        clustered: false,
        partition_by: table.partition_by.clone(),
        description: table.description.clone(),
        run_id: context.run_id.clone(),
    };
    context.tables.write(&name, Some(current), write).await?;
    Ok(())
}

/// Old and new pseudonym of every person of every source, once each.
async fn pairs(context: &Context, next: &LakeKey) -> Result<RecordBatch, StepError> {
    let key = context.lake.key()?;
    let mut found: BTreeMap<(String, String), String> = BTreeMap::new();
    for entry in context.ledger.ingested().await? {
        let Some(file) = context.lake.read_file(&entry.object(Layer::Identity)).await? else { continue };
        let (old, new) = (key.pseudonyms(&entry.source), next.pseudonyms(&entry.source));
        for batch in batches(&file)? {
            let batch = batch.map_err(broken)?;
            let real = batch.column_by_name(&real_name("patient_id"));
            for id in real.and_then(|real| real.as_string_opt::<i32>()).into_iter().flatten().flatten() {
                let from = old.of(Phi::new(id), &mut [0; 32]).to_owned();
                found
                    .entry((entry.source.clone(), from))
                    .or_insert_with(|| new.of(Phi::new(id), &mut [0; 32]).to_owned());
            }
        }
    }
    let mut columns = [StringBuilder::new(), StringBuilder::new(), StringBuilder::new()];
    let [sources, olds, news] = &mut columns;
    for ((source, old), new) in &found {
        sources.append_value(source);
        olds.append_value(old);
        news.append_value(new);
    }
    let schema =
        Schema::new(["__source", "__old", "__new"].map(|name| Field::new(name, DataType::Utf8, true)).to_vec());
    let columns = columns.iter_mut().map(|column| Arc::new(column.finish()) as ArrayRef).collect();
    RecordBatch::try_new(Arc::new(schema), columns).map_err(broken)
}
