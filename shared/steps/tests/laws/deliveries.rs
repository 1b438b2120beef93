//! Random deliveries: small files with good rows, bad rows, orphans and repeated keys, for contracts of each load mode.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// A landing file.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Its sender.
    pub source: &'static str,
    /// Its dataset.
    pub dataset: &'static str,
    /// Day of June 2024 in its folder.
    pub day: u32,
    /// Its name without the ending.
    pub name: String,
    /// Seconds, for its modification time.
    pub modified: u64,
    /// Its rows: lines of CSV, or JSON records.
    pub rows: Vec<String>,
}

impl Delivery {
    fn header(&self) -> Option<&'static str> {
        match self.dataset {
            "patients" => Some("patient_id,name,gender,dob,blood_group,city"),
            "doctors" => Some("doctor_id,name,specialization,hospital"),
            "visits" => Some("visit_id,patient_id,doctor_id,visit_date,reason,visit_type"),
            "appointments" => {
                Some("appointment_id,patient_id,physician_id,appointment_date,status,created_at,updated_at")
            }
            "readings" => Some("patient_id,read_on,value"),
            _ => None,
        }
    }

    /// Path in the landing folder.
    pub fn path(&self) -> String {
        let ending = if self.header().is_some() { "csv" } else { "json" };
        format!("{}/{}/2024-06-{:02}/{}.{ending}", self.source, self.dataset, self.day, self.name)
    }

    /// The file's content.
    pub fn text(&self) -> String {
        match self.header() {
            Some(header) => format!("{header}\n{}\n", self.rows.join("\n")),
            None => format!("[{}]", self.rows.join(",\n")),
        }
    }

    /// What identifies a row to its sender.
    pub fn key(row: &str) -> &str {
        row.split(',').next().unwrap_or_default()
    }
}

fn files(
    dataset: &'static str,
    source: &'static str,
    row: impl Strategy<Value = String> + 'static,
) -> BoxedStrategy<Vec<Delivery>> {
    let drawn = vec((1..4_u32, vec(row, 0..7)), 2..4);
    let number = move |(place, (day, rows)): (usize, (u32, Vec<String>))| Delivery {
        source,
        dataset,
        day,
        name: format!("{dataset}{place}"),
        modified: 100 * place as u64,
        rows,
    };
    drawn.prop_map(move |files| files.into_iter().enumerate().map(number).collect()).boxed()
}

/// Upsert with rejected repeats: the last row of the latest file wins. Visits wait for their patients and doctors.
pub fn clinic(source: &'static str) -> BoxedStrategy<Vec<Delivery>> {
    let birth = select(vec!["1980-01-31", "1980-01-31", "2001-12-01", "", "31/31/1980"]);
    let gender = select(vec!["M", "F", "F", "Other", "Q"]);
    let city = select(vec!["Oslo", "Rome", "Lima"]);
    let patient = (0..4_u8, gender, birth, city.clone())
        .prop_map(|(id, gender, birth, city)| format!("P{id},Name {id},{gender},{birth},A+,{city}"));
    let doctor = (0..2_u8, city).prop_map(|(id, hospital)| format!("D{id},Dr. {id},Cardiology,{hospital}"));
    let day = select(vec!["2022-05-05", "2023-12-31", "2024-01-01", "2024-02-30", ""]);
    let visit = (0..4_u8, 0..5_u8, 0..3_u8, day)
        .prop_map(|(id, patient, doctor, day)| format!("V{id},P{patient},D{doctor},{day},Fever,Emergency"));
    let (patients, doctors) = (files("patients", source, patient), files("doctors", source, doctor));
    (patients, doctors, files("visits", source, visit)).prop_map(|(one, two, three)| [one, two, three].concat()).boxed()
}

/// Upsert with `latest_by`: of the rows of a key the greatest `updated_at` wins. No two rows have the same.
pub fn appointments() -> BoxedStrategy<Vec<Delivery>> {
    let day = select(vec!["2024-03-31", "2024-04-01", "2024-05-05", "2024-04-31"]);
    let row =
        (0..3_u8, select(vec!["P1", "P2", "P3", ""]), day, select(vec!["Completed", "No-show", "Lost"]), 0..60_u8);
    let line = row.prop_map(|(id, patient, day, status, updated)| {
        format!("A{id},{patient},D1,{day},{status},2024-01-01T00:00:00,2024-02-01T00:{updated:02}")
    });
    let unlike = |mut files: Vec<Delivery>| {
        let rows = files.iter_mut().flat_map(|file| &mut file.rows);
        rows.enumerate().for_each(|(place, row)| row.push_str(&format!(":{place:02}")));
        files
    };
    files("appointments", "scheduling", line).prop_map(unlike).boxed()
}

/// Replaced partitions and cumulative snapshots: nested visit events of a day.
pub fn events() -> BoxedStrategy<Vec<Delivery>> {
    let treatment = select(vec!["Metformin", "Insulin"]).prop_map(|drug| format!(r#"{{"drug":"{drug}","dose":"1"}}"#));
    let diagnosis = (select(vec!["E11", "I10"]), vec(treatment, 0..3)).prop_map(|(code, treatments)| {
        format!(r#"{{"code":"ICD-10:{code}","description":"{code}","treatments":[{}]}}"#, treatments.join(","))
    });
    let day = select(vec!["2023-12-31", "2024-06-01", "2024-02-31"]);
    let visit = (day, vec(diagnosis, 0..2));
    let person = (0..5_u8, vec(visit, 0..3)).prop_map(|(id, visits)| {
        let visit = |(place, (day, diagnoses)): (usize, (&str, Vec<String>))| {
            format!(r#"{{"visit_id":"V{id}{place}","date":"{day}","diagnoses":[{}]}}"#, diagnoses.join(","))
        };
        let visits: Vec<String> = visits.into_iter().enumerate().map(visit).collect();
        format!(r#"{{"patient_id":"P{id}","name":"Name {id}","visits":[{}]}}"#, visits.join(","))
    });
    files("visit_events", "source_a", person)
}

/// Append: every row is its own, equal ones too.
pub fn readings() -> BoxedStrategy<Vec<Delivery>> {
    let day = select(vec!["2023-12-31", "2024-01-01", "yesterday"]);
    let row = (0..4_u8, day, 0..3_u8).prop_map(|(patient, day, value)| format!("P{patient},{day},{value}"));
    files("readings", "meters", row)
}

/// Deliveries of one of the feeds.
pub fn any_feed() -> BoxedStrategy<Vec<Delivery>> {
    prop_oneof![3 => clinic("clinic"), 2 => appointments(), 2 => events(), 1 => readings()].boxed()
}

/// Of the rows of a dataset, a day and a key only the first stays, where the contract has a key without `latest_by`:
/// which of them wins depends on the order of rows or files by design.
pub fn one_row_a_key_and_day(mut files: Vec<Delivery>) -> Vec<Delivery> {
    let mut seen = BTreeSet::new();
    for file in &mut files {
        let free = matches!(file.dataset, "appointments" | "readings");
        let (dataset, day) = (file.dataset, file.day);
        file.rows.retain(|row| free || seen.insert((dataset, day, Delivery::key(row).to_owned())));
    }
    files
}
