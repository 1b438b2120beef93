//! The truth about what was written: rows per file, and for every rule how many rows it must find.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Name of the manifest below the landing folder.
pub const MANIFEST_FILE: &str = "manifest.json";

/// Version of the manifest's layout and of the generated data: it changes when either does.
pub const MANIFEST_VERSION: u32 = 1;

/// Everything a test must know to check a run over the generated files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_VERSION`] at the time of writing.
    pub version: u32,
    /// The seed given.
    pub seed: u64,
    /// The number of patients given.
    pub patients: usize,
    /// The day of the extracts.
    pub as_of: NaiveDate,
    /// The no-show signals written into the appointment feeds.
    pub signals: Vec<Signal>,
    /// Sums over the files, one entry per source and dataset.
    pub datasets: Vec<Dataset>,
    /// One entry per file, in the order of writing.
    pub files: Vec<FileReport>,
}

impl Manifest {
    /// Every planted error with its file and record number.
    pub fn errors(&self) -> impl Iterator<Item = PlantedError<'_>> {
        self.files.iter().flat_map(|file| {
            file.checks.iter().flat_map(move |check| {
                check.rows.iter().map(move |&row| PlantedError {
                    path: &file.path,
                    row,
                    rule: &check.rule,
                    step: check.step,
                    outcome: check.outcome,
                })
            })
        })
    }

    /// The report of one file, by its path below the landing folder.
    pub fn file(&self, path: &str) -> Option<&FileReport> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The sums of one source and dataset.
    pub fn dataset(&self, source: &str, dataset: &str) -> Option<&Dataset> {
        self.datasets.iter().find(|sums| sums.source == source && sums.dataset == dataset)
    }

    /// Writes the manifest into the landing folder.
    pub(crate) fn save(&self, out: &Path) -> Result<(), Error> {
        let path = out.join(MANIFEST_FILE);
        let mut text = serde_json::to_vec_pretty(self).map_err(std::io::Error::from).map_err(Error::at(&path))?;
        text.push(b'\n');
        fs::write(&path, text).map_err(Error::at(&path))
    }
}

/// One planted error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlantedError<'a> {
    /// Path of the file below the landing folder.
    pub path: &'a str,
    /// 1-based record number, the header not counted.
    pub row: u64,
    /// Id of the rule that must find it.
    pub rule: &'a str,
    /// The step that must find it.
    pub step: Step,
    /// What must happen to the row.
    pub outcome: Outcome,
}

/// The step whose checks find an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Landing to bronze: found row by row.
    Ingest,
    /// Bronze to silver: found against other tables.
    Conform,
}

/// What must happen to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It goes to quarantine.
    Rejected,
    /// It gives way to another row of the same key.
    Deduplicated,
    /// It stays and is counted.
    Warned,
}

/// One rule's findings in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Id of the rule.
    pub rule: String,
    /// The step that must find them.
    pub step: Step,
    /// What must happen to the rows.
    pub outcome: Outcome,
    /// Rows the rule must find: the planted ones, and those that are part of plausible data
    /// (a report dated before its visit).
    pub count: u64,
    /// 1-based record numbers of the planted rows, the header not counted, in ascending order.
    pub rows: Vec<u64>,
}

/// What one file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileReport {
    /// Path below the landing folder.
    pub path: String,
    /// The sender.
    pub source: String,
    /// The shape of its data.
    pub feed: String,
    /// The dataset.
    pub dataset: String,
    /// Records: lines of a CSV file without the header, elements of a JSON array.
    pub records: u64,
    /// Rows after flattening; for CSV the same as `records`.
    pub rows_in: u64,
    /// Rows that ingest keeps: `rows_in` less those rejected or deduplicated at ingest.
    pub accepted: u64,
    /// Accepted rows that conform sends to quarantine.
    pub rejected_at_conform: u64,
    /// Accepted rows whose key an earlier file already brought.
    pub versions: u64,
    /// Findings, one entry per rule, ordered by rule id.
    pub checks: Vec<Check>,
}

impl FileReport {
    /// The sum of the findings of a step and outcome.
    pub fn count(&self, step: Step, outcome: Outcome) -> u64 {
        self.checks.iter().filter(|check| check.step == step && check.outcome == outcome).map(|check| check.count).sum()
    }
}

/// Sums over the files of one source and dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dataset {
    /// The sender.
    pub source: String,
    /// The shape of its data.
    pub feed: String,
    /// The dataset.
    pub dataset: String,
    /// Number of files.
    pub files: u64,
    /// Rows after flattening.
    pub rows_in: u64,
    /// Rows that ingest keeps.
    pub accepted: u64,
    /// Rows rejected at ingest, per rule.
    pub rejected: BTreeMap<String, u64>,
    /// Rows deduplicated at ingest, per rule.
    pub deduplicated: BTreeMap<String, u64>,
    /// Accepted rows that conform rejects, per rule.
    pub rejected_at_conform: BTreeMap<String, u64>,
    /// Rows kept with a warning, per rule, of both steps.
    pub warned: BTreeMap<String, u64>,
    /// Accepted rows whose key an earlier file already brought.
    pub versions: u64,
}

/// Sums the files per source and dataset, in the order of writing.
pub(crate) fn sum_by_dataset(files: &[FileReport]) -> Vec<Dataset> {
    let mut sums: Vec<Dataset> = Vec::new();
    for file in files {
        let known = sums.iter_mut().find(|sum| sum.source == file.source && sum.dataset == file.dataset);
        if let Some(sum) = known {
            add(sum, file);
        } else {
            let mut sum = Dataset {
                source: file.source.clone(),
                feed: file.feed.clone(),
                dataset: file.dataset.clone(),
                files: 0,
                rows_in: 0,
                accepted: 0,
                rejected: BTreeMap::new(),
                deduplicated: BTreeMap::new(),
                rejected_at_conform: BTreeMap::new(),
                warned: BTreeMap::new(),
                versions: 0,
            };
            add(&mut sum, file);
            sums.push(sum);
        }
    }
    sums
}

fn add(sum: &mut Dataset, file: &FileReport) {
    sum.files += 1;
    sum.rows_in += file.rows_in;
    sum.accepted += file.accepted;
    sum.versions += file.versions;
    for check in &file.checks {
        let counts = match (check.step, check.outcome) {
            (_, Outcome::Warned) => &mut sum.warned,
            (_, Outcome::Deduplicated) => &mut sum.deduplicated,
            (Step::Ingest, Outcome::Rejected) => &mut sum.rejected,
            (Step::Conform, Outcome::Rejected) => &mut sum.rejected_at_conform,
        };
        *counts.entry(check.rule.clone()).or_default() += check.count;
    }
}

/// How well the best possible model could rank the past appointments of a feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// The sender.
    pub source: String,
    /// The dataset.
    pub dataset: String,
    /// Past appointments that were kept or missed.
    pub outcomes: u64,
    /// Those missed.
    pub missed: u64,
    /// AUROC of the probability each outcome was drawn from: the bound for any model.
    pub best_auroc: f64,
    /// AUROC of the same without the patient's hidden propensity: what a model can hope for
    /// where a patient's history says little.
    pub observable_auroc: f64,
    /// First day of the last fifth of the feed's history, on which a model is measured.
    pub late_from: NaiveDate,
    /// Kept or missed appointments from that day.
    pub late_outcomes: u64,
    /// `best_auroc` of those.
    pub late_best_auroc: f64,
    /// `observable_auroc` of those.
    pub late_observable_auroc: f64,
}
