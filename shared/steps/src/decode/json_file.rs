//! JSON: one array of records, or one record a line.

use std::fmt;
use std::io::BufRead;

use carelake_contracts::Contract;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::cells::Cells;
use super::json_explode::Exploder;
use super::{DecodeError, Header, Sink};

/// Longest line of an NDJSON file, in bytes.
const LONGEST_LINE: u64 = 256 << 20;

struct State<'a, 's> {
    exploder: Exploder<'a>,
    cells: Cells,
    row: i64,
    sink: &'s mut Sink<'s>,
    failed: Option<DecodeError>,
}

impl State<'_, '_> {
    fn record(&mut self, record: &Value) -> Result<(), DecodeError> {
        self.row += 1;
        self.exploder.push(self.row, record, &mut self.cells);
        self.flush_if_full()
    }

    fn flush_if_full(&mut self) -> Result<(), DecodeError> {
        if self.cells.full() { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), DecodeError> {
        (self.sink)(self.cells.take()).map_err(DecodeError::Sink)
    }
}

pub fn decode_array(reader: Box<dyn BufRead>, contract: &Contract, sink: &mut Sink<'_>) -> Result<Header, DecodeError> {
    let mut forward = |batch| sink(batch);
    let mut state = State {
        exploder: Exploder::new(contract)?,
        cells: Cells::new(contract),
        row: 0,
        sink: &mut forward,
        failed: None,
    };
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let parsed = Records(&mut state).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    if let Some(error) = state.failed.take() {
        return Err(error);
    }
    if let Err(error) = parsed {
        return Err(match error.io_error_kind() {
            Some(kind) => std::io::Error::from(kind).into(),
            None => DecodeError::Unreadable("the file is not one JSON array of records"),
        });
    }
    state.flush()?;
    Ok(state.exploder.header())
}

/// Hands the records of an array on one by one; a lone object is one record.
struct Records<'r, 'a, 's>(&'r mut State<'a, 's>);

impl<'de> DeserializeSeed<'de> for Records<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Records<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut records: A) -> Result<(), A::Error> {
        while let Some(record) = records.next_element::<Value>()? {
            if let Err(error) = self.0.record(&record) {
                self.0.failed = Some(error);
                return Err(serde::de::Error::custom("stopped"));
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<(), A::Error> {
        let mut record = Map::new();
        while let Some((key, value)) = fields.next_entry::<String, Value>()? {
            record.insert(key, value);
        }
        if let Err(error) = self.0.record(&Value::Object(record)) {
            self.0.failed = Some(error);
            return Err(serde::de::Error::custom("stopped"));
        }
        Ok(())
    }
}

pub fn decode_lines(
    mut reader: Box<dyn BufRead>,
    contract: &Contract,
    sink: &mut Sink<'_>,
) -> Result<Header, DecodeError> {
    let mut forward = |batch| sink(batch);
    let mut state = State {
        exploder: Exploder::new(contract)?,
        cells: Cells::new(contract),
        row: 0,
        sink: &mut forward,
        failed: None,
    };
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = std::io::Read::take(&mut reader, LONGEST_LINE).read_until(b'\n', &mut line)? as u64;
        if read == 0 {
            break;
        }
        if read == LONGEST_LINE {
            return Err(DecodeError::Unreadable("a line is longer than 256 MiB"));
        }
        let text = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line).trim_ascii();
        if text.is_empty() {
            continue;
        }
        match serde_json::from_slice::<Value>(text) {
            Ok(record) => state.record(&record)?,
            Err(_) => {
                state.row += 1;
                state.cells.damage(state.row, ".row.encoding");
                state.flush_if_full()?;
            }
        }
    }
    state.flush()?;
    Ok(state.exploder.header())
}
