//! Sources `source_a` and `source_b`: nested visit events, one JSON array per job date. The two
//! name three keys differently. Some visits have no diagnosis, some diagnoses no treatment.

use std::io::Write;

use chrono::{Days, NaiveDate};
use serde_json::{Map, Value, json};

use super::Landing;
use crate::error::Error;
use crate::manifest::{FileReport, Step};
use crate::people::{self, Sex};
use crate::plant::{Change, Deck, Fault};
use crate::random::Random;
use crate::write::{Findings, Place, Sink};

const DATASET: &str = "visit_events";

const PATIENT_ID: &str = "patient_id";
const VISIT_DATE: &str = "date";

/// `Set` with an empty value means JSON null, `Short` that the key is missing.
#[rustfmt::skip]
const FAULTS: &[Fault] = &[
    Fault::reject("patient_id.required", Change::Set(PATIENT_ID, "")),
    Fault::reject("patient_id.required", Change::Short),
    Fault::reject("visit_date.type", Change::Set(VISIT_DATE, "2023-02-31")),
];

const NO_VISIT: [&str; 2] = ["visit_present", "visit_date_present"];
const NO_DIAGNOSIS: &str = "diagnosis_present";
const NO_TREATMENT: &str = "treatment_present";

/// A sender of visit events and the names of its keys.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sender {
    source: &'static str,
    stream: u64,
    drug: &'static str,
    dose: &'static str,
    author: &'static str,
}

pub(super) const SOURCE_A: Sender =
    Sender { source: "source_a", stream: 6, drug: "drug", dose: "dose", author: "author" };

pub(super) const SOURCE_B: Sender =
    Sender { source: "source_b", stream: 7, drug: "drug_test", dose: "dose_test", author: "author_test" };

/// Code, description, drugs with doses.
type Disease = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

#[rustfmt::skip]
const DISEASES: &[Disease] = &[
    ("ICD-10:E11.9", "Type 2 diabetes", &[("Metformin", "500mg"), ("Insulin", "10 units"), ("Empagliflozin", "10mg")]),
    ("ICD-10:I10", "Essential hypertension", &[("Lisinopril", "10mg"), ("Amlodipine", "5mg")]),
    ("ICD-10:J45.909", "Asthma", &[("Salbutamol", "2 puffs"), ("Budesonide", "200mcg")]),
    ("ICD-10:J06.9", "Upper respiratory infection", &[("Paracetamol", "500mg")]),
    ("ICD-10:E78.5", "Hyperlipidemia", &[("Atorvastatin", "20mg"), ("Ezetimibe", "10mg")]),
    ("ICD-10:M54.50", "Low back pain", &[("Ibuprofen", "400mg"), ("Naproxen", "250mg")]),
];

#[rustfmt::skip]
const NOTES: &[&str] = &[
    "Patient reported improved symptoms.", "Patient is stable.", "Referred for blood tests.",
    "Advised rest and fluids.", "Side effects discussed; dose kept.",
];

/// Writes three job dates of a sender, each with new patients and some that return.
pub(super) fn write(landing: &mut Landing<'_>, sender: &Sender) -> Result<(), Error> {
    let mut random = landing.random(sender.stream);
    let total = landing.patients().div_ceil(2);
    let dates = [landing.days_ago(2), landing.days_ago(1), landing.as_of()];
    let mut files = Vec::new();
    for date in dates {
        let folder = date.format("%Y%m%d").to_string();
        let place = landing.place(sender.source, DATASET, &folder, "visit_events.json");
        let deck = Deck::new(landing.faults(FAULTS), total / 3, &mut random);
        files.push(EventFile::create(*sender, place, date, deck)?);
    }
    for number in 0..total {
        let sex = Sex::draw(&mut random, 0.5);
        let id = format!("P-{}", 1_001 + number);
        let name = people::full_name(&mut random, sex);
        let first = random.below(files.len() as u64) as usize;
        for (position, file) in files.iter_mut().enumerate() {
            if position == first || (position > first && random.chance(0.3)) {
                file.write(&id, &name, &mut random)?;
            }
        }
        landing.progress(sender.source, number + 1, total);
    }
    for file in files {
        landing.finished(file.finish()?);
    }
    Ok(())
}

struct EventFile {
    sender: Sender,
    place: Place,
    date: NaiveDate,
    sink: Sink,
    findings: Findings,
    deck: Deck,
    empty: bool,
    visits: u64,
    strangers: u64,
}

impl EventFile {
    fn create(sender: Sender, place: Place, date: NaiveDate, deck: Deck) -> Result<Self, Error> {
        Ok(Self {
            sink: Sink::create(&place.path)?,
            sender,
            place,
            date,
            findings: Findings::default(),
            deck,
            empty: true,
            visits: 0,
            strangers: 0,
        })
    }

    /// Writes a patient with up to three visits, and the planted errors that are due.
    fn write(&mut self, id: &str, name: &str, random: &mut Random) -> Result<(), Error> {
        let count = random.weighted([0.01, 0.5, 0.35, 0.14].into_iter());
        if count == 0 {
            self.warn_of_no_visit();
        }
        let mut rows = 0;
        let visits: Vec<Value> = (0..count)
            .map(|_| {
                let (visit, visit_rows) = self.visit(random);
                rows += visit_rows;
                visit
            })
            .collect();
        self.emit(&json!({ PATIENT_ID: id, "name": name, "visits": visits }), rows.max(1))?;
        for fault in self.deck.due(random) {
            self.plant(fault, random)?;
        }
        Ok(())
    }

    /// Counts the row of a patient without visits, which has no diagnosis and no treatment either.
    fn warn_of_no_visit(&mut self) {
        for rule in NO_VISIT.into_iter().chain([NO_DIAGNOSIS, NO_TREATMENT]) {
            self.findings.warn(rule, Step::Ingest, 1);
        }
    }

    fn finish(mut self) -> Result<FileReport, Error> {
        let end: &[u8] = if self.empty { b"[]\n" } else { b"\n]\n" };
        self.sink.write_all(end).map_err(Error::at(&self.place.path))?;
        self.sink.finish().map_err(Error::at(&self.place.path))?;
        Ok(self.findings.report(&self.place, self.sender.source))
    }

    /// A visit and the number of rows it flattens to.
    fn visit(&mut self, random: &mut Random) -> (Value, u64) {
        let count = random.weighted([0.08, 0.72, 0.2].into_iter()) as u64;
        let offset = random.below(DISEASES.len() as u64);
        let mut rows = 0;
        let diagnoses: Vec<Value> = (0..count)
            .map(|number| {
                let position = (offset + number) as usize % DISEASES.len();
                let (code, description, drugs) = DISEASES.get(position).copied().unwrap_or_default();
                let given = random.below(drugs.len() as u64 + 1) as usize;
                rows += (given as u64).max(1);
                self.findings.warn(NO_TREATMENT, Step::Ingest, u64::from(given == 0));
                let treatments = drugs.iter().take(given).map(|drug| self.treatment(*drug)).collect();
                diagnosis(code, description, treatments)
            })
            .collect();
        let empty = u64::from(count == 0);
        self.findings.warn(NO_DIAGNOSIS, Step::Ingest, empty);
        self.findings.warn(NO_TREATMENT, Step::Ingest, empty);
        let date = if random.chance(0.05) { self.date - Days::new(1 + random.below(9)) } else { self.date };
        (self.visit_of(&date.to_string(), diagnoses, random), rows.max(1))
    }

    fn treatment(&self, (drug, dose): (&str, &str)) -> Value {
        let mut treatment = Map::new();
        treatment.insert(self.sender.drug.to_owned(), drug.into());
        treatment.insert(self.sender.dose.to_owned(), dose.into());
        Value::Object(treatment)
    }

    fn visit_of(&mut self, date: &str, diagnoses: Vec<Value>, random: &mut Random) -> Value {
        self.visits += 1;
        let author = format!("Dr. {}", people::last_name(random));
        let mut notes = Map::new();
        notes.insert("text".to_owned(), random.pick(NOTES).into());
        notes.insert(self.sender.author.to_owned(), author.into());
        json!({
            "visit_id": format!("V-{}-{:06}", self.date.format("%Y%m%d"), self.visits),
            VISIT_DATE: date,
            "diagnoses": diagnoses,
            "provider_notes": notes,
        })
    }

    /// Writes a patient nobody else is, whose record is one row with one error.
    fn plant(&mut self, fault: Fault, random: &mut Random) -> Result<(), Error> {
        self.strangers += 1;
        let id = format!("P-9{:03}{:06}", self.place.ordinal, self.strangers);
        let date = match fault.change {
            Change::Set(VISIT_DATE, value) => value.to_owned(),
            _ => self.date.to_string(),
        };
        let (code, description, drugs) = DISEASES.first().copied().unwrap_or_default();
        let treatments = drugs.iter().take(1).map(|drug| self.treatment(*drug)).collect();
        let visit = self.visit_of(&date, vec![diagnosis(code, description, treatments)], random);
        let mut record = Map::new();
        match fault.change {
            Change::Short => {}
            Change::Set(PATIENT_ID, _) => {
                record.insert(PATIENT_ID.to_owned(), Value::Null);
            }
            _ => {
                record.insert(PATIENT_ID.to_owned(), id.into());
            }
        }
        record.insert("name".to_owned(), people::full_name(random, Sex::Female).into());
        record.insert("visits".to_owned(), Value::Array(vec![visit]));
        self.emit(&Value::Object(record), 1)?;
        self.findings.planted(fault.rule, fault.step, fault.outcome);
        Ok(())
    }

    fn emit(&mut self, record: &Value, rows: u64) -> Result<(), Error> {
        let at = Error::at(&self.place.path);
        let before: &[u8] = if self.empty { b"[\n" } else { b",\n" };
        self.empty = false;
        self.sink.write_all(before).map_err(&at)?;
        serde_json::to_writer_pretty(&mut self.sink, record).map_err(|error| at(error.into()))?;
        self.findings.record(rows);
        Ok(())
    }
}

fn diagnosis(code: &str, description: &str, treatments: Vec<Value>) -> Value {
    json!({ "code": code, "description": description, "treatments": treatments })
}
