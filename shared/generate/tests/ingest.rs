//! What ingest must find, by the manifest, against the files and the contracts.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use carelake_generate::{Outcome, Step};
use serde_json::Value;
use support::Landing;
use support::contract::Contract;
use support::silver::{PATIENTS, expected, typed_rows};

#[test]
fn every_rule_of_the_manifest_is_one_of_the_contracts() {
    let landing = support::landing(50, 1);
    for file in &landing.manifest.files {
        let known = Contract::load(&file.feed, &file.dataset).rule_ids();
        for check in &file.checks {
            assert!(known.contains(&check.rule), "{}", check.rule);
        }
    }
}

#[test]
fn ingest_finds_in_csv_files_exactly_what_the_manifest_says() {
    check_ingest(&support::landing(PATIENTS, 3));
}

#[test]
fn small_hospitals_have_exact_manifests_too() {
    for (seed, patients) in [1, 2, 3, 5, 8, 13, 21, 34, 55, 89].into_iter().enumerate() {
        check_ingest(&support::landing(patients, seed as u64));
    }
}

fn check_ingest(landing: &Landing) {
    for (path, (found, rows)) in typed_rows(landing) {
        let file = landing.manifest.file(path).unwrap();
        let counts: BTreeMap<String, u64> =
            found.iter().map(|(rule, rows)| (rule.clone(), rows.len() as u64)).collect();
        assert_eq!(counts, expected(file, Step::Ingest), "{path}");
        let repeated = file.count(Step::Ingest, Outcome::Deduplicated);
        let unique = found.get(&format!("{}.{}.key.unique", file.feed, file.dataset));
        let late = unique.map_or(0, |rows| rows.len() as u64) - repeated;
        let rejected = rows.iter().filter(|row| row.rejected).count() as u64 + late;
        assert_eq!(file.accepted, file.rows_in - rejected - repeated, "{path}");
        for check in file.checks.iter().filter(|check| check.step == Step::Ingest) {
            let planted: BTreeSet<u64> = check.rows.iter().copied().collect();
            assert_eq!(planted.len(), check.rows.len(), "{path} {}", check.rule);
            let whole_rows_repeat = check.outcome == Outcome::Deduplicated;
            assert!(whole_rows_repeat || planted.is_subset(&found[&check.rule]), "{path} {}", check.rule);
        }
    }
}

#[test]
fn a_planted_row_has_one_error() {
    let landing = support::landing(PATIENTS, 3);
    let mut rows = BTreeSet::new();
    for error in landing.manifest.errors() {
        assert!(rows.insert((error.path, error.row)), "{error:?}");
    }
    for (path, (found, _)) in typed_rows(&landing) {
        let mut broken = BTreeSet::new();
        for (rule, rows) in found {
            for row in rows {
                assert!(broken.insert(row), "{path} row {row} breaks {rule} and another");
            }
        }
    }
}

#[test]
fn visit_events_flatten_to_the_rows_and_warnings_of_the_manifest() {
    let landing = support::landing(PATIENTS, 3);
    for file in landing.manifest.files.iter().filter(|file| file.path.ends_with(".json")) {
        let records: Vec<Value> = serde_json::from_slice(&landing.read(&file.path)).unwrap();
        assert_eq!(records.len() as u64, file.records);
        let (mut rows, mut counts) = (0, BTreeMap::<String, u64>::new());
        let mut count = |rule: &str| {
            *counts.entry(format!("{}.visit_events.{rule}", file.feed)).or_default() += 1;
        };
        for record in &records {
            if record["patient_id"].as_str().is_none() {
                count("patient_id.required");
            }
            let visits = explode(record, "visits");
            for visit in visits {
                if let Some(date) = visit["date"].as_str() {
                    if date.parse::<chrono::NaiveDate>().is_err() {
                        count("visit_date.type");
                    }
                } else {
                    count("visit_present");
                    count("visit_date_present");
                }
                for diagnosis in explode(&visit, "diagnoses") {
                    for treatment in explode(&diagnosis, "treatments") {
                        rows += 1;
                        if diagnosis.is_null() {
                            count("diagnosis_present");
                        }
                        if treatment.is_null() {
                            count("treatment_present");
                        }
                    }
                }
            }
        }
        assert_eq!(rows, file.rows_in, "{}", file.path);
        assert_eq!(counts, expected(file, Step::Ingest), "{}", file.path);
    }
}

/// One element for each of a list's, or one null where there is none.
fn explode(value: &Value, name: &str) -> Vec<Value> {
    match value[name].as_array() {
        Some(list) if !list.is_empty() => list.clone(),
        _ => vec![Value::Null],
    }
}
