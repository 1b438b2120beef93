//! The rows of the CSV files as the contracts type them, and those that reach silver.

use std::collections::BTreeMap;

use carelake_generate::{FileReport, Step};

use super::Landing;
use super::contract::{Contract, Found, Row, Typed};

/// Patients enough for several errors of a kind in the larger files.
pub const PATIENTS: usize = 700;

/// The typed rows of every CSV file, by path.
pub fn typed_rows(landing: &Landing) -> BTreeMap<&str, (Found, Vec<Row>)> {
    let csv = landing.manifest.files.iter().filter(|file| file.path.contains(".csv"));
    csv.map(|file| {
        let (header, records) = super::records(&landing.read(&file.path));
        assert_eq!(records.len() as u64, file.rows_in, "{}", file.path);
        let contract = Contract::load(&file.feed, &file.dataset);
        (file.path.as_str(), contract.check(&header, &records))
    })
    .collect()
}

pub fn expected(file: &FileReport, step: Step) -> BTreeMap<String, u64> {
    let checks = file.checks.iter().filter(|check| check.step == step);
    checks.map(|check| (check.rule.clone(), check.count)).collect()
}

/// The rows of a dataset that neither ingest nor a missing parent keeps out of silver.
pub fn silver<'a>(
    landing: &'a Landing,
    rows: &'a BTreeMap<&str, (Found, Vec<Row>)>,
    feed: &'a str,
    dataset: &'a str,
) -> impl Iterator<Item = &'a Row> {
    let files = landing.manifest.files.iter();
    files.filter(move |file| file.feed == feed && file.dataset == dataset).flat_map(|file| {
        let unique = format!("{}.{}.key.unique", file.feed, file.dataset);
        let (found, rows) = &rows[file.path.as_str()];
        let repeated = found.get(&unique);
        (1..).zip(rows).filter_map(move |(number, row)| {
            let stays = !row.rejected && repeated.is_none_or(|rows| !rows.contains(&number));
            stays.then_some(row)
        })
    })
}

pub fn text(row: &Row, column: &str) -> Option<String> {
    match row.values.get(column)? {
        Typed::Text(text) => Some(text.clone()),
        _ => None,
    }
}

pub fn day(value: &Typed) -> chrono::NaiveDate {
    match value {
        Typed::Time(time) => time.date(),
        _ => chrono::NaiveDate::MIN,
    }
}
