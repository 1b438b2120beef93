//! Parquet objects of the lake, read batch by batch.

use std::fs::File;

use carelake_lake::{ErrorKind, LakeError};
use parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use crate::error::StepError;

/// An object that is not what carelake wrote.
pub fn broken(what: impl std::fmt::Display) -> StepError {
    LakeError::new(ErrorKind::Corrupt, "rewriting an object").caused_by(what).into()
}

/// The rows of an object.
pub fn batches(file: &File) -> Result<ParquetRecordBatchReader, StepError> {
    let file = file.try_clone().map_err(broken)?;
    ParquetRecordBatchReaderBuilder::try_new(file).and_then(|builder| builder.build()).map_err(broken)
}
