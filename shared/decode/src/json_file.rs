//! JSON: one array of records, or one record a line.

use std::io::BufRead;

use carelake_contracts::Contract;

use crate::batches::Batches;
use crate::json_explode::Exploder;
use crate::json_record::parse;
use crate::json_split::{Elements, Lines, Piece};
use crate::{DecodeError, Header, SIZE, Sink};

/// Records on their way to rows.
struct Records<'a, 'b, 's> {
    exploder: Exploder<'a>,
    batches: Batches<'b, 's>,
    row: i64,
}

impl<'a, 'b, 's> Records<'a, 'b, 's> {
    fn new(contract: &'a Contract, sink: &'b mut Sink<'s>) -> Result<Self, DecodeError> {
        Ok(Self { exploder: Exploder::new(contract)?, batches: Batches::new(contract, sink), row: 0 })
    }

    fn push(&mut self, piece: &Piece<'_>) -> Result<(), DecodeError> {
        self.row += 1;
        let record = match piece {
            Piece::Whole(text) => parse(text).map(|record| (record, text.len())),
            Piece::TooLong => Err(SIZE),
        };
        match record {
            Ok((record, length)) => self.exploder.push(self.row, &record, length, &mut self.batches),
            Err(check) => self.batches.damage(self.row, check),
        }
    }

    fn finish(self) -> Result<Header, DecodeError> {
        self.batches.finish()?;
        Ok(self.exploder.header())
    }
}

pub fn decode_array(reader: Box<dyn BufRead>, contract: &Contract, sink: &mut Sink<'_>) -> Result<Header, DecodeError> {
    let mut records = Records::new(contract, sink)?;
    let mut elements = Elements::new(reader);
    while let Some(piece) = elements.next()? {
        records.push(&piece)?;
    }
    records.finish()
}

/// Reads a file, or some of its records, of which `before` stand above those.
pub fn decode_lines(
    reader: Box<dyn BufRead>,
    contract: &Contract,
    before: i64,
    sink: &mut Sink<'_>,
) -> Result<Header, DecodeError> {
    let mut records = Records::new(contract, sink)?;
    records.row = before;
    let mut lines = Lines::new(reader);
    while let Some(piece) = lines.next_record()? {
        if records.row == 0 {
            no_array(&piece)?;
        }
        records.push(&piece)?;
    }
    records.finish()
}

/// Sees whether the first record of lines begins an array instead.
pub fn no_array(first: &Piece<'_>) -> Result<(), DecodeError> {
    match first {
        Piece::Whole([b'[', ..]) => Err(DecodeError::Unreadable("the content is a JSON array; end the name in .json")),
        _ => Ok(()),
    }
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
