//! Reading generated files back, without the code that wrote them.

#![allow(dead_code, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

pub mod contract;
pub mod silver;

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use carelake_generate::{Manifest, Options, generate};
use tempfile::TempDir;

/// A landing folder that is removed at the end, and its manifest.
pub struct Landing {
    pub folder: TempDir,
    pub manifest: Manifest,
}

impl Landing {
    /// The decompressed bytes of a file.
    pub fn read(&self, path: &str) -> Vec<u8> {
        read(&self.folder.path().join(path))
    }

    /// The good rows of a dataset's files as maps from lower-case header to value, with the planted
    /// ones left out.
    pub fn good_rows(&self, source: &str, dataset: &str) -> Vec<BTreeMap<String, String>> {
        let mut rows = Vec::new();
        for file in &self.manifest.files {
            if file.source == source && file.dataset == dataset {
                let planted: Vec<u64> = file.checks.iter().flat_map(|c| c.rows.clone()).collect();
                let (header, records) = records(&self.read(&file.path));
                for (number, record) in (1..).zip(records) {
                    if !planted.contains(&number) {
                        let values = record.iter().map(|v| String::from_utf8(v.clone()).unwrap());
                        rows.push(header.iter().cloned().zip(values).collect());
                    }
                }
            }
        }
        rows
    }
}

/// Generates into a new folder.
pub fn landing(patients: usize, seed: u64) -> Landing {
    let folder = tempfile::tempdir().unwrap();
    let options =
        Options { patients, seed, out: folder.path().to_owned(), as_of: "2026-03-31".parse().unwrap(), clean: false };
    let manifest = generate(&options, &mut |_| {}).unwrap();
    Landing { folder, manifest }
}

/// Every file below a folder with its bytes, by relative path.
pub fn all_files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// Lower-case header and raw records of a CSV file.
pub fn records(bytes: &[u8]) -> (Vec<String>, Vec<Vec<Vec<u8>>>) {
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let header = reader.headers().unwrap().iter().map(str::to_lowercase).collect();
    let records = reader.byte_records().map(|record| record.unwrap().iter().map(<[u8]>::to_vec).collect()).collect();
    (header, records)
}

#[expect(clippy::disallowed_types, reason = "the files are our own, written a moment ago")]
fn read(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap();
    let mut plain = Vec::new();
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("gz") => {
            flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).unwrap();
        }
        Some("zst") => plain = zstd::decode_all(bytes.as_slice()).unwrap(),
        _ => plain = bytes,
    }
    plain
}
