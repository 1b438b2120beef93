//! The appointments of a patient, from booking to outcome.

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, TimeDelta, Weekday};

use super::patients::Patient;
use super::{Extracts, SPECIALTIES, at_hour};
use crate::error::Error;
use crate::people::age_on;
use crate::plant::Change::{Encoding, Long, Older, Set};
use crate::plant::Fault;
use crate::random::Random;
use crate::signal::{Attendance, Circumstances, Strength, place_effect};
use crate::write::{Fresh, Table, timestamp};

#[rustfmt::skip]
pub(super) const APPOINTMENTS: Table = Table {
    feed: "scheduling",
    header: &[
        "appointment_id", "patient_id", "physician_id", "appointment_date", "appointment_time",
        "duration_minutes", "reason", "status", "no_show", "notes", "created_at", "updated_at",
    ],
    fresh: Fresh::Prefix("appointment_id", "A99"),
    faults: &[
        Fault::reject("appointment_id.required", Set("appointment_id", "")),
        Fault::reject("patient_id.required", Set("patient_id", "")),
        Fault::reject("appointment_date.type", Set("appointment_date", "2025-02-30")),
        Fault::warn("duration_minutes.type", Set("duration_minutes", "half an hour")),
        Fault::reject("row.shape", Long),
        Fault::reject("row.encoding", Encoding("notes")),
        Fault::dedupe("key.unique", Older("updated_at")),
        Fault::warn("status_domain", Set("status", "Rescheduled")),
        Fault::warn_at_conform("patient_known", Set("patient_id", "P000001")),
        Fault::warn_at_conform("physician_known", Set("physician_id", "D0001")),
    ],
    crlf: false,
};

#[rustfmt::skip]
const REASONS: &[&str] = &["Annual check-up", "Consultation", "Follow-up", "New complaint", "Therapy", "Test results", "Vaccination"];
#[rustfmt::skip]
const NOTES: &[&str] = &[
    "", "", "", "Brings an interpreter", "Prefers \"early\" slots, if any", "Needs step-free access",
    "Café voucher given", "Called twice\nleft a message", "Fasting required; no coffee",
];
const HOURS: &[u32] = &[8, 8, 9, 9, 10, 10, 11, 13, 14, 14, 15, 16, 17];
const DURATIONS: &[&str] = &["15", "20", "30", "30", "45", "60"];

/// Days of history before the as-of date.
pub(super) const HISTORY: u64 = 540;

/// An appointment from booking to outcome.
pub(super) struct Booking {
    physician: usize,
    start: NaiveDateTime,
    booked: NaiveDateTime,
    cancelled: Option<NaiveDateTime>,
    missed: bool,
    duration: &'static str,
    reason: &'static str,
    note: &'static str,
}

impl Booking {
    /// All appointments of a patient, past and upcoming, in the order of their dates.
    pub(super) fn draw_all(
        patient: &Patient,
        specialties: &[usize],
        as_of: NaiveDate,
        random: &mut Random,
        strength: &mut Strength,
    ) -> Vec<Self> {
        let first = patient.joined.date().max(as_of - Days::new(HISTORY));
        let last = as_of + Days::new(45);
        let count = 2 + (random.exponential(7.2) as usize).min(40);
        let mut days: Vec<NaiveDate> = (0..count).map(|_| random.day(first, last)).collect();
        days.sort_unstable();
        let mut attendance = Attendance::new(random);
        days.into_iter()
            .filter(|day| day.weekday() != Weekday::Sun)
            .map(|day| Self::draw(patient, specialties, day, as_of, &mut attendance, random, strength))
            .collect()
    }

    fn draw(
        patient: &Patient,
        specialties: &[usize],
        day: NaiveDate,
        as_of: NaiveDate,
        attendance: &mut Attendance,
        random: &mut Random,
        strength: &mut Strength,
    ) -> Self {
        let mut lead = if random.chance(0.18) { 0 } else { 1 + random.exponential(13.0) as i64 };
        let upcoming = (day - as_of).num_days();
        if upcoming >= 0 {
            lead = lead.max(upcoming + 1 + random.between(0, 9));
        }
        lead = lead.min((day - patient.joined.date()).num_days());
        let physician = random.below(specialties.len() as u64) as usize;
        let hour = random.pick(HOURS);
        let booked = at_hour(day - Days::new(lead.max(0) as u64), 7, random.below(30) as u32);
        let specialty =
            specialties.get(physician).and_then(|&number| SPECIALTIES.get(number)).map_or(0.0, |specialty| specialty.2);
        let start = at_hour(day, hour, random.pick(&[0, 15, 30, 45]));
        let cancelled = (random.chance(0.08) && lead > 1)
            .then(|| booked + TimeDelta::days(random.between(0, lead - 1)) + TimeDelta::hours(6));
        let missed = cancelled.is_none()
            && upcoming < 0
            && attendance.attend(
                &Circumstances {
                    lead_days: lead,
                    age: age_on(patient.birth, day),
                    reminded: false,
                    day,
                    hour: Some(hour),
                    setting: specialty,
                    place: place_effect(patient.city),
                    poor: patient.insurer.is_empty(),
                    chronic: false,
                },
                random,
                strength,
            );
        Self {
            physician,
            start,
            booked,
            cancelled,
            missed,
            duration: random.pick(DURATIONS),
            reason: random.pick(REASONS),
            note: random.pick(NOTES),
        }
    }

    /// Status, `no_show` and time of the last change, as known at a moment.
    fn state(&self, until: NaiveDateTime) -> Option<(&'static str, &'static str, NaiveDateTime)> {
        if self.booked >= until {
            return None;
        }
        if let Some(at) = self.cancelled.filter(|at| *at < until) {
            return Some(("Cancelled", "false", at));
        }
        if self.start.date() < until.date() {
            let closed = at_hour(self.start.date(), 19, 0);
            return Some(if self.missed { ("No-show", "true", closed) } else { ("Completed", "false", closed) });
        }
        Some(("Scheduled", "", self.booked + TimeDelta::hours(1)))
    }

    pub(super) fn write(&self, patient: &Patient, number: u64, extracts: &mut Extracts) -> Result<(), Error> {
        let mut since = None;
        for (date, file) in extracts.dates.iter().zip(&mut extracts.appointments) {
            let until = at_hour(*date, 0, 0);
            let changed = self.state(until).filter(|state| since.is_none_or(|since| state.2 >= since));
            if let Some((status, no_show, updated)) = changed {
                file.write(vec![
                    format!("A{number}"),
                    patient.id.clone(),
                    format!("D{}", 2000 + self.physician),
                    self.start.date().to_string(),
                    timestamp(self.start),
                    self.duration.to_owned(),
                    self.reason.to_owned(),
                    status.to_owned(),
                    no_show.to_owned(),
                    self.note.to_owned(),
                    timestamp(self.booked),
                    timestamp(updated),
                ])?;
                if since.is_some_and(|since| self.booked < since) {
                    file.findings().version();
                }
            }
            since = Some(until);
        }
        Ok(())
    }
}
