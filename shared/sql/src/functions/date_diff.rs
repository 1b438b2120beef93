//! `date_diff(unit, start, end)`: complete units from start to end, negative when end is earlier.
//!
//! The order is Trino's and Athena's. Spark's `datediff(end, start)` is the reverse.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use arrow::compute::try_binary;
use arrow::datatypes::DataType;
use datafusion::common::cast::{as_date32_array, as_timestamp_microsecond_array};
use datafusion::common::utils::take_function_args;
use datafusion::common::{ScalarValue, exec_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::arguments::{arrays, common_temporal, constant, result};
use super::calendar::{Unit, day_millis};

const NAME: &str = "date_diff";

/// See the module.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct DateDiff {
    signature: Signature,
}

impl DateDiff {
    /// The function.
    pub fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl Default for DateDiff {
    fn default() -> Self {
        Self::new()
    }
}

impl ScalarUDFImpl for DateDiff {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [_, start, end] = take_function_args(NAME, arg_types)?;
        let common = common_temporal(NAME, start, end)?;
        Ok(vec![DataType::Utf8, common.clone(), common])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [unit, start, end] = take_function_args(NAME, args.args)?;
        let Some(unit_name) = constant(NAME, "unit", &unit)? else {
            return Ok(ColumnarValue::Scalar(ScalarValue::Int64(None)));
        };
        let unit: Unit = unit_name.parse()?;
        let (arrays, single) = arrays(&[start, end])?;
        let [start, end] = take_function_args(NAME, arrays)?;
        let spans: Int64Array = if start.data_type() == &DataType::Date32 {
            if !unit.fits_dates() {
                return exec_err!("{NAME}: a date has no {unit_name}; write CAST(x AS timestamp)");
            }
            try_binary(as_date32_array(&start)?, as_date32_array(&end)?, |start, end| {
                unit.between(day_millis(start), day_millis(end))
            })?
        } else {
            // Trino compares timestamps at the millisecond below.
            let (start, end) = (as_timestamp_microsecond_array(&start)?, as_timestamp_microsecond_array(&end)?);
            try_binary(start, end, |start, end| unit.between(start.div_euclid(1_000), end.div_euclid(1_000)))?
        };
        result(Arc::new(spans) as ArrayRef, single)
    }
}
