//! What a file holds, counted while it is being written.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::manifest::{Check, FileReport, Outcome, Step};

/// The findings of a file while it is being written.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    records: u64,
    rows: u64,
    versions: u64,
    checks: BTreeMap<(&'static str, Step, Outcome), (u64, Vec<u64>)>,
}

impl Findings {
    /// Counts a record that flattens to `rows` rows.
    pub(crate) fn record(&mut self, rows: u64) {
        self.records += 1;
        self.rows += rows;
    }

    /// Counts a row whose key an earlier file brought.
    pub(crate) fn version(&mut self) {
        self.versions += 1;
    }

    /// Counts rows of plausible data that a rule finds and keeps.
    pub(crate) fn warn(&mut self, rule: &'static str, step: Step, rows: u64) {
        if rows > 0 {
            let key = (rule, step, Outcome::Warned);
            self.checks.entry(key).or_default().0 += rows;
        }
    }

    /// Notes that the record written last is a planted error. Rules are named without
    /// `<feed>.<dataset>.`.
    pub(crate) fn planted(&mut self, rule: &'static str, step: Step, outcome: Outcome) {
        let entry = self.checks.entry((rule, step, outcome)).or_default();
        entry.0 += 1;
        entry.1.push(self.records);
    }

    /// The file's entry in the manifest.
    pub(crate) fn report(self, place: &Place, feed: &str) -> FileReport {
        let checks = self
            .checks
            .into_iter()
            .map(|((rule, step, outcome), (count, rows))| Check {
                rule: format!("{feed}.{}.{rule}", place.dataset),
                step,
                outcome,
                count,
                rows,
            })
            .collect();
        let mut report = FileReport {
            path: place.relative.clone(),
            source: place.source.to_owned(),
            feed: feed.to_owned(),
            dataset: place.dataset.to_owned(),
            records: self.records,
            rows_in: self.rows,
            accepted: 0,
            rejected_at_conform: 0,
            versions: self.versions,
            checks,
        };
        report.accepted = report.rows_in
            - report.count(Step::Ingest, Outcome::Rejected)
            - report.count(Step::Ingest, Outcome::Deduplicated);
        report.rejected_at_conform = report.count(Step::Conform, Outcome::Rejected);
        report
    }
}

/// Where a file lies in the landing layout.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) source: &'static str,
    pub(crate) dataset: &'static str,
    /// Path below the landing folder, with `/`.
    pub(crate) relative: String,
    /// The same on this machine.
    pub(crate) path: PathBuf,
    /// A number no other file of the run has.
    pub(crate) ordinal: u64,
}
