//! Records of a CSV file, one at a time, in memory that a hostile record cannot grow.

use std::io::BufRead;
use std::ops::Range;

use csv_core::{ReadRecordResult, Reader};

use super::DecodeError;
use super::limits::{RECORD_BYTES, RECORD_FIELDS};

const FIRST_BYTES: usize = 1 << 12;
const FIRST_FIELDS: usize = 1 << 6;

/// What stands where a record should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// A record.
    Record,
    /// A record that is too large to be kept; the next one can be read.
    TooLarge,
    /// The end of the file.
    End,
}

/// Reads records into one buffer that is used again for each.
pub struct Records {
    reader: Box<dyn BufRead>,
    parser: Reader,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    length: usize,
    fields: usize,
}

impl Records {
    pub fn new(reader: Box<dyn BufRead>) -> Self {
        Self {
            reader,
            parser: Reader::new(),
            bytes: vec![0; FIRST_BYTES],
            ends: vec![0; FIRST_FIELDS],
            length: 0,
            fields: 0,
        }
    }

    /// Reads the next record.
    ///
    /// # Errors
    /// When the storage or the decompression fails.
    pub fn next(&mut self) -> Result<Next, DecodeError> {
        (self.length, self.fields) = (0, 0);
        let mut too_large = false;
        loop {
            let input = self.reader.fill_buf()?;
            let (bytes, ends) = (self.bytes.get_mut(self.length..), self.ends.get_mut(self.fields..));
            let (result, read, written, ended) =
                self.parser.read_record(input, bytes.unwrap_or_default(), ends.unwrap_or_default());
            self.reader.consume(read);
            self.length += written;
            self.fields += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.bytes.len() < RECORD_BYTES => {
                    self.bytes.resize(self.bytes.len() * 2, 0);
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() < RECORD_FIELDS => {
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                // The rest is read over what is there already.
                ReadRecordResult::OutputFull => (self.length, too_large) = (0, true),
                ReadRecordResult::OutputEndsFull => (self.fields, too_large) = (0, true),
                ReadRecordResult::Record if too_large => return Ok(Next::TooLarge),
                ReadRecordResult::Record => return Ok(Next::Record),
                ReadRecordResult::End => return Ok(Next::End),
            }
        }
    }

    /// Number of fields of the present record.
    pub fn width(&self) -> usize {
        self.fields
    }

    /// The present record as text, its fields one after the other; `None` when a field is not UTF-8.
    pub fn text(&self) -> Option<Fields<'_>> {
        let text = std::str::from_utf8(self.bytes.get(..self.length)?).ok()?;
        let ends = self.ends.get(..self.fields)?;
        // Halves of a character in two fields make a whole one when they stand side by side.
        let whole = text.is_ascii() || ends.iter().all(|end| text.is_char_boundary(*end));
        whole.then_some(Fields { text, ends })
    }
}

/// Fields of one record.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    text: &'a str,
    ends: &'a [usize],
}

impl<'a> Fields<'a> {
    /// A field.
    pub fn get(&self, index: usize) -> Option<&'a str> {
        self.text.get(self.range(index)?)
    }

    /// Every field in turn.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        (0..self.ends.len()).filter_map(move |index| self.get(index))
    }

    fn range(&self, index: usize) -> Option<Range<usize>> {
        let start = match index.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        Some(start..*self.ends.get(index)?)
    }
}
