//! Removing: old versions, objects that no entry names, half-written files, old reports.

use carelake_lake::{LakeError, Stored};

use super::{Policy, Removed, UpkeepReport};
use crate::context::Context;
use crate::error::StepError;
use crate::ingest::large;
use crate::maintain::{tables, unnamed};
use crate::publish::note_rewritten;
use crate::run::Observer;

/// Removes what nobody needs any more, after [`super::arrange`]. Nobody else may change the lake meanwhile.
///
/// # Errors
/// When storage fails; what is left is removed by the next call.
pub async fn remove(
    context: &Context,
    policy: &Policy,
    rewritten: &[(String, u64, u64)],
    observer: &dyn Observer,
    report: &mut UpkeepReport,
) -> Result<(), StepError> {
    note_rewritten(context, rewritten).await?;
    let tables = tables::all(context).await?;
    observer.begin("remove", tables.len() as u64);
    for table in &tables {
        let expired = context.tables.expire(table, policy.cutoff(), policy.dry_run).await?;
        let checkpoint = context.tables.checkpoint(table, policy.dry_run).await?;
        let done = report.table(table);
        done.expired_versions = expired.versions;
        done.expired = Removed { count: expired.files, bytes: expired.bytes };
        done.checkpoint = checkpoint;
        observer.advance(table);
    }
    observer.end();
    report.objects = delete(context, policy, unnamed::objects(context).await?).await?;
    report.entries = delete(context, policy, unnamed::entries(context).await?).await?;
    let abandoned = large::abandoned(context, policy.cutoff()).await?;
    report.large_files = abandoned.len() as u64;
    for id in abandoned.iter().filter(|_| !policy.dry_run) {
        large::forget(context, id).await?;
    }
    let mut old = context.lake.stored("_carelake/runs").await?;
    old.retain(|run| run.modified <= policy.reports_cutoff());
    report.reports = delete(context, policy, old).await?;
    leftovers(context, policy, report)
}

async fn delete(context: &Context, policy: &Policy, stored: Vec<Stored>) -> Result<Removed, StepError> {
    if !policy.dry_run {
        for one in &stored {
            context.lake.delete(&one.path).await?;
        }
    }
    Ok(Removed::of(&stored))
}

/// Half-written files. What another tool may be writing into a table is left as long as old versions are.
fn leftovers(context: &Context, policy: &Policy, report: &mut UpkeepReport) -> Result<(), StepError> {
    for left in context.lake.leftovers()? {
        if left.in_table && left.modified > policy.cutoff() {
            continue;
        }
        if !policy.dry_run {
            let removed = std::fs::remove_file(&left.path);
            removed.map_err(|error| LakeError::io("removing a left-over file", &error))?;
        }
        report.leftovers.add(left.bytes);
    }
    Ok(())
}
