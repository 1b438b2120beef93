//! From the text of a file to typed columns, value by value, without ever failing a whole column.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, BooleanArray, BooleanBuilder, Date32Array, Date32Builder, Float64Builder, Int32Array, Int64Array,
    StringArray, TimestampMicrosecondBuilder,
};
use arrow::compute::kernels::cast_utils::string_to_datetime;
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::DataType;
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, Utc};

use crate::types::ColumnType;

/// A typed column and the rows whose text could not be typed (they are NULL in `values`).
#[derive(Debug, Clone)]
pub struct Converted {
    /// The typed values, as many as there were texts.
    pub values: ArrayRef,
    /// Row numbers within the batch that were not NULL and are NULL now.
    pub invalid: Vec<usize>,
}

/// Days since 1970-01-01 of the years 1 and 9999: what Parquet readers and Athena agree on.
const FIRST_DAY: i32 = -719_162;
const LAST_DAY: i32 = 2_932_896;
/// 1970-01-01, counted from the year 1 on.
const EPOCH_FROM_CE: i32 = 719_163;

/// Types a column of texts. `format` is a chrono format for dates and timestamps.
pub fn convert(texts: &StringArray, column_type: ColumnType, format: Option<&str>) -> Converted {
    let values: ArrayRef = match column_type {
        ColumnType::String => return Converted { values: Arc::new(texts.clone()), invalid: Vec::new() },
        ColumnType::Boolean => Arc::new(booleans(texts)),
        ColumnType::Date => Arc::new(dates(texts, format)),
        ColumnType::Timestamp => timestamps(texts, format),
        ColumnType::Double => doubles(texts),
        ColumnType::Int => Arc::new(
            integers(texts).map(|value| value.and_then(|value| i32::try_from(value).ok())).collect::<Int32Array>(),
        ),
        ColumnType::Long => Arc::new(integers(texts).collect::<Int64Array>()),
        ColumnType::Decimal { .. } => decimals(texts, &column_type.arrow()),
    };
    let invalid = if values.null_count() == texts.null_count() {
        Vec::new()
    } else {
        (0..texts.len()).filter(|&row| values.is_null(row) && texts.is_valid(row)).collect()
    };
    Converted { values, invalid }
}

/// Whole numbers; tools that keep columns as floats write them with `.0`.
fn integers(texts: &StringArray) -> impl Iterator<Item = Option<i64>> {
    texts.iter().map(|text| {
        let text = text?;
        let whole = match text.split_once('.') {
            Some((whole, zeros)) if !zeros.is_empty() && zeros.bytes().all(|byte| byte == b'0') => whole,
            _ => text,
        };
        whole.parse().ok()
    })
}

fn decimals(texts: &StringArray, to: &DataType) -> ArrayRef {
    let options = CastOptions { safe: true, ..CastOptions::default() };
    let plain = |text: &str| text.bytes().all(|byte| !byte.eq_ignore_ascii_case(&b'e'));
    let typed = if texts.iter().flatten().all(plain) {
        cast_with_options(texts, to, &options)
    } else {
        let expanded =
            texts.iter().map(|text| text.map(|text| without_exponent(text).unwrap_or_else(|| text.to_owned())));
        cast_with_options(&expanded.collect::<StringArray>(), to, &options)
    };
    typed.unwrap_or_else(|_| arrow::array::new_null_array(to, texts.len()))
}

/// `1.25E7` as `12500000`: Java writes large amounts so.
fn without_exponent(text: &str) -> Option<String> {
    let (mantissa, exponent) = text.split_once(['e', 'E'])?;
    let shift: i32 = exponent.parse().ok().filter(|shift| (-40..=40).contains(shift))?;
    let (sign, digits) = mantissa.strip_prefix('-').map_or(("", mantissa), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let point = i32::try_from(whole.len()).ok()?.checked_add(shift)?;
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or_default());
    let length = i32::try_from(all.len()).ok()?;
    let padded = format!("{}{all}{}", zeros(1 - point), zeros(point - length));
    let (whole, fraction) = padded.split_at_checked(usize::try_from(point.max(1)).ok()?)?;
    Some(format!("{sign}{whole}.{fraction}0"))
}

fn doubles(texts: &StringArray) -> ArrayRef {
    let mut builder = Float64Builder::with_capacity(texts.len());
    for text in texts {
        builder.append_option(text.and_then(|text| text.parse().ok()).filter(|value: &f64| value.is_finite()));
    }
    Arc::new(builder.finish())
}

fn booleans(texts: &StringArray) -> BooleanArray {
    let mut builder = BooleanBuilder::with_capacity(texts.len());
    for text in texts {
        builder.append_option(text.and_then(boolean));
    }
    builder.finish()
}

fn boolean(text: &str) -> Option<bool> {
    const TRUE: [&str; 5] = ["true", "yes", "1", "t", "y"];
    const FALSE: [&str; 5] = ["false", "no", "0", "f", "n"];
    if TRUE.iter().any(|word| text.eq_ignore_ascii_case(word)) {
        return Some(true);
    }
    FALSE.iter().any(|word| text.eq_ignore_ascii_case(word)).then_some(false)
}

fn dates(texts: &StringArray, format: Option<&str>) -> Date32Array {
    let mut builder = Date32Builder::with_capacity(texts.len());
    for text in texts {
        let days = text.and_then(|text| match format {
            Some(format) => NaiveDate::parse_from_str(text, format)
                .or_else(|_| NaiveDateTime::parse_from_str(text, format).map(|moment| moment.date()))
                .ok()
                .map(days_of),
            None => iso_date(text),
        });
        builder.append_option(days.filter(|days| (FIRST_DAY..=LAST_DAY).contains(days)));
    }
    builder.finish()
}

fn days_of(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - EPOCH_FROM_CE
}

/// yyyy-mm-dd or yyyymmdd, alone or at the head of a timestamp that is itself well-formed.
fn iso_date(text: &str) -> Option<i32> {
    let date = parse_iso_date(text.get(..10).unwrap_or(text))?;
    if text.len() > 10 {
        let separator = text.as_bytes().get(10).copied();
        if !matches!(separator, Some(b'T' | b' '))
            || (utc_micros(text).is_none() && string_to_datetime(&Utc, text).is_err())
        {
            return None;
        }
    }
    Some(days_of(date))
}

/// A date written yyyy-mm-dd or yyyymmdd and nothing else.
pub fn parse_iso_date(text: &str) -> Option<NaiveDate> {
    let bytes = text.as_bytes();
    let (year, month, day) = match bytes {
        [y @ .., b'-', m1, m2, b'-', d1, d2] if y.len() == 4 => (y, [*m1, *m2], [*d1, *d2]),
        [y @ .., m1, m2, d1, d2] if y.len() == 4 => (y, [*m1, *m2], [*d1, *d2]),
        _ => return None,
    };
    let year = digits(year)?;
    if year == 0 {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, digits(&month)?, digits(&day)?)
}

fn digits(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0_u32, |number, byte| byte.is_ascii_digit().then(|| number * 10 + u32::from(byte - b'0')))
}

fn timestamps(texts: &StringArray, format: Option<&str>) -> ArrayRef {
    let mut builder = TimestampMicrosecondBuilder::with_capacity(texts.len()).with_timezone("UTC");
    for text in texts {
        builder.append_option(text.and_then(|text| micros(text, format)));
    }
    Arc::new(builder.finish())
}

/// Microseconds of `yyyy-mm-ddThh:mm:ss[.f][Z]`, the form most files have; `None` for any other.
fn utc_micros(text: &str) -> Option<i64> {
    let (date, rest) = (text.get(..10)?, text.as_bytes().get(10..)?);
    let [b'T' | b' ', h1, h2, b':', m1, m2, b':', s1, s2, fraction @ ..] = rest else { return None };
    let (hour, minute, second) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?, digits(&[*s1, *s2])?);
    let fraction = fraction.strip_suffix(b"Z").unwrap_or(fraction);
    let micros = match fraction {
        [] => 0,
        [b'.', places @ ..] if (1..=6).contains(&places.len()) => {
            places.iter().chain(b"00000").take(6).try_fold(0_u32, |number, digit| {
                digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0'))
            })?
        }
        _ => return None,
    };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = i64::from(days_of(parse_iso_date(date)?)) * 86_400 + i64::from(hour * 3_600 + minute * 60 + second);
    Some(seconds * 1_000_000 + i64::from(micros))
}

fn micros(text: &str, format: Option<&str>) -> Option<i64> {
    let moment: DateTime<Utc> = match format {
        Some(format) => DateTime::parse_from_str(text, format)
            .map(|moment| moment.with_timezone(&Utc))
            .or_else(|_| NaiveDateTime::parse_from_str(text, format).map(|moment| moment.and_utc()))
            .ok()?,
        None => {
            if let Some(micros) = utc_micros(text) {
                return Some(micros);
            }
            parse_iso_date(text.get(..10)?)?;
            string_to_datetime(&Utc, text).ok()?
        }
    };
    let days = i32::try_from(moment.timestamp().div_euclid(86_400)).ok()?;
    (FIRST_DAY..=LAST_DAY).contains(&days).then(|| moment.timestamp_micros())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::AsArray;
    use arrow::datatypes::{Date32Type, Int32Type, TimestampMicrosecondType};

    use super::*;

    fn run(texts: &[&str], column_type: &str, format: Option<&str>) -> Converted {
        convert(&StringArray::from(texts.to_vec()), column_type.parse().unwrap(), format)
    }

    #[test]
    fn dates_are_read_in_iso_forms_and_from_the_head_of_timestamps() {
        let texts = ["1970-01-02", "19700102", "1970-01-02T00:00:00Z", "1970-01-02 10:11:12"];
        let days = run(&texts, "date", None);
        assert!(days.invalid.is_empty());
        assert_eq!(days.values.as_primitive::<Date32Type>().values().to_vec(), vec![1; 4]);
    }

    #[test]
    fn impossible_dates_are_invalid_not_wrong() {
        let texts =
            ["2023-02-29", "2023-13-01", "0000-01-01", "12/31/2023", "2023-1-1", "2023-01-01Tjunk", "é23-01-01-"];
        assert_eq!(run(&texts, "date", None).invalid.len(), texts.len());
        assert_eq!(run(&["2024-02-29"], "date", None).invalid.len(), 0);
    }

    #[test]
    fn timestamps_assume_utc_and_honour_offsets() {
        let texts = ["1970-01-01T00:00:01Z", "1970-01-01 00:00:01", "1970-01-01T01:00:01+01:00"];
        let moments = run(&texts, "timestamp", None);
        assert_eq!(moments.values.as_primitive::<TimestampMicrosecondType>().values().to_vec(), vec![1_000_000; 3]);
    }

    #[test]
    fn the_common_form_of_timestamps_is_read_as_any_other() {
        for text in
            ["0001-01-01T00:00:00Z", "1969-12-31 23:59:59.9", "2024-02-29T12:00:00.000001Z", "9999-12-31T23:59:59"]
        {
            let slow = string_to_datetime(&Utc, text).unwrap().timestamp_micros();
            assert_eq!(utc_micros(text), Some(slow), "{text}");
        }
        for text in [
            "2023-02-29T00:00:00Z",
            "2024-01-01T24:00:00",
            "2024-01-01T00:60:00",
            "2024-01-01T00:00:00.",
            "20240101 00:00:00",
        ] {
            assert_eq!(utc_micros(text), None, "{text}");
        }
    }

    #[test]
    fn a_declared_format_decides_between_day_first_and_month_first() {
        let days = run(&["03/02/1970"], "date", Some("%d/%m/%Y"));
        assert_eq!(days.values.as_primitive::<Date32Type>().value(0), 33);
    }

    #[test]
    fn booleans_know_the_words_of_the_feeds_and_nothing_else() {
        assert_eq!(run(&["true", "No", "1", "Y", "maybe", "2"], "boolean", None).invalid, vec![4, 5]);
    }

    #[test]
    fn numbers_out_of_range_or_not_finite_are_invalid() {
        assert_eq!(run(&["3000000000", "7", "x"], "int", None).invalid, vec![0, 2]);
        assert_eq!(run(&["7"], "int", None).values.as_primitive::<Int32Type>().value(0), 7);
        assert_eq!(run(&["NaN", "inf", "1e3"], "double", None).invalid, vec![0, 1]);
        assert_eq!(run(&["61234.0", "61234.5", "5."], "int", None).invalid, vec![1, 2]);
        assert_eq!(run(&["1.5E7", "35905.85000000005", "-3"], "decimal(18,2)", None).invalid, Vec::<usize>::new());
        let exponents = run(&["1.5E7", "-2.5e-1", "1e2", "4E-2"], "decimal(18,2)", None).values;
        let unscaled = exponents.as_primitive::<arrow::datatypes::Decimal128Type>().values().to_vec();
        assert_eq!(unscaled, vec![1_500_000_000, -25, 10_000, 4]);
        assert_eq!(run(&["12.50", "abc", "99999999999.00"], "decimal(12,2)", None).invalid, vec![1, 2]);
    }
}
