//! Parquet, by column name; values pass through text, so that one set of rules types every format.
//!
//! The library that decodes Parquet believes what a file says of its sizes, and panics on some damage. So lengths are
//! checked first, which keeps memory bounded, and a panic counts as damage of the file.

mod footer;
mod grammar;
mod lengths;
mod pages;
mod text;
mod thrift;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchReader};
use arrow::datatypes::{Schema, SchemaRef};
use bytes::Bytes;
use carelake_contracts::Contract;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::reader::{ChunkReader, Length};

use crate::batches::Batches;
use crate::{DecodeError, Header, Sink, limits, presentable};
use text::Texts;

pub const DAMAGED: DecodeError = DecodeError::Unreadable("the file is not Parquet, or damaged");

pub fn decode<R: ChunkReader + 'static>(
    file: R,
    contract: &Contract,
    sink: &mut Sink<'_>,
) -> Result<Header, DecodeError> {
    let mut left = limits::unpacked(file.len());
    rows_of(open(file)?, contract, 0, &mut left, sink)
}

/// Reads some of the row groups of a file, above which stand `before` rows; `left` is how many bytes of text the whole
/// file may still become.
pub fn decode_groups<R: ChunkReader + 'static>(
    file: R,
    groups: Range<usize>,
    contract: &Contract,
    before: i64,
    left: &mut u64,
    sink: &mut Sink<'_>,
) -> Result<Header, DecodeError> {
    rows_of(open_groups(file, Some(groups))?, contract, before, left, sink)
}

fn rows_of(
    mut reader: ParquetBatches,
    contract: &Contract,
    before: i64,
    left: &mut u64,
    sink: &mut Sink<'_>,
) -> Result<Header, DecodeError> {
    let layout = Layout::new(&reader.schema(), contract)?;
    let mut batches = Batches::new(contract, sink);
    let mut row = before;
    while let Some(batch) = reader.read()? {
        layout.rows(&batch, &mut row, left, &mut batches)?;
    }
    batches.finish()?;
    Ok(layout.header)
}

/// Sees whether the file has columns of the contract, and where its row groups stand: rows, and first and last byte.
pub fn groups<R: ChunkReader>(file: &R, contract: &Contract) -> Result<Vec<(i64, Range<u64>)>, DecodeError> {
    let metadata = Arc::new(footer::read(file)?);
    let typed = guarded(|| with_own_types(metadata.clone()))??;
    Layout::new(typed.schema(), contract)?;
    metadata.row_groups().iter().map(|group| pages::place(group, file.len())).collect()
}

/// A Parquet file whose sizes have been checked.
pub struct ParquetBatches(ParquetRecordBatchReader);

/// Opens a Parquet file.
///
/// # Errors
/// When it is not Parquet, or asks for more than it may.
pub fn open<R: ChunkReader + 'static>(file: R) -> Result<ParquetBatches, DecodeError> {
    open_groups(file, None)
}

fn open_groups<R: ChunkReader + 'static>(file: R, groups: Option<Range<usize>>) -> Result<ParquetBatches, DecodeError> {
    let metadata = Arc::new(footer::read(&file)?);
    let file = Arc::new(file);
    let all = 0..metadata.num_row_groups();
    let groups = groups.unwrap_or_else(|| all.clone());
    if groups.end > all.end {
        return Err(DAMAGED);
    }
    let batch_rows = pages::batch_rows(&file, metadata.row_groups().get(groups.clone()).unwrap_or_default())?;
    let metadata = guarded(|| with_own_types(metadata))??;
    let mut builder =
        ParquetRecordBatchReaderBuilder::new_with_metadata(Shared(file), metadata).with_batch_size(batch_rows);
    if groups != all {
        builder = builder.with_row_groups(groups.collect());
    }
    guarded(|| builder.build())?.map(ParquetBatches).map_err(|_| DAMAGED)
}

impl ParquetBatches {
    /// The columns.
    pub fn schema(&self) -> SchemaRef {
        self.0.schema()
    }

    /// The next rows; `None` after the last.
    ///
    /// # Errors
    /// When they are damaged.
    pub fn read(&mut self) -> Result<Option<RecordBatch>, DecodeError> {
        guarded(|| self.0.next())?.transpose().map_err(|_| DAMAGED)
    }
}

/// A file that the checks and the reader share.
struct Shared<R>(Arc<R>);

impl<R: ChunkReader> Length for Shared<R> {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl<R: ChunkReader> ChunkReader for Shared<R> {
    type T = R::T;

    fn get_read(&self, start: u64) -> parquet::errors::Result<R::T> {
        self.0.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        self.0.get_bytes(start, length)
    }
}

/// Runs work of the library; a panic of it is damage of the file.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, DecodeError> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| DAMAGED)
}

/// The file's columns in types that are read without copying, and that hold every moment.
fn with_own_types(metadata: Arc<ParquetMetaData>) -> Result<ArrowReaderMetadata, DecodeError> {
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let found = ArrowReaderMetadata::try_new(metadata.clone(), options.clone()).map_err(|_| DAMAGED)?;
    let own = text::own_schema(found.schema(), metadata.file_metadata().schema());
    ArrowReaderMetadata::try_new(metadata, options.with_schema(Arc::new(own))).map_err(|_| DAMAGED)
}

/// Where the contract's columns stand in the file.
struct Layout {
    places: Vec<Option<usize>>,
    unknown: Vec<(usize, String)>,
    header: Header,
}

impl Layout {
    fn new(schema: &Schema, contract: &Contract) -> Result<Self, DecodeError> {
        let place = |headers: &[String]| {
            headers
                .iter()
                .find_map(|wanted| schema.fields().iter().position(|field| field.name().eq_ignore_ascii_case(wanted)))
        };
        let places: Vec<Option<usize>> = contract.columns.iter().map(|column| place(&column.headers)).collect();
        if places.iter().all(Option::is_none) {
            return Err(DecodeError::Unreadable("the file has none of the contract's columns"));
        }
        let fields = schema.fields().iter().enumerate();
        let unknown: Vec<(usize, String)> = fields
            .filter(|(index, _)| !places.contains(&Some(*index)))
            .map(|(index, field)| (index, field.name().clone()))
            .collect();
        let missing = contract.columns.iter().zip(&places).filter(|(_, place)| place.is_none());
        let header = Header {
            unknown: unknown.iter().map(|(_, name)| presentable(name)).collect(),
            missing: missing.map(|(column, _)| column.name.clone()).collect(),
        };
        Ok(Self { places, unknown, header })
    }

    /// Hands the rows of a batch on; `left` is how many more bytes of text the file may become.
    fn rows(
        &self,
        batch: &RecordBatch,
        row: &mut i64,
        left: &mut u64,
        batches: &mut Batches<'_, '_>,
    ) -> Result<(), DecodeError> {
        let mut texts = guarded(|| Texts::new(batch))??;
        for index in 0..batch.num_rows() {
            *row += 1;
            let read = guarded(|| texts.read(index))?;
            *left = left.checked_sub(texts.bytes()).ok_or(DecodeError::Unreadable(limits::OVER))?;
            match read {
                Ok(()) => {
                    let extra = texts.extra(&self.unknown);
                    batches.push(*row, extra.as_deref(), |column| texts.get(self.places.get(column).copied()??))?;
                }
                Err(check) => batches.damage(*row, check)?,
            }
        }
        Ok(())
    }
}
