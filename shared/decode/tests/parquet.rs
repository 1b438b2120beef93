//! Parquet files of every form: typed rightly, or refused before they fill memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryArray, Date32Array, Decimal128Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray,
    TimestampMicrosecondArray, TimestampNanosecondArray,
};
use arrow::datatypes::{Int32Type, Int64Type};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, Int96, Int96Type};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use support::{Read, patients};

fn plain() -> WriterPropertiesBuilder {
    WriterProperties::builder()
}

fn zstd() -> WriterPropertiesBuilder {
    plain().set_compression(Compression::ZSTD(ZstdLevel::default()))
}

fn file(columns: Vec<(&str, ArrayRef)>, properties: WriterPropertiesBuilder) -> Vec<u8> {
    let batch = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)));
    let batch = batch.unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties.build())).unwrap();
    writer.write(&batch).unwrap();
    writer.into_inner().unwrap()
}

fn texts(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn refused(bytes: impl AsRef<[u8]>, reason: &str) {
    let read = patients("a.parquet", bytes);
    assert!(read.reason().contains(reason), "{}", read.reason());
}

fn small() -> Vec<u8> {
    file(vec![("patient_id", texts(&[Some("P1"), Some("P2"), None]))], plain())
}

#[test]
fn every_encoding_compression_and_version_gives_the_same_rows() {
    let columns = || vec![("patient_id", texts(&[Some("P1"), None, Some("P3")])), ("name", texts(&[Some("A"); 3]))];
    let wanted = patients("a.parquet", file(columns(), plain())).good().rows;
    assert_eq!(wanted.len(), 3);
    for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
        for encoding in [Encoding::PLAIN, Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY] {
            for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::GZIP(Default::default())] {
                let properties = plain().set_writer_version(version).set_encoding(encoding);
                let properties = properties.set_dictionary_enabled(false).set_compression(compression);
                let read = patients("a.parquet", file(columns(), properties)).good();
                assert_eq!(read.rows, wanted, "{version:?} {encoding} {compression}");
            }
        }
    }
}

#[test]
fn moments_dates_and_decimals_are_read_to_the_last_digit() {
    let moments = vec![Some(1_709_168_523_000_001), None];
    let zoned: ArrayRef = Arc::new(TimestampMicrosecondArray::from(moments.clone()).with_timezone("Europe/Oslo"));
    let utc: ArrayRef = Arc::new(TimestampMicrosecondArray::from(moments.clone()).with_timezone("UTC"));
    let local: ArrayRef = Arc::new(TimestampMicrosecondArray::from(moments));
    let nano: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![1_709_168_523_000_000_001, 0]));
    let day: ArrayRef = Arc::new(Date32Array::from(vec![19_782, -719_162]));
    let money = Decimal128Array::from(vec![123_456_789_012_345_678, -1]).with_precision_and_scale(18, 2).unwrap();
    let columns = vec![("patient_id", zoned), ("name", utc), ("gender", local), ("dob", day), ("blood_group", nano)];
    let columns = columns.into_iter().chain([("city", Arc::new(money) as ArrayRef)]).collect();
    let read = patients("a.parquet", file(columns, plain())).good();
    assert_eq!(read.column(0)[0], "2024-02-29T01:02:03.000001Z");
    assert_eq!(read.column(1), read.column(0));
    assert_eq!(read.column(2)[0], "2024-02-29T01:02:03.000001");
    assert_eq!(read.column(3), ["2024-02-29", "0001-01-01"]);
    assert_eq!(read.column(4)[0], "2024-02-29T01:02:03.000000001");
    assert_eq!(read.column(5), ["1234567890123456.78", "-0.01"]);
}

#[test]
fn moments_of_96_bits_reach_from_the_first_year_to_the_last() {
    let schema = parse_message_type("message m { required binary patient_id (UTF8); required int96 dob; }").unwrap();
    let mut writer = SerializedFileWriter::new(Vec::new(), Arc::new(schema), Arc::new(plain().build())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<ByteArrayType>().write_batch(&[ByteArray::from("P1"), ByteArray::from("P2")], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let moment = |julian_day| {
        let mut moment = Int96::new();
        moment.set_data(0, 0, julian_day);
        moment
    };
    column.typed::<Int96Type>().write_batch(&[moment(1_721_426), moment(5_373_484)], None, None).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    let read = patients("a.parquet", writer.into_inner().unwrap()).good();
    assert_eq!(read.column(3), ["0001-01-01T00:00:00", "9999-12-31T00:00:00"]);
}

#[test]
fn nested_columns_are_kept_as_text() {
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some(vec![Some(1), None]), None]);
    let inner: ArrayRef = Arc::new(StringArray::from(vec!["x", "y"]));
    let record = StructArray::try_from(vec![("a", inner)]).unwrap();
    let columns = vec![
        ("patient_id", texts(&[Some("P1"), Some("P2")])),
        ("list", Arc::new(list) as ArrayRef),
        ("record", Arc::new(record) as ArrayRef),
    ];
    let read = patients("a.parquet", file(columns, plain())).good();
    assert_eq!(read.extras(), [r#"{"list":"[1, ]","record":"{a: x}"}"#, r#"{"record":"{a: y}"}"#]);
}

#[test]
fn bytes_that_are_no_text_and_days_that_are_none_set_their_row_aside() {
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![&b"P1"[..], b"\xff", b"P3"]));
    let days: ArrayRef = Arc::new(Date32Array::from(vec![0, 0, i32::MAX]));
    let read = patients("a.parquet", file(vec![("patient_id", bytes), ("dob", days)], plain())).good();
    assert_eq!(read.column(0), ["P1"]);
    assert_eq!(read.damaged, [(2, ".row.encoding"), (3, ".row.encoding")]);
}

#[test]
fn a_row_over_the_cap_is_set_aside() {
    let huge = "x".repeat(17 << 20);
    let columns =
        vec![("patient_id", texts(&[Some("P1"), Some("P2"), Some("P3")])), ("name", texts(&[None, Some(&huge), None]))];
    let read = patients("a.parquet", file(columns, zstd())).good();
    assert_eq!((read.column(0), read.damaged.as_slice()), (vec!["P1", "P3"], [(2, ".row.size")].as_slice()));
}

#[test]
fn a_file_that_is_cut_or_not_parquet_is_refused() {
    let whole = small();
    for length in [1, 4, 8, 11, 12, 30, whole.len() - 1, whole.len() - 9] {
        refused(&whole[..length], "not Parquet, or damaged");
    }
    refused([&whole[..10], &whole[40..]].concat(), "not Parquet, or damaged");
    refused(b"PAR1 nothing at all PAR1", "not Parquet, or damaged");
}

#[test]
fn an_encrypted_file_is_named_as_such() {
    let mut bytes = small();
    let end = bytes.len() - 1;
    bytes[end] = b'E';
    refused(&bytes, "encrypted");
    refused(b"PARE............PARE", "encrypted");
}

/// A file of a footer alone.
fn footer(fields: &[u8]) -> Vec<u8> {
    let size = u32::try_from(fields.len()).unwrap();
    [b"PAR1", fields, &size.to_le_bytes(), b"PAR1"].concat()
}

#[test]
fn a_footer_of_few_bytes_that_asks_for_gigabytes_is_refused_before_it_is_decoded() {
    // Version 1, a schema of one empty root, no rows, and 2,147,483,647 row groups.
    let many = b"\x15\x02\x19\x1c\x48\x01r\x15\x00\x00\x16\x00\x19\xfc\xff\xff\xff\xff\x07";
    refused(footer(many), "not Parquet, or damaged");
    let mut huge = footer(many);
    let size = huge.len() - 8;
    huge[size..size + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    refused(&huge, "not Parquet, or damaged");
}

#[test]
fn a_footer_whose_fields_are_of_other_types_than_they_should_be_is_refused() {
    // A list of row groups in what says it is text, where a number belongs: read as a number, the text comes next.
    let hidden = b"\x19\x1c\x48\x01r\x15\x00\x00\x16\x00\x19\xfc\xff\xff\xff\xff\x07\x00";
    let text = [b"\x18".as_slice(), &[u8::try_from(hidden.len()).unwrap()], hidden, b"\x00"].concat();
    refused(footer(&text), "not Parquet, or damaged");
    // A list of flags, which the library passes over without reading its elements.
    refused(footer(b"\x15\x02\xf9\xf1\xff\xff\xff\xff\x07\x00"), "not Parquet, or damaged");
    // A field's number in full.
    refused(footer(b"\x05\x02\x02\x00"), "not Parquet, or damaged");
}

#[test]
fn a_footer_over_the_cap_or_of_too_many_parts_is_refused() {
    refused(footer(&vec![0; (16 << 20) + 1]), "larger than 16 MiB");
    let parts = [b"\x15\x02\x19\xfc\xc0\xcf\x24".to_vec(), b"\x48\x00\x00".repeat(600_000)].concat();
    refused(footer(&parts), "too many columns or row groups");
}

#[test]
fn a_schema_nested_ten_thousand_deep_or_with_children_it_does_not_have_is_refused() {
    let deep = [b"\x15\x02\x19\xfc\x90\x4e".to_vec(), b"\x48\x01a\x15\x02\x00".repeat(10_000)].concat();
    refused(footer(&deep), "not Parquet, or damaged");
    refused(footer(b"\x15\x02\x19\x1c\x48\x01r\x15\xfe\xff\xff\xff\x0f\x00\x16\x00\x19\x0c\x00"), "not Parquet");
}

#[test]
fn a_page_that_unpacks_to_too_much_is_refused_before_it_is_unpacked() {
    let value = "x".repeat(1 << 20);
    let properties = zstd().set_dictionary_enabled(false).set_data_page_size_limit(1 << 30).set_write_batch_size(100);
    let bytes = file(vec![("patient_id", texts(&[Some(value.as_str()); 70]))], properties);
    assert!(bytes.len() < 100_000);
    refused(bytes, "pages of the Parquet file are too large");
}

#[test]
fn a_dictionary_that_blows_a_small_file_up_is_refused() {
    let value = "x".repeat(1 << 20);
    let keys: ArrayRef = Arc::new(StringArray::from_iter_values((0..300).map(|key| format!("P{key}"))));
    let properties = zstd().set_dictionary_page_size_limit(1 << 22);
    let bytes = file(vec![("patient_id", keys), ("name", texts(&[Some(value.as_str()); 300]))], properties);
    assert!(bytes.len() < 100_000);
    refused(bytes, "250 times its size");
}

#[test]
fn lengths_that_claim_more_values_than_the_page_has_are_refused() {
    for encoding in [Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY] {
        let properties = plain().set_dictionary_enabled(false).set_encoding(encoding);
        let mut bytes = file(vec![("patient_id", texts(&[Some("P1"), Some("Q2"), Some("R3")]))], properties);
        // Blocks of 128 in 4 parts, 3 values.
        let place = bytes.windows(4).rposition(|window| window == b"\x80\x01\x04\x03").unwrap();
        bytes[place + 3] = 0x7f;
        refused(bytes, "not Parquet, or damaged");
    }
}

#[test]
fn a_damaged_page_is_damage_of_the_file_and_no_panic() {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..200));
    let list = ListArray::from_iter_primitive::<Int64Type, _, _>((0..200).map(|row| Some(vec![Some(row); 3])));
    let whole = file(vec![("patient_id", ids), ("list", Arc::new(list))], plain());
    for place in (4..whole.len()).step_by(37) {
        let mut bytes = whole.clone();
        bytes[place] ^= 0xff;
        let read: Read = patients("a.parquet", bytes);
        assert!(read.rows.len() <= 200);
    }
}

#[test]
fn a_file_without_the_contracts_columns_is_refused() {
    refused(file(vec![("other", texts(&[Some("x")]))], plain()), "none of the contract's columns");
}
