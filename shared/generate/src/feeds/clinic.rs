//! Feed `clinic`: patients, doctors, visits and laboratory reports of a clinic group. As in the
//! group's real files about half of the reports are dated before their visit, a few visits before
//! the patient's birth, and some texts end in a blank.

use chrono::{Days, NaiveDate};

use super::Landing;
use crate::error::Error;
use crate::manifest::Step;
use crate::people::{self, Sex};
use crate::plant::Change::{Encoding, Long, SameKey, Set, Short};
use crate::plant::Fault;
use crate::random::Random;
use crate::write::{Fresh, Table};

#[rustfmt::skip]
const PATIENTS: Table = Table {
    feed: "clinic",
    header: &["patient_id", "name", "gender", "dob", "blood_group", "city"],
    fresh: Fresh::Prefix("patient_id", "P99"),
    faults: &[
        Fault::reject("patient_id.required", Set("patient_id", "")),
        Fault::reject("name.required", Set("name", "  ")),
        Fault::reject("gender_domain", Set("gender", "X")),
        Fault::reject("dob.type", Set("dob", "1985-13-40")),
        Fault::reject("key.unique", SameKey("city", "Pune")),
        Fault::reject("row.shape", Long),
        Fault::reject("row.encoding", Encoding("name")),
    ],
    crlf: false,
};

#[rustfmt::skip]
const DOCTORS: Table = Table {
    feed: "clinic",
    header: &["doctor_id", "name", "specialization", "hospital"],
    fresh: Fresh::Prefix("doctor_id", "D99"),
    faults: &[
        Fault::reject("doctor_id.required", Set("doctor_id", "")),
        Fault::reject("name.required", Set("name", "")),
        Fault::reject("key.unique", SameKey("hospital", "Fortis")),
    ],
    crlf: false,
};

#[rustfmt::skip]
const VISITS: Table = Table {
    feed: "clinic",
    header: &["visit_id", "patient_id", "doctor_id", "visit_date", "reason", "visit_type"],
    fresh: Fresh::Prefix("visit_id", "V99"),
    faults: &[
        Fault::reject("visit_id.required", Set("visit_id", "")),
        Fault::reject("patient_id.required", Set("patient_id", "")),
        Fault::reject("visit_date.type", Set("visit_date", "03-Aug-24")),
        Fault::reject("key.unique", SameKey("reason", "Fever")),
        Fault::reject("row.shape", Short),
        Fault::reject("row.encoding", Encoding("reason")),
        Fault::orphan("patient_known", Set("patient_id", "P000001")),
        Fault::orphan("doctor_known", Set("doctor_id", "D0001")),
    ],
    crlf: false,
};

#[rustfmt::skip]
const LAB_REPORTS: Table = Table {
    feed: "clinic",
    header: &["report_id", "visit_id", "test_type", "result", "report_date"],
    fresh: Fresh::Prefix("report_id", "R99"),
    faults: &[
        Fault::reject("report_id.required", Set("report_id", "")),
        Fault::reject("report_date.type", Set("report_date", "yesterday")),
        Fault::reject("key.unique", SameKey("result", "Normal")),
        Fault::reject("row.shape", Short),
        Fault::orphan("visit_known", Set("visit_id", "V000001")),
    ],
    crlf: false,
};

const REPORT_BEFORE_VISIT: &str = "report_before_visit";
const VISIT_BEFORE_BIRTH: &str = "visit_before_birth";

const BLOOD_GROUPS: &[&str] = &["A+", "A-", "B+", "B-", "AB+", "O+", "O-"];
#[rustfmt::skip]
const CITIES: &[&str] = &[
    "Ahmedabad", "Aurangabad", "Baranagar", "Bengaluru", "Chennai", "Coimbatore", "Davanagere",
    "Dewas", "Ghaziabad", "Hyderabad", "Indore", "Jaipur", "Kochi", "Khora ", "Kolkata", "Lucknow",
    "Mumbai", "Nagpur", "Nandyal", "Nashik", "Patiala", "Patna", "Pimpri-Chinchwad", "Pune",
    "Surat", "Tadipatri", "Thane", "Vadodara", "Vijayawada", "Visakhapatnam",
];
#[rustfmt::skip]
const SPECIALIZATIONS: &[&str] = &[
    "Cardiologist", "Dermatologist", "General Physician", "Neurologist", "Orthopedic", "Radiologist",
];
const HOSPITALS: &[&str] = &["Apollo", "Deenanath", "Fortis", "Manipal", "Ruby Hall", "Sahyadri"];
#[rustfmt::skip]
const REASONS: &[&str] = &[
    "Back Pain", "Chest Pain", "Diabetes Checkup", "Fever", "Follow-up", "Headache",
];
const VISIT_TYPES: &[&str] = &["Consultation", "Diagnostic", "Emergency"];
const TESTS: &[&str] = &["Blood Test", "CT Scan", "ECG", "MRI", "Ultrasound", "X-Ray"];
#[rustfmt::skip]
const RESULTS: &[&str] = &[
    "Abnormal", "Fracture Detected", "High Cholesterol", "Infection Found", "Normal",
];

/// Days of history before the as-of date.
const HISTORY: u64 = 1_095;

/// The first file of visits holds this share of them.
const FIRST_FILE: (u64, u64) = (4, 5);

/// Writes the feed: as many patients as asked for, a tenth of doctors, five visits and three
/// reports a patient.
pub(super) fn write(landing: &mut Landing<'_>) -> Result<(), Error> {
    let mut random = landing.random(4);
    let patients = landing.patients();
    let doctors = (patients / 10).max(1);
    let births = write_patients(landing, &mut random, patients)?;
    write_doctors(landing, &mut random, doctors)?;
    let visits = write_visits(landing, &mut random, &births, doctors)?;
    write_lab_reports(landing, &mut random, &visits, patients * 3)
}

fn write_patients(landing: &mut Landing<'_>, random: &mut Random, count: u64) -> Result<Vec<NaiveDate>, Error> {
    let date = landing.days_ago(30);
    let mut file = landing.csv(&PATIENTS, "patients", date, ".csv", count, random)?;
    let mut births = Vec::with_capacity(count as usize);
    for number in 0..count {
        let sex = Sex::draw(random, 0.5);
        let gender = if random.chance(0.01) { "Other" } else { sex.letter() };
        let mut name = people::full_name(random, sex);
        if random.chance(0.005) {
            name.push(' ');
        }
        let birth = people::birth_date(random, date);
        file.write(vec![
            format!("P{}", 100_000 + number),
            name,
            gender.to_owned(),
            birth.to_string(),
            random.pick(BLOOD_GROUPS).to_owned(),
            random.pick(CITIES).to_owned(),
        ])?;
        births.push(birth);
        landing.progress("clinic", number + 1, count);
    }
    landing.finished(file.finish()?);
    Ok(births)
}

fn write_doctors(landing: &mut Landing<'_>, random: &mut Random, count: u64) -> Result<(), Error> {
    let date = landing.days_ago(30);
    let mut file = landing.csv(&DOCTORS, "doctors", date, ".csv", count, random)?;
    for number in 0..count {
        let sex = Sex::draw(random, 0.5);
        file.write(vec![
            format!("D{}", 2_000 + number),
            people::full_name(random, sex),
            random.pick(SPECIALIZATIONS).to_owned(),
            random.pick(HOSPITALS).to_owned(),
        ])?;
    }
    landing.finished(file.finish()?);
    Ok(())
}

/// Writes two files of visits; returns the date of each visit.
fn write_visits(
    landing: &mut Landing<'_>,
    random: &mut Random,
    births: &[NaiveDate],
    doctors: u64,
) -> Result<Vec<NaiveDate>, Error> {
    let count = births.len() as u64 * 5;
    let in_first = count * FIRST_FILE.0 / FIRST_FILE.1;
    let (early, late) = (landing.days_ago(30), landing.as_of());
    let mut first = landing.csv(&VISITS, "visits", early, ".csv.gz", in_first, random)?;
    let mut second = landing.csv(&VISITS, "visits", late, ".csv.zst", count - in_first, random)?;
    let mut dates = Vec::with_capacity(count as usize);
    for number in 0..count {
        let (file, extract) = if number < in_first { (&mut first, early) } else { (&mut second, late) };
        let patient = random.below(births.len() as u64);
        let birth = births.get(patient as usize).copied().unwrap_or(extract);
        let before_birth = random.chance(0.004);
        let date = if before_birth {
            birth - Days::new(1 + random.below(300))
        } else {
            let start = (extract - Days::new(HISTORY)).max(birth);
            random.day(start, extract - Days::new(1))
        };
        file.write(vec![
            format!("V{}", 300_000 + number),
            format!("P{}", 100_000 + patient),
            format!("D{}", 2_000 + random.below(doctors)),
            date.to_string(),
            random.pick(REASONS).to_owned(),
            random.pick(VISIT_TYPES).to_owned(),
        ])?;
        file.findings().warn(VISIT_BEFORE_BIRTH, Step::Conform, u64::from(before_birth));
        dates.push(date);
    }
    landing.finished(first.finish()?);
    landing.finished(second.finish()?);
    Ok(dates)
}

fn write_lab_reports(
    landing: &mut Landing<'_>,
    random: &mut Random,
    visits: &[NaiveDate],
    count: u64,
) -> Result<(), Error> {
    let date = landing.as_of();
    let mut file = landing.csv(&LAB_REPORTS, "lab_reports", date, ".csv.gz", count, random)?;
    for number in 0..count {
        let visit = random.below(visits.len() as u64);
        let visited = visits.get(visit as usize).copied().unwrap_or(date);
        let before = random.chance(0.498);
        let reported = if before {
            visited - Days::new(1 + random.below(365))
        } else {
            random.day(visited, (visited + Days::new(365)).min(date))
        };
        file.write(vec![
            format!("R{}", 400_000 + number),
            format!("V{}", 300_000 + visit),
            random.pick(TESTS).to_owned(),
            random.pick(RESULTS).to_owned(),
            reported.to_string(),
        ])?;
        file.findings().warn(REPORT_BEFORE_VISIT, Step::Conform, u64::from(before));
    }
    landing.finished(file.finish()?);
    Ok(())
}
