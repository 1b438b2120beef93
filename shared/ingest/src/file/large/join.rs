//! Putting the parts of a file together.

use std::time::Instant;

use carelake_contracts::{Contract, Duplicates};
use carelake_decode::{Header, limits};
use carelake_lake::{IngestEntry, Layer};
use serde::{Deserialize, Serialize};

use super::files::{PartDone, Plan, forget, waiting};
use super::{across, merge};
use crate::context::Context;
use crate::error::StepError;
use crate::file::keys::Repeats;
use crate::file::rows::{Outputs, Rows};
use crate::file::{Looked, commit, covered, look};

/// How the parts of a file stand.
#[derive(Debug)]
pub enum Joined {
    /// Some are not read yet.
    Waiting,
    /// Some are to be read again: they repeat keys of others.
    Again {
        /// All of them.
        all: Vec<usize>,
        /// Those that are not read again yet.
        missing: Vec<usize>,
    },
    /// The file is in the lake.
    Taken(Box<IngestEntry>),
    /// It was in the lake before.
    Known(Box<IngestEntry>),
    /// The plan is none any more: its contract has changed.
    Gone,
}

/// The parts that are to be read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Again {
    pub parts: Vec<usize>,
    /// Repeated keys of the file.
    repeated: u64,
}

/// Puts the parts of a file together, once all are read.
///
/// # Errors
/// When storage fails, or rows are not accounted for.
pub async fn join(context: &Context, plan: &Plan) -> Result<Joined, StepError> {
    let start = Instant::now();
    let Some(note) = waiting(context, &plan.id).await? else { return Ok(Joined::Gone) };
    let Ok((_, contract)) = covered(context, &note.key()) else { return Ok(Joined::Gone) };
    if contract.fingerprint() != plan.entry.contract {
        return Ok(Joined::Gone);
    }
    if let Looked::Known(known) = look(context, &note.key()).await? {
        forget(context, &plan.id).await?;
        return Ok(Joined::Known(known));
    }
    let Some(first) = rounds(context, plan, &[]).await? else { return Ok(Joined::Waiting) };
    let parts: Vec<PartDone> = first.iter().map(|(_, part)| part.clone()).collect();
    if let Some(reason) = unreadable(plan, &parts) {
        let outputs = Rows::unreadable(&context.lake, &contract, &plan.entry.order(), &reason)?;
        return taken(context, plan, &contract, &parts, (Header::default(), outputs), start).await;
    }
    let again = match context.lake.get_json::<Again>(&plan.again()).await? {
        Some(again) => again,
        None => compare(context, plan, &contract, &parts).await?,
    };
    let Some(done) = rounds(context, plan, &again.parts).await? else { return missing(context, plan, &again).await };
    let mut files = Vec::new();
    for layer in [Layer::Identity, Layer::Quarantine, Layer::Bronze] {
        files.push((layer, merge::layer(context, plan, &contract, &done, layer).await?));
    }
    let parts: Vec<PartDone> = done.into_iter().map(|(_, part)| part).collect();
    let sum = |count: fn(&PartDone) -> u64| parts.iter().map(count).sum::<u64>();
    let rejects = contract.duplicates == Duplicates::Reject;
    let outputs = Outputs {
        readable: true,
        rows_in: sum(|part| part.rows_in),
        bronze_rows: sum(|part| part.bronze_rows),
        rejected: sum(|part| part.rejected),
        deduplicated: if rejects { 0 } else { again.repeated },
        checks: merge::checks(&parts),
        files,
        repeated: again.repeated,
        journal: None,
    };
    let header = merge::header(&parts);
    taken(context, plan, &contract, &parts, (header, outputs), start).await
}

async fn taken(
    context: &Context,
    plan: &Plan,
    contract: &Contract,
    parts: &[PartDone],
    (header, outputs): (Header, Outputs),
    start: Instant,
) -> Result<Joined, StepError> {
    let mut entry = plan.entry.clone();
    entry.seconds += parts.iter().map(|part| part.seconds).sum::<f64>();
    let entry = commit(context, contract, entry, header, outputs, start).await?;
    forget(context, &plan.id).await?;
    Ok(Joined::Taken(Box::new(entry)))
}

/// What was found of every part, those of `again` in the second round; `None` when one is not read yet.
async fn rounds(
    context: &Context,
    plan: &Plan,
    again: &[usize],
) -> Result<Option<Vec<(merge::Place, PartDone)>>, StepError> {
    let mut done = Vec::with_capacity(plan.parts.len());
    for index in 0..plan.parts.len() {
        let round = if again.contains(&index) { 2 } else { 1 };
        let Some(part) = context.lake.get_json::<PartDone>(&plan.done(index, round)).await? else { return Ok(None) };
        done.push(((index, round), part));
    }
    Ok(Some(done))
}

/// Why the file cannot be read: what the first part that cannot be read says, as it would have ended a single pass.
fn unreadable(plan: &Plan, parts: &[PartDone]) -> Option<String> {
    let reason = parts.iter().find_map(|part| part.unreadable.clone());
    let unpacked: u64 = parts.iter().map(|part| part.unpacked).sum();
    reason.or_else(|| (unpacked > limits::unpacked(plan.entry.bytes)).then(|| limits::OVER.to_owned()))
}

/// Finds the parts that repeat keys which they could not know of, and notes them.
async fn compare(context: &Context, plan: &Plan, contract: &Contract, parts: &[PartDone]) -> Result<Again, StepError> {
    let repeats = across::across(context, plan, contract, parts).await?.unwrap_or_default();
    let mut again = Again { parts: Vec::new(), repeated: repeats.iter().map(Repeats::count).sum() };
    if contract.duplicates == Duplicates::Reject {
        for (index, (repeats, part)) in repeats.iter().zip(parts).enumerate() {
            if repeats.count() > part.repeated {
                context.lake.put_bytes(&plan.repeats(index), repeats.bytes().into()).await?;
                again.parts.push(index);
            }
        }
    }
    context.lake.put_json(&plan.again(), &again).await?;
    Ok(again)
}

/// The parts of the second round that are not read yet.
async fn missing(context: &Context, plan: &Plan, again: &Again) -> Result<Joined, StepError> {
    let mut missing = Vec::new();
    for index in &again.parts {
        if context.lake.get_bytes(&plan.done(*index, 2)).await?.is_none() {
            missing.push(*index);
        }
    }
    Ok(Joined::Again { all: again.parts.clone(), missing })
}
