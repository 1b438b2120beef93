//! The files of one Bulk Data export, with planted errors.

use std::collections::BTreeMap;
use std::io::Write;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::resources::{Record, Row, panel, resource};
use crate::error::Error;
use crate::feeds::Landing;
use crate::plant::{Change, Deck, Fault};
use crate::random::Random;
use crate::write::{Findings, Place, Sink};

const FEED: &str = "fhir";
const MODIFIER: &str = "modifierExtension";
const SYSTOLIC: &str = "8480-6";
const DIASTOLIC: &str = "8462-4";

#[rustfmt::skip]
const FAULTS: &[Fault] = &[
    Fault::reject("modifier_extension_known", Change::Set(MODIFIER, "http://example.org/fhir/negated")),
    Fault::reject("resource_type_expected", Change::Set("resourceType", "Basic")),
];
#[rustfmt::skip]
const TAKEN_BACK: &[Fault] = &[
    Fault::reject("modifier_extension_known", Change::Set(MODIFIER, "http://example.org/fhir/negated")),
    Fault::reject("resource_type_expected", Change::Set("resourceType", "Basic")),
    Fault::warn("not_entered_in_error", Change::Set("status", "entered-in-error")),
];

/// One file.
struct File {
    record: Record,
    sink: Sink,
    place: Place,
    findings: Findings,
    deck: Deck,
}

/// An export of the resources of a hospital.
pub(in crate::feeds) struct Bulk {
    files: Vec<File>,
    random: Random,
    /// True for an export after the first, which brings the hospital's directory again.
    later: bool,
    /// Conditions of the patient at hand by code.
    conditions: BTreeMap<String, String>,
    /// A systolic pressure that waits for the diastolic one.
    waiting: Option<Vec<String>>,
}

impl Bulk {
    /// Opens a file for each type of resource; `rows` says how many rows each table has, roughly.
    pub(in crate::feeds) fn create(
        landing: &mut Landing<'_>,
        date: NaiveDate,
        later: bool,
        rows: &dyn Fn(Record) -> u64,
    ) -> Result<Self, Error> {
        let mut random = landing.random(8 + u64::from(later));
        let ending = if later { "ndjson" } else { "ndjson.gz" };
        let mut files = Vec::new();
        for record in Record::ALL {
            let (kind, dataset) = record.names();
            let file = format!("{kind}.000.{ending}");
            let place = landing.place_in(FEED, dataset, "bulk", &date.to_string(), &file);
            let faults = match record {
                Record::Condition
                | Record::Encounter
                | Record::Medication
                | Record::Observation
                | Record::Procedure => TAKEN_BACK,
                _ => FAULTS,
            };
            let deck = Deck::new(landing.faults(faults), rows(record), &mut random);
            files.push(File { record, sink: Sink::create(&place.path)?, place, findings: Findings::default(), deck });
        }
        Ok(Self { files, random, later, conditions: BTreeMap::new(), waiting: None })
    }

    /// Writes what a row of a table says.
    pub(in crate::feeds) fn write(&mut self, record: Record, row: &Row<'_>) -> Result<(), Error> {
        if record == Record::Patient {
            self.conditions.clear();
        }
        if record == Record::Observation {
            return self.observation(row);
        }
        let id = self.random.uuid();
        if record == Record::Condition {
            self.conditions.entry(row.get("CODE").to_owned()).or_insert_with(|| id.clone());
        }
        let pointed = self.conditions.get(row.get("REASONCODE")).filter(|_| record == Record::Medication);
        let resource = resource(record, row, &id, pointed.map(String::as_str));
        self.emit(record, resource, 1)
    }

    /// The two pressures of a measurement become a panel.
    fn observation(&mut self, row: &Row<'_>) -> Result<(), Error> {
        let id = self.random.uuid();
        let waiting = self.waiting.take();
        match waiting {
            Some(first) if row.get("CODE") == DIASTOLIC => {
                let first = Row { values: &first, ..*row };
                self.emit(Record::Observation, panel(&first, row, &id), 2)
            }
            Some(first) => {
                let first = resource(Record::Observation, &Row { values: &first, ..*row }, &id, None);
                self.emit(Record::Observation, first, 1)?;
                self.observation(row)
            }
            None if row.get("CODE") == SYSTOLIC => {
                self.waiting = Some(row.values.to_vec());
                Ok(())
            }
            None => self.emit(Record::Observation, resource(Record::Observation, row, &id, None), 1),
        }
    }

    fn emit(&mut self, record: Record, resource: Value, rows: u64) -> Result<(), Error> {
        let random = &mut self.random;
        let Some(file) = self.files.iter_mut().find(|file| file.record == record) else { return Ok(()) };
        file.emit(&resource, rows)?;
        if self.later && matches!(record, Record::Organization | Record::Practitioner) {
            file.findings.version();
        }
        for fault in file.deck.due(random) {
            file.plant(fault, resource.clone(), rows, random)?;
        }
        Ok(())
    }

    /// Closes the files and reports them.
    pub(in crate::feeds) fn finish(self, landing: &mut Landing<'_>) -> Result<(), Error> {
        for file in self.files {
            file.sink.finish().map_err(Error::at(&file.place.path))?;
            landing.finished(file.findings.report(&file.place, FEED));
        }
        Ok(())
    }
}

impl File {
    fn emit(&mut self, resource: &Value, rows: u64) -> Result<(), Error> {
        let at = Error::at(&self.place.path);
        serde_json::to_writer(&mut self.sink, resource).map_err(|error| at(error.into()))?;
        self.sink.write_all(b"\n").map_err(&at)?;
        self.findings.record(rows);
        Ok(())
    }

    /// Writes the resource once more, under an id of its own and with one error.
    fn plant(&mut self, fault: Fault, mut resource: Value, rows: u64, random: &mut Random) -> Result<(), Error> {
        // A panel is several rows, and the manifest counts an error as one.
        let (Some(fields), Change::Set(key, value), 1) = (resource.as_object_mut(), fault.change, rows) else {
            return Ok(());
        };
        fields.insert("id".to_owned(), random.uuid().into());
        match key {
            MODIFIER => fields.insert(key.to_owned(), json!([{ "url": value, "valueBoolean": true }])),
            "status" if self.record == Record::Condition => {
                fields.insert("verificationStatus".to_owned(), json!({ "coding": [{ "code": value }] }))
            }
            _ => fields.insert(key.to_owned(), value.into()),
        };
        self.emit(&resource, 1)?;
        self.findings.planted(fault.rule, fault.step, fault.outcome);
        Ok(())
    }
}
