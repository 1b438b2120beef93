//! Days as people write them.

use chrono::{Days, NaiveDate};

/// A day, counted from 1970-01-01, as an ISO date.
pub(crate) fn iso(day: i32) -> String {
    let span = Days::new(u64::from(day.unsigned_abs()));
    let date =
        if day < 0 { NaiveDate::default().checked_sub_days(span) } else { NaiveDate::default().checked_add_days(span) };
    date.map_or_else(|| day.to_string(), |date| date.to_string())
}
