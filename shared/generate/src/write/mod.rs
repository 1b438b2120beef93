//! Files of the landing layout: plain, gzip or zstd, and CSV with planted errors.

mod csv_file;
mod findings;
mod sink;

use chrono::NaiveDateTime;

pub(crate) use csv_file::{CsvFile, Fresh, Table};
pub(crate) use findings::{Findings, Place};
pub(crate) use sink::Sink;

/// The form of every timestamp written: ISO 8601 in UTC.
pub(crate) const TIMESTAMP: &str = "%Y-%m-%dT%H:%M:%SZ";

/// A timestamp as text.
pub(crate) fn timestamp(time: NaiveDateTime) -> String {
    time.format(TIMESTAMP).to_string()
}

/// Money with cents as text.
pub(crate) fn money(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
