//! Values as Athena writes them into results.

use std::fmt::Write;

use datafusion::arrow::array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{ArrowPrimitiveType, DataType, TimeUnit};
use datafusion::arrow::temporal_conversions::{date32_to_datetime, timestamp_us_to_datetime};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::Result;

/// Writes the value of a row, which is not NULL.
type Write1 = Box<dyn Fn(usize, &mut String) + Send>;

/// The values of a column as texts.
pub struct Texts {
    array: ArrayRef,
    write: Write1,
}

impl Texts {
    /// The texts of that column.
    ///
    /// # Errors
    /// When its type cannot be written.
    pub fn new(array: &ArrayRef) -> Result<Self> {
        let array = plain(array)?;
        Ok(Self { write: writer(&array)?, array })
    }

    /// Appends the value of a row; false for NULL, which appends nothing.
    pub fn append(&self, row: usize, text: &mut String) -> bool {
        let there = self.array.is_valid(row) && self.array.data_type() != &DataType::Null;
        if there {
            (self.write)(row, text);
        }
        there
    }
}

/// The column in a type that is written: one kind of text, of time, of list.
fn plain(array: &ArrayRef) -> Result<ArrayRef> {
    let wanted = match array.data_type() {
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Timestamp(_, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.as_ref().map(|_| "UTC".into())),
        DataType::Date64 => DataType::Date32,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::LargeList(field) | DataType::FixedSizeList(field, _) | DataType::ListView(field) => {
            DataType::List(field.clone())
        }
        DataType::Float16 => DataType::Float32,
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Dictionary(_, value) => return plain(&cast(array, value)?),
        _ => return Ok(array.clone()),
    };
    Ok(if array.data_type() == &wanted { array.clone() } else { cast(array, &wanted)? })
}

fn writer(array: &ArrayRef) -> Result<Write1> {
    Ok(match array.data_type() {
        DataType::Utf8 => {
            let texts = array.as_string::<i32>().clone();
            Box::new(move |row, out| out.push_str(texts.value(row)))
        }
        DataType::Boolean => {
            let flags: BooleanArray = array.as_boolean().clone();
            Box::new(move |row, out| out.push_str(if flags.value(row) { "true" } else { "false" }))
        }
        DataType::Int8 => number::<Int8Type>(array),
        DataType::Int16 => number::<Int16Type>(array),
        DataType::Int32 => number::<Int32Type>(array),
        DataType::Int64 => number::<Int64Type>(array),
        DataType::UInt8 => number::<UInt8Type>(array),
        DataType::UInt16 => number::<UInt16Type>(array),
        DataType::UInt32 => number::<UInt32Type>(array),
        DataType::UInt64 => number::<UInt64Type>(array),
        DataType::Float32 => {
            let floats = array.as_primitive::<Float32Type>().clone();
            Box::new(move |row, out| java(&format!("{:e}", floats.value(row)), out))
        }
        DataType::Float64 => {
            let floats = array.as_primitive::<Float64Type>().clone();
            Box::new(move |row, out| java(&format!("{:e}", floats.value(row)), out))
        }
        DataType::Decimal128(..) => {
            let decimals = array.as_primitive::<Decimal128Type>().clone();
            Box::new(move |row, out| out.push_str(&decimals.value_as_string(row)))
        }
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().clone();
            Box::new(move |row, out| {
                if let Some(day) = date32_to_datetime(days.value(row)) {
                    let _ = write!(out, "{}", day.format("%Y-%m-%d"));
                }
            })
        }
        DataType::Timestamp(_, zone) => {
            let ending = if zone.is_some() { " UTC" } else { "" };
            let moments = array.as_primitive::<TimestampMicrosecondType>().clone();
            Box::new(move |row, out| {
                // Trino rounds what is finer than a millisecond, half up.
                let rounded = moments.value(row).saturating_add(500).div_euclid(1000).saturating_mul(1000);
                if let Some(moment) = timestamp_us_to_datetime(rounded) {
                    let _ = write!(out, "{}{ending}", moment.format("%Y-%m-%d %H:%M:%S%.3f"));
                }
            })
        }
        DataType::Binary => {
            let bytes = array.as_binary::<i32>().clone();
            Box::new(move |row, out| {
                for (index, byte) in bytes.value(row).iter().enumerate() {
                    let _ = write!(out, "{}{byte:02x}", if index > 0 { " " } else { "" });
                }
            })
        }
        DataType::List(_) => {
            let lists = array.as_list::<i32>().clone();
            let inner = Texts::new(lists.values())?;
            Box::new(move |row, out| {
                let bounds = lists.value_offsets();
                joined(out, ['[', ']'], bounds, row, |at, out| or_null(&inner, at, out));
            })
        }
        DataType::Map(..) => {
            let maps = array.as_map().clone();
            let (keys, values) = (Texts::new(maps.keys())?, Texts::new(maps.values())?);
            Box::new(move |row, out| {
                joined(out, ['{', '}'], maps.value_offsets(), row, |at, out| {
                    or_null(&keys, at, out);
                    out.push('=');
                    or_null(&values, at, out);
                });
            })
        }
        DataType::Struct(fields) => {
            let names: Vec<String> = fields.iter().map(|field| field.name().clone()).collect();
            let columns = array.as_struct().columns().iter().map(Texts::new).collect::<Result<Vec<_>>>()?;
            Box::new(move |row, out| {
                out.push('{');
                for (index, (name, column)) in names.iter().zip(&columns).enumerate() {
                    out.push_str(if index > 0 { ", " } else { "" });
                    out.push_str(name);
                    out.push('=');
                    or_null(column, row, out);
                }
                out.push('}');
            })
        }
        DataType::Null => Box::new(|_, _| {}),
        _ => {
            // Made here once, to know that the type can be written at all.
            ArrayFormatter::try_new(array.as_ref(), &FormatOptions::default())?;
            let array = array.clone();
            Box::new(move |row, out| {
                if let Ok(formatter) = ArrayFormatter::try_new(array.as_ref(), &FormatOptions::default()) {
                    let _ = write!(out, "{}", formatter.value(row));
                }
            })
        }
    })
}

fn number<T: ArrowPrimitiveType>(array: &ArrayRef) -> Write1
where
    T::Native: std::fmt::Display,
{
    let numbers = array.as_primitive::<T>().clone();
    Box::new(move |row, out| {
        let _ = write!(out, "{}", numbers.value(row));
    })
}

fn or_null(texts: &Texts, row: usize, out: &mut String) {
    if !texts.append(row, out) {
        out.push_str("null");
    }
}

/// The entries of a list or map between its brackets.
fn joined(out: &mut String, brackets: [char; 2], bounds: &[i32], row: usize, entry: impl Fn(usize, &mut String)) {
    let bound = |index: usize| bounds.get(index).and_then(|bound| usize::try_from(*bound).ok()).unwrap_or_default();
    let [open, close] = brackets;
    out.push(open);
    for at in bound(row)..bound(row + 1) {
        out.push_str(if at > bound(row) { ", " } else { "" });
        entry(at, out);
    }
    out.push(close);
}

/// A float as Java writes it, from the shortest digits and exponent that give it: `1.0`, `1.5E10`, `NaN`.
fn java(scientific: &str, out: &mut String) {
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        out.push_str(match scientific {
            "inf" => "Infinity",
            "-inf" => "-Infinity",
            other => other,
        });
        return;
    };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    out.push_str(sign);
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let (before, after) = if (0..7).contains(&exponent) {
        let point = exponent.unsigned_abs() as usize + 1;
        let padded = format!("{digits:0<point$}");
        let (before, after) = padded.split_at_checked(point).unwrap_or((&padded, ""));
        (before.to_owned(), after.to_owned())
    } else if (-3..0).contains(&exponent) {
        ("0".to_owned(), format!("{}{digits}", "0".repeat(exponent.unsigned_abs() as usize - 1)))
    } else {
        let (before, after) = digits.split_at_checked(1).unwrap_or((&digits, ""));
        (before.to_owned(), format!("{}E{exponent}", if after.is_empty() { "0" } else { after }))
    };
    let _ = write!(out, "{before}.{}", if after.is_empty() { "0" } else { &after });
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn text(sql: &str) -> Option<String> {
        let session = carelake_sql::session::plain().unwrap();
        let rows = session.sql(&format!("SELECT {sql}")).await.unwrap().collect().await.unwrap();
        let mut text = String::new();
        Texts::new(rows[0].column(0)).unwrap().append(0, &mut text).then_some(text)
    }

    #[tokio::test]
    async fn values_are_written_as_athena_writes_them() {
        for (sql, expected) in [
            ("1", "1"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("true", "true"),
            ("DATE '1969-12-31'", "1969-12-31"),
            ("TIMESTAMP '2024-02-29 01:02:03'", "2024-02-29 01:02:03.000"),
            (
                "arrow_cast('2024-02-29T01:02:03.456789Z', 'Timestamp(Microsecond, Some(\"UTC\"))')",
                "2024-02-29 01:02:03.457 UTC",
            ),
            (
                "arrow_cast('1969-12-31T23:59:59.998500Z', 'Timestamp(Microsecond, Some(\"UTC\"))')",
                "1969-12-31 23:59:59.999 UTC",
            ),
            ("CAST(1.5 AS decimal(18, 2))", "1.50"),
            ("CAST(-0.05 AS decimal(18, 2))", "-0.05"),
            ("ARRAY[1, NULL, 3]", "[1, null, 3]"),
            ("ARRAY['a', 'b']", "[a, b]"),
            ("MAP(ARRAY['a'], ARRAY[1])", "{a=1}"),
            ("''", ""),
            ("X'00ff'", "00 ff"),
        ] {
            assert_eq!(text(sql).await.as_deref(), Some(expected), "{sql}");
        }
        assert_eq!(text("NULL").await, None);
        assert_eq!(text("CAST(NULL AS varchar)").await, None);
    }

    #[test]
    fn floats_are_javas() {
        for (number, expected) in [
            (1.0, "1.0"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (0.001, "0.001"),
            (0.0001, "1.0E-4"),
            (1234567.5, "1234567.5"),
            (9_999_999.0, "9999999.0"),
            (10_000_000.0, "1.0E7"),
            (1.5e300, "1.5E300"),
            (-123.25, "-123.25"),
            (1.0 / 3.0, "0.3333333333333333"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            let mut text = String::new();
            java(&format!("{number:e}"), &mut text);
            assert_eq!(text, expected);
        }
    }
}
