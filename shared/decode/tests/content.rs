//! Files that are not what their name says, and compressed ones that are damaged or unpack to too much.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use std::io::Write;

use support::{PATIENTS, patients};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

fn refused(name: &str, bytes: impl AsRef<[u8]>, reason: &str) {
    let read = patients(name, bytes);
    assert!(read.reason().contains(reason), "{name}: {}", read.reason());
}

#[test]
fn compressed_files_are_read_in_one_or_several_parts() {
    let (first, second) = PATIENTS.split_at(60);
    for (name, bytes) in [
        ("a.csv.gz", gzip(PATIENTS.as_bytes())),
        ("a.csv.zst", zstd(PATIENTS.as_bytes())),
        ("a.csv.gz", [gzip(first.as_bytes()), gzip(second.as_bytes())].concat()),
        ("a.csv.zst", [zstd(first.as_bytes()), zstd(second.as_bytes())].concat()),
    ] {
        assert_eq!(patients(name, bytes).good().column(0), ["P1", "P2"], "{name}");
    }
}

#[test]
fn an_empty_file_is_refused_whatever_its_name() {
    for name in ["a.csv", "a.csv.gz", "a.csv.zst", "a.json", "a.ndjson", "a.ndjson.gz", "a.parquet"] {
        refused(name, b"", "the file is empty");
    }
    refused("a.csv.gz", gzip(b""), "the file is empty");
}

#[test]
fn utf16_is_refused_with_what_to_do() {
    let utf16 = |text: &str, mark: bool, big: bool| -> Vec<u8> {
        let units = mark.then_some(0xfeff).into_iter().chain(text.encode_utf16());
        units.flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    };
    for (mark, big) in [(true, true), (true, false), (false, true), (false, false)] {
        refused("a.csv", utf16(PATIENTS, mark, big), "save it as UTF-8");
        refused("a.json", utf16("[{}]", mark, big), "save it as UTF-8");
        refused("a.ndjson.gz", gzip(&utf16("{}", mark, big)), "save it as UTF-8");
    }
}

#[test]
fn a_file_that_is_not_what_its_name_says_is_refused_with_the_right_name() {
    refused("a.csv", gzip(PATIENTS.as_bytes()), "end the name in .gz");
    refused("a.json", gzip(b"[]"), "end the name in .gz");
    refused("a.csv.gz", gzip(&gzip(PATIENTS.as_bytes())), "compress it once");
    refused("a.csv", zstd(PATIENTS.as_bytes()), "end the name in .zst");
    refused("a.csv.gz", zstd(PATIENTS.as_bytes()), "not gzip");
    refused("a.csv.zst", gzip(PATIENTS.as_bytes()), "not Zstandard");
    refused("a.csv.gz", PATIENTS, "not gzip");
    refused("a.csv", b"PAR1\x15\x00", "end the name in .parquet");
    refused("a.csv", b"PK\x03\x04\x14\x00", "export it as CSV");
    refused("a.csv", b"\xd0\xcf\x11\xe0\xa1\xb1", "export it as CSV");
    refused("a.csv", br#"[{"patient_id": "P1"}]"#, "column names");
    refused("a.parquet", PATIENTS, "not Parquet");
}

#[test]
fn a_compressed_file_that_is_cut_short_or_damaged_is_refused() {
    for (name, whole) in [("a.csv.gz", gzip(PATIENTS.as_bytes())), ("a.csv.zst", zstd(PATIENTS.as_bytes()))] {
        refused(name, &whole[..whole.len() - 6], "damaged or cut short");
    }
    let mut wrong_sum = gzip(PATIENTS.as_bytes());
    let sum = wrong_sum.len() - 8;
    wrong_sum[sum] ^= 1;
    refused("a.csv.gz", wrong_sum, "damaged or cut short");
    refused("a.csv.gz", [gzip(PATIENTS.as_bytes()), b"junk".to_vec()].concat(), "damaged or cut short");
}

#[test]
fn a_bomb_is_refused_when_it_has_unpacked_to_too_much() {
    let lines = [PATIENTS.as_bytes(), &vec![b'\n'; 66 << 20]].concat();
    let field = [PATIENTS.as_bytes(), &vec![b'x'; 66 << 20]].concat();
    refused("a.csv.zst", zstd(&lines), "250 times its size");
    refused("a.csv.gz", gzip(&field), "250 times its size");
    refused("a.json.zst", zstd(&vec![b'['; 66 << 20]), "250 times its size");
}
