//! Cells: the text of a file, cleaned as the contract says, gathered into columns.

use arrow::array::{ArrayBuilder, StringArray, StringBuilder};
use carelake_contracts::Contract;

use super::extract::Extract;
use super::limits::{BATCH_BYTES, BATCH_ROWS};
use super::{Damaged, RawBatch};

struct Cell {
    nulls: Nulls,
    default: Option<String>,
    pad: Option<usize>,
    extract: Extract,
    complete: bool,
    builder: StringBuilder,
}

/// Columns of a batch under construction.
pub struct Cells {
    columns: Vec<Cell>,
    extra: StringBuilder,
    rows: Vec<i64>,
    damaged: Vec<Damaged>,
    padded: String,
    bytes: usize,
}

impl Cells {
    pub fn new(contract: &Contract) -> Self {
        let columns = contract.columns.iter().map(|column| Cell {
            nulls: Nulls::new(contract.null_values.iter().chain(&column.null_values)),
            default: column.default.clone(),
            pad: column.pad,
            extract: Extract::of(column),
            complete: column.complete,
            builder: StringBuilder::new(),
        });
        Self {
            columns: columns.collect(),
            extra: StringBuilder::new(),
            rows: Vec::with_capacity(BATCH_ROWS),
            damaged: Vec::new(),
            padded: String::new(),
            bytes: 0,
        }
    }

    /// Adds a row: `cell` gives the text of each contract column.
    pub fn push<'a>(&mut self, row: i64, extra: Option<&str>, mut cell: impl FnMut(usize) -> Option<&'a str>) {
        self.rows.push(row);
        self.bytes += extra.map_or(0, str::len);
        self.extra.append_option(extra);
        for (index, column) in self.columns.iter_mut().enumerate() {
            self.bytes += column.append(cell(index), &mut self.padded);
        }
    }

    pub fn damage(&mut self, row: i64, check: &'static str) {
        self.damaged.push(Damaged { row, check });
    }

    /// True when the batch is as large as it should get, in rows or in bytes.
    pub fn full(&self) -> bool {
        self.rows.len() >= BATCH_ROWS || self.bytes >= BATCH_BYTES || self.damaged.len() >= BATCH_ROWS
    }

    /// The rows so far, leaving none.
    pub fn take(&mut self) -> RawBatch {
        self.bytes = 0;
        RawBatch {
            rows: std::mem::replace(&mut self.rows, Vec::with_capacity(BATCH_ROWS)),
            columns: self.columns.iter_mut().map(|column| emptied(&mut column.builder)).collect(),
            extra: self.extra.finish(),
            damaged: std::mem::take(&mut self.damaged),
        }
    }
}

/// The texts so far; the builder begins anew with room for as many, for the next batch will be like this one.
fn emptied(builder: &mut StringBuilder) -> StringArray {
    let (rows, bytes) = (builder.len(), builder.values_slice().len());
    std::mem::replace(builder, StringBuilder::with_capacity(rows, bytes + bytes / 16)).finish()
}

impl Cell {
    /// Adds a value and gives its length in bytes.
    fn append(&mut self, text: Option<&str>, padded: &mut String) -> usize {
        let text = text.map(trimmed).and_then(|text| self.extract.part(text));
        let text = text.filter(|text| !text.is_empty() && !self.nulls.contain(text));
        let Some(text) = text else {
            self.builder.append_option(self.default.as_deref());
            return 0;
        };
        match self.pad {
            Some(width) if text.len() < width => {
                padded.clear();
                padded.extend(std::iter::repeat_n('0', width - text.len()));
                padded.push_str(text);
                if self.nulls.contain(padded) {
                    self.builder.append_option(self.default.as_deref());
                } else {
                    self.builder.append_value(padded);
                }
            }
            _ => match self.rest_of_date(text) {
                Some(rest) => {
                    padded.clear();
                    padded.push_str(text);
                    padded.push_str(rest);
                    self.builder.append_value(padded);
                }
                None => self.builder.append_value(text),
            },
        }
        text.len()
    }
}

impl Cell {
    /// What a year, or a year and month, lacks to be its first day.
    fn rest_of_date(&self, text: &str) -> Option<&'static str> {
        if !self.complete {
            return None;
        }
        let digits = |bytes: &[u8]| bytes.iter().all(u8::is_ascii_digit);
        match text.as_bytes() {
            year @ [_, _, _, _] if digits(year) => Some("-01-01"),
            [year @ .., b'-', m1, m2] if year.len() == 4 && digits(year) && digits(&[*m1, *m2]) => Some("-01"),
            _ => None,
        }
    }
}

/// `str::trim`, at once for what begins and ends in visible ASCII.
fn trimmed(text: &str) -> &str {
    let visible = |byte: &u8| (b'!'..=b'~').contains(byte);
    let bytes = text.as_bytes();
    if bytes.first().is_some_and(visible) && bytes.last().is_some_and(visible) { text } else { text.trim() }
}

/// Texts that mean NULL, looked up by length first: most values have the length of none of them.
struct Nulls {
    lengths: u64,
    texts: Vec<String>,
}

impl Nulls {
    fn new<'a>(texts: impl Iterator<Item = &'a String>) -> Self {
        let texts: Vec<String> = texts.cloned().collect();
        Self { lengths: texts.iter().fold(0, |lengths, text| lengths | Self::length(text)), texts }
    }

    fn length(text: &str) -> u64 {
        1 << text.len().min(63)
    }

    fn contain(&self, text: &str) -> bool {
        self.lengths & Self::length(text) != 0 && self.texts.iter().any(|null| null == text)
    }
}
