//! `date_format(x, pattern)` with MySQL's patterns and `format_datetime(x, pattern)` with Joda-Time's.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringBuilder};
use arrow::datatypes::DataType;
use datafusion::common::cast::as_timestamp_microsecond_array;
use datafusion::common::utils::take_function_args;
use datafusion::common::{ScalarValue, exec_datafusion_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::arguments::{arrays, constant, result, timestamp};
use super::calendar::micros;
use super::pattern::Pattern;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Style {
    MySql,
    Joda,
}

/// See the module.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct DateFormat {
    style: Style,
    signature: Signature,
}

impl DateFormat {
    /// `date_format`.
    pub fn mysql() -> Self {
        Self { style: Style::MySql, signature: Signature::user_defined(Volatility::Immutable) }
    }

    /// `format_datetime`.
    pub fn joda() -> Self {
        Self { style: Style::Joda, signature: Signature::user_defined(Volatility::Immutable) }
    }

    fn parse(&self, pattern: &str) -> Result<Pattern> {
        match self.style {
            Style::MySql => Pattern::mysql(pattern),
            Style::Joda => Pattern::joda(pattern),
        }
        .map_err(|problem| exec_datafusion_err!("{}: {problem}", self.name()))
    }
}

impl ScalarUDFImpl for DateFormat {
    fn name(&self) -> &str {
        match self.style {
            Style::MySql => "date_format",
            Style::Joda => "format_datetime",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [moment, _] = take_function_args(self.name(), arg_types)?;
        Ok(vec![timestamp(self.name(), moment)?, DataType::Utf8])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [moment, pattern] = take_function_args(self.name(), args.args)?;
        let Some(pattern) = constant(self.name(), "pattern", &pattern)? else {
            return Ok(ColumnarValue::Scalar(ScalarValue::Utf8(None)));
        };
        let pattern = self.parse(pattern)?;
        let (arrays, single) = arrays(&[moment])?;
        let [moment] = take_function_args(self.name(), arrays)?;
        let moments = as_timestamp_microsecond_array(&moment)?;
        let mut texts = StringBuilder::with_capacity(moments.len(), moments.len().saturating_mul(10));
        for value in moments {
            match value {
                Some(value) => {
                    pattern
                        .write(&mut texts, micros(value)?)
                        .map_err(|_| exec_datafusion_err!("{}: the value cannot be written", self.name()))?;
                    texts.append_value("");
                }
                None => texts.append_null(),
            }
        }
        result(Arc::new(texts.finish()) as ArrayRef, single)
    }
}
