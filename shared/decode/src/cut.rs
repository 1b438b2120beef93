//! Cutting a landing file into parts that are read by themselves, and give the rows that reading all of it gives.
//!
//! Nobody can tell from the middle of a CSV file whether a line end is within quotes. So a [`Cutter`] reads the whole text
//! once, with the reader that takes it apart, counts records and notes where some of them end. That is quick: nothing is
//! typed, checked or stored. A Parquet file tells in its footer where its row groups stand.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use carelake_contracts::{Compression, Contract, FileFormat, LandingPath};
use parquet::file::reader::ChunkReader;
use serde::{Deserialize, Serialize};

use crate::csv_records::{Next, Records};
use crate::json_split::Lines;
use crate::{BUFFER, DecodeError, Header, Sink, content, csv_file, json_file, limits, parquet_file};

/// Bytes between two looks at the time.
const PATIENCE: u64 = 1 << 20;

/// Whole records of a file that stand side by side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Its first byte.
    pub start: u64,
    /// The byte behind its last.
    pub end: u64,
    /// Records above it.
    pub before: i64,
    /// The row groups that it is made of, in Parquet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub groups: Option<Range<usize>>,
}

/// True for files that can be read in parts. Compressed text can be read from its beginning alone, and an array is one
/// value.
pub fn can_be_cut(path: &LandingPath) -> bool {
    match path.format {
        FileFormat::Csv | FileFormat::NdJson => path.compression == Compression::None,
        FileFormat::Parquet => true,
        FileFormat::Json => false,
    }
}

/// How far the cutting of a text has come. It can be stored, and go on elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cutter {
    every: u64,
    /// Bytes of the header, which each part is read with.
    pub header: u64,
    /// Bytes that were cut: reading goes on there.
    pub place: u64,
    records: i64,
    /// The parts that have an end.
    parts: Vec<Part>,
    start: u64,
    before: i64,
}

impl Cutter {
    /// A cutter whose parts end with the first record that ends at `every` bytes or later.
    pub fn new(every: u64) -> Self {
        Self { every: every.max(1), header: 0, place: 0, records: 0, parts: Vec::new(), start: 0, before: 0 }
    }

    /// Reads on, from `place` to the end of the file, or until there is no `time` left; whether the end was reached.
    ///
    /// # Errors
    /// When the file cannot be read: it is not what its name says.
    pub fn read<R: Read + 'static>(
        &mut self,
        reader: R,
        path: &LandingPath,
        contract: &Contract,
        time: &dyn Fn() -> bool,
    ) -> Result<bool, DecodeError> {
        let buffered = BufReader::with_capacity(BUFFER, reader);
        let reader: Box<dyn BufRead> = if self.place == 0 { content::text(buffered)? } else { Box::new(buffered) };
        match path.format {
            FileFormat::Csv => self.read_csv(reader, contract, time),
            _ => self.read_lines(reader, time),
        }
    }

    fn read_csv(
        &mut self,
        reader: Box<dyn BufRead>,
        contract: &Contract,
        time: &dyn Fn() -> bool,
    ) -> Result<bool, DecodeError> {
        let from = self.place;
        let mut records = if from == 0 { Records::new(reader) } else { Records::going_on(reader) };
        if from == 0 {
            csv_file::header(&mut records, contract)?;
            self.header = records.place();
            (self.place, self.start) = (self.header, self.header);
        }
        while records.next()? != Next::End {
            if !self.passed(from + records.place(), time) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn read_lines(&mut self, reader: Box<dyn BufRead>, time: &dyn Fn() -> bool) -> Result<bool, DecodeError> {
        let from = self.place;
        let mut lines = Lines::new(reader);
        while let Some(piece) = lines.next_record()? {
            if self.records == 0 {
                json_file::no_array(&piece)?;
            }
            if !self.passed(from + lines.place(), time) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Counts a record that ends at `end`; false when time is up.
    fn passed(&mut self, end: u64, time: &dyn Fn() -> bool) -> bool {
        if self.place - self.start >= self.every {
            self.parts.push(Part { start: self.start, end: self.place, before: self.before, groups: None });
            (self.start, self.before) = (self.place, self.records);
        }
        let look = self.place / PATIENCE != end / PATIENCE;
        self.records += 1;
        self.place = end;
        !look || time()
    }

    /// The parts of a file of `length` bytes that was read to its end.
    pub fn parts(mut self, length: u64) -> Vec<Part> {
        self.parts.push(Part { start: self.start, end: length, before: self.before, groups: None });
        self.parts
    }
}

/// Bytes at the end of a Parquet file in which its footer stands.
pub fn parquet_tail(length: u64) -> Range<u64> {
    length.saturating_sub(limits::FOOTER_BYTES as u64 + 8)..length
}

/// The parts of a Parquet file: row groups of about `every` bytes together. Only its first bytes and its footer are read.
///
/// # Errors
/// When it is not Parquet, or has none of the contract's columns.
pub fn cut_parquet<R: ChunkReader>(file: &R, contract: &Contract, every: u64) -> Result<Vec<Part>, DecodeError> {
    let mut parts: Vec<Part> = Vec::new();
    let mut before = 0;
    for (group, (rows, place)) in parquet_file::groups(file, contract)?.into_iter().enumerate() {
        match parts.last_mut().filter(|part| part.end.saturating_sub(part.start) < every) {
            Some(part) => {
                (part.start, part.end) = (part.start.min(place.start), part.end.max(place.end));
                part.groups = part.groups.take().map(|groups| groups.start..group + 1);
            }
            None => parts.push(Part { start: place.start, end: place.end, before, groups: Some(group..group + 1) }),
        }
        before = before.checked_add(rows).ok_or(parquet_file::DAMAGED)?;
    }
    if parts.is_empty() {
        parts.push(Part { start: 0, end: 0, before, groups: Some(0..0) });
    }
    Ok(parts)
}

/// What was read of a part.
#[derive(Debug)]
pub struct PartRead {
    /// What the header said, or what keys were met.
    pub header: Header,
    /// Bytes of text that the part became, where the whole file has a limit of them.
    pub unpacked: u64,
}

/// Reads a part of a file, of which at least `header` bytes, those of the part, and the end stand in `file`.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode_part(
    file: File,
    header: u64,
    part: &Part,
    path: &LandingPath,
    contract: &Contract,
    sink: &mut Sink<'_>,
) -> Result<PartRead, DecodeError> {
    if let Some(groups) = &part.groups {
        let most = limits::unpacked(file.metadata()?.len());
        let mut left = most;
        let header = parquet_file::decode_groups(file, groups.clone(), contract, part.before, &mut left, sink)?;
        return Ok(PartRead { header, unpacked: most - left });
    }
    let head = Section { file: file.try_clone()?, place: 0..header };
    let body = Section { file, place: part.start..part.end };
    let reader: Box<dyn BufRead> = Box::new(BufReader::with_capacity(BUFFER, head.chain(body)));
    let header = match path.format {
        FileFormat::Csv => csv_file::decode(reader, contract, part.before, sink)?,
        _ => json_file::decode_lines(reader, contract, part.before, sink)?,
    };
    Ok(PartRead { header, unpacked: 0 })
}

/// Some bytes of a file.
struct Section {
    file: File,
    place: Range<u64>,
}

impl Read for Section {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.place.end.saturating_sub(self.place.start)).unwrap_or(usize::MAX);
        let most = left.min(buffer.len());
        let read = self.file.read_at(buffer.get_mut(..most).unwrap_or_default(), self.place.start)?;
        if read == 0 && most > 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.place.start += read as u64;
        Ok(read)
    }
}
