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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Cursor;

    use arrow::array::Array;
    use carelake_contracts::ContractSet;

    use super::*;

    /// Rows of a file of visit events: visit, drug, position of the drug, and what the contract does not know.
    fn rows(text: &str) -> (Vec<[Option<String>; 4]>, Header) {
        let set = ContractSet::embedded().unwrap();
        let contract = set.contract("source_a", "visit_events").unwrap();
        let place = |name: &str| contract.columns.iter().position(|column| column.name == name).unwrap();
        let places = [place("visit_id"), place("drug"), place("treatment_position")];
        let mut rows = Vec::new();
        let mut take = |batch: crate::RawBatch| {
            for row in 0..batch.rows.len() {
                let text = |array: &arrow::array::StringArray| array.is_valid(row).then(|| array.value(row).to_owned());
                let [visit, drug, position] = places.map(|index| text(&batch.columns[index]));
                rows.push([visit, drug, position, text(&batch.extra)]);
            }
            Ok(())
        };
        let header = decode_array(Box::new(Cursor::new(text.to_owned())), contract, &mut take).unwrap();
        (rows, header)
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn arrays_are_exploded_with_their_positions() {
        let (rows, _) = rows(
            r#"[{"patient_id": "P", "visits": [{"visit_id": "V", "diagnoses":
                [{"code": "A", "treatments": [{"drug": "x"}, {"drug": "x"}]}]}]}]"#,
        );
        assert_eq!(rows, [[some("V"), some("x"), some("1"), None], [some("V"), some("x"), some("2"), None]]);
    }

    #[test]
    fn an_empty_or_missing_array_keeps_one_row_with_nulls() {
        let (rows, _) = rows(
            r#"[{"patient_id": "P"}, {"patient_id": "P", "visits": []}, {"patient_id": "P", "visits": [{"visit_id": "V"}]}]"#,
        );
        assert_eq!(rows, [[None, None, None, None], [None, None, None, None], [some("V"), None, None, None]]);
    }

    #[test]
    fn an_unknown_key_at_any_depth_is_kept_and_reported() {
        let (rows, header) =
            rows(r#"[{"patient_id": "P", "nickname": "N", "visits": [{"visit_id": "V", "room": 7}]}]"#);
        assert_eq!(rows[0][3], some(r#"{"nickname":"N","visits[].room":7}"#));
        assert_eq!(header.unknown, ["nickname", "visits[].room"]);
    }

    #[test]
    fn a_file_that_breaks_off_is_unreadable() {
        let set = ContractSet::embedded().unwrap();
        let contract = set.contract("source_a", "visit_events").unwrap();
        let text = r#"[{"patient_id": "P"}, {"#;
        let result = decode_array(Box::new(Cursor::new(text)), contract, &mut |_| Ok(()));
        assert!(matches!(result, Err(DecodeError::Unreadable(_))));
    }
}
