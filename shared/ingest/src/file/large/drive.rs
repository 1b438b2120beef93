//! What is done when a large file comes, and when a piece of work on it was asked for.

use carelake_lake::{IngestEntry, LandingKey, Ranges};

use super::begin::{Begun, Time, begin};
use super::files::{Plan, forget, plan, waiting, want};
use super::join::{Joined, join};
use super::read::{Progress, read_part};
use crate::context::Context;
use crate::error::StepError;

/// Parts of one file that are read at the same time.
pub const AT_ONCE: usize = 8;

/// What came of a piece of work.
#[derive(Debug)]
pub enum Worked {
    /// It is cut, and its first parts were asked for.
    Cut {
        /// Its name while it is under way.
        id: String,
        /// How many parts it has.
        parts: usize,
    },
    /// There was no time to cut it to its end; to go on was asked for.
    Later(String),
    /// A part was read, and the next one was asked for.
    Part,
    /// The file is in the lake now.
    Taken(Box<IngestEntry>),
    /// It was in the lake before.
    Known(Box<IngestEntry>),
    /// No contract covers it.
    Ignored(&'static str),
    /// There is nothing left to do: it is in the lake, or gone.
    Gone,
}

/// Begins with a large file: cuts it into parts of about `every` bytes. `mark` tells the landing zone which version it is.
///
/// # Errors
/// When storage fails.
pub async fn open(
    context: &Context,
    key: &LandingKey,
    bytes: &dyn Ranges,
    mark: Option<String>,
    every: u64,
    time: &Time,
) -> Result<Worked, StepError> {
    Ok(match begin(context, key, bytes, mark, every, time).await? {
        Begun::Cut(plan) => {
            ask(context, &plan, 0..AT_ONCE).await?;
            Worked::Cut { parts: plan.parts.len(), id: plan.id }
        }
        Begun::Later(id) => {
            want(context, &id, None).await?;
            Worked::Later(id)
        }
        Begun::Taken(entry) => Worked::Taken(entry),
        Begun::Known(entry) => Worked::Known(entry),
        Begun::Ignored(reason) => Worked::Ignored(reason),
    })
}

/// Does what was asked for: reads the part of that number, or goes on with cutting.
///
/// # Errors
/// When storage fails.
pub async fn go_on(
    context: &Context,
    id: &str,
    part: Option<usize>,
    bytes: &dyn Ranges,
    every: u64,
    time: &Time,
) -> Result<Worked, StepError> {
    let Some(note) = waiting(context, id).await? else {
        forget(context, id).await?;
        return Ok(Worked::Gone);
    };
    let (Some(plan), Some(index)) = (plan(context, id).await?, part) else {
        let opened = open(context, &note.key(), bytes, note.mark.clone(), every, time).await?;
        if let Worked::Known(_) = opened {
            forget(context, id).await?;
        }
        return Ok(opened);
    };
    let file = bytes.holding(&plan.bytes_of(index)).await?;
    let round = match read_part(context, &plan, index, file).await? {
        Progress::Read(round) | Progress::Known(round) => round,
        Progress::Gone => return begin_again(context, &plan, bytes, every, time).await,
    };
    if round == 1 {
        ask(context, &plan, index + AT_ONCE..index + AT_ONCE + 1).await?;
    }
    match join(context, &plan).await? {
        Joined::Waiting => Ok(Worked::Part),
        Joined::Again { all, missing } => {
            // Whoever read one of them asks for the one that is so many further on.
            let own = all.iter().position(|other| *other == index).filter(|_| round == 2);
            let next: Vec<usize> = match own {
                Some(place) => all.get(place + AT_ONCE).copied().into_iter().collect(),
                None => missing.iter().copied().take(AT_ONCE).collect(),
            };
            for index in next.into_iter().filter(|index| missing.contains(index)) {
                want(context, id, Some(index)).await?;
            }
            Ok(Worked::Part)
        }
        Joined::Taken(entry) => Ok(Worked::Taken(entry)),
        Joined::Known(entry) => Ok(Worked::Known(entry)),
        Joined::Gone => begin_again(context, &plan, bytes, every, time).await,
    }
}

/// Asks for parts of the plan, as far as there are such.
async fn ask(context: &Context, plan: &Plan, parts: std::ops::Range<usize>) -> Result<(), StepError> {
    for index in parts.start..parts.end.min(plan.parts.len()) {
        want(context, &plan.id, Some(index)).await?;
    }
    Ok(())
}

/// A file whose plan is none any more: with another contract it is cut anew.
async fn begin_again(
    context: &Context,
    plan: &Plan,
    bytes: &dyn Ranges,
    every: u64,
    time: &Time,
) -> Result<Worked, StepError> {
    let note = waiting(context, &plan.id).await?;
    forget(context, &plan.id).await?;
    match note {
        Some(note) => open(context, &note.key(), bytes, note.mark.clone(), every, time).await,
        None => Ok(Worked::Gone),
    }
}
