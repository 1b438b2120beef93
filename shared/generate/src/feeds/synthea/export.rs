//! One export: its twelve files, and the organizations, providers and payers both exports share.

use chrono::NaiveDate;

use super::tables::{Kind, SHAPES};
use crate::error::Error;
use crate::feeds::Landing;
use crate::feeds::fhir::{Bulk, Record, Row};
use crate::manifest::Step;
use crate::people::{self, Sex};
use crate::random::Random;
use crate::write::CsvFile;

/// Name and kind of ownership.
#[rustfmt::skip]
const PAYERS: &[(&str, &str)] = &[
    ("Medicare", "GOVERNMENT"), ("Medicaid", "GOVERNMENT"), ("Bluewater Health", "PRIVATE"),
    ("Harbor Care", "PRIVATE"), ("Commonwealth Mutual", "PRIVATE"), ("NO_INSURANCE", "NO_INSURANCE"),
];

#[rustfmt::skip]
const TOWNS: &[(&str, &str, &str, &str)] = &[
    ("BOSTON", "02118", "42.338", "-71.070"), ("WORCESTER", "01608", "42.262", "-71.802"),
    ("SPRINGFIELD", "01103", "42.103", "-72.593"), ("CAMBRIDGE", "02139", "42.364", "-71.104"),
    ("QUINCY", "021694321", "42.249", "-71.000"), ("LYNN", "01901", "42.462", "-70.946"),
];

#[rustfmt::skip]
const SPECIALITIES: &[&str] = &["GENERAL PRACTICE", "CARDIOLOGY", "INTERNAL MEDICINE", "ORTHOPEDIC SURGERY"];

const KINDS: [Kind; 12] = [
    Kind::Patients,
    Kind::Encounters,
    Kind::Conditions,
    Kind::Medications,
    Kind::Observations,
    Kind::Procedures,
    Kind::Organizations,
    Kind::Providers,
    Kind::Payers,
    Kind::Immunizations,
    Kind::Allergies,
    Kind::Careplans,
];

/// Providers of an organization.
const PER_ORGANIZATION: u64 = 3;

/// Ids of the organizations, providers and payers, and their rows.
pub(super) struct Directory {
    organizations: Vec<Vec<String>>,
    providers: Vec<Vec<String>>,
    payers: Vec<Vec<String>>,
}

impl Directory {
    pub(super) fn draw(random: &mut Random, patients: u64) -> Self {
        let mut organizations = Vec::new();
        let mut providers = Vec::new();
        for number in 0..(patients / 50).clamp(3, 2_000) {
            let (town, zip, latitude, longitude) = random.pick(TOWNS);
            let id = random.uuid();
            let place = [
                people::street_address(random).to_uppercase(),
                town.to_owned(),
                "MA".to_owned(),
                zip.to_owned(),
                latitude.to_owned(),
                longitude.to_owned(),
            ];
            let point = format!("POINT({longitude} {latitude})");
            let used = random.between(10, 900).to_string();
            let mut row = vec![id.clone(), format!("{town} GENERAL HOSPITAL {}", number + 1)];
            row.extend(place.clone());
            row.extend([people::phone(random), "0.0".to_owned(), used, point.clone()]);
            organizations.push(row);
            for _ in 0..PER_ORGANIZATION {
                let sex = Sex::draw(random, 0.5);
                let name = format!("{} {}", people::first_name(random, sex), people::last_name(random));
                let mut row = vec![
                    random.uuid(),
                    id.clone(),
                    name,
                    sex.letter().to_owned(),
                    random.pick(SPECIALITIES).to_owned(),
                ];
                row.extend(place.clone());
                let seen = random.between(5, 400).to_string();
                row.extend([seen.clone(), "0".to_owned(), seen, point.clone()]);
                providers.push(row);
            }
        }
        let payers = PAYERS.iter().map(|payer| payer_row(random, *payer)).collect();
        Self { organizations, providers, payers }
    }

    pub(super) fn providers(&self) -> u64 {
        self.providers.len() as u64
    }

    pub(super) fn payers(&self) -> usize {
        self.payers.len()
    }

    /// Organization and provider id of a provider number; `shift` moves to another organization.
    pub(super) fn provider(&self, number: u64, shift: u64) -> (&str, &str) {
        let moved = (number + shift * PER_ORGANIZATION) % self.providers().max(1);
        let row = self.providers.get(moved as usize);
        (row.and_then(|row| row.get(1)).map_or("", String::as_str), first(row))
    }

    pub(super) fn payer(&self, number: usize) -> &str {
        first(self.payers.get(number))
    }
}

fn first(row: Option<&Vec<String>>) -> &str {
    row.and_then(|row| row.first()).map_or("", String::as_str)
}

fn payer_row(random: &mut Random, (name, ownership): (&str, &str)) -> Vec<String> {
    let mut row: Vec<String> =
        [random.uuid().as_str(), name, ownership, "7500 Security Blvd", "Baltimore", "MD", "21244", "1-800-555-0100"]
            .map(str::to_owned)
            .into();
    for _ in 0..3 {
        row.push(format!("{:.2}", random.uniform(1_000.0, 900_000.0)));
    }
    for _ in 0..9 {
        row.push(random.between(0, 4_000).to_string());
    }
    row.push(format!("{:.4}", random.uniform(0.4, 0.98)));
    row.push(random.between(100, 9_000).to_string());
    row
}

/// An export: 0 has the newer, 1 the older form.
pub(super) struct Export {
    pub(super) form: usize,
    pub(super) date: NaiveDate,
    /// Per table the file and, for each of its columns, the position in the table's own columns.
    files: Vec<(CsvFile, Vec<usize>)>,
    bulk: Bulk,
}

impl Export {
    /// Opens the twelve files for a number of patients and writes the shared tables.
    pub(super) fn create(
        landing: &mut Landing<'_>,
        form: usize,
        date: NaiveDate,
        patients: u64,
        directory: &Directory,
        random: &mut Random,
    ) -> Result<Self, Error> {
        let mut files = Vec::new();
        for shape in &SHAPES {
            let table = shape.table(form);
            let rows = (shape.per_patient * patients as f64) as u64;
            let ending = match (form, shape.per_patient > 2.0) {
                (0, _) => ".csv.gz",
                (_, true) => ".csv.zst",
                _ => ".csv",
            };
            let positions = table
                .header
                .iter()
                .filter_map(|name| shape.columns.iter().position(|column| column.eq_ignore_ascii_case(name)))
                .collect();
            let file = landing.csv(&table, shape.dataset, date, ending, rows, random)?;
            files.push((file, positions));
        }
        let size = |record: Record| (per_patient(record) * patients as f64) as u64;
        let bulk = Bulk::create(landing, date, form > 0, &size)?;
        let mut export = Self { form, date, files, bulk };
        let shared = [
            (Kind::Organizations, &directory.organizations),
            (Kind::Providers, &directory.providers),
            (Kind::Payers, &directory.payers),
        ];
        for (kind, rows) in shared {
            for row in rows {
                export.write(kind, row.clone())?;
                if form > 0 {
                    export.count_version(kind);
                }
            }
        }
        Ok(export)
    }

    /// Writes a row given in the order of the table's own columns.
    pub(super) fn write(&mut self, kind: Kind, row: Vec<String>) -> Result<(), Error> {
        self.tell(kind, &row)?;
        let Some((file, positions)) = self.files.get_mut(kind as usize) else {
            return Ok(());
        };
        file.write(project(row, positions))
    }

    /// Writes the same as a FHIR resource.
    fn tell(&mut self, kind: Kind, row: &[String]) -> Result<(), Error> {
        let shapes = &SHAPES;
        let Some((shape, record)) = shapes.get(kind as usize).zip(record_of(kind)) else { return Ok(()) };
        let header = shape.headers.get(self.form).copied().unwrap_or_default();
        self.bulk.write(record, &Row { columns: shape.columns, header, values: row })
    }

    /// Writes a row of which a rule warns once the other tables are there.
    pub(super) fn write_warned(&mut self, kind: Kind, row: Vec<String>, rule: &'static str) -> Result<(), Error> {
        let Some((file, positions)) = self.files.get_mut(kind as usize) else {
            return Ok(());
        };
        file.findings().warn(rule, Step::Conform, 1);
        file.write_as_is(&project(row.clone(), positions))?;
        self.tell(kind, &row)
    }

    fn count_version(&mut self, kind: Kind) {
        if let Some((file, _)) = self.files.get_mut(kind as usize) {
            file.findings().version();
        }
    }

    /// Closes the files and reports them.
    pub(super) fn finish(self, landing: &mut Landing<'_>) -> Result<(), Error> {
        for (file, _) in self.files {
            landing.finished(file.finish()?);
        }
        self.bulk.finish(landing)
    }
}

/// The type of resource that says what a row of a table says.
fn record_of(kind: Kind) -> Option<Record> {
    match kind {
        Kind::Patients => Some(Record::Patient),
        Kind::Encounters => Some(Record::Encounter),
        Kind::Conditions => Some(Record::Condition),
        Kind::Medications => Some(Record::Medication),
        Kind::Observations => Some(Record::Observation),
        Kind::Procedures => Some(Record::Procedure),
        Kind::Organizations => Some(Record::Organization),
        Kind::Providers => Some(Record::Practitioner),
        Kind::Immunizations => Some(Record::Immunization),
        Kind::Allergies => Some(Record::Allergy),
        Kind::Payers | Kind::Careplans => None,
    }
}

/// Rows of a type of resource per patient, roughly.
fn per_patient(record: Record) -> f64 {
    let shapes = &SHAPES;
    let kind = KINDS.iter().find(|kind| record_of(**kind) == Some(record));
    kind.and_then(|kind| shapes.get(*kind as usize)).map_or(0.0, |shape| shape.per_patient)
}

/// The fields of a row that the export has, in its order.
fn project(mut row: Vec<String>, positions: &[usize]) -> Vec<String> {
    positions.iter().map(|&position| row.get_mut(position).map(std::mem::take).unwrap_or_default()).collect()
}
