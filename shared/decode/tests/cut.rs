//! A file that is cut anywhere gives the rows that it gives in one pass.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::cell::Cell;
use std::fs::File;
use std::io::{Cursor, Write};
use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use carelake_contracts::{ContractSet, LandingPath};
use carelake_decode::{Cutter, DecodeError, Part, can_be_cut, cut_parquet, decode_part};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use support::{HEADER, Read, read};

/// Read once: there are many cases.
static CONTRACTS: LazyLock<ContractSet> = LazyLock::new(|| ContractSet::embedded().unwrap());

fn file_of(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

/// Where a text is cut, by a reader that stops and goes on elsewhere after each `patience` looks at the time.
fn cut(path: &str, bytes: &[u8], every: u64, patience: u32) -> Result<(u64, Vec<Part>), &'static str> {
    let path = LandingPath::parse(path).unwrap();
    let contract = CONTRACTS.contract(&path.source, &path.dataset).unwrap();
    let mut cutter = Cutter::new(every);
    loop {
        let rest = bytes[usize::try_from(cutter.place).unwrap()..].to_vec();
        let looks = Cell::new(0);
        let time = || {
            looks.set(looks.get() + 1);
            looks.get() <= patience
        };
        match cutter.read(Cursor::new(rest), &path, contract, &time) {
            Ok(true) => return Ok((cutter.header, cutter.parts(bytes.len() as u64))),
            // As it is stored between two invocations.
            Ok(false) => cutter = serde_json::from_str(&serde_json::to_string(&cutter).unwrap()).unwrap(),
            Err(DecodeError::Unreadable(reason)) => return Err(reason),
            Err(other) => panic!("{other:?}"),
        }
    }
}

/// Reads the parts one after the other, each from a file that holds nothing but what it needs.
fn read_parts(path: &str, bytes: &[u8], header: u64, parts: &[Part]) -> Read {
    let path = LandingPath::parse(path).unwrap();
    let contract = CONTRACTS.contract(&path.source, &path.dataset).unwrap();
    let mut all = Read { rows: Vec::new(), damaged: Vec::new(), end: Err("no part") };
    for part in parts {
        let kept = |place: u64| place < header || (part.start..part.end).contains(&place) || part.groups.is_some();
        let only: Vec<u8> = (0..).zip(bytes).map(|(place, byte)| if kept(place) { *byte } else { b'"' }).collect();
        let done = decode_part(file_of(&only), header, part, &path, contract, &mut |batch| {
            let text = |column: &StringArray, row: usize| column.is_valid(row).then(|| column.value(row).to_owned());
            for (index, row) in batch.rows.iter().enumerate() {
                let texts = batch.columns.iter().map(|column| text(column, index)).collect();
                all.rows.push((*row, texts, text(&batch.extra, index)));
            }
            all.damaged.extend(batch.damaged.iter().map(|damage| (damage.row, damage.check)));
            Ok(())
        });
        all.end = match done {
            Ok(read) => Ok(read.header),
            Err(DecodeError::Unreadable(reason)) => Err(reason),
            Err(other) => panic!("{other:?}"),
        };
    }
    all
}

/// Pieces of CSV: quotes, line ends of every kind, halves of characters, marks, NUL.
fn csv_pieces() -> impl Strategy<Value = Vec<u8>> {
    let pieces = vec![
        &b","[..],
        b",",
        b",",
        b"\n",
        b"\n",
        b"\r\n",
        b"\r",
        b"\"",
        b"\"\"",
        b",\"",
        b"\",",
        b"\"\n",
        b"P1,Ann,F,,,Oslo\n",
        b"\"a\nb\",x,,,,\r\n",
        b"P2,\"Bob \"\"B\"\"\r\n\",M,,,\n",
        b"-",
        b" ",
        b"0123456789",
        "\u{e9}".as_bytes(),
        "\u{1f600},".as_bytes(),
        b"\xc3",
        b"\xa9",
        b"\0",
        "\u{feff}".as_bytes(),
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..60).prop_map(|pieces| pieces.concat())
}

fn line_pieces() -> impl Strategy<Value = Vec<u8>> {
    let pieces = vec![
        &br#"{"patient_id": "P1", "name": "Ann"}"#[..],
        br#"{"patient_id": "P2", "town": {"a": "\u00e9"}}"#,
        b"\n",
        b"\n",
        b"\r\n",
        b"  ",
        b"{",
        b"}",
        b"[",
        b"\"",
        "{\"patient_id\": \"\u{1f600}\"}\n".as_bytes(),
        b"\xc3",
        "\u{feff}".as_bytes(),
        b"null",
    ];
    prop::collection::vec(prop::sample::select(pieces), 0..40).prop_map(|pieces| pieces.concat())
}

fn same(path: &str, bytes: &[u8], every: u64) -> Result<(), TestCaseError> {
    let whole = read(path, bytes);
    match cut(path, bytes, every, 0) {
        Ok((header, parts)) => {
            let seam = |pair: &[Part]| pair[0].end == pair[1].start && pair[0].end - pair[0].start >= every;
            prop_assert!(parts.windows(2).all(seam), "{:?}", parts);
            prop_assert_eq!(parts.last().unwrap().end, bytes.len() as u64);
            let parted = read_parts(path, bytes, header, &parts);
            prop_assert_eq!(&parted.rows, &whole.rows, "{:?}", parts);
            prop_assert_eq!(&parted.damaged, &whole.damaged, "{:?}", parts);
            prop_assert_eq!(parted.end.is_ok(), whole.end.is_ok());
        }
        Err(reason) => prop_assert_eq!(reason, whole.reason()),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn csv_cut_at_any_size_gives_the_rows_of_one_pass(body in csv_pieces(), mark in any::<bool>(), every in 1_u64..80) {
        let bytes = [if mark { "\u{feff}" } else { "" }.as_bytes(), HEADER.as_bytes(), &body].concat();
        same("clinic/patients/a.csv", &bytes, every)?;
    }

    #[test]
    fn ndjson_cut_at_any_size_gives_the_rows_of_one_pass(bytes in line_pieces(), every in 1_u64..120) {
        same("clinic/patients/a.ndjson", &bytes, every)?;
    }

    #[test]
    fn parquet_cut_between_row_groups_gives_the_rows_of_one_pass(
        rows in 1_usize..60, group in 1_usize..20, every in 1_u64..4_000
    ) {
        let id: ArrayRef = Arc::new(StringArray::from_iter_values((0..rows).map(|row| format!("P{row}"))));
        let more: ArrayRef = Arc::new(StringArray::from_iter_values((0..rows).map(|row| "x".repeat(row))));
        let batch = RecordBatch::try_from_iter([("patient_id", id), ("more", more)]).unwrap();
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group)).build();
        let mut bytes = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        let path = "clinic/patients/a.parquet";
        let parts = cut_parquet(&file_of(&bytes), CONTRACTS.contract("clinic", "patients").unwrap(), every).unwrap();
        let parted = read_parts(path, &bytes, 0, &parts);
        prop_assert_eq!(parted.rows, read(path, &bytes).good().rows);
        let wanted: usize = parts.iter().map(|part| part.groups.as_ref().unwrap().len()).sum();
        prop_assert_eq!(wanted, rows.div_ceil(group));
    }
}

#[test]
fn a_reader_that_runs_out_of_time_goes_on_where_it_stopped() {
    let rows: String = (0..60_000).map(|row| format!("P{row},\"Ann\nof {row}\",F,1980-01-01,A+,Oslo\r\n")).collect();
    let bytes = format!("\u{feff}{HEADER}{rows}").into_bytes();
    let at_once = cut("clinic/patients/a.csv", &bytes, 100_000, u32::MAX).unwrap();
    assert!(at_once.1.len() > 20);
    assert_eq!(cut("clinic/patients/a.csv", &bytes, 100_000, 0).unwrap(), at_once);
}

#[test]
fn what_is_not_what_its_name_says_is_not_cut() {
    assert_eq!(
        cut("clinic/patients/a.csv", b"a,b\n1,2\n", 1, 1),
        Err("the first line has none of the contract's column names")
    );
    assert_eq!(
        cut("clinic/patients/a.csv", b"PAR1....", 1, 1),
        Err("the content is Parquet; end the name in .parquet")
    );
    let array = cut("clinic/patients/a.ndjson", b" [{}]", 1, 1);
    assert_eq!(array, Err("the content is a JSON array; end the name in .json"));
}

#[test]
fn compressed_text_and_arrays_cannot_be_cut() {
    let cuttable = |name: &str| can_be_cut(&LandingPath::parse(&format!("clinic/patients/{name}")).unwrap());
    assert!(["a.csv", "a.ndjson", "a.parquet"].into_iter().all(cuttable));
    assert!(!["a.csv.gz", "a.csv.zst", "a.ndjson.gz", "a.json"].into_iter().any(cuttable));
}
