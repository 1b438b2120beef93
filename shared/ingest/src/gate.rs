//! The gate of a day: whether so few of its rows were rejected that nobody needs to look.

use carelake_contracts::{Contract, Gate};
use serde::Serialize;

use crate::report::DatasetReport;

/// What the gate says of what arrived.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Verdict {
    /// Share of rejected rows; 0 without rows.
    pub reject_rate: f64,
    /// What was tolerated, and what becomes of the good rows of a day that fails.
    #[serde(rename = "gate")]
    pub tolerated: Gate,
    /// True when no more rows were rejected than are tolerated, and every file could be read.
    pub passed: bool,
}

/// Judges what arrived of a dataset.
pub fn judge(contract: &Contract, report: &DatasetReport) -> Verdict {
    let reject_rate = if report.rows_in == 0 { 0.0 } else { report.rejected as f64 / report.rows_in as f64 };
    let passed = reject_rate <= contract.gate.reject_rate && report.unreadable_files == 0;
    Verdict { reject_rate, tolerated: contract.gate, passed }
}

#[cfg(test)]
mod tests {
    use carelake_contracts::{ContractSet, OnFail};

    use super::*;

    fn verdict(rows_in: u64, rejected: u64, unreadable_files: u64) -> Verdict {
        let mut contract = ContractSet::embedded().unwrap().contract("clinic", "visits").unwrap().clone();
        contract.gate = Gate { reject_rate: 0.1, on_fail: OnFail::Hold };
        judge(&contract, &DatasetReport { rows_in, rejected, unreadable_files, ..DatasetReport::default() })
    }

    #[test]
    fn a_day_passes_up_to_its_rate_and_not_above() {
        assert!(verdict(100, 10, 0).passed);
        let failed = verdict(100, 11, 0);
        assert!(!failed.passed && failed.tolerated.on_fail == OnFail::Hold);
        assert!((failed.reject_rate - 0.11).abs() < 1e-12);
    }

    #[test]
    fn a_day_without_rows_passes_unless_a_file_could_not_be_read() {
        assert!(verdict(0, 0, 0).passed);
        assert!(!verdict(0, 0, 1).passed);
    }
}
