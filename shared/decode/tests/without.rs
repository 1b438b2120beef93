//! A landing file without some of its records keeps all others as they are.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int32Array, RecordBatch, StringArray};
use carelake_contracts::{ContractSet, LandingPath};
use carelake_decode::{DecodeError, Unwanted, decode, without};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file.rewind().unwrap();
    file
}

fn left(name: &str, bytes: &[u8], records: &[i64]) -> Result<(Vec<u8>, u64), DecodeError> {
    left_but(name, bytes, records, &[], "")
}

fn left_but(
    name: &str,
    bytes: &[u8],
    records: &[i64],
    damaged: &[i64],
    field: &str,
) -> Result<(Vec<u8>, u64), DecodeError> {
    let path = LandingPath::parse(&format!("clinic/patients/{name}")).unwrap();
    let (records, damaged) = (BTreeSet::from_iter(records.to_vec()), BTreeSet::from_iter(damaged.to_vec()));
    let tells = |text: &str| text == field;
    let mut out = tempfile::tempfile().unwrap();
    let unwanted = Unwanted { records: &records, damaged: &damaged, tells: &tells };
    let gone = without(file(bytes), &path, &unwanted, &mut out)?;
    let mut left = Vec::new();
    out.read_to_end(&mut left).unwrap();
    Ok((left, gone))
}

/// Record numbers and identifiers, as the decoder sees them.
fn rows(name: &str, bytes: &[u8]) -> Vec<(i64, String)> {
    let path = LandingPath::parse(&format!("clinic/patients/{name}")).unwrap();
    let set = ContractSet::embedded().unwrap();
    let contract = set.contract("clinic", "patients").unwrap();
    let place = contract.columns.iter().position(|column| column.name == "patient_id").unwrap();
    let mut rows = Vec::new();
    decode(file(bytes), &path, contract, &mut |batch| {
        let ids = &batch.columns[place];
        rows.extend((0..ids.len()).map(|row| (batch.rows[row], ids.value(row).to_owned())));
        Ok(())
    })
    .unwrap();
    rows
}

#[test]
fn other_lines_of_csv_stay_byte_for_byte() {
    for (whole, records, wanted) in [
        ("patient_id,name\nP1,A\nP2,B\nP3,C\n", &[2][..], "patient_id,name\nP1,A\nP3,C\n"),
        ("patient_id,name\nP1,A\nP2,B", &[2], "patient_id,name\nP1,A\n"),
        ("patient_id,name\nP1,A\nP2,B", &[1], "patient_id,name\nP2,B"),
        ("patient_id,name\r\nP1,A\r\nP2,B\r\n", &[1], "patient_id,name\r\nP2,B\r\n"),
        ("patient_id,name\r\nP1,A\r\nP2,B\r\n", &[2], "patient_id,name\r\nP1,A\r\n"),
        ("patient_id,name\r\nP1,A\r\nP2,B", &[2], "patient_id,name\r\nP1,A\r\n"),
        ("patient_id,name\r\nP1,A", &[1], "patient_id,name\r\n"),
        ("\u{feff}patient_id,name\nP1,\"A\nB\"\"C\"\nP2,\"x,\"\n", &[1], "\u{feff}patient_id,name\nP2,\"x,\"\n"),
        ("patient_id,name\nP1,A\n", &[], "patient_id,name\nP1,A\n"),
        ("patient_id,name", &[], "patient_id,name"),
        ("", &[], ""),
    ] {
        let (left, gone) = left("f.csv", whole.as_bytes(), records).unwrap();
        assert_eq!(String::from_utf8(left).unwrap(), wanted, "{whole:?} without {records:?}");
        assert_eq!(gone, records.len() as u64, "{whole:?}");
    }
}

#[test]
fn a_damaged_row_goes_when_one_of_its_fields_tells_whose_it_is() {
    let whole = b"patient_id,name\nP1,A,x\nP2\n\xff,P1\nP1x,A,y\n P1 ,A,y\n";
    let (left, gone) = left_but("f.csv", whole, &[], &[1, 2, 3, 4, 5], "P1").unwrap();
    assert_eq!(left, b"patient_id,name\nP2\nP1x,A,y\n");
    assert_eq!(gone, 3);
    let lines = b"{\"patient_id\": \"P1\", \n{\"patient_id\": \"P2\"\n";
    assert_eq!(left_but("f.ndjson", lines, &[], &[1, 2], "P1").unwrap().0, b"{\"patient_id\": \"P2\"\n");
}

#[test]
fn other_lines_of_ndjson_stay_byte_for_byte() {
    let whole = b"\xef\xbb\xbf{\"patient_id\":\"P1\"}\r\n\r\n  {\"patient_id\" : \"P2\"}\n{\"patient_id\":\"P3\"}";
    let (without_two, _) = left("f.ndjson", whole, &[1, 3]).unwrap();
    assert_eq!(without_two, b"\xef\xbb\xbf\r\n  {\"patient_id\" : \"P2\"}\n");
    assert_eq!(rows("f.ndjson", &left("f.ndjson", whole, &[2]).unwrap().0).len(), 2);
}

#[test]
fn other_records_of_an_array_stay_byte_for_byte() {
    let one = r#"{"patient_id": "P1", "name": "[\"},{\\"}"#;
    let two = r#"{"patient_id": "P2", "visits": [{"a": [1, 2]}, {}]}"#;
    let three = r#"{ "patient_id":"P3" }"#;
    let whole = format!(" [\n  {one},\n  {two},\n  {three}\n]\n");
    for (records, wanted) in [
        (&[1][..], format!(" [\n  {two},\n  {three}\n]\n")),
        (&[2], format!(" [\n  {one},\n  {three}\n]\n")),
        (&[3], format!(" [\n  {one},\n  {two}\n]\n")),
        (&[1, 2], format!(" [\n  {three}\n]\n")),
        (&[1, 2, 3], " [\n]\n".to_owned()),
        (&[], whole.clone()),
    ] {
        let (left, gone) = left("f.json", whole.as_bytes(), records).unwrap();
        assert_eq!(String::from_utf8(left.clone()).unwrap(), wanted, "{records:?}");
        assert_eq!(gone, records.len() as u64);
        assert_eq!(rows("f.json", &left).len(), 3 - records.len());
    }
    assert_eq!(left("f.json", br#"{"patient_id": "P1"}"#, &[1]).unwrap().0, b"[]\n");
    assert_eq!(left("f.json", b"[]", &[1]).unwrap(), (b"[]".to_vec(), 0));
    assert!(left("f.json", br#"[{"patient_id": "P1"}, {"#, &[1]).is_err());
}

#[test]
fn compressed_files_stay_compressed() {
    let whole = b"patient_id,name\nP1,A\nP2,B\n";
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(whole).unwrap();
    for (name, bytes) in [("f.csv.gz", gzip.finish().unwrap()), ("f.csv.zst", zstd::encode_all(&whole[..], 0).unwrap())]
    {
        let (left, gone) = left(name, &bytes, &[1]).unwrap();
        assert_eq!(gone, 1);
        assert_eq!(rows(name, &left), [(1, "P2".to_owned())], "{name}");
    }
}

#[test]
fn rows_of_parquet_go_and_its_metadata_stays() {
    let columns: [(&str, ArrayRef); 2] = [
        ("patient_id", Arc::new(StringArray::from(vec!["P1", "P2", "P3"]))),
        ("weight", Arc::new(Int32Array::from(vec![Some(1), None, Some(3)]))),
    ];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let pair = KeyValue::new("sender".to_owned(), Some("north".to_owned()));
    let properties = WriterProperties::builder().set_key_value_metadata(Some(vec![pair.clone()])).build();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    let (left, gone) = left("f.parquet", &writer.into_inner().unwrap(), &[2]).unwrap();
    assert_eq!(gone, 1);
    assert_eq!(rows("f.parquet", &left), [(1, "P1".to_owned()), (2, "P3".to_owned())]);
    let reader = ParquetRecordBatchReaderBuilder::try_new(file(&left)).unwrap();
    assert!(reader.metadata().file_metadata().key_value_metadata().unwrap().contains(&pair));
    assert_eq!(reader.schema().field(1).data_type(), &arrow::datatypes::DataType::Int32);
}
