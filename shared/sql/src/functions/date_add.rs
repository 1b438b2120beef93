//! `date_add(unit, value, x)`: x moved by so many units; a day that the month lacks becomes the month's last.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, TimestampMicrosecondArray};
use arrow::compute::try_binary;
use arrow::datatypes::DataType;
use datafusion::common::cast::{as_date32_array, as_int64_array, as_timestamp_microsecond_array};
use datafusion::common::utils::take_function_args;
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::arguments::{arrays, constant, result, temporal};
use super::calendar::{Unit, date, days, micros};

const NAME: &str = "date_add";

/// See the module.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct DateAdd {
    signature: Signature,
}

impl DateAdd {
    /// The function.
    pub fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl Default for DateAdd {
    fn default() -> Self {
        Self::new()
    }
}

impl ScalarUDFImpl for DateAdd {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let [_, _, moment] = take_function_args(NAME, arg_types)?;
        temporal(NAME, moment)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [_, _, moment] = take_function_args(NAME, arg_types)?;
        Ok(vec![DataType::Utf8, DataType::Int64, temporal(NAME, moment)?])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [unit, value, moment] = take_function_args(NAME, args.args)?;
        let Some(unit_name) = constant(NAME, "unit", &unit)? else {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from(args.return_field.data_type())?));
        };
        let unit: Unit = unit_name.parse()?;
        let (arrays, single) = arrays(&[value, moment])?;
        let [value, moment] = take_function_args(NAME, arrays)?;
        let value = as_int64_array(&value)?;
        let moved: ArrayRef = if moment.data_type() == &DataType::Date32 {
            if !unit.fits_dates() {
                return exec_err!("{NAME}: a date has no {unit_name}; write CAST(x AS timestamp)");
            }
            let dates: Date32Array = try_binary(as_date32_array(&moment)?, value, |moment, value| {
                Ok(days(unit.after(date(moment)?.into(), value)?.date()))
            })?;
            Arc::new(dates)
        } else {
            let moments: TimestampMicrosecondArray =
                try_binary(as_timestamp_microsecond_array(&moment)?, value, |moment, value| {
                    Ok(unit.after(micros(moment)?, value)?.and_utc().timestamp_micros())
                })?;
            Arc::new(moments.with_data_type(args.return_field.data_type().clone()))
        };
        result(moved, single)
    }
}
