//! Records of a CSV file, one at a time, in memory that a hostile record cannot grow.
//!
//! Plain records are split where they stand in the block that was read; csv-core reads the header and all others.

use std::io::{ErrorKind, Read};
use std::ops::Range;

use csv_core::{ReadRecordResult, Reader};

use super::DecodeError;
use super::csv_plain::{Place, Split, split};
use super::limits::{RECORD_BYTES, RECORD_FIELDS};

const BLOCK: usize = 1 << 18;
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

/// A part of a file; `at` is where the next record begins.
struct Block {
    reader: Box<dyn Read>,
    bytes: Vec<u8>,
    /// Bytes of the file before those of the block.
    before: u64,
    at: usize,
    filled: usize,
    ended: bool,
}

impl Block {
    fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..self.filled).unwrap_or_default()
    }

    /// Moves what is left to the front and reads on behind it; false when there is no more, or no room.
    fn refill(&mut self) -> Result<bool, DecodeError> {
        self.bytes.copy_within(self.at..self.filled, 0);
        self.before += self.at as u64;
        (self.at, self.filled) = (0, self.filled - self.at);
        let before = self.filled;
        while !self.ended {
            let Some(room) = self.bytes.get_mut(self.filled..).filter(|room| !room.is_empty()) else { break };
            match self.reader.read(room) {
                Ok(0) => self.ended = true,
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(self.filled > before)
    }
}

/// The bytes of the present record.
enum Present {
    /// In the block.
    Plain(Range<usize>),
    /// The first so many of `bytes`.
    Parsed(usize),
}

/// Reads records into buffers that are used again for each.
pub struct Records {
    block: Block,
    parser: Reader,
    begun: bool,
    present: Present,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    places: Vec<Place>,
}

impl Records {
    pub fn new(reader: Box<dyn Read>) -> Self {
        Self::in_blocks(reader, BLOCK)
    }

    /// Reads `block` bytes at a time, at least 4: the parser takes a byte-order mark and nothing after it for the end.
    fn in_blocks(reader: Box<dyn Read>, block: usize) -> Self {
        Self {
            block: Block { reader, bytes: vec![0; block], before: 0, at: 0, filled: 0, ended: false },
            parser: Reader::new(),
            begun: false,
            present: Present::Parsed(0),
            bytes: vec![0; FIRST_BYTES],
            ends: vec![0; FIRST_FIELDS],
            places: Vec::new(),
        }
    }

    /// Reads on behind the end of a record, where a byte-order mark is text.
    pub fn going_on(reader: Box<dyn Read>) -> Self {
        let mut records = Self { begun: true, ..Self::new(reader) };
        records.parser.read_record(b"\n", &mut records.bytes, &mut records.ends);
        records
    }

    /// Bytes from where reading began to the end of the last record.
    pub fn place(&self) -> u64 {
        self.block.before + self.block.at as u64
    }

    /// Reads the next record.
    ///
    /// # Errors
    /// When the storage or the decompression fails.
    pub fn next(&mut self) -> Result<Next, DecodeError> {
        // A byte-order mark is the parser's.
        while self.begun {
            match split(self.block.rest(), &mut self.places) {
                Split::Record { text, all } if self.places.len() <= RECORD_FIELDS => {
                    self.present = Present::Plain(self.block.at..self.block.at + text);
                    self.block.at += all;
                    return Ok(Next::Record);
                }
                Split::CutShort if self.block.refill()? => {}
                _ => break,
            }
        }
        self.begun = true;
        self.parse()
    }

    fn parse(&mut self) -> Result<Next, DecodeError> {
        let (mut length, mut fields, mut too_large) = (0, 0, false);
        let whole = loop {
            if self.block.rest().is_empty() {
                self.block.refill()?;
            }
            let (bytes, ends) = (self.bytes.get_mut(length..), self.ends.get_mut(fields..));
            let (result, read, written, ended) =
                self.parser.read_record(self.block.rest(), bytes.unwrap_or_default(), ends.unwrap_or_default());
            self.block.at += read;
            length += written;
            fields += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.bytes.len() < RECORD_BYTES => {
                    self.bytes.resize(self.bytes.len() * 2, 0);
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() < RECORD_FIELDS => {
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                // The rest is read over what is there already.
                ReadRecordResult::OutputFull => (length, too_large) = (0, true),
                ReadRecordResult::OutputEndsFull => (fields, too_large) = (0, true),
                ReadRecordResult::Record => break !too_large,
                ReadRecordResult::End => return Ok(Next::End),
            }
        };
        self.present = Present::Parsed(length);
        self.places.clear();
        let mut start = 0;
        for end in self.ends.iter().take(fields) {
            self.places.push((start, *end));
            start = *end;
        }
        Ok(if whole { Next::Record } else { Next::TooLarge })
    }

    /// Number of fields of the present record.
    pub fn width(&self) -> usize {
        self.places.len()
    }

    /// The present record as text; `None` when a field is not UTF-8.
    pub fn text(&self) -> Option<Fields<'_>> {
        let places = self.places.as_slice();
        let text = match &self.present {
            Present::Plain(place) => std::str::from_utf8(self.block.bytes.get(place.clone())?).ok()?,
            Present::Parsed(length) => {
                let text = std::str::from_utf8(self.bytes.get(..*length)?).ok()?;
                // Halves of a character in two fields make a whole one when they stand side by side.
                let whole = text.is_ascii() || places.iter().all(|(_, end)| text.is_char_boundary(*end));
                whole.then_some(text)?
            }
        };
        Some(Fields { text, places })
    }
}

/// Fields of one record.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a> {
    text: &'a str,
    places: &'a [Place],
}

impl<'a> Fields<'a> {
    /// A field.
    pub fn get(&self, index: usize) -> Option<&'a str> {
        let (start, end) = *self.places.get(index)?;
        self.text.get(start..end)
    }

    /// Every field in turn.
    pub fn iter(self) -> impl Iterator<Item = &'a str> {
        (0..self.places.len()).filter_map(move |index| self.get(index))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    /// Records as csv-core alone reads them; `None` for one that is not text.
    fn parsed(bytes: &[u8]) -> Vec<Option<Vec<String>>> {
        let (mut parser, mut records, mut rest, mut ended) = (Reader::new(), Vec::new(), bytes, false);
        let (mut output, mut ends) = (vec![0; bytes.len() + 1], vec![0; bytes.len() + 1]);
        let (mut length, mut fields) = (0, 0);
        while !ended {
            let (result, read, written, found) = parser.read_record(rest, &mut output[length..], &mut ends[fields..]);
            rest = &rest[read..];
            (length, fields) = (length + written, fields + found);
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::Record => {
                    let starts = [0].iter().chain(&ends);
                    let texts = starts.zip(&ends).take(fields).map(|(start, end)| output[*start..*end].to_vec());
                    records.push(texts.map(|text| String::from_utf8(text).ok()).collect());
                    (length, fields) = (0, 0);
                }
                ReadRecordResult::End => ended = true,
                full => panic!("{full:?}"),
            }
        }
        records
    }

    fn read(bytes: &[u8], block: usize) -> Vec<Option<Vec<String>>> {
        let mut records = Records::in_blocks(Box::new(Cursor::new(bytes.to_vec())), block);
        let mut found = Vec::new();
        while records.next().unwrap() == Next::Record {
            found.push(records.text().map(|fields| fields.iter().map(str::to_owned).collect()));
            assert!(found.last().unwrap().as_ref().is_none_or(|fields: &Vec<String>| fields.len() == records.width()));
        }
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn records_are_those_of_the_parser_whatever_the_size_of_blocks(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    &b","[..], b",", b"\n", b"\n", b"\r\n", b"\r", b"\"", b"\"\"", b",\"", b"\",", b"\"\n", b"a", b"bc",
                    b"-", b" ", b"0123456789", "\u{e9}".as_bytes(), b"\xc3", b"\xa9", b"\0", "\u{feff}".as_bytes(),
                ]),
                0..60,
            ),
            block in 4_usize..40,
        ) {
            let bytes = pieces.concat();
            let wanted = parsed(&bytes);
            prop_assert_eq!(&read(&bytes, block), &wanted);
            prop_assert_eq!(read(&bytes, BLOCK), wanted);
        }
    }
}
