//! What a fuzzer found once, and files of the same kind, are read without a panic: `tests/fuzz/regressions`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use carelake_contracts::{ContractSet, LandingPath};
use support::read;

fn files(target: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz/regressions").join(target);
    let files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty(), "{target} has no file");
    files
}

#[test]
fn every_landing_file_is_read_or_refused() {
    for target in ["csv", "json", "ndjson", "parquet"] {
        for file in files(target) {
            let bytes = std::fs::read(&file).unwrap();
            for name in [target.to_owned(), format!("{target}.gz"), format!("{target}.zst")] {
                if target != "parquet" || name == target {
                    read(&format!("clinic/patients/a.{name}"), &bytes);
                    read(&format!("source_a/visit_events/a.{name}"), &bytes);
                }
            }
        }
    }
}

#[test]
fn every_contract_is_loaded_or_refused() {
    for file in files("contract") {
        let text = std::fs::read_to_string(&file).unwrap();
        let feed = "description = \"\"\nareas = []\n".to_owned();
        let set = [("feeds/f/feed.toml".to_owned(), feed), ("feeds/f/d.toml".to_owned(), text)];
        assert!(ContractSet::from_files(&BTreeMap::from(set)).is_err(), "{}", file.display());
    }
}

#[test]
fn every_key_is_taken_or_refused() {
    for file in files("landing_path").into_iter().chain(files("event_key")) {
        let key = String::from_utf8_lossy(&std::fs::read(&file).unwrap()).into_owned();
        assert!(LandingPath::parse(&key).is_err(), "{}", file.display());
    }
}
