//! The patients of the practice.

use chrono::{Days, NaiveDate, NaiveDateTime, TimeDelta};

use super::{Extracts, at_hour};
use crate::error::Error;
use crate::people::{self, Sex};
use crate::plant::Change::{Encoding, Older, Set, Short};
use crate::plant::Fault;
use crate::random::Random;
use crate::write::{Fresh, Table, timestamp};

#[rustfmt::skip]
pub(super) const PATIENTS: Table = Table {
    feed: "scheduling",
    header: &[
        "patient_id", "first_name", "last_name", "date_of_birth", "gender", "contact_number",
        "email", "address", "city", "state", "zip_code", "insurance_provider", "insurance_id",
        "created_at", "updated_at",
    ],
    fresh: Fresh::Prefix("patient_id", "P99"),
    faults: &[
        Fault::reject("patient_id.required", Set("patient_id", "")),
        Fault::reject("date_of_birth.type", Set("date_of_birth", "unknown")),
        Fault::reject("row.shape", Short),
        Fault::reject("row.encoding", Encoding("last_name")),
        Fault::warn("gender_domain", Set("gender", "Z")),
        Fault::warn("email_form", Set("email", "no e-mail")),
        Fault::dedupe("key.unique", Older("updated_at")),
    ],
    crlf: false,
};

/// City, state, ZIP code.
#[rustfmt::skip]
const CITIES: &[(&str, &str, &str)] = &[
    ("Boston", "MA", "02118"), ("Cambridge", "MA", "02139"), ("Worcester", "MA", "01608"),
    ("Springfield", "MA", "01103"), ("Lowell", "MA", "01852"), ("Quincy", "MA", "02169"),
    ("Newton", "MA", "02458"), ("Lynn", "MA", "01901"), ("Somerville", "MA", "02143"),
    ("Framingham", "MA", "01701"), ("Providence", "RI", "02903"), ("Nashua", "NH", "03060"),
    ("Portland", "ME", "04101"), ("Hartford", "CT", "06103"),
];

#[rustfmt::skip]
const INSURERS: &[&str] = &["Bluewater Health", "Commonwealth Mutual", "Harbor Care", "Medicare", "Medicaid", ""];
/// A patient of the practice.
pub(super) struct Patient {
    pub(super) id: String,
    sex: Sex,
    pub(super) birth: NaiveDate,
    pub(super) city: usize,
    pub(super) insurer: &'static str,
    pub(super) joined: NaiveDateTime,
    moved: Option<NaiveDateTime>,
}

impl Patient {
    pub(super) fn draw(random: &mut Random, number: u64, dates: &[NaiveDate; 3]) -> Self {
        let [first, second, last] = *dates;
        let joined = match random.weighted([0.92, 0.05, 0.03].into_iter()) {
            0 => random.day(first - Days::new(1_100), first - Days::new(1)),
            1 => random.day(first, second - Days::new(1)),
            _ => random.day(second, last - Days::new(1)),
        };
        let moved = random.chance(0.02) && joined < first;
        Self {
            id: format!("P{}", 100_000 + number),
            sex: Sex::draw(random, 0.55),
            birth: people::birth_date(random, joined),
            city: random.below(CITIES.len() as u64) as usize,
            insurer: random.pick(INSURERS),
            joined: at_hour(joined, 8 + random.below(8) as u32, 0),
            moved: moved.then(|| at_hour(random.day(first, last - Days::new(1)), 17, 0)),
        }
    }

    pub(super) fn write(&self, extracts: &mut Extracts, random: &mut Random) -> Result<(), Error> {
        let (first, last) = (people::first_name(random, self.sex), people::last_name(random));
        let gender = if random.chance(0.01) { "Other" } else { self.sex.letter() };
        let phone = people::phone(random);
        let email = format!("{}.{}{}@mail.example", first.to_lowercase(), last.to_lowercase(), random.below(1_000));
        let old_address = people::street_address(random);
        let new_address = people::street_address(random);
        let (city, state, zip) = CITIES.get(self.city).copied().unwrap_or_default();
        let insurance_id =
            if self.insurer.is_empty() { String::new() } else { format!("INS{:08}", random.below(100_000_000)) };
        let mut since = None;
        for (date, file) in extracts.dates.iter().zip(&mut extracts.patients) {
            let until = at_hour(*date, 0, 0);
            let moved = self.moved.filter(|moved| *moved < until);
            let updated = moved.unwrap_or(self.joined + TimeDelta::hours(1));
            if self.joined < until && since.is_none_or(|since| updated >= since) {
                let address = if moved.is_some() { &new_address } else { &old_address };
                file.write(vec![
                    self.id.clone(),
                    first.to_owned(),
                    last.to_owned(),
                    self.birth.to_string(),
                    gender.to_owned(),
                    phone.clone(),
                    email.clone(),
                    address.clone(),
                    city.to_owned(),
                    state.to_owned(),
                    zip.to_owned(),
                    self.insurer.to_owned(),
                    insurance_id.clone(),
                    timestamp(self.joined),
                    timestamp(updated),
                ])?;
                if since.is_some_and(|since| self.joined < since) {
                    file.findings().version();
                }
            }
            since = Some(until);
        }
        Ok(())
    }
}
