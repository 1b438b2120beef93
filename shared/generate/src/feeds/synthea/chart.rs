//! A patient's chart: what happens becomes rows of the export.

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};

use super::codes::{Concept, EncounterKind, Measure};
use super::export::{Directory, Export};
use super::person::Person;
use super::tables::Kind;
use crate::error::Error;
use crate::random::Random;
use crate::write::{money, timestamp};

const AFTER_DEATH: &str = "after_death";

/// Hours by which the local time, in which dates without a time are given, is behind UTC.
const BEHIND_UTC: i64 = 5;

/// An encounter that was written.
#[derive(Debug, Clone)]
pub(super) struct Encounter {
    pub(super) id: String,
    pub(super) start: NaiveDateTime,
}

impl Encounter {
    /// The local date on which it began; for a start soon after midnight UTC the day before.
    pub(super) fn local_date(&self) -> NaiveDate {
        (self.start - TimeDelta::hours(BEHIND_UTC)).date()
    }
}

pub(super) struct Chart<'a> {
    export: &'a mut Export,
    directory: &'a Directory,
    pub(super) person: &'a Person,
    pub(super) random: &'a mut Random,
}

impl<'a> Chart<'a> {
    pub(super) fn new(
        export: &'a mut Export,
        directory: &'a Directory,
        person: &'a Person,
        random: &'a mut Random,
    ) -> Self {
        Self { export, directory, person, random }
    }

    pub(super) fn write_patient(&mut self) -> Result<(), Error> {
        let row = self.person.row(self.random);
        self.export.write(Kind::Patients, row)
    }

    /// The day of the export.
    pub(super) fn extract(&self) -> NaiveDate {
        self.export.date
    }

    /// True for the export in the older form.
    pub(super) fn older_form(&self) -> bool {
        self.export.form > 0
    }

    /// Writes an encounter; `elsewhere` takes it to another organization.
    pub(super) fn encounter(
        &mut self,
        (class, kind): EncounterKind,
        start: NaiveDateTime,
        stop: Option<NaiveDateTime>,
        reason: Option<Concept>,
        elsewhere: u64,
    ) -> Result<Encounter, Error> {
        let id = self.random.uuid();
        let (organization, provider) = self.directory.provider(self.person.provider, elsewhere);
        let base = self.random.between(6_000, 18_000);
        let days = stop.map_or(1, |stop| (stop - start).num_days() + 1);
        let total = base + self.random.between(0, 90_000) * days;
        let (reason_code, reason_text) = self.reason(reason);
        let row = vec![
            id.clone(),
            timestamp(start),
            stop.map(timestamp).unwrap_or_default(),
            self.person.id.clone(),
            organization.to_owned(),
            provider.to_owned(),
            self.directory.payer(self.person.payer).to_owned(),
            class.to_owned(),
            kind.code.to_owned(),
            kind.text(self.export.form).to_owned(),
            money(base),
            money(total),
            money(total * self.random.between(0, 9) / 10),
            reason_code,
            reason_text,
        ];
        if self.person.death.is_some_and(|death| start.date() > death) {
            self.export.write_warned(Kind::Encounters, row, AFTER_DEATH)?;
        } else {
            self.export.write(Kind::Encounters, row)?;
        }
        Ok(Encounter { id, start })
    }

    /// Writes a condition; dates are local.
    pub(super) fn condition(
        &mut self,
        at: &Encounter,
        what: Concept,
        start: NaiveDate,
        stop: Option<NaiveDate>,
    ) -> Result<(), Error> {
        let row = vec![
            start.to_string(),
            stop.map(|stop| stop.to_string()).unwrap_or_default(),
            self.person.id.clone(),
            at.id.clone(),
            "SNOMED-CT".to_owned(),
            what.code.to_owned(),
            what.text(self.export.form).to_owned(),
        ];
        self.export.write(Kind::Conditions, row)
    }

    /// Writes a fill of a drug for a number of days; an open one has no end yet.
    pub(super) fn medication(
        &mut self,
        at: &Encounter,
        drug: Concept,
        start: NaiveDateTime,
        days: i64,
        reason: Concept,
    ) -> Result<(), Error> {
        let stop = start + TimeDelta::days(days);
        let open = stop.date() > self.extract();
        let dispenses = (days / 30).max(1);
        let cost = self.random.between(400, 30_000);
        let total = cost * dispenses;
        let (reason_code, reason_text) = self.reason(Some(reason));
        let row = vec![
            timestamp(start),
            if open { String::new() } else { timestamp(stop) },
            self.person.id.clone(),
            self.directory.payer(self.person.payer).to_owned(),
            at.id.clone(),
            drug.code.to_owned(),
            drug.text(self.export.form).to_owned(),
            money(cost),
            money(total * self.random.between(0, 9) / 10),
            dispenses.to_string(),
            money(total),
            reason_code,
            reason_text,
        ];
        self.export.write(Kind::Medications, row)
    }

    /// Writes a measured number with one decimal.
    pub(super) fn number(&mut self, at: &Encounter, what: Measure, value: f64) -> Result<(), Error> {
        self.observation(at, what, format!("{value:.1}"), "numeric")
    }

    /// Writes an observation.
    pub(super) fn observation(
        &mut self,
        at: &Encounter,
        (category, what, unit): Measure,
        value: String,
        kind: &str,
    ) -> Result<(), Error> {
        let row = vec![
            timestamp(at.start),
            self.person.id.clone(),
            at.id.clone(),
            category.to_owned(),
            what.code.to_owned(),
            what.text(self.export.form).to_owned(),
            value,
            unit.to_owned(),
            kind.to_owned(),
        ];
        self.export.write(Kind::Observations, row)
    }

    /// Writes a procedure of a quarter of an hour.
    pub(super) fn procedure(&mut self, at: &Encounter, what: Concept, reason: Option<Concept>) -> Result<(), Error> {
        let (reason_code, reason_text) = self.reason(reason);
        let row = vec![
            timestamp(at.start),
            timestamp(at.start),
            timestamp(at.start + TimeDelta::minutes(15)),
            self.person.id.clone(),
            at.id.clone(),
            "SNOMED-CT".to_owned(),
            what.code.to_owned(),
            what.text(self.export.form).to_owned(),
            money(self.random.between(9_000, 150_000)),
            reason_code,
            reason_text,
        ];
        self.export.write(Kind::Procedures, row)
    }

    /// Writes a vaccination.
    pub(super) fn immunization(&mut self, at: &Encounter, what: Concept) -> Result<(), Error> {
        let row = vec![
            timestamp(at.start),
            self.person.id.clone(),
            at.id.clone(),
            what.code.to_owned(),
            what.text(self.export.form).to_owned(),
            "136.00".to_owned(),
        ];
        self.export.write(Kind::Immunizations, row)
    }

    /// Writes an allergy that goes on.
    pub(super) fn allergy(&mut self, at: &Encounter, what: Concept, category: &str) -> Result<(), Error> {
        let mut row = vec![
            at.local_date().to_string(),
            String::new(),
            self.person.id.clone(),
            at.id.clone(),
            what.code.to_owned(),
            "SNOMED-CT".to_owned(),
            what.text(self.export.form).to_owned(),
            "allergy".to_owned(),
            category.to_owned(),
        ];
        row.extend(["21626009", "Cutaneous hypersensitivity (disorder)", "MILD", "", "", ""].map(str::to_owned));
        self.export.write(Kind::Allergies, row)
    }

    /// Writes a care plan that goes on.
    pub(super) fn careplan(&mut self, at: &Encounter, what: Concept, reason: Concept) -> Result<(), Error> {
        let (reason_code, reason_text) = self.reason(Some(reason));
        let row = vec![
            self.random.uuid(),
            at.local_date().to_string(),
            String::new(),
            self.person.id.clone(),
            at.id.clone(),
            what.code.to_owned(),
            what.text(self.export.form).to_owned(),
            reason_code,
            reason_text,
        ];
        self.export.write(Kind::Careplans, row)
    }

    fn reason(&self, reason: Option<Concept>) -> (String, String) {
        reason.map(|reason| (reason.code.to_owned(), reason.text(self.export.form).to_owned())).unwrap_or_default()
    }
}
