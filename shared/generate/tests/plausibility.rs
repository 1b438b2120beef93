//! The data has the patterns that the measures and the model look for.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{NaiveDate, NaiveDateTime};

type Rows = Vec<BTreeMap<String, String>>;

#[test]
fn the_no_show_signal_is_real() {
    let landing = support::landing(2_000, 5);
    for signal in &landing.manifest.signals {
        let rate = signal.missed as f64 / signal.outcomes as f64;
        assert!((0.15..0.3).contains(&rate), "{signal:?}");
        assert!((0.74..0.8).contains(&signal.best_auroc), "{signal:?}");
        assert!((0.7..signal.best_auroc).contains(&signal.observable_auroc), "{signal:?}");
    }
}

#[test]
fn a_simple_model_finds_the_signal_in_the_files() {
    let landing = support::landing(3_000, 5);
    let scheduling = landing.good_rows("scheduling", "appointments");
    let latest: BTreeMap<String, _> = scheduling.into_iter().map(|row| (row["appointment_id"].clone(), row)).collect();
    let kept = latest.into_values().filter(|row| ["Completed", "No-show"].contains(&row["status"].as_str()));
    let visits = kept.map(|row| Visit {
        patient: row["patient_id"].clone(),
        day: row["appointment_date"].parse().unwrap(),
        booked: row["created_at"][..10].parse().unwrap(),
        missed: row["no_show"] == "true",
    });
    let auroc = two_feature_auroc(visits.collect());
    assert!(auroc > 0.66, "scheduling {auroc}");
    let vitoria = landing.good_rows("noshow_vitoria", "appointments").into_iter().map(|row| Visit {
        patient: row["patientid"].clone(),
        day: row["appointmentday"][..10].parse().unwrap(),
        booked: row["scheduledday"][..10].parse().unwrap(),
        missed: row["no-show"] == "Yes",
    });
    let auroc = two_feature_auroc(vitoria.collect());
    assert!(auroc > 0.66, "noshow_vitoria {auroc}");
}

struct Visit {
    patient: String,
    day: NaiveDate,
    booked: NaiveDate,
    missed: bool,
}

/// Ranks the second half of the patients by the miss rates of lead time and history that the first
/// half shows.
fn two_feature_auroc(mut visits: Vec<Visit>) -> f64 {
    visits.sort_by_key(|visit| visit.day);
    let mut history: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    let mut rates: BTreeMap<(u32, u32), (f64, f64)> = BTreeMap::new();
    let mut scored = Vec::new();
    for visit in &visits {
        let past = history.entry(visit.patient.clone()).or_default();
        let lead = (visit.day - visit.booked).num_days();
        assert!(lead >= 0, "booked after the appointment");
        let lead = (1.0 + lead as f64).log2().ceil() as u32;
        let rate = (past.1 * 4).checked_div(past.0).unwrap_or(9);
        if visit.patient.bytes().map(u32::from).sum::<u32>() % 2 == 0 {
            let cell = rates.entry((lead, rate)).or_insert((0.2, 1.0));
            cell.0 += f64::from(u8::from(visit.missed));
            cell.1 += 1.0;
        } else {
            scored.push(((lead, rate), visit.missed));
        }
        past.0 += 1;
        past.1 += u32::from(visit.missed);
    }
    let score = |cell: &(u32, u32)| rates.get(cell).map_or(0.2, |(missed, all)| missed / all);
    let (mut better, mut pairs) = (0.0, 0.0);
    for (missed, _) in scored.iter().filter(|(_, missed)| *missed) {
        for (kept, _) in scored.iter().filter(|(_, missed)| !*missed).step_by(7) {
            pairs += 1.0;
            better += match score(missed).total_cmp(&score(kept)) {
                std::cmp::Ordering::Greater => 1.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Less => 0.0,
            };
        }
    }
    better / pairs
}

#[test]
fn some_appointments_lie_ahead_and_have_no_outcome() {
    let landing = support::landing(300, 5);
    let as_of = landing.manifest.as_of;
    let rows = landing.good_rows("scheduling", "appointments");
    let latest: BTreeMap<String, _> = rows.into_iter().map(|row| (row["appointment_id"].clone(), row)).collect();
    let ahead: Vec<_> =
        latest.values().filter(|row| row["appointment_date"].parse::<NaiveDate>().unwrap() >= as_of).collect();
    assert!(ahead.len() > 100);
    for row in &ahead {
        assert!(["Scheduled", "Cancelled"].contains(&row["status"].as_str()), "{row:?}");
        assert_ne!(row["no_show"], "true");
    }
    let past_without_outcome = latest
        .values()
        .filter(|row| row["appointment_date"].parse::<NaiveDate>().unwrap() < as_of)
        .filter(|row| row["status"] == "Scheduled");
    assert_eq!(past_without_outcome.count(), 0);
}

#[test]
fn the_two_synthea_exports_differ_in_their_headers() {
    let landing = support::landing(20, 5);
    let raw = |dataset: &str, number: usize| {
        let mut files =
            landing.manifest.files.iter().filter(|file| file.source == "synthea" && file.dataset == dataset);
        let text = String::from_utf8_lossy(&landing.read(&files.nth(number).unwrap().path)).into_owned();
        text.lines().next().unwrap().to_owned()
    };
    assert!(raw("patients", 0).contains("MIDDLE") && raw("patients", 0).contains("FIPS"));
    assert!(raw("patients", 1).contains("location") && !raw("patients", 1).contains("income"));
    assert!(raw("conditions", 0).contains("SYSTEM") && !raw("conditions", 1).contains("system"));
    assert!(raw("procedures", 0).starts_with("START,STOP") && raw("procedures", 1).starts_with("date"));
}

#[test]
fn chronic_diseases_are_common_enough_and_their_drugs_are_refilled() {
    let landing = support::landing(600, 5);
    let conditions = landing.good_rows("synthea", "conditions");
    for (codes, least) in
        [(vec!["44054006"], 15), (vec!["59621000", "38341003"], 60), (vec!["15777000", "714628002"], 40)]
    {
        let patients: BTreeSet<&String> =
            conditions.iter().filter(|row| codes.contains(&row["code"].as_str())).map(|row| &row["patient"]).collect();
        assert!(patients.len() >= least, "{codes:?}: {}", patients.len());
    }
    let findings = conditions
        .iter()
        .filter(|row| row["description"].ends_with("(finding)") || row["description"].ends_with("(situation)"));
    let share = findings.count() as f64 / conditions.len() as f64;
    assert!((0.6..0.8).contains(&share), "{share}");
    let mut fills: BTreeMap<(String, String), u32> = BTreeMap::new();
    for row in landing.good_rows("synthea", "medications") {
        *fills.entry((row["patient"].clone(), row["code"].clone())).or_default() += 1;
    }
    assert!(fills.values().filter(|fills| **fills >= 4).count() > 60);
}

#[test]
fn stays_in_hospital_are_followed_by_others_within_thirty_days() {
    let landing = support::landing(1_500, 5);
    let mut stays: BTreeMap<String, Vec<(NaiveDateTime, NaiveDateTime)>> = BTreeMap::new();
    let encounters: Rows = landing.good_rows("synthea", "encounters");
    let time = |text: &str| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%SZ");
    for row in encounters.iter().filter(|row| row["encounterclass"] == "inpatient") {
        if let Ok(stop) = time(&row["stop"]) {
            stays.entry(row["patient"].clone()).or_default().push((time(&row["start"]).unwrap(), stop));
        }
    }
    let (mut all, mut followed) = (0, 0);
    for stays in stays.values_mut() {
        stays.sort_unstable();
        all += stays.len();
        followed += stays
            .windows(2)
            .filter(|pair| (0..=30).contains(&(pair[1].0.date() - pair[0].1.date()).num_days()))
            .count();
    }
    let rate = followed as f64 / all as f64;
    assert!(all > 200 && (0.08..0.35).contains(&rate), "{followed} of {all}");
}

#[test]
fn measured_values_are_those_of_living_people() {
    let landing = support::landing(300, 5);
    let limits = [
        ("39156-5", 10.0, 60.0),
        ("2093-3", 90.0, 330.0),
        ("8480-6", 60.0, 220.0),
        ("8462-4", 30.0, 150.0),
        ("4548-4", 4.0, 12.0),
    ];
    for row in landing.good_rows("synthea", "observations") {
        if let Some((_, low, high)) = limits.iter().find(|limit| limit.0 == row["code"]) {
            let value: f64 = row["value"].parse().unwrap();
            assert!((*low..*high).contains(&value), "{row:?}");
        }
    }
}

#[test]
fn about_half_of_the_laboratory_reports_are_older_than_their_visit() {
    let landing = support::landing(500, 5);
    let reports = landing.manifest.dataset("clinic", "lab_reports").unwrap();
    let share = reports.warned["clinic.lab_reports.report_before_visit"] as f64 / reports.accepted as f64;
    assert!((0.45..0.55).contains(&share), "{share}");
}

#[test]
fn six_hundred_patients_make_the_reference_network() {
    let landing = support::landing(600, 5);
    for (dataset, rows) in [("patients", 600), ("doctors", 60), ("visits", 1_500), ("treatments", 2_000)] {
        assert_eq!(landing.good_rows("network", dataset).len(), rows, "{dataset}");
    }
}

#[test]
fn snapshots_of_visit_events_grow() {
    let landing = support::landing(300, 5);
    for source in ["source_a", "source_b"] {
        let mut known = BTreeSet::new();
        let mut sizes = Vec::new();
        for file in landing.manifest.files.iter().filter(|file| file.source == source) {
            let records: Vec<serde_json::Value> = serde_json::from_slice(&landing.read(&file.path)).unwrap();
            let before = known.len();
            let returning = records.iter().filter(|record| !known.insert(record["patient_id"].to_string())).count();
            assert!(sizes.is_empty() || returning > 0, "{source}");
            assert!(known.len() > before, "{source}");
            sizes.push(known.len());
        }
        assert_eq!(sizes.len(), 3);
    }
}
