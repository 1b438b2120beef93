//! Errors of the query engine as errors of a step.

use carelake_lake::{ErrorKind, LakeError};
use carelake_tables::{EngineError, explain};
use datafusion::error::DataFusionError;

pub use carelake_ingest::StepError;

/// From the query engine.
pub trait QueryError {
    /// From a failed query.
    fn query(context: impl Into<String>, error: &DataFusionError) -> Self;
}

impl QueryError for StepError {
    fn query(context: impl Into<String>, error: &DataFusionError) -> Self {
        let context = context.into();
        match LakeError::query(context.clone(), error) {
            storage if storage.kind != ErrorKind::Invalid => Self::Lake(storage),
            _ => Self::Query { context, problem: explain(error) },
        }
    }
}
