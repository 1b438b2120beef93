//! Reading one part of a file.

use std::fs::File;
use std::time::Instant;

use carelake_contracts::LandingPath;
use carelake_decode::{Sink, decode_part};
use carelake_lake::{LakeError, Layer};

use super::files::{PartDone, Plan, forget, waiting};
use super::join::Again;
use crate::context::Context;
use crate::error::StepError;
use crate::file::keys::Repeats;
use crate::file::reading::{Done, Reading, read_by};
use crate::file::rows::{Keyed, Outputs};
use crate::file::{blocking, covered};

const LAYERS: [Layer; 3] = [Layer::Bronze, Layer::Identity, Layer::Quarantine];

/// How a part stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// It was read now, in the round of that number.
    Read(u32),
    /// It had been read before.
    Known(u32),
    /// The plan is none any more: the file is in the lake, or its contract has changed.
    Gone,
}

/// Reads a part of a file, from a `file` that holds the bytes that the plan names for it.
///
/// # Errors
/// When storage fails; a part that cannot be read is not an error.
pub async fn read_part(context: &Context, plan: &Plan, index: usize, file: File) -> Result<Progress, StepError> {
    let start = Instant::now();
    let Some(note) = waiting(context, &plan.id).await? else { return Ok(Progress::Gone) };
    let (Some(part), Ok((path, contract))) = (plan.parts.get(index).cloned(), covered(context, &note.key())) else {
        return Ok(Progress::Gone);
    };
    if contract.fingerprint() != plan.entry.contract {
        return Ok(Progress::Gone);
    }
    let again = context.lake.get_json::<Again>(&plan.again()).await?;
    let second = again.is_some_and(|again| again.parts.contains(&index));
    let round = if second { 2 } else { 1 };
    if context.lake.get_bytes(&plan.done(index, round)).await?.is_some() {
        return Ok(Progress::Known(round));
    }
    let keyed = if second {
        let repeats = context.lake.get_bytes(&plan.repeats(index)).await?.unwrap_or_default();
        Keyed { known: Some(Repeats::from_bytes(&repeats)), journal: None }
    } else {
        Keyed { known: None, journal: Some(context.lake.scratch_file()?) }
    };
    let erased = context.erased.rows(context, &contract, &path.source).await?;
    let (lake, order, header) = (context.lake.clone(), plan.entry.order(), plan.header);
    let done = blocking(move || {
        let of =
            Reading { lake: &lake, contract: &contract, source: &path.source, order: &order, erased: erased.as_ref() };
        let path: &LandingPath = &path;
        let decode = |file: File, sink: &mut Sink<'_>| decode_part(file, header, &part, path, of.contract, sink);
        read_by(of, file, keyed, &decode)
    })
    .await?;
    let mut found = match done {
        Done::Unreadable(reason) => PartDone { unreadable: Some(reason.to_owned()), ..PartDone::default() },
        Done::Rows(read, mut outputs) => {
            let layers = store(context, plan, (index, round), &mut outputs).await?;
            let journal = outputs.journal.as_ref().map(File::metadata).transpose();
            let journal = journal.map_err(|error| LakeError::io("reading a scratch file", &error))?;
            if let Some(journal) = &mut outputs.journal {
                context.lake.put_once(&plan.keys(index), journal).await?;
            }
            PartDone {
                unreadable: None,
                rows_in: outputs.rows_in,
                bronze_rows: outputs.bronze_rows,
                rejected: outputs.rejected,
                checks: outputs.checks,
                unknown_columns: read.header.unknown,
                missing_columns: read.header.missing,
                unpacked: read.unpacked,
                good: journal.map_or(0, |journal| journal.len() / 16),
                repeated: outputs.repeated,
                layers,
                seconds: 0.0,
            }
        }
    };
    found.seconds = start.elapsed().as_secs_f64();
    context.lake.put_json(&plan.done(index, round), &found).await?;
    if waiting(context, &plan.id).await?.is_none() {
        // The same part was read elsewhere too, and the file is in the lake by now.
        forget(context, &plan.id).await?;
        return Ok(Progress::Gone);
    }
    Ok(Progress::Read(round))
}

async fn store(
    context: &Context,
    plan: &Plan,
    (index, round): (usize, u32),
    outputs: &mut Outputs,
) -> Result<Vec<String>, StepError> {
    let mut layers = Vec::new();
    for layer in LAYERS {
        let output = outputs.files.iter_mut().find(|(of, _)| *of == layer);
        if let Some(file) = output.and_then(|(_, file)| file.as_mut()) {
            context.lake.put_once(&plan.output(index, round, layer), file).await?;
            layers.push(layer.database().to_owned());
        }
    }
    Ok(layers)
}
