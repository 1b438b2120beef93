//! JSON without some records: the text of all others is copied.

use std::io::{BufRead, Read, Write};

use super::{Unwanted, invalid, put};
use crate::DecodeError;

/// Longest line or record, in bytes, as in the decoder.
const LONGEST: u64 = 256 << 20;

/// Pieces of text that cannot be parsed, as far as they can be told apart.
fn pieces(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| b"\"':,{}[]\\ \t\r\n".contains(byte)).filter(|piece| !piece.is_empty())
}

pub fn copy_lines(
    mut reader: Box<dyn BufRead>,
    unwanted: &Unwanted<'_>,
    out: &mut dyn Write,
) -> Result<u64, DecodeError> {
    let (mut line, mut record, mut gone) = (Vec::new(), 0_i64, 0_u64);
    loop {
        line.clear();
        let read = Read::take(&mut reader, LONGEST).read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            return Ok(gone);
        }
        if read == LONGEST {
            return Err(invalid("a line is too long").into());
        }
        let mark = if line.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let text = line.get(mark..).unwrap_or_default().trim_ascii();
        let filled = !text.is_empty();
        record += i64::from(filled);
        if filled && unwanted.goes(record, pieces(text)) {
            gone += 1;
            put(out, line.get(..mark).unwrap_or_default())?;
        } else {
            put(out, &line)?;
        }
    }
}

/// Where a scan of an array stands.
#[derive(Default)]
struct Scan {
    depth: usize,
    quoted: bool,
    escaped: bool,
}

impl Scan {
    /// Takes a byte; true when it ends an element of the outer array.
    fn ends(&mut self, byte: u8) -> bool {
        if self.quoted {
            (self.quoted, self.escaped) = match byte {
                _ if self.escaped => (true, false),
                b'\\' => (true, true),
                b'"' => (false, false),
                _ => (true, false),
            };
            return false;
        }
        match byte {
            b'"' => self.quoted = true,
            b'[' | b'{' => self.depth += 1,
            b']' | b'}' => {
                self.depth = self.depth.saturating_sub(1);
                return self.depth == 0;
            }
            b',' => return self.depth == 1,
            _ => {}
        }
        false
    }
}

/// Copies an array; a lone object is its only record and leaves an empty array.
pub fn copy_array(
    mut reader: Box<dyn BufRead>,
    unwanted: &Unwanted<'_>,
    out: &mut dyn Write,
) -> Result<u64, DecodeError> {
    let mut head = Vec::new();
    let opening = loop {
        match next(&mut reader)? {
            Some(byte @ (b'[' | b'{')) => break byte,
            Some(byte) => head.push(byte),
            None => return Err(invalid("not an array of records").into()),
        }
    };
    put(out, &head)?;
    if opening == b'{' {
        let mut rest = vec![opening];
        Read::take(&mut reader, LONGEST).read_to_end(&mut rest)?;
        let gone = unwanted.goes(1, pieces(&rest));
        put(out, if gone { b"[]\n" } else { &rest })?;
        return Ok(u64::from(gone));
    }
    put(out, b"[")?;
    let mut scan = Scan { depth: 1, ..Scan::default() };
    let (mut element, mut record, mut kept, mut gone) = (Vec::new(), 0_i64, 0_u64, 0_u64);
    loop {
        let byte = next(&mut reader)?.ok_or_else(|| invalid("the array breaks off"))?;
        if !scan.ends(byte) {
            element.push(byte);
            if element.len() as u64 > LONGEST {
                return Err(invalid("a record is too long").into());
            }
            continue;
        }
        let text = element.trim_ascii();
        record += i64::from(!text.is_empty());
        if !text.is_empty() && unwanted.goes(record, pieces(text)) {
            gone += 1;
            if byte == b']' {
                put(out, trailing(&element))?;
            }
        } else {
            put(out, if kept > 0 && !text.is_empty() { b"," } else { b"" })?;
            put(out, &element)?;
            kept += 1;
        }
        element.clear();
        if byte == b']' {
            put(out, b"]")?;
            std::io::copy(&mut reader, out).map_err(DecodeError::Storage)?;
            return Ok(gone);
        }
    }
}

/// Blanks after the last record.
fn trailing(element: &[u8]) -> &[u8] {
    element.get(element.trim_ascii_end().len()..).unwrap_or_default()
}

fn next(reader: &mut Box<dyn BufRead>) -> Result<Option<u8>, DecodeError> {
    let byte = reader.fill_buf()?.first().copied();
    if byte.is_some() {
        reader.consume(1);
    }
    Ok(byte)
}
