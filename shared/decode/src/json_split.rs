//! The records of a JSON file as pieces of its text, one at a time, so that neither a long file nor a long record
//! fills memory, and a record that is not JSON spoils no other.

use std::io::BufRead;

use crate::DecodeError;
use crate::limits::RECORD_BYTES;

const BOM: &[u8] = b"\xef\xbb\xbf";
const BROKEN_OFF: DecodeError = DecodeError::Unreadable("the file breaks off within a record or before its last ]");
const NO_ARRAY: DecodeError = DecodeError::Unreadable("the file is not one JSON array of records");
const MORE: DecodeError =
    DecodeError::Unreadable("text follows the end of the JSON; one record a line is called .ndjson");

/// The text of one record.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// It was longer than a record may be, and was passed over.
    TooLong,
}

/// Bytes of a record, as long as they are not too many.
#[derive(Default)]
struct Record {
    bytes: Vec<u8>,
    too_long: bool,
}

impl Record {
    fn clear(&mut self) {
        self.bytes.clear();
        self.too_long = false;
    }

    fn extend(&mut self, more: &[u8]) {
        self.too_long |= self.bytes.len() + more.len() > RECORD_BYTES;
        if self.too_long {
            self.bytes.clear();
        } else {
            self.bytes.extend_from_slice(more);
        }
    }

    fn piece(&self) -> Piece<'_> {
        if self.too_long { Piece::TooLong } else { Piece::Whole(&self.bytes) }
    }
}

/// The lines of an NDJSON file.
pub struct Lines {
    reader: Box<dyn BufRead>,
    record: Record,
    place: u64,
}

impl Lines {
    pub fn new(reader: Box<dyn BufRead>) -> Self {
        Self { reader, record: Record::default(), place: 0 }
    }

    /// Bytes from where reading began to the end of the last line.
    pub fn place(&self) -> u64 {
        self.place
    }

    /// The next line that is not empty, without mark and white space around it; `None` after the last.
    pub fn next_record(&mut self) -> Result<Option<Piece<'_>>, DecodeError> {
        loop {
            let visible = match self.next()? {
                None => return Ok(None),
                Some(Piece::Whole(line)) => !visible(line).is_empty(),
                Some(Piece::TooLong) => true,
            };
            if visible {
                break;
            }
        }
        Ok(Some(match self.record.piece() {
            Piece::Whole(line) => Piece::Whole(visible(line)),
            Piece::TooLong => Piece::TooLong,
        }))
    }

    /// The next line, without its end; `None` after the last.
    pub fn next(&mut self) -> Result<Option<Piece<'_>>, DecodeError> {
        self.record.clear();
        let mut any = false;
        loop {
            let available = self.reader.fill_buf()?;
            if available.is_empty() {
                return Ok(any.then(|| self.record.piece()));
            }
            any = true;
            let end = available.iter().position(|byte| *byte == b'\n');
            let (line, _) = available.split_at_checked(end.unwrap_or(available.len())).unwrap_or_default();
            self.record.extend(line);
            let used = line.len() + usize::from(end.is_some());
            self.reader.consume(used);
            self.place += used as u64;
            if end.is_some() {
                return Ok(Some(self.record.piece()));
            }
        }
    }
}

/// A line without mark and white space around it.
fn visible(line: &[u8]) -> &[u8] {
    line.strip_prefix(BOM).unwrap_or(line).trim_ascii()
}

/// The elements of a JSON array; a lone object counts as an array of one.
pub struct Elements {
    reader: Box<dyn BufRead>,
    record: Record,
    place: Place,
}

/// What comes next in the text of an array.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    FirstOrEnd,
    Element,
    CommaOrEnd,
    Over,
}

/// How far a scan has come within an element.
#[derive(Default)]
struct Scan {
    depth: u64,
    in_text: bool,
    escaped: bool,
    begun: bool,
}

/// Where an element ends: with this byte, or before it.
enum End {
    With,
    Before,
}

impl Scan {
    fn step(&mut self, byte: u8) -> Option<End> {
        let first = !std::mem::replace(&mut self.begun, true);
        if self.in_text {
            return self.step_in_text(byte);
        }
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' if self.depth > 0 => {
                self.depth -= 1;
                return (self.depth == 0).then_some(End::With);
            }
            b'}' | b']' | b',' | b' ' | b'\t' | b'\n' | b'\r' if self.depth == 0 && !first => return Some(End::Before),
            _ => {}
        }
        None
    }

    fn step_in_text(&mut self, byte: u8) -> Option<End> {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => {
                self.in_text = false;
                return (self.depth == 0).then_some(End::With);
            }
            _ => {}
        }
        None
    }
}

impl Elements {
    pub fn new(reader: Box<dyn BufRead>) -> Self {
        Self { reader, record: Record::default(), place: Place::Start }
    }

    /// The next element; `None` after the last.
    pub fn next(&mut self) -> Result<Option<Piece<'_>>, DecodeError> {
        loop {
            let byte = self.next_visible()?;
            self.place = match (self.place, byte) {
                (Place::Start, Some(b'[')) => Place::FirstOrEnd,
                (Place::Start, Some(b'{')) => {
                    self.place = Place::Over;
                    return self.element().map(Some);
                }
                (Place::Start, _) => return Err(NO_ARRAY),
                (Place::FirstOrEnd | Place::CommaOrEnd, Some(b']')) => Place::Over,
                (Place::CommaOrEnd, Some(b',')) => Place::Element,
                (Place::FirstOrEnd | Place::Element, Some(byte)) if !matches!(byte, b',' | b']' | b'}') => {
                    self.place = Place::CommaOrEnd;
                    return self.element().map(Some);
                }
                (Place::Over, None) => return Ok(None),
                (Place::Over, Some(_)) => return Err(MORE),
                (_, None) => return Err(BROKEN_OFF),
                (_, Some(_)) => return Err(NO_ARRAY),
            };
            self.reader.consume(1);
        }
    }

    /// The next byte that is no white space, not yet consumed.
    fn next_visible(&mut self) -> Result<Option<u8>, DecodeError> {
        if self.place == Place::Start {
            self.skip_mark()?;
        }
        loop {
            let available = self.reader.fill_buf()?;
            let spaces = available.iter().position(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
            let used = spaces.unwrap_or(available.len());
            let byte = available.get(used).copied();
            let over = available.is_empty();
            self.reader.consume(used);
            if byte.is_some() || over {
                return Ok(byte);
            }
        }
    }

    fn skip_mark(&mut self) -> Result<(), DecodeError> {
        for mark in BOM {
            if self.reader.fill_buf()?.first() != Some(mark) {
                break;
            }
            self.reader.consume(1);
        }
        Ok(())
    }

    fn element(&mut self) -> Result<Piece<'_>, DecodeError> {
        self.record.clear();
        let mut scan = Scan::default();
        loop {
            let available = self.reader.fill_buf()?;
            if available.is_empty() {
                return Err(BROKEN_OFF);
            }
            let end = available.iter().enumerate().find_map(|(index, byte)| {
                scan.step(*byte).map(|end| match end {
                    End::With => index + 1,
                    End::Before => index,
                })
            });
            let (text, _) = available.split_at_checked(end.unwrap_or(available.len())).unwrap_or_default();
            self.record.extend(text);
            let used = text.len();
            self.reader.consume(used);
            if end.is_some() {
                return Ok(self.record.piece());
            }
        }
    }
}
