//! Contract folders for tests.
#![allow(dead_code, clippy::unwrap_used)]

use carelake_contracts::{ContractErrors, ContractSet};

/// A contract that loads: a dental practice's log of treatments.
pub const GOOD: &str = r#"description = "Treatments of a dental practice."
version = 1
key = ["treatment_id"]

[[columns]]
name = "treatment_id"
type = "string"
required = true

[[columns]]
name = "patient_id"
type = "string"
phi = "person_id"

[[columns]]
name = "treated_on"
type = "date"

[[columns]]
name = "tooth"
type = "int"

[[rules]]
id = "tooth_range"
kind = "range"
level = "value"
severity = "warn"
threshold = 0.5
column = "tooth"
min = 11
max = 48
set_null = true

[[targets]]
table = "silver.treatments"
sql = "log.treatments.sql"
load = "upsert"
"#;

pub const MAPPING: &str = "SELECT _order, _row, treatment_id, patient_id FROM bronze\n";
pub const FEED: &str = "description = \"Dental practice.\"\nareas = []\n";

/// The shipped contracts with these files (path, text) on top.
pub fn load(files: &[(&str, &str)]) -> Result<ContractSet, ContractErrors> {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    ContractSet::with_folder(folder.path())
}

/// The shipped contracts with feeds/dental/log.toml on top.
pub fn load_dental(contract: &str) -> Result<ContractSet, ContractErrors> {
    load(&[
        ("feeds/dental/log.toml", contract),
        ("feeds/dental/log.treatments.sql", MAPPING),
        ("feeds/dental/feed.toml", FEED),
    ])
}

/// `text` with `from` replaced by `to`; `from` must stand in it.
pub fn edited(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} is not in the text");
    text.replacen(from, to, 1)
}
