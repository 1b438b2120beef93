//! A Parquet file being written by a thread of its own, so that encoding and reading go on side by side.

use std::fs::File;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use carelake_lake::{ErrorKind, Lake, LakeError, parquet_properties};
use parquet::arrow::ArrowWriter;
use parquet::basic::Encoding;
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use crate::error::StepError;

/// Batches that may wait for the writer.
const WAITING: usize = 2;

/// A scratch file that takes batches.
pub struct Output {
    batches: Option<SyncSender<RecordBatch>>,
    writer: Option<JoinHandle<Result<File, ParquetError>>>,
}

impl Output {
    pub fn new(lake: &Lake, schema: SchemaRef) -> Result<Self, StepError> {
        let file = lake.scratch_file()?;
        let properties = properties(&schema);
        let mut writer = ArrowWriter::try_new(file, schema, Some(properties)).map_err(|e| failed(&e))?;
        let (batches, waiting) = sync_channel::<RecordBatch>(WAITING);
        let writer = std::thread::Builder::new()
            .name("parquet".to_owned())
            .spawn(move || {
                for batch in waiting {
                    writer.write(&batch)?;
                }
                writer.into_inner()
            })
            .map_err(|error| LakeError::io("starting a writer", &error))?;
        Ok(Self { batches: Some(batches), writer: Some(writer) })
    }

    /// Hands a batch on; waits while the writer is behind.
    pub fn write(&mut self, batch: RecordBatch) -> Result<(), StepError> {
        let stopped = self.batches.as_ref().is_none_or(|batches| batches.send(batch).is_err());
        if stopped { self.close().map(drop) } else { Ok(()) }
    }

    /// Ends the file and gives its handle.
    pub fn finish(mut self) -> Result<File, StepError> {
        self.close()
    }

    /// Waits for the writer and says what it ended with.
    fn close(&mut self) -> Result<File, StepError> {
        let stopped = || LakeError::new(ErrorKind::Transient, "writing a scratch file");
        self.batches = None;
        let writer = self.writer.take().ok_or_else(stopped)?;
        let written = writer.join().map_err(|_| stopped())?;
        written.map_err(|error| failed(&error))
    }
}

/// Without what nobody reads: nobody looks for a text in bronze by its smallest and greatest value. Differences of moments
/// are smaller than the moments, and need no search for matches.
pub fn properties(schema: &Schema) -> WriterProperties {
    let mut properties = parquet_properties().into_builder().set_statistics_enabled(EnabledStatistics::Chunk);
    for field in schema.fields() {
        let column = ColumnPath::from(vec![field.name().clone()]);
        properties = match field.data_type() {
            DataType::Utf8 => properties.set_column_statistics_enabled(column, EnabledStatistics::None),
            // Where a dictionary grows too large.
            DataType::Timestamp(_, _) | DataType::Int64 => {
                properties.set_column_encoding(column, Encoding::DELTA_BINARY_PACKED)
            }
            _ => properties,
        };
    }
    properties.build()
}

pub fn failed(error: &ParquetError) -> StepError {
    let io = match error {
        ParquetError::External(cause) => cause.downcast_ref::<std::io::Error>(),
        _ => None,
    };
    match io {
        Some(io) => LakeError::io("writing a scratch file", io).into(),
        None => LakeError::new(ErrorKind::Transient, "writing a scratch file").caused_by(error).into(),
    }
}
