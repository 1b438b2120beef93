//! `date_trunc(unit, x)`, `date(x)` and `last_day_of_month(x)`.
//!
//! DataFusion's `date_trunc` turns a date into a timestamp; Trino's keeps it a date. A week starts on Monday in both.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use chrono::{Datelike, NaiveDate};
use datafusion::common::cast::as_date32_array;
use datafusion::common::utils::take_function_args;
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::functions::datetime::date_trunc::DateTruncFunc;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::arguments::{arrays, constant, result, temporal};
use super::calendar::{date, days, last_day_of_month, out_of_range};

/// `date_trunc(unit, x)`: the start of the unit that x lies in.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct DateTrunc {
    signature: Signature,
    timestamps: DateTruncFunc,
}

impl DateTrunc {
    /// The function.
    pub fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable), timestamps: DateTruncFunc::new() }
    }
}

impl Default for DateTrunc {
    fn default() -> Self {
        Self::new()
    }
}

impl ScalarUDFImpl for DateTrunc {
    fn name(&self) -> &str {
        "date_trunc"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let [_, moment] = take_function_args(self.name(), arg_types)?;
        temporal(self.name(), moment)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [_, moment] = take_function_args(self.name(), arg_types)?;
        Ok(vec![DataType::Utf8, temporal(self.name(), moment)?])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if args.return_field.data_type() != &DataType::Date32 {
            return self.timestamps.invoke_with_args(args);
        }
        let [unit, moment] = take_function_args(self.name(), args.args)?;
        let Some(unit) = constant(self.name(), "unit", &unit)? else {
            return Ok(ColumnarValue::Scalar(ScalarValue::Date32(None)));
        };
        let unit = unit.to_ascii_lowercase();
        let (arrays, single) = arrays(&[moment])?;
        let [moment] = take_function_args(self.name(), arrays)?;
        let starts: Date32Array =
            as_date32_array(&moment)?.try_unary(|value| date(value).and_then(|day| start_of(&unit, day)).map(days))?;
        result(Arc::new(starts) as ArrayRef, single)
    }
}

fn start_of(unit: &str, day: NaiveDate) -> Result<NaiveDate, ArrowError> {
    let start = match unit {
        "day" => Some(day),
        "week" => Some(day.week(chrono::Weekday::Mon).first_day()),
        "month" => day.with_day(1),
        "quarter" => day.with_day(1).and_then(|first| first.with_month0(day.month0() / 3 * 3)),
        "year" => day.with_ordinal(1),
        _ => {
            return Err(ArrowError::ComputeError(format!(
                "date_trunc: '{unit}' is no unit of a date; use day, week, month, quarter or year, or a timestamp"
            )));
        }
    };
    start.ok_or_else(out_of_range)
}

/// `date(x)`: the same as `CAST(x AS date)`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Date {
    signature: Signature,
}

impl Date {
    /// The function.
    pub fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl Default for Date {
    fn default() -> Self {
        Self::new()
    }
}

impl ScalarUDFImpl for Date {
    fn name(&self) -> &str {
        "date"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [value] = take_function_args(self.name(), arg_types)?;
        match value {
            DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => Ok(vec![DataType::Utf8]),
            DataType::Date32 | DataType::Date64 | DataType::Timestamp(_, _) | DataType::Null => {
                Ok(vec![temporal(self.name(), value)?])
            }
            other => plan_err!("date needs a text, a date or a timestamp, not {other}"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = take_function_args(self.name(), args.args)?;
        value.cast_to(&DataType::Date32, None)
    }
}

/// `last_day_of_month(x)`, a date.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct LastDayOfMonth {
    signature: Signature,
}

impl LastDayOfMonth {
    /// The function.
    pub fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl Default for LastDayOfMonth {
    fn default() -> Self {
        Self::new()
    }
}

impl ScalarUDFImpl for LastDayOfMonth {
    fn name(&self) -> &str {
        "last_day_of_month"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Date32)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [value] = take_function_args(self.name(), arg_types)?;
        Ok(vec![temporal(self.name(), value)?])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (arrays, single) = arrays(&args.args)?;
        let [value] = take_function_args(self.name(), arrays)?;
        let dates = cast(&value, &DataType::Date32)?;
        let last: Date32Array = as_date32_array(&dates)?
            .try_unary(|value| date(value).and_then(|day| last_day_of_month(day).ok_or_else(out_of_range)).map(days))?;
        result(Arc::new(last) as ArrayRef, single)
    }
}
