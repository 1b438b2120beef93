//! The pages of a Parquet file, checked before they are decoded: a small page may claim, or unpack to, gigabytes.

use std::ops::Range;
use std::sync::Arc;

use parquet::file::metadata::{ColumnChunkMetaData, RowGroupMetaData};
use parquet::file::reader::ChunkReader;

use super::footer::get;
use super::grammar::PAGE;
use super::thrift::{Broken, Visitor, walk};
use super::{DAMAGED, lengths};
use crate::DecodeError;
use crate::limits::{BATCH_BYTES, BATCH_ROWS, GROUP_BYTES, PAGE_BYTES};

/// Bytes of a page's header, at most; it may hold the least and greatest value of the page.
const HEADER_BYTES: u64 = 1 << 20;
const USUAL_HEADER_BYTES: u64 = 1 << 10;
/// Values of a dictionary.
const MOST_ENTRIES: i64 = 4 << 20;
/// Bytes of a column of lists in a row group: one row may hold them all.
const MOST_REPEATED: u64 = 128 << 20;
/// Bytes of any value in memory, at least.
const LEAST_VALUE: u64 = 16;

const TOO_LARGE: DecodeError =
    DecodeError::Unreadable("pages of the Parquet file are too large to read in bounded memory; write smaller ones");

/// Rows that may be read at a time.
///
/// # Errors
/// When a page is not where it should be, or asks for more than it may.
pub fn batch_rows<R: ChunkReader + 'static>(file: &Arc<R>, groups: &[RowGroupMetaData]) -> Result<usize, DecodeError> {
    let mut rows = BATCH_ROWS;
    for group in groups {
        rows = rows.min(group_rows(file, group)?);
    }
    Ok(rows.max(1))
}

/// Rows of a row group, and where its bytes stand.
///
/// # Errors
/// When that is not within a file of `length` bytes.
pub fn place(group: &RowGroupMetaData, length: u64) -> Result<(i64, Range<u64>), DecodeError> {
    let (mut start, mut end) = (length, 0);
    for column in group.columns() {
        let chunk = chunk_place(column, length)?;
        (start, end) = (start.min(chunk.start), end.max(chunk.end));
    }
    if group.num_rows() < 0 {
        return Err(DAMAGED);
    }
    Ok((group.num_rows(), start.min(end)..end))
}

fn chunk_place(column: &ColumnChunkMetaData, length: u64) -> Result<Range<u64>, DecodeError> {
    let unsigned = |value: i64| u64::try_from(value).map_err(|_| DAMAGED);
    let start = unsigned(column.dictionary_page_offset().unwrap_or(column.data_page_offset()))?;
    let end = start.checked_add(unsigned(column.compressed_size())?).filter(|end| *end <= length);
    end.map(|end| start..end).ok_or(DAMAGED)
}

fn group_rows<R: ChunkReader + 'static>(file: &Arc<R>, group: &RowGroupMetaData) -> Result<usize, DecodeError> {
    if group.num_rows() < 0 {
        return Err(DAMAGED);
    }
    let (mut held, mut row_bytes) = (0_u64, 0_u64);
    for column in group.columns() {
        let chunk = Chunk::read(file.as_ref(), column)?;
        // A dictionary's entries of fixed length are repeated for every row.
        let fixed = u64::try_from(column.column_descr().type_length()).unwrap_or_default();
        let repeats = column.column_descr().max_rep_level() > 0;
        if !repeats && chunk.values != group.num_rows() {
            return Err(DAMAGED);
        }
        if repeats && chunk.values.unsigned_abs().saturating_mul(fixed.max(LEAST_VALUE)) > MOST_REPEATED {
            return Err(DecodeError::Unreadable("a list in the Parquet file is too long"));
        }
        if chunk.lengths {
            lengths::check(file, column, group.num_rows())?;
        }
        held = held.saturating_add(chunk.largest).saturating_add(chunk.dictionary);
        row_bytes = row_bytes.saturating_add(chunk.value_bytes.max(fixed));
    }
    if held > GROUP_BYTES {
        return Err(TOO_LARGE);
    }
    Ok(usize::try_from(BATCH_BYTES as u64 / row_bytes.max(1)).unwrap_or(BATCH_ROWS))
}

/// What the pages of a column of a row group say of themselves.
#[derive(Default)]
struct Chunk {
    values: i64,
    /// Unpacked bytes of the largest page of data.
    largest: u64,
    /// Unpacked bytes of the dictionary.
    dictionary: u64,
    /// Bytes of a value in the page where they are largest.
    value_bytes: u64,
    /// Some page holds lengths packed as differences.
    lengths: bool,
}

impl Chunk {
    fn read<R: ChunkReader>(file: &R, column: &ColumnChunkMetaData) -> Result<Self, DecodeError> {
        let place = chunk_place(column, file.len())?;
        let (mut start, mut left) = (place.start, place.end - place.start);
        let mut chunk = Self::default();
        while left > 0 {
            let (header, length) = Header::read(file, start, left)?;
            let used = length + chunk.add(&header, left - length)?;
            start += used;
            left -= used;
        }
        Ok(chunk)
    }

    /// Counts a page and gives its packed bytes.
    fn add(&mut self, page: &Header, left: u64) -> Result<u64, DecodeError> {
        let size = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok()).ok_or(DAMAGED);
        let (unpacked, packed) = (size(page.unpacked)?, size(page.packed)?);
        if packed > left {
            return Err(DAMAGED);
        }
        if unpacked > PAGE_BYTES || packed > PAGE_BYTES {
            return Err(TOO_LARGE);
        }
        match (page.kind, page.data, page.entries, page.data_v2) {
            (Some(0), Some(values), None, None) | (Some(3), None, None, Some(values)) => {
                self.values = self.values.checked_add(values).filter(|_| values >= 0).ok_or(DAMAGED)?;
                self.largest = self.largest.max(unpacked).max(packed);
                // With the last encoding a value may repeat all that came before it in the page.
                let of_value = if page.encoding == Some(7) { 1 } else { values.max(1).unsigned_abs() };
                self.value_bytes = self.value_bytes.max(unpacked / of_value);
                self.lengths |= matches!(page.encoding, Some(6 | 7));
            }
            (Some(2), None, Some(entries), None) => {
                if !(0..=MOST_ENTRIES).contains(&entries) || entries.unsigned_abs() > unpacked {
                    return Err(DAMAGED);
                }
                self.dictionary = self.dictionary.max(unpacked).max(packed);
            }
            _ => return Err(DAMAGED),
        }
        Ok(packed)
    }
}

/// Header of a page.
#[derive(Default)]
struct Header {
    kind: Option<i64>,
    unpacked: Option<i64>,
    packed: Option<i64>,
    /// Values of a page of data, of a dictionary, of a page of data of the second version.
    data: Option<i64>,
    entries: Option<i64>,
    data_v2: Option<i64>,
    /// Encoding of a page of data.
    encoding: Option<i64>,
    wide: bool,
}

impl Header {
    fn read<R: ChunkReader>(file: &R, start: u64, left: u64) -> Result<(Self, u64), DecodeError> {
        for most in [USUAL_HEADER_BYTES, HEADER_BYTES] {
            let length = usize::try_from(left.min(most)).map_err(|_| DAMAGED)?;
            let mut header = Self::default();
            match walk(&get(file, start, length)?, PAGE, &mut header) {
                Ok(length) if !header.wide => return Ok((header, length as u64)),
                Err(Broken::Short) if left > most => {}
                _ => return Err(DAMAGED),
            }
        }
        Err(DAMAGED)
    }
}

impl Visitor for Header {
    fn int(&mut self, path: &[i16], value: i64) {
        // All are 32 bits wide.
        self.wide |= i32::try_from(value).is_err() && matches!(path, [1..=3] | [5 | 7 | 8, _]);
        match path {
            [1] => self.kind = Some(value),
            [2] => self.unpacked = Some(value),
            [3] => self.packed = Some(value),
            [5, 1] => self.data = Some(value),
            [8, 1] => self.data_v2 = Some(value),
            [5, 2] | [8, 4] => self.encoding = Some(value),
            [7, 1] => self.entries = Some(value),
            _ => {}
        }
    }

    fn structs(&mut self, _: &[i16], _: usize) -> bool {
        true
    }

    fn element_end(&mut self, _: &[i16]) {}
}
