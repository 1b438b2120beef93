//! What the caller chooses.

use std::path::PathBuf;

use chrono::NaiveDate;

use crate::error::Error;

/// The largest `patients` accepted; ids keep their widths up to here.
pub const MAX_PATIENTS: usize = 5_000_000;

/// The size, seed and place of a synthetic hospital.
#[derive(Debug, Clone)]
pub struct Options {
    /// Patients per feed; every other row count follows from it.
    pub patients: usize,
    /// Seed of all randomness: the same options give byte-identical files.
    pub seed: u64,
    /// The landing folder to write into; created when absent.
    pub out: PathBuf,
    /// The day of the extracts: history lies before it, upcoming appointments after it.
    pub as_of: NaiveDate,
    /// Plant no errors.
    pub clean: bool,
}

impl Options {
    /// Checks the options before anything is written.
    pub(crate) fn validate(&self) -> Result<(), Error> {
        if self.patients == 0 || self.patients > MAX_PATIENTS {
            return Err(Error::Options(format!(
                "patients must be between 1 and {MAX_PATIENTS}, not {}",
                self.patients
            )));
        }
        let earliest = NaiveDate::from_ymd_opt(1980, 1, 1).unwrap_or_default();
        let latest = NaiveDate::from_ymd_opt(2200, 1, 1).unwrap_or_default();
        if self.as_of < earliest || self.as_of > latest {
            return Err(Error::Options(format!("as_of must lie between {earliest} and {latest}, not {}", self.as_of)));
        }
        Ok(())
    }
}

/// How far a source has come, reported about a hundred times per source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The sender being written.
    pub source: &'static str,
    /// Patients written so far.
    pub done: u64,
    /// Patients to write.
    pub total: u64,
}
