//! Moments from text and numbers, and back.
//!
//! `date_parse(text, '%Y-%m-%d')`, `from_iso8601_date(text)`, `from_iso8601_timestamp(text)`, `from_unixtime(seconds)`,
//! `to_unixtime(moment)`. Times are UTC.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Date32Array, Float64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{DataType, Date32Type, Float64Type, TimeUnit, TimestampMicrosecondType};
use chrono::format::{Parsed, StrftimeItems, parse};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime};
use datafusion::common::{exec_datafusion_err, exec_err};
use datafusion::error::Result;

use super::simple::Simple;

/// All of them.
pub(super) fn all() -> Vec<Simple> {
    let text = DataType::Utf8;
    let (plain, utc) = (moment(None), moment(Some("UTC")));
    vec![
        Simple::new("date_parse", vec![vec![text.clone(), text.clone()]], plain.clone(), date_parse),
        Simple::new("from_iso8601_date", vec![vec![text.clone()]], DataType::Date32, from_iso_date),
        Simple::new("from_iso8601_timestamp", vec![vec![text]], utc.clone(), from_iso_moment),
        Simple::new("from_unixtime", vec![vec![DataType::Float64]], utc.clone(), from_unix),
        Simple::new("to_unixtime", vec![vec![plain], vec![utc]], DataType::Float64, to_unix),
    ]
}

fn moment(zone: Option<&str>) -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, zone.map(Into::into))
}

fn texts(arrays: &[ArrayRef], index: usize) -> Result<&StringArray> {
    let array = arrays.get(index).and_then(|array| array.as_string_opt::<i32>());
    array.ok_or_else(|| exec_datafusion_err!("argument {} is no text", index + 1))
}

fn date_parse(arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let mut moments = Vec::new();
    for (text, pattern) in texts(arrays, 0)?.iter().zip(texts(arrays, 1)?) {
        moments.push(match (text, pattern) {
            (Some(text), Some(pattern)) => Some(read(text, &chronos(pattern)?)?.and_utc().timestamp_micros()),
            _ => None,
        });
    }
    Ok(Arc::new(TimestampMicrosecondArray::from(moments)))
}

/// A pattern of MySQL as chrono writes it.
fn chronos(pattern: &str) -> Result<String> {
    let mut written = String::new();
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            written.push(letter);
            continue;
        }
        written.push_str(match letters.next() {
            Some('Y') => "%Y",
            Some('y') => "%y",
            Some('m' | 'c') => "%m",
            Some('M') => "%B",
            Some('b') => "%b",
            Some('d' | 'e') => "%d",
            Some('j') => "%j",
            Some('W') => "%A",
            Some('a') => "%a",
            Some('H' | 'k') => "%H",
            Some('h' | 'I' | 'l') => "%I",
            Some('i') => "%M",
            Some('s' | 'S') => "%S",
            Some('f') => "%f",
            Some('p') => "%p",
            Some('T') => "%H:%M:%S",
            Some('r') => "%I:%M:%S %p",
            Some('%') => "%%",
            _ => return exec_err!("date_parse: the pattern has a letter after % that is not supported"),
        });
    }
    Ok(written)
}

/// Reads a moment; parts that the pattern does not have are those of 1970-01-01 00:00:00.
fn read(text: &str, pattern: &str) -> Result<NaiveDateTime> {
    let wrong = || exec_datafusion_err!("date_parse: a text is not as the pattern says");
    let mut parsed = Parsed::new();
    parse(&mut parsed, text, StrftimeItems::new(pattern)).map_err(|_| wrong())?;
    if parsed.year().is_none() && parsed.year_mod_100().is_none() {
        parsed.set_year(1970).map_err(|_| wrong())?;
    }
    if parsed.ordinal().is_none() {
        if parsed.month().is_none() {
            parsed.set_month(1).map_err(|_| wrong())?;
        }
        if parsed.day().is_none() {
            parsed.set_day(1).map_err(|_| wrong())?;
        }
    }
    let date = parsed.to_naive_date().map_err(|_| wrong())?;
    if parsed.minute().is_none() && parsed.hour_mod_12().is_some() {
        parsed.set_minute(0).map_err(|_| wrong())?;
    }
    let timeless = parsed.hour_mod_12().is_none();
    let time = if timeless { NaiveTime::MIN } else { parsed.to_naive_time().map_err(|_| wrong())? };
    Ok(date.and_time(time))
}

fn from_iso_date(arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let day = |text: Option<&str>| {
        let Some(text) = text else { return Ok(None) };
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d");
        let day = day.or_else(|_| NaiveDate::parse_from_str(text, "%G-W%V-%u"));
        let day = day.or_else(|_| NaiveDate::parse_from_str(text, "%Y-%j"));
        day.map(|day| Some(Date32Type::from_naive_date(day)))
            .map_err(|_| exec_datafusion_err!("from_iso8601_date: a text is no date of ISO 8601"))
    };
    Ok(Arc::new(texts(arrays, 0)?.iter().map(day).collect::<Result<Date32Array>>()?))
}

fn from_iso_moment(arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let micros = |text: Option<&str>| {
        let Some(text) = text else { return Ok(None) };
        let zoned = DateTime::parse_from_rfc3339(text).map(|moment| moment.timestamp_micros());
        let plain = || {
            let local = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M"];
            let local = local.iter().find_map(|pattern| NaiveDateTime::parse_from_str(text, pattern).ok());
            let day = || NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().map(|day| day.and_time(NaiveTime::MIN));
            local.or_else(day).map(|moment| moment.and_utc().timestamp_micros())
        };
        match zoned.ok().or_else(plain) {
            Some(micros) => Ok(Some(micros)),
            None => exec_err!("from_iso8601_timestamp: a text is no moment of ISO 8601"),
        }
    };
    let moments = texts(arrays, 0)?.iter().map(micros).collect::<Result<TimestampMicrosecondArray>>()?;
    Ok(Arc::new(moments.with_timezone("UTC")))
}

fn from_unix(arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let seconds = arrays.first().and_then(|array| array.as_primitive_opt::<Float64Type>());
    let seconds = seconds.ok_or_else(|| exec_datafusion_err!("from_unixtime needs a number"))?;
    // Trino keeps milliseconds.
    let moments: TimestampMicrosecondArray = seconds
        .iter()
        .map(|seconds| seconds.map(|seconds| ((seconds * 1e3).round() as i64).saturating_mul(1_000)))
        .collect();
    Ok(Arc::new(moments.with_timezone("UTC")))
}

fn to_unix(arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let moments = arrays.first().and_then(|array| array.as_primitive_opt::<TimestampMicrosecondType>());
    let moments = moments.ok_or_else(|| exec_datafusion_err!("to_unixtime needs a timestamp"))?;
    Ok(Arc::new(moments.iter().map(|micros| micros.map(|micros| micros as f64 / 1e6)).collect::<Float64Array>()))
}
