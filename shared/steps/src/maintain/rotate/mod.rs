//! rotate: the whole lake under a new key.
//!
//! A record of the rotation is written first, with every name that changes. What follows can be done again from any
//! point, without landing: objects are written anew under new names with new pseudonyms, which identity's true
//! identifiers give; the tables are emptied and computed again, those that no run computes rewritten; their past is removed; it is looked whether anything of
//! the old key is left; then the new key takes the place of the old, and the receipt ends the record. Nobody else may
//! change the lake meanwhile.

mod kept;
mod objects;
mod plan;
mod tables;

use std::sync::Arc;

use carelake_lake::{Ledger, Rotation, RotationReceipt, Rotations, Stage};
use carelake_privacy::LakeKey;
use carelake_sql::views::View;
use chrono::{DateTime, Utc};

use crate::context::Context;
use crate::error::StepError;
use crate::ingest::large;
use crate::maintain::erase::Nowhere;
use crate::run::{Observer, run};

pub use plan::{Outlook, outlook};

/// Where the key to come is, and how it takes its place.
pub struct NewKey<'a> {
    /// The key.
    pub key: LakeKey,
    /// Puts it in the place of the old; done already is fine.
    pub switch: &'a (dyn Fn() -> Result<(), carelake_lake::LakeError> + Sync),
}

/// Begins a rotation to the key `next`: brings the tables up to date and writes the record.
///
/// # Errors
/// When storage fails, a file of the ledger has no contract, or large files are under way.
pub async fn begin(
    context: &Context,
    next: &LakeKey,
    started: DateTime<Utc>,
    views: &[View],
    workers: usize,
    observer: &dyn Observer,
) -> Result<Rotation, StepError> {
    if large::any(context).await? {
        let text = "large files are being read in parts; rotate the key when they are in the lake";
        return Err(StepError::Invalid(text.to_owned()));
    }
    let as_of = super::erase::published_day(context).await?;
    compute(context, &as_of, views, workers, observer).await?;
    let rotation = plan::plan(context, next, started, as_of, views).await?;
    Rotations::new(&context.lake).record(&rotation).await?;
    Ok(rotation)
}

/// Finishes a rotation that was begun, from wherever it stands. `now` gives the time that the receipt says.
///
/// # Errors
/// When storage fails, or the lake cannot be computed again. What was done stays done; the next call goes on.
pub async fn finish(
    context: &Context,
    mut rotation: Rotation,
    next: &NewKey<'_>,
    views: &[View],
    workers: usize,
    observer: &dyn Observer,
    now: &(dyn Fn() -> DateTime<Utc> + Sync),
) -> Result<RotationReceipt, StepError> {
    let rotations = Rotations::new(&context.lake);
    if rotation.stage == Stage::Objects {
        rotation.objects = objects::renew(context, &rotation.moves, &next.key, workers, observer).await?;
        rotation.stage = Stage::Tables;
        rotations.record(&rotation).await?;
    }
    if rotation.stage == Stage::Tables {
        kept::renew(context, &next.key).await?;
        tables::clear(context, views).await?;
        rotation.stage = Stage::Computing;
        rotations.record(&rotation).await?;
    }
    if rotation.stage == Stage::Computing {
        compute(context, &rotation.as_of, views, workers, observer).await?;
        tables::compare(context, &rotation.rows).await?;
        tables::purge(context, observer).await?;
        objects::sweep(context).await?;
        tables::absent(context, &rotation).await?;
        rotation.stage = Stage::Switching;
        rotations.record(&rotation).await?;
    }
    (next.switch)()?;
    let receipt = RotationReceipt {
        rotation: rotation.id,
        started: rotation.started,
        finished: now(),
        files: rotation.moves.len() as u64,
        gone_from_landing: rotation.gone_from_landing,
        objects: rotation.objects,
        rows: rotation.rows,
        sha256: String::new(),
    };
    Ok(rotations.finish(receipt).await?)
}

/// A run that takes no files.
async fn compute(
    context: &Context,
    as_of: &str,
    views: &[View],
    workers: usize,
    observer: &dyn Observer,
) -> Result<(), StepError> {
    let inner = Context::from(carelake_ingest::Context {
        landing: Arc::new(Nowhere),
        ledger: Ledger::new(&context.lake),
        as_of: as_of.parse().unwrap_or(context.as_of),
        ..context.base.clone()
    });
    let report = run(&inner, views, workers, observer).await?;
    match report.failures.first() {
        Some(failure) => Err(StepError::Invalid(format!("the tables cannot be computed, run it again: {failure}"))),
        None => Ok(()),
    }
}
