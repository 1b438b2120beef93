//! Rows that wait for their partition's turn: in memory while they are few, in a nameless scratch file beyond that.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Cursor;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::row::OwnedRow;
use arrow_ipc::CompressionType;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use carelake_lake::Lake;

use crate::error::{ErrorKind, LakeError};

/// Bytes of rows that wait in memory.
const HELD: usize = 32 << 20;
/// Rows of a batch that waits in the file.
const BATCH: usize = 8192;
/// Bytes of rows that are written to the file, and read back, at a time.
const PIECE: usize = 4 << 20;

/// Rows by partition, each in the order in which they came.
pub(crate) struct Spool {
    lake: Lake,
    schema: SchemaRef,
    limit: usize,
    held: usize,
    file: Option<Arc<File>>,
    length: u64,
    partitions: BTreeMap<OwnedRow, Waiting>,
}

/// The rows of a partition: those in the file came first.
#[derive(Default)]
struct Waiting {
    pieces: Vec<(u64, usize)>,
    batches: Vec<RecordBatch>,
    bytes: usize,
}

impl Spool {
    /// A spool for rows of a schema.
    pub(crate) fn new(lake: &Lake, schema: SchemaRef) -> Self {
        Self { lake: lake.clone(), schema, limit: HELD, held: 0, file: None, length: 0, partitions: BTreeMap::new() }
    }

    /// Takes rows of a partition in.
    pub(crate) fn add(&mut self, partition: OwnedRow, rows: RecordBatch) -> Result<(), LakeError> {
        let bytes = rows.get_array_memory_size();
        let waiting = self.partitions.entry(partition).or_default();
        waiting.batches.push(rows);
        waiting.bytes += bytes;
        self.held += bytes;
        if self.held > self.limit { self.spill() } else { Ok(()) }
    }

    /// Writes the largest partitions down until half of what may be held is free.
    fn spill(&mut self) -> Result<(), LakeError> {
        let file = match &self.file {
            Some(file) => file.clone(),
            None => self.file.insert(Arc::new(self.lake.scratch_file()?)).clone(),
        };
        let mut largest: Vec<&mut Waiting> = self.partitions.values_mut().filter(|one| one.bytes > 0).collect();
        largest.sort_by_key(|waiting| std::cmp::Reverse(waiting.bytes));
        for waiting in largest {
            if self.held <= self.limit / 2 {
                break;
            }
            for piece in pieces(std::mem::take(&mut waiting.batches)) {
                let bytes = encoded(&self.schema, piece).map_err(|error| broken(&error))?;
                let written = file.write_all_at(&bytes, self.length);
                written.map_err(|error| LakeError::io("writing rows that wait", &error))?;
                waiting.pieces.push((self.length, bytes.len()));
                self.length += bytes.len() as u64;
            }
            self.held -= std::mem::take(&mut waiting.bytes);
        }
        Ok(())
    }

    /// The partitions in order, each with its rows.
    pub(crate) fn into_partitions(self) -> impl Iterator<Item = (OwnedRow, Spooled)> {
        let file = self.file;
        let spooled = move |waiting: Waiting| Spooled {
            file: file.clone(),
            pieces: waiting.pieces.into_iter(),
            read: Vec::new().into_iter(),
            batches: waiting.batches.into_iter(),
        };
        self.partitions.into_iter().map(move |(partition, waiting)| (partition, spooled(waiting)))
    }
}

/// The rows of one partition.
pub(crate) struct Spooled {
    file: Option<Arc<File>>,
    pieces: std::vec::IntoIter<(u64, usize)>,
    read: std::vec::IntoIter<RecordBatch>,
    batches: std::vec::IntoIter<RecordBatch>,
}

impl Iterator for Spooled {
    type Item = Result<RecordBatch, LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.read.next() {
                return Some(Ok(batch));
            }
            let Some((file, (at, length))) = self.file.as_ref().zip(self.pieces.next()) else {
                return self.batches.next().map(Ok);
            };
            match piece(file, at, length) {
                Ok(batches) => self.read = batches.into_iter(),
                Err(error) => return Some(Err(error)),
            }
        }
    }
}

/// Batches in pieces of about [`PIECE`] bytes.
fn pieces(batches: Vec<RecordBatch>) -> Vec<Vec<RecordBatch>> {
    let mut pieces: Vec<Vec<RecordBatch>> = Vec::new();
    let mut room = 0;
    for batch in batches {
        let bytes = batch.get_array_memory_size();
        match pieces.last_mut() {
            Some(piece) if bytes <= room => piece.push(batch),
            _ => {
                pieces.push(vec![batch]);
                room = PIECE;
            }
        }
        room = room.saturating_sub(bytes);
    }
    pieces
}

/// A piece in Arrow's stream format, small batches put together.
fn encoded(schema: &SchemaRef, batches: Vec<RecordBatch>) -> Result<Vec<u8>, ArrowError> {
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), schema, options)?;
    let mut small: Vec<RecordBatch> = Vec::new();
    for batch in batches {
        small.push(batch);
        if small.iter().map(RecordBatch::num_rows).sum::<usize>() >= BATCH {
            writer.write(&concat_batches(schema, &std::mem::take(&mut small))?)?;
        }
    }
    if !small.is_empty() {
        writer.write(&concat_batches(schema, &small)?)?;
    }
    writer.into_inner()
}

fn piece(file: &File, at: u64, length: usize) -> Result<Vec<RecordBatch>, LakeError> {
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, at).map_err(|error| LakeError::io("reading rows that wait", &error))?;
    let batches = StreamReader::try_new(Cursor::new(bytes), None).and_then(Iterator::collect);
    batches.map_err(|error| broken(&error))
}

fn broken(error: &ArrowError) -> LakeError {
    LakeError::new(ErrorKind::Corrupt, "keeping rows that wait").caused_by(error)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray};
    use arrow::datatypes::Int64Type;
    use arrow::row::{RowConverter, SortField};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn rows_come_back_by_partition_in_the_order_in_which_they_came(
            given in prop::collection::vec((0_u8..5, 1_usize..40), 0..40),
            limit in 0_usize..40_000,
        ) {
            let folder = tempfile::tempdir().unwrap();
            let lake = Lake::open(folder.path()).unwrap();
            let converter = RowConverter::new(vec![SortField::new(arrow::datatypes::DataType::Utf8)]).unwrap();
            let rows = |count: usize, from: i64| {
                let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values((from..).take(count)));
                RecordBatch::try_from_iter([("number", numbers)]).unwrap()
            };
            let mut spool = Spool { limit, ..Spool::new(&lake, rows(0, 0).schema()) };
            let mut wanted: BTreeMap<String, Vec<i64>> = BTreeMap::new();
            let mut next = 0;
            for (partition, count) in given {
                let name: ArrayRef = Arc::new(StringArray::from(vec![partition.to_string()]));
                let key = converter.convert_columns(&[name]).unwrap().row(0).owned();
                spool.add(key, rows(count, next)).unwrap();
                prop_assert!(spool.held <= limit);
                wanted.entry(partition.to_string()).or_default().extend((next..).take(count));
                next += i64::try_from(count).unwrap();
            }
            let mut found = BTreeMap::new();
            for (partition, rows) in spool.into_partitions() {
                let name = converter.convert_rows([partition.row()]).unwrap();
                let mut numbers: Vec<i64> = Vec::new();
                for batch in rows {
                    numbers.extend(batch.unwrap().column(0).as_primitive::<Int64Type>().values());
                }
                found.insert(name.first().unwrap().as_string::<i32>().value(0).to_owned(), numbers);
            }
            prop_assert_eq!(found, wanted);
        }
    }
}
