//! Calendar arithmetic as Trino (that is Joda-Time, ISO calendar, UTC) does it.

use std::str::FromStr;

use arrow::error::ArrowError;
use chrono::{DateTime, Datelike, Months, NaiveDate, NaiveDateTime};

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// A unit of `date_diff` and `date_add`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// So many milliseconds.
    Fixed(i64),
    /// So many calendar months.
    Months(i64),
}

impl FromStr for Unit {
    type Err = ArrowError;

    fn from_str(name: &str) -> Result<Self, ArrowError> {
        match name.to_ascii_lowercase().as_str() {
            "millisecond" => Ok(Self::Fixed(1)),
            "second" => Ok(Self::Fixed(1_000)),
            "minute" => Ok(Self::Fixed(60_000)),
            "hour" => Ok(Self::Fixed(3_600_000)),
            "day" => Ok(Self::Fixed(DAY)),
            "week" => Ok(Self::Fixed(7 * DAY)),
            "month" => Ok(Self::Months(1)),
            "quarter" => Ok(Self::Months(3)),
            "year" => Ok(Self::Months(12)),
            _ => Err(ArrowError::ComputeError(format!(
                "'{name}' is no unit of time; use millisecond, second, minute, hour, day, week, month, quarter or year"
            ))),
        }
    }
}

impl Unit {
    /// Whether a date has it: not shorter than a day.
    pub(super) fn fits_dates(self) -> bool {
        !matches!(self, Self::Fixed(length) if length < DAY)
    }

    /// Complete units from `start` to `end`, both milliseconds since 1970; negative when `end` is earlier.
    pub(super) fn between(self, start: i64, end: i64) -> Result<i64, ArrowError> {
        match self {
            Self::Fixed(length) => {
                end.checked_sub(start).and_then(|span| span.checked_div(length)).ok_or_else(out_of_range)
            }
            Self::Months(length) if end < start => Ok(-(months(millis(end)?, millis(start)?) / length)),
            Self::Months(length) => Ok(months(millis(start)?, millis(end)?) / length),
        }
    }

    /// `value` units after `moment`; a day that the month lacks becomes the month's last.
    pub(super) fn after(self, moment: NaiveDateTime, value: i64) -> Result<NaiveDateTime, ArrowError> {
        match self {
            Self::Fixed(length) => value
                .checked_mul(length)
                .and_then(chrono::TimeDelta::try_milliseconds)
                .and_then(|span| moment.checked_add_signed(span)),
            Self::Months(length) => value.checked_mul(length).and_then(|count| {
                let size = Months::new(u32::try_from(count.unsigned_abs()).ok()?);
                if count < 0 { moment.checked_sub_months(size) } else { moment.checked_add_months(size) }
            }),
        }
        .ok_or_else(out_of_range)
    }
}

/// Complete months from `start` to a later `end`. The last day of a month completes a month begun on a later day.
fn months(start: NaiveDateTime, end: NaiveDateTime) -> i64 {
    let whole =
        (i64::from(end.year()) - i64::from(start.year())) * 12 + i64::from(end.month()) - i64::from(start.month());
    let last = last_day_of_month(end.date()).is_none_or(|last| last == end.date());
    let day = if last { start.day().min(end.day()) } else { start.day() };
    if (day, start.time()) > (end.day(), end.time()) { whole - 1 } else { whole }
}

/// The last day of the month of `date`.
pub(super) fn last_day_of_month(date: NaiveDate) -> Option<NaiveDate> {
    date.with_day(1)?.checked_add_months(Months::new(1))?.pred_opt()
}

/// The day `days` after 1970-01-01.
pub(super) fn date(days: i32) -> Result<NaiveDate, ArrowError> {
    NaiveDate::from_epoch_days(days).ok_or_else(out_of_range)
}

/// The moment `value` microseconds after 1970-01-01.
pub(super) fn micros(value: i64) -> Result<NaiveDateTime, ArrowError> {
    DateTime::from_timestamp_micros(value).map(|moment| moment.naive_utc()).ok_or_else(out_of_range)
}

fn millis(value: i64) -> Result<NaiveDateTime, ArrowError> {
    DateTime::from_timestamp_millis(value).map(|moment| moment.naive_utc()).ok_or_else(out_of_range)
}

/// Days since 1970-01-01.
pub(super) fn days(date: NaiveDate) -> i32 {
    date.to_epoch_days()
}

/// Milliseconds at which a day starts.
pub(super) fn day_millis(days: i32) -> i64 {
    i64::from(days) * DAY
}

/// The error of a date that the calendar cannot hold.
pub(super) fn out_of_range() -> ArrowError {
    ArrowError::ComputeError("the date or timestamp is out of range".to_owned())
}
