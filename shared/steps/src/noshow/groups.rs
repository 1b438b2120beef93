//! Groups of the fairness report, and persons as numbers.

use std::collections::HashMap;

use arrow::array::RecordBatch;
use carelake_noshow::Grouping;

use super::mart::texts;

/// By what a report divides, and the columns that say it.
pub type By = [(&'static str, &'static str)];

/// By what the report on appointments divides, beside age.
pub const OF_APPOINTMENTS: [(&str, &str); 3] =
    [("gender", "patient_gender"), ("race", "race"), ("insurance", "insurance_provider")];

/// The age group, and the others where the source sends them.
pub fn groupings(batches: &[RecordBatch], age: &str, by: &By) -> Vec<Grouping> {
    let mut all: Vec<Grouping> = by
        .iter()
        .map(|(name, column)| (name, texts(batches, column)))
        .filter(|(_, values)| values.iter().any(Option::is_some))
        .map(|(name, values)| grouping(name, values.into_iter().map(|value| value.unwrap_or_else(unknown))))
        .collect();
    let ages = texts(batches, age);
    all.insert(0, grouping("age group", ages.into_iter().map(|age| age_group(age.as_deref()).to_owned())));
    all
}

fn unknown() -> String {
    "Unknown".to_owned()
}

/// The age groups of gold.
fn age_group(age: Option<&str>) -> &'static str {
    match age.and_then(|age| age.parse::<i64>().ok()) {
        Some(0..=17) => "0-17",
        Some(18..=34) => "18-34",
        Some(35..=49) => "35-49",
        Some(50..=64) => "50-64",
        Some(65..=120) => "65+",
        _ => "Unknown",
    }
}

fn grouping(name: &str, values: impl Iterator<Item = String>) -> Grouping {
    let values: Vec<String> = values.collect();
    let mut words = values.clone();
    words.sort_unstable();
    words.dedup();
    let places: HashMap<&str, u32> = words.iter().map(String::as_str).zip(0..).collect();
    let codes = values.iter().map(|value| places.get(value.as_str()).copied().unwrap_or_default()).collect();
    Grouping { name: name.to_owned(), codes, words }
}

/// The rows of one grouping.
pub fn take(grouping: &Grouping, rows: &[usize]) -> Grouping {
    let codes = rows.iter().map(|row| grouping.codes.get(*row).copied().unwrap_or_default()).collect();
    Grouping { codes, ..grouping.clone() }
}

/// A number for each patient.
pub fn persons(batches: &[RecordBatch]) -> Vec<u64> {
    let mut known: HashMap<String, u64> = HashMap::new();
    let ids = texts(batches, "patient_id").into_iter().map(Option::unwrap_or_default);
    ids.map(|id| {
        let next = known.len() as u64;
        *known.entry(id).or_insert(next)
    })
    .collect()
}
