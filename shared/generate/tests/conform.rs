//! What conform must find, by the manifest, against the files.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use support::Landing;
use support::contract::Typed;
use support::silver::{PATIENTS, day, silver, text, typed_rows};

#[test]
fn conform_finds_exactly_the_orphans_of_the_manifest() {
    let landing = support::landing(PATIENTS, 3);
    let rows = typed_rows(&landing);
    // Feed, child dataset and column, parent dataset and column, rule.
    #[rustfmt::skip]
    let references = [
        ("scheduling", "appointments", "patient_id", "patients", "patient_id", "patient_known"),
        ("scheduling", "appointments", "physician_id", "physicians", "physician_id", "physician_known"),
        ("clinic", "visits", "patient_id", "patients", "patient_id", "patient_known"),
        ("clinic", "visits", "doctor_id", "doctors", "doctor_id", "doctor_known"),
        ("clinic", "lab_reports", "visit_id", "visits", "visit_id", "visit_known"),
        ("network", "visits", "patient_id", "patients", "patient_id", "patient_known"),
        ("network", "visits", "doctor_id", "doctors", "doctor_id", "doctor_known"),
        ("network", "treatments", "visit_id", "visits", "visit_id", "visit_known"),
        ("synthea", "encounters", "patient_id", "patients", "patient_id", "patient_known"),
        ("synthea", "encounters", "practitioner_id", "providers", "provider_id", "practitioner_known"),
        ("synthea", "encounters", "organization_id", "organizations", "organization_id", "organization_known"),
        ("synthea", "encounters", "payer_id", "payers", "payer_id", "payer_known"),
        ("synthea", "conditions", "patient_id", "patients", "patient_id", "patient_known"),
        ("synthea", "conditions", "encounter_id", "encounters", "encounter_id", "encounter_known"),
        ("synthea", "medications", "patient_id", "patients", "patient_id", "patient_known"),
        ("synthea", "medications", "encounter_id", "encounters", "encounter_id", "encounter_known"),
        ("synthea", "medications", "payer_id", "payers", "payer_id", "payer_known"),
        ("synthea", "observations", "encounter_id", "encounters", "encounter_id", "encounter_known"),
        ("synthea", "procedures", "encounter_id", "encounters", "encounter_id", "encounter_known"),
        ("synthea", "immunizations", "encounter_id", "encounters", "encounter_id", "encounter_known"),
        ("synthea", "allergies", "encounter_id", "encounters", "encounter_id", "encounter_known"),
        ("synthea", "careplans", "encounter_id", "encounters", "encounter_id", "encounter_known"),
        ("synthea", "providers", "organization_id", "organizations", "organization_id", "organization_known"),
    ];
    for (feed, child, column, parent, parent_column, rule) in references {
        let parents: BTreeSet<String> =
            silver(&landing, &rows, feed, parent).filter_map(|row| text(row, parent_column)).collect();
        let orphans = silver(&landing, &rows, feed, child)
            .filter_map(|row| text(row, column))
            .filter(|id| !parents.contains(id))
            .count() as u64;
        let rule = format!("{feed}.{child}.{rule}");
        assert_eq!(orphans, warned_or_rejected(&landing, &rule), "{rule}");
    }
}

#[test]
fn conform_finds_exactly_the_contradictions_of_the_manifest() {
    let landing = support::landing(PATIENTS, 3);
    let rows = typed_rows(&landing);
    let dates = |feed, dataset, key, date| -> BTreeMap<String, Typed> {
        silver(&landing, &rows, feed, dataset)
            .filter_map(|row| Some((text(row, key)?, row.values.get(date)?.clone())))
            .collect()
    };
    let births = dates("clinic", "patients", "patient_id", "dob");
    let visits = dates("clinic", "visits", "visit_id", "visit_date");
    let deaths = dates("synthea", "patients", "patient_id", "death_date");
    let birthdays = dates("synthea", "patients", "patient_id", "birth_date");
    let encounters = dates("synthea", "encounters", "encounter_id", "start_at");
    let count = |feed, dataset, key, date: &str, violates: &dyn Fn(&str, &Typed) -> bool| {
        silver(&landing, &rows, feed, dataset)
            .filter(|row| {
                let (key, date) = (text(row, key), row.values.get(date));
                key.zip(date).is_some_and(|(key, date)| violates(&key, date))
            })
            .count() as u64
    };
    let before = |times: &BTreeMap<String, Typed>, key: &str, at: &Typed, days: i64| {
        times.get(key).is_some_and(|limit| day(at) < day(limit) - chrono::TimeDelta::days(days))
    };
    let found = [
        (
            "clinic.visits.visit_before_birth",
            count("clinic", "visits", "patient_id", "visit_date", &|key, at| before(&births, key, at, 0)),
        ),
        (
            "clinic.lab_reports.report_before_visit",
            count("clinic", "lab_reports", "visit_id", "report_date", &|key, at| before(&visits, key, at, 0)),
        ),
        (
            "synthea.encounters.after_death",
            count("synthea", "encounters", "patient_id", "start_at", &|key, at| {
                deaths.get(key).is_some_and(|death| day(at) > day(death))
            }),
        ),
        (
            "synthea.encounters.before_birth",
            count("synthea", "encounters", "patient_id", "start_at", &|key, at| before(&birthdays, key, at, 0)),
        ),
        (
            "synthea.conditions.starts_before_encounter",
            count("synthea", "conditions", "encounter_id", "start_date", &|key, at| before(&encounters, key, at, 1)),
        ),
    ];
    for (rule, count) in found {
        assert_eq!(count, warned_or_rejected(&landing, rule), "{rule}");
    }
}

#[test]
fn versions_are_keys_that_an_earlier_file_brought() {
    let landing = support::landing(PATIENTS, 3);
    let rows = typed_rows(&landing);
    let keys = [
        ("scheduling", "patients", "patient_id"),
        ("scheduling", "physicians", "physician_id"),
        ("scheduling", "appointments", "appointment_id"),
        ("noshow_vitoria", "appointments", "appointment_id"),
        ("synthea", "encounters", "encounter_id"),
        ("synthea", "organizations", "organization_id"),
        ("synthea", "payers", "payer_id"),
    ];
    for (feed, dataset, key) in keys {
        let sums = landing.manifest.dataset(feed, dataset).unwrap();
        let distinct: BTreeSet<String> =
            silver(&landing, &rows, feed, dataset).filter_map(|row| text(row, key)).collect();
        assert_eq!(distinct.len() as u64, sums.accepted - sums.versions, "{feed}.{dataset}");
    }
}

fn warned_or_rejected(landing: &Landing, rule: &str) -> u64 {
    let checks = landing.manifest.files.iter().flat_map(|file| &file.checks);
    checks.filter(|check| check.rule == rule).map(|check| check.count).sum()
}
