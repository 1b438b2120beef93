//! What the date functions accept, and how they hand back a result.

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::{ScalarValue, exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::ColumnarValue;

/// The type a date or timestamp argument is read as: a date stays one, a timestamp counts microseconds, in UTC or
/// without a zone.
pub(super) fn temporal(function: &str, given: &DataType) -> Result<DataType> {
    match given {
        DataType::Date32 | DataType::Date64 | DataType::Null => Ok(DataType::Date32),
        DataType::Timestamp(_, None) => Ok(DataType::Timestamp(TimeUnit::Microsecond, None)),
        DataType::Timestamp(_, Some(zone)) if is_utc(zone) => {
            Ok(DataType::Timestamp(TimeUnit::Microsecond, Some(zone.clone())))
        }
        DataType::Timestamp(_, Some(_)) => Ok(DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))),
        other => plan_err!(
            "{function} needs a date or a timestamp, not {other}; write CAST(x AS date) or CAST(x AS timestamp)"
        ),
    }
}

/// As [`temporal`], with a date read as the midnight it starts with.
pub(super) fn timestamp(function: &str, given: &DataType) -> Result<DataType> {
    Ok(match temporal(function, given)? {
        DataType::Date32 => DataType::Timestamp(TimeUnit::Microsecond, None),
        other => other,
    })
}

/// The common type of two dates or timestamps.
pub(super) fn common_temporal(function: &str, left: &DataType, right: &DataType) -> Result<DataType> {
    let (left, right) = (temporal(function, left)?, temporal(function, right)?);
    Ok(match (&left, &right) {
        (DataType::Date32, _) => right,
        (_, DataType::Date32) => left,
        _ if left == right => left,
        _ => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
    })
}

fn is_utc(zone: &str) -> bool {
    zone.eq_ignore_ascii_case("utc") || zone == "+00:00" || zone.eq_ignore_ascii_case("z")
}

/// The constant text of an argument, or `None` when it is NULL.
pub(super) fn constant<'a>(function: &str, what: &str, value: &'a ColumnarValue) -> Result<Option<&'a str>> {
    match value {
        ColumnarValue::Scalar(ScalarValue::Null) => Ok(None),
        ColumnarValue::Scalar(scalar) => match scalar.try_as_str() {
            Some(text) => Ok(text),
            None => exec_err!("{function}: the {what} must be a text, not {scalar}"),
        },
        ColumnarValue::Array(_) => exec_err!("{function}: the {what} must be a constant, not a column"),
    }
}

/// The arguments as arrays of one length, and whether the result is a single value for all rows.
pub(super) fn arrays(values: &[ColumnarValue]) -> Result<(Vec<ArrayRef>, bool)> {
    let single = values.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
    Ok((ColumnarValue::values_to_arrays(values)?, single))
}

/// A result that came from [`arrays`].
pub(super) fn result(array: ArrayRef, single: bool) -> Result<ColumnarValue> {
    if single {
        ScalarValue::try_from_array(&array, 0).map(ColumnarValue::Scalar)
    } else {
        Ok(ColumnarValue::Array(array))
    }
}
