//! What a step can fail with, and whether running it again can help.

use std::fmt;

use carelake_lake::{ErrorKind, LakeError};

/// A failed step. Texts name places and causes, never values of rows.
#[derive(Debug, Clone)]
pub enum StepError {
    /// Storage failed.
    Lake(LakeError),
    /// A query could not be planned or run; the text is of contract or gold SQL, never of data.
    Query {
        /// What was being done.
        context: String,
        /// What the engine said.
        problem: String,
    },
    /// The work asked for makes no sense.
    Invalid(String),
    /// carelake counted wrong: rows would be lost or doubled, so the step stopped.
    Conservation(String),
}

impl StepError {
    /// True when running the whole step again may succeed.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Lake(error) if error.kind.retryable())
    }

    /// True when another writer committed first, or removed the files of a version that it had replaced.
    pub fn overtaken(&self) -> bool {
        matches!(self, Self::Lake(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::NotFound))
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lake(error) => error.fmt(f),
            Self::Query { context, problem } => write!(f, "{context}: {problem}"),
            Self::Invalid(text) => f.write_str(text),
            Self::Conservation(text) => write!(f, "{text}; this is an error in carelake, please report it"),
        }
    }
}

impl std::error::Error for StepError {}

impl From<LakeError> for StepError {
    fn from(error: LakeError) -> Self {
        Self::Lake(error)
    }
}
