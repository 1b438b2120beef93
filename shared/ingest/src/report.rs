//! What became of the rows of a dataset.

use carelake_lake::{ConformEntry, IngestEntry, Status};
use serde::{Deserialize, Serialize};

use crate::error::StepError;

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

    /// Works out the rate once all files are in.
    pub fn close(&mut self, usd: f64) {
        self.rows_per_second = if self.seconds > 0.0 { self.rows_in as f64 / self.seconds } else { 0.0 };
        self.lambda_usd = usd;
    }
}
