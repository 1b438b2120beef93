//! CSV without some records: the bytes of all others are copied.

use std::io::{BufRead, Write};

use csv_core::{ReadRecordResult, Reader};

use super::{Unwanted, put};
use crate::DecodeError;
use crate::limits::RECORD_BYTES;

const MOST_FIELDS: usize = 1 << 16;

/// Splits bytes into records as the decoder does, and keeps the bytes of the present one.
struct Splitter {
    reader: Box<dyn BufRead>,
    parser: Reader,
    raw: Vec<u8>,
    fields: Vec<u8>,
    ends: Vec<usize>,
    length: usize,
    width: usize,
    copied: bool,
}

impl Splitter {
    /// Reads the next record; false at the end of the file. A record that is too large is copied while it is read.
    fn next(&mut self, out: &mut dyn Write) -> Result<bool, DecodeError> {
        (self.length, self.width, self.copied) = (0, 0, false);
        self.raw.clear();
        loop {
            let input = self.reader.fill_buf()?;
            let (bytes, ends) = (self.fields.get_mut(self.length..), self.ends.get_mut(self.width..));
            let (result, read, written, ended) =
                self.parser.read_record(input, bytes.unwrap_or_default(), ends.unwrap_or_default());
            self.raw.extend_from_slice(input.get(..read).unwrap_or_default());
            self.reader.consume(read);
            self.length += written;
            self.width += ended;
            match result {
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if self.fields.len() < RECORD_BYTES => {
                    self.fields.resize(self.fields.len() * 2, 0);
                }
                ReadRecordResult::OutputEndsFull if self.ends.len() < MOST_FIELDS => {
                    self.ends.resize(self.ends.len() * 2, 0);
                }
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => {
                    (self.length, self.width, self.copied) = (0, 0, true);
                }
                ReadRecordResult::Record => return Ok(true),
                ReadRecordResult::End => return Ok(false),
            }
            if self.copied {
                put(out, &self.raw)?;
                self.raw.clear();
            }
        }
    }

    fn fields(&self) -> impl Iterator<Item = &[u8]> {
        let start = |index: usize| index.checked_sub(1).and_then(|before| self.ends.get(before).copied()).unwrap_or(0);
        (0..self.width).filter_map(move |index| self.fields.get(start(index)..*self.ends.get(index)?))
    }
}

pub fn copy(reader: Box<dyn BufRead>, unwanted: &Unwanted<'_>, out: &mut dyn Write) -> Result<u64, DecodeError> {
    let mut records = Splitter {
        reader,
        parser: Reader::new(),
        raw: Vec::new(),
        fields: vec![0; 1 << 12],
        ends: vec![0; 1 << 6],
        length: 0,
        width: 0,
        copied: false,
    };
    if !records.next(out)? {
        put(out, &records.raw)?;
        return Ok(0);
    }
    put(out, &records.raw)?;
    // Of a line end in two bytes, the parser leaves the second one to the next record.
    let mut owed = records.raw.ends_with(b"\r");
    let (mut record, mut gone) = (0_i64, 0_u64);
    while records.next(out)? {
        record += 1;
        if !records.copied && unwanted.goes(record, records.fields()) {
            gone += 1;
            continue;
        }
        put(out, &records.raw)?;
        owed = records.raw.ends_with(b"\r");
    }
    put(out, &records.raw)?;
    if owed && gone > 0 && !records.raw.starts_with(b"\n") {
        put(out, b"\n")?;
    }
    Ok(gone)
}
