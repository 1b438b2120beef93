//! Feed `network`: patients, doctors, visits and treatments of a hospital network, a star schema
//! with costs. 600 patients make the reference size: 60 doctors, 1,500 visits, 2,000 treatments.

use chrono::Days;

use super::Landing;
use crate::error::Error;
use crate::people::{self, Sex, age_on};
use crate::plant::Change::{Encoding, Long, SameKey, Set, Short};
use crate::plant::Fault;
use crate::random::Random;
use crate::write::{Fresh, Table, money};

#[rustfmt::skip]
const PATIENTS: Table = Table {
    feed: "network",
    header: &["patient_id", "patient_name", "age", "gender", "country"],
    fresh: Fresh::Prefix("patient_id", "P99"),
    faults: &[
        Fault::reject("patient_id.required", Set("patient_id", "")),
        Fault::reject("key.unique", SameKey("country", "Portugal")),
        Fault::reject("row.shape", Short),
        Fault::reject("row.encoding", Encoding("patient_name")),
        Fault::warn("age_plausible", Set("age", "-4")),
        Fault::warn("age_plausible", Set("age", "187")),
        Fault::warn("age.type", Set("age", "forty")),
    ],
    crlf: false,
};

#[rustfmt::skip]
const DOCTORS: Table = Table {
    feed: "network",
    header: &["doctor_id", "doctor_name", "department", "years_experience"],
    fresh: Fresh::Prefix("doctor_id", "D99"),
    faults: &[
        Fault::reject("doctor_id.required", Set("doctor_id", "")),
        Fault::reject("key.unique", SameKey("department", "Oncology")),
    ],
    crlf: false,
};

#[rustfmt::skip]
const VISITS: Table = Table {
    feed: "network",
    header: &["visit_id", "patient_id", "doctor_id", "department", "visit_date", "follow_up_required"],
    fresh: Fresh::Prefix("visit_id", "V99"),
    faults: &[
        Fault::reject("visit_id.required", Set("visit_id", "")),
        Fault::reject("key.unique", SameKey("department", "Oncology")),
        Fault::reject("visit_date.type", Set("visit_date", "31.06.2025")),
        Fault::reject("row.encoding", Encoding("department")),
        Fault::warn("follow_up_required.type", Set("follow_up_required", "maybe")),
        Fault::orphan("patient_known", Set("patient_id", "P000001")),
        Fault::orphan("doctor_known", Set("doctor_id", "D0001")),
    ],
    crlf: false,
};

#[rustfmt::skip]
const TREATMENTS: Table = Table {
    feed: "network",
    header: &["treatment_id", "visit_id", "treatment_type", "treatment_cost", "insurance_provider"],
    fresh: Fresh::Prefix("treatment_id", "T99"),
    faults: &[
        Fault::reject("treatment_id.required", Set("treatment_id", "")),
        Fault::reject("key.unique", SameKey("treatment_type", "Imaging")),
        Fault::reject("treatment_cost.type", Set("treatment_cost", "12O.50")),
        Fault::reject("cost_not_negative", Set("treatment_cost", "-75.00")),
        Fault::reject("row.shape", Long),
        Fault::orphan("visit_known", Set("visit_id", "V000001")),
    ],
    crlf: false,
};

#[rustfmt::skip]
const COUNTRIES: &[&str] = &["Austria", "Brazil", "Canada", "Germany", "India", "Kenya", "Portugal", "Spain", "USA"];
#[rustfmt::skip]
const DEPARTMENTS: &[&str] = &["Cardiology", "Dermatology", "Emergency", "Neurology", "Oncology", "Orthopedics", "Pediatrics", "Radiology"];
const FOLLOW_UP: &[&str] = &["true", "false", "yes", "no", "1", "0", "True", "No"];
#[rustfmt::skip]
const INSURERS: &[&str] = &["Alpine Assurance", "Bluewater Health", "Cedar Mutual", "Meridian Life", "Union Care", ""];

/// Name and median cost in cents.
#[rustfmt::skip]
const TREATMENT_TYPES: &[(&str, f64)] = &[
    ("Chemotherapy", 320_000.0), ("Consultation", 12_000.0), ("Imaging", 45_000.0),
    ("Laboratory", 8_000.0), ("Medication", 6_500.0), ("Physiotherapy", 9_000.0),
    ("Surgery", 850_000.0), ("Vaccination", 4_000.0),
];

/// Writes the feed in the proportions of the reference size.
pub(super) fn write(landing: &mut Landing<'_>) -> Result<(), Error> {
    let mut random = landing.random(5);
    let patients = landing.patients();
    let doctors = (patients / 10).max(1);
    let visits = (patients * 5 / 2).max(1);
    write_patients(landing, &mut random, patients)?;
    let departments = write_doctors(landing, &mut random, doctors)?;
    write_visits(landing, &mut random, visits, &departments)?;
    write_treatments(landing, &mut random, (patients * 10 / 3).max(1), visits)
}

fn write_patients(landing: &mut Landing<'_>, random: &mut Random, count: u64) -> Result<(), Error> {
    let date = landing.as_of();
    let mut file = landing.csv(&PATIENTS, "patients", date, ".csv", count, random)?;
    for number in 0..count {
        let sex = Sex::draw(random, 0.52);
        let age = age_on(people::birth_date(random, date), date);
        file.write(vec![
            format!("P{}", 100_000 + number),
            people::full_name(random, sex),
            age.to_string(),
            sex.letter().to_owned(),
            random.pick(COUNTRIES).to_owned(),
        ])?;
        landing.progress("network", number + 1, count);
    }
    landing.finished(file.finish()?);
    Ok(())
}

/// Writes the doctors; returns the department of each.
fn write_doctors(landing: &mut Landing<'_>, random: &mut Random, count: u64) -> Result<Vec<&'static str>, Error> {
    let date = landing.as_of();
    let mut file = landing.csv(&DOCTORS, "doctors", date, ".csv", count, random)?;
    let mut departments = Vec::with_capacity(count as usize);
    for number in 0..count {
        let sex = Sex::draw(random, 0.5);
        let department = random.pick(DEPARTMENTS);
        file.write(vec![
            format!("D{}", 2_000 + number),
            format!("Dr. {}", people::full_name(random, sex)),
            department.to_owned(),
            random.between(1, 40).to_string(),
        ])?;
        departments.push(department);
    }
    landing.finished(file.finish()?);
    Ok(departments)
}

fn write_visits(
    landing: &mut Landing<'_>,
    random: &mut Random,
    count: u64,
    departments: &[&'static str],
) -> Result<(), Error> {
    let (date, patients) = (landing.as_of(), landing.patients());
    let mut file = landing.csv(&VISITS, "visits", date, ".csv.gz", count, random)?;
    for number in 0..count {
        let doctor = random.below(departments.len() as u64);
        let own = departments.get(doctor as usize).copied().unwrap_or_default();
        let department = if random.chance(0.1) { random.pick(DEPARTMENTS) } else { own };
        let visited = random.day(date - Days::new(365), date - Days::new(1));
        file.write(vec![
            format!("V{}", 300_000 + number),
            format!("P{}", 100_000 + random.below(patients)),
            format!("D{}", 2_000 + doctor),
            department.to_owned(),
            visited.to_string(),
            random.pick(FOLLOW_UP).to_owned(),
        ])?;
    }
    landing.finished(file.finish()?);
    Ok(())
}

fn write_treatments(landing: &mut Landing<'_>, random: &mut Random, count: u64, visits: u64) -> Result<(), Error> {
    let date = landing.as_of();
    let mut file = landing.csv(&TREATMENTS, "treatments", date, ".csv.zst", count, random)?;
    for number in 0..count {
        let (kind, median) = random.pick(TREATMENT_TYPES);
        let cost = median * random.normal(0.0, 0.5).exp();
        file.write(vec![
            format!("T{}", 500_000 + number),
            format!("V{}", 300_000 + random.below(visits)),
            kind.to_owned(),
            money(cost as i64),
            random.pick(INSURERS).to_owned(),
        ])?;
    }
    landing.finished(file.finish()?);
    Ok(())
}
