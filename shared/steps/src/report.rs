//! The closing report of a run.

use carelake_lake::{ConformEntry, IngestEntry, Status};
use serde::{Deserialize, Serialize};

use crate::error::StepError;

/// Prices of AWS Lambda, from `pricing.toml`.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Pricing {
    /// Memory of a function, in MB.
    pub memory_mb: f64,
    /// Price of a GB-second, in USD.
    pub usd_per_gb_second: f64,
    /// Price of an invocation, in USD.
    pub usd_per_request: f64,
}

impl Pricing {
    /// The prices that ship with carelake.
    ///
    /// # Errors
    /// When the file is damaged.
    pub fn embedded() -> Result<Self, StepError> {
        toml::from_str(include_str!("../pricing.toml"))
            .map_err(|error| StepError::Invalid(format!("pricing.toml: {}", error.message())))
    }

    /// Price of `seconds` of one function in `requests` invocations, in USD.
    pub fn usd(&self, seconds: f64, requests: u64) -> f64 {
        seconds * self.memory_mb / 1024.0 * self.usd_per_gb_second + requests as f64 * self.usd_per_request
    }
}

/// What a run did with one dataset of one source.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct DatasetReport {
    /// Sender.
    pub source: String,
    /// Feed.
    pub feed: String,
    /// Dataset.
    pub dataset: String,
    /// Files taken.
    pub files: u64,
    /// Files that could not be read to their end.
    pub unreadable_files: u64,
    /// Rows in the files.
    pub rows_in: u64,
    /// Rows that are good.
    pub accepted: u64,
    /// Rows in quarantine, those that wait for a parent included.
    pub rejected: u64,
    /// Of the rejected: rows that wait for a parent.
    pub waiting: u64,
    /// Rows that lose to another row of the same key in the same file.
    pub deduplicated: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// Seconds spent in ingest and conform.
    pub seconds: f64,
    /// Rows a second.
    pub rows_per_second: f64,
    /// Price of the same seconds on Lambda, in USD.
    pub lambda_usd: f64,
    /// Columns that the contract does not know.
    pub unknown_columns: Vec<String>,
    /// Columns of the contract that a file did not have.
    pub missing_columns: Vec<String>,
}

impl DatasetReport {
    /// Adds a file.
    ///
    /// # Errors
    /// When its rows do not add up.
    pub fn add(&mut self, entry: &IngestEntry, conformed: Option<&ConformEntry>) -> Result<(), StepError> {
        let waiting = conformed.map_or(0, |conformed| conformed.orphans);
        let lost = entry.deduplicated + waiting;
        let Some(accepted) = entry.bronze_rows.checked_sub(lost) else {
            let text =
                format!("{}.{}: {lost} of {} bronze rows set aside", entry.feed, entry.dataset, entry.bronze_rows);
            return Err(StepError::Conservation(text));
        };
        self.source.clone_from(&entry.source);
        self.feed.clone_from(&entry.feed);
        self.dataset.clone_from(&entry.dataset);
        self.files += 1;
        self.unreadable_files += u64::from(entry.status == Status::Unreadable);
        self.rows_in += entry.rows_in;
        self.accepted += accepted;
        self.rejected += entry.rejected + waiting;
        self.waiting += waiting;
        self.deduplicated += entry.deduplicated;
        self.bytes += entry.bytes;
        self.seconds += entry.seconds + conformed.map_or(0.0, |conformed| conformed.seconds);
        for (into, from) in
            [(&mut self.unknown_columns, &entry.unknown_columns), (&mut self.missing_columns, &entry.missing_columns)]
        {
            into.extend(from.iter().cloned());
            into.sort();
            into.dedup();
        }
        if self.rows_in != self.accepted + self.rejected + self.deduplicated {
            let text = format!(
                "{}.{}: {} rows in, {} accounted for",
                self.feed,
                self.dataset,
                self.rows_in,
                self.accepted + self.rejected + self.deduplicated
            );
            return Err(StepError::Conservation(text));
        }
        Ok(())
    }

    /// Works out the rates once all files are in.
    pub fn close(&mut self, pricing: Pricing) {
        self.rows_per_second = if self.seconds > 0.0 { self.rows_in as f64 / self.seconds } else { 0.0 };
        self.lambda_usd = pricing.usd(self.seconds, 2 * self.files);
    }
}

/// Seconds and price of a stage of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StageReport {
    /// ingest, conform or publish.
    pub stage: String,
    /// Seconds by the wall clock.
    pub seconds: f64,
    /// Price of those seconds on one Lambda, in USD.
    pub lambda_usd: f64,
}

/// What a run did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunReport {
    /// Identifies the run.
    pub run_id: String,
    /// Day as of which ages are reckoned.
    pub as_of: String,
    /// By source and dataset.
    pub datasets: Vec<DatasetReport>,
    /// By stage.
    pub stages: Vec<StageReport>,
    /// Files taken by an earlier run.
    pub known_files: u64,
    /// Landing files that no contract covers, by reason.
    pub ignored_files: std::collections::BTreeMap<String, u64>,
    /// Rows that waited for a parent and are in silver now.
    pub replayed_rows: u64,
    /// Tables with a new version.
    pub changed_tables: Vec<String>,
    /// What failed; a next run takes it up again.
    pub failures: Vec<String>,
}

impl RunReport {
    /// Rejected rows and unreadable files.
    pub fn rejects(&self) -> u64 {
        self.datasets.iter().map(|dataset| dataset.rejected + dataset.unreadable_files).sum()
    }
}
