//! The closing report of a run.

pub use carelake_ingest::report::DatasetReport;
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
