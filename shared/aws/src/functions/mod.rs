//! What the functions do: notices in, steps done, an answer for each.

mod conform;
mod erase;
mod ingest;
mod landed;
mod large;
mod maintain;
mod models;
mod publish;
mod review;

pub use conform::Conform;
pub use ingest::Ingest;
pub use maintain::Maintain;
pub use models::{Score, Train};
pub use publish::Publish;

use carelake_sql::views::{View, Views};
use carelake_steps::StepError;

use crate::event::{Notice, ObjectRef};
use crate::job::{Done, Job};

/// The definitions of gold that ship with carelake.
fn views() -> Result<Vec<View>, StepError> {
    let views = Views::embedded().map_err(|error| StepError::Invalid(error.to_string()))?;
    Ok(views.views().cloned().collect())
}

/// The same outcome for every notice of a piece of work.
fn all(notices: &[Notice], done: Result<(), StepError>) -> Vec<Done> {
    notices.iter().map(|_| done.clone()).collect()
}

/// An object of the lake's bucket under a prefix of the ledger: the sender that it is of.
fn ledger_source<'a>(job: &Job, object: &'a ObjectRef, prefix: &str) -> Option<&'a str> {
    let key = object.key.expose().strip_prefix(prefix).filter(|_| object.bucket == job.place.config.lake)?;
    key.split('/').next().filter(|source| !source.is_empty())
}
