//! `approx_distinct(x)` and `approx_percentile(x, percentage)`: DataFusion's estimates with Trino's types.
//!
//! DataFusion counts in unsigned integers, and its percentile of integers is a double; in Trino both are bigint.

use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::utils::take_function_args;
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::functions_aggregate::approx_distinct::approx_distinct_udaf;
use datafusion::functions_aggregate::approx_percentile_cont::approx_percentile_cont_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};

/// `approx_distinct(x)`: about how many different values x has; 0 over nothing.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ApproxDistinct {
    estimate: Arc<AggregateUDF>,
    signature: Signature,
}

impl ApproxDistinct {
    /// The function.
    pub fn new() -> Self {
        Self { estimate: approx_distinct_udaf(), signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl Default for ApproxDistinct {
    fn default() -> Self {
        Self::new()
    }
}

impl AggregateUDFImpl for ApproxDistinct {
    fn name(&self) -> &str {
        "approx_distinct"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn is_nullable(&self) -> bool {
        false
    }

    fn default_value(&self, _data_type: &DataType) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(0)))
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.estimate.state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let estimate = self.estimate.accumulator(args)?;
        Ok(Box::new(Retyped { estimate, input: None, output: DataType::Int64 }))
    }
}

/// `approx_percentile(x, percentage)`: about the value that so great a share of x does not exceed. Between two values
/// it interpolates; of integers it is the nearest integer.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ApproxPercentile {
    estimate: Arc<AggregateUDF>,
    signature: Signature,
}

impl ApproxPercentile {
    /// The function.
    pub fn new() -> Self {
        Self { estimate: approx_percentile_cont_udaf(), signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl Default for ApproxPercentile {
    fn default() -> Self {
        Self::new()
    }
}

impl AggregateUDFImpl for ApproxPercentile {
    fn name(&self) -> &str {
        "approx_percentile"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [value, _] = take_function_args(self.name(), arg_types)?;
        let value = match value {
            whole if whole.is_integer() => DataType::Int64,
            number if number.is_numeric() || number.is_null() => DataType::Float64,
            other => return plan_err!("approx_percentile needs a number, not {other}"),
        };
        Ok(vec![value, DataType::Float64])
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let [value, _] = take_function_args(self.name(), arg_types)?;
        Ok(value.clone())
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.estimate.state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let [_, percentage] = take_function_args(self.name(), args.expr_fields)?;
        let output = args.return_field.data_type().clone();
        let double: FieldRef = Arc::new(Field::new("x", DataType::Float64, true));
        let fields = [Arc::clone(&double), Arc::clone(percentage)];
        let estimate =
            self.estimate.accumulator(AccumulatorArgs { return_field: double, expr_fields: &fields, ..args })?;
        Ok(Box::new(Retyped { estimate, input: Some(DataType::Float64), output }))
    }
}

/// An accumulator that reads its first argument as `input` and answers as `output`.
#[derive(Debug)]
struct Retyped {
    estimate: Box<dyn Accumulator>,
    input: Option<DataType>,
    output: DataType,
}

impl Accumulator for Retyped {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        match (&self.input, values.split_first()) {
            (Some(input), Some((first, rest))) => {
                let mut values = vec![cast(first, input)?];
                values.extend(rest.iter().map(Arc::clone));
                self.estimate.update_batch(&values)
            }
            _ => self.estimate.update_batch(values),
        }
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.estimate.merge_batch(states)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.estimate.state()
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        match self.estimate.evaluate()? {
            ScalarValue::Float64(Some(value)) => {
                ScalarValue::Float64(Some(if self.output.is_integer() { value.round() } else { value }))
            }
            other => other,
        }
        .cast_to(&self.output)
    }

    fn size(&self) -> usize {
        size_of_val(self).saturating_add(self.estimate.size())
    }
}
