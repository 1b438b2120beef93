//! Feed `scheduling`: patients, physicians and appointments in three extracts, a month, a week and
//! no day before the as-of date. An extract holds what is new or changed since the one before.

mod appointments;
mod patients;

use chrono::{Days, NaiveDate, NaiveDateTime, TimeDelta};

use self::appointments::{APPOINTMENTS, Booking};
use self::patients::{PATIENTS, Patient};
use super::Landing;
use crate::error::Error;
use crate::people::{self, Sex};
use crate::plant::Change::{Older, Set};
use crate::plant::Fault;
use crate::random::Random;
use crate::signal::Strength;
use crate::write::{CsvFile, Fresh, Table, timestamp};

#[rustfmt::skip]
const PHYSICIANS: Table = Table {
    feed: "scheduling",
    header: &[
        "physician_id", "first_name", "last_name", "specialty", "license_number", "email",
        "contact_number", "department", "hire_date", "status", "created_at", "updated_at",
    ],
    fresh: Fresh::Prefix("physician_id", "D99"),
    faults: &[
        Fault::reject("physician_id.required", Set("physician_id", "")),
        Fault::warn("hire_date.type", Set("hire_date", "spring 2015")),
        Fault::dedupe("key.unique", Older("updated_at")),
    ],
    crlf: false,
};

/// Name, department, effect on the no-show risk.
#[rustfmt::skip]
const SPECIALTIES: &[(&str, &str, f64)] = &[
    ("Cardiology", "Medicine", -0.35),
    ("Dermatology", "Medicine", 0.25),
    ("Family Medicine", "Primary Care", 0.0),
    ("Neurology", "Medicine", -0.1),
    ("Obstetrics and Gynecology", "Women and Children", -0.25),
    ("Oncology", "Medicine", -0.35),
    ("Orthopedics", "Surgery", 0.05),
    ("Pediatrics", "Women and Children", 0.1),
    ("Physical Therapy", "Rehabilitation", 0.3),
    ("Psychiatry", "Behavioral Health", 0.4),
];

/// The three extracts: the state at midnight before each date.
struct Extracts {
    dates: [NaiveDate; 3],
    patients: Vec<CsvFile>,
    appointments: Vec<CsvFile>,
}

/// Writes the feed.
pub(super) fn write(landing: &mut Landing<'_>) -> Result<(), Error> {
    let mut random = landing.random(1);
    let total = landing.patients();
    let dates = [landing.days_ago(30), landing.days_ago(7), landing.as_of()];
    let physicians = (total / 40).max(8);
    let specialties = write_physicians(landing, &mut random, &dates, physicians)?;
    let shares = [(0.92, 7.0), (0.07, 0.5), (0.05, 0.8)];
    let endings = [(".csv.gz", ".csv.gz"), (".csv", ".csv.zst"), (".csv.zst", ".csv")];
    let mut extracts = Extracts { dates, patients: Vec::new(), appointments: Vec::new() };
    for ((date, share), ending) in dates.into_iter().zip(shares).zip(endings) {
        let rows = |share: f64| (total as f64 * share) as u64;
        let file = landing.csv(&PATIENTS, "patients", date, ending.0, rows(share.0), &mut random)?;
        extracts.patients.push(file);
        let file = landing.csv(&APPOINTMENTS, "appointments", date, ending.1, rows(share.1), &mut random)?;
        extracts.appointments.push(file);
    }
    let mut strength = Strength::new(landing.days_ago(appointments::HISTORY / 5));
    let mut next = 1_000_000;
    for number in 0..total {
        let patient = Patient::draw(&mut random, number, &extracts.dates);
        patient.write(&mut extracts, &mut random)?;
        for booking in Booking::draw_all(&patient, &specialties, landing.as_of(), &mut random, &mut strength) {
            booking.write(&patient, next, &mut extracts)?;
            next += 1;
        }
        landing.progress("scheduling", number + 1, total);
    }
    for file in extracts.patients.into_iter().chain(extracts.appointments) {
        landing.finished(file.finish()?);
    }
    landing.signal(strength.signal("scheduling", "appointments"));
    Ok(())
}

/// Writes all physicians in the first extract and a few changed ones in the last; returns the
/// specialty number of each.
fn write_physicians(
    landing: &mut Landing<'_>,
    random: &mut Random,
    dates: &[NaiveDate; 3],
    count: u64,
) -> Result<Vec<usize>, Error> {
    let [first, _, last] = *dates;
    let mut all = landing.csv(&PHYSICIANS, "physicians", first, ".csv", count, random)?;
    let mut changed = landing.csv(&PHYSICIANS, "physicians", last, ".csv", count / 10, random)?;
    let mut specialties = Vec::new();
    for number in 0..count {
        let specialty = random.below(SPECIALTIES.len() as u64) as usize;
        let (name, department, _) = SPECIALTIES.get(specialty).copied().unwrap_or_default();
        specialties.push(specialty);
        let sex = Sex::draw(random, 0.5);
        let (forename, surname) = (people::first_name(random, sex), people::last_name(random));
        let hired = random.day(first - Days::new(9_000), first - Days::new(400));
        let entered = (hired + Days::new(3)).and_hms_opt(9, 0, 0).unwrap_or_default();
        let row = |status: &str, updated: NaiveDateTime| {
            vec![
                format!("D{}", 2000 + number),
                forename.to_owned(),
                surname.to_owned(),
                name.to_owned(),
                format!("LIC{:06}", 100_000 + number * 7),
                format!("{}.{}@harbor-clinic.example", forename.to_lowercase(), surname.to_lowercase()),
                format!("617-555-{:04}", 100 + number % 9_000),
                department.to_owned(),
                hired.to_string(),
                status.to_owned(),
                timestamp(entered),
                timestamp(updated),
            ]
        };
        all.write(row("Active", entered + TimeDelta::hours(2)))?;
        if number % 10 == 9 {
            let updated = (last - Days::new(3)).and_hms_opt(12, 0, 0).unwrap_or_default();
            changed.write(row("On Leave", updated))?;
            changed.findings().version();
        }
    }
    landing.finished(all.finish()?);
    landing.finished(changed.finish()?);
    Ok(specialties)
}

fn at_hour(day: NaiveDate, hour: u32, minute: u32) -> NaiveDateTime {
    day.and_hms_opt(hour, minute, 0).unwrap_or_default()
}
