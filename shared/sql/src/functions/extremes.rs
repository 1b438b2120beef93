//! `max_by(x, y)` and `min_by(x, y)`: the x of the row with the greatest or least y. Rows without y do not count.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::{SortOptions, sort_to_indices};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::utils::take_function_args;
use datafusion::common::{ScalarValue, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, Signature, Volatility};

/// See the module.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ExtremeBy {
    greatest: bool,
    signature: Signature,
}

impl ExtremeBy {
    /// `max_by`.
    pub fn max() -> Self {
        Self { greatest: true, signature: Signature::any(2, Volatility::Immutable) }
    }

    /// `min_by`.
    pub fn min() -> Self {
        Self { greatest: false, signature: Signature::any(2, Volatility::Immutable) }
    }
}

impl AggregateUDFImpl for ExtremeBy {
    fn name(&self) -> &str {
        if self.greatest { "max_by" } else { "min_by" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let [value, _] = take_function_args(self.name(), arg_types)?;
        Ok(value.clone())
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let [value, key] = take_function_args(self.name(), args.input_fields)?;
        Ok(vec![
            Arc::new(Field::new(format_state_name(args.name, "value"), value.data_type().clone(), true)),
            Arc::new(Field::new(format_state_name(args.name, "key"), key.data_type().clone(), true)),
        ])
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        let [value, key] = take_function_args(self.name(), args.expr_fields)?;
        Ok(Box::new(Best {
            greatest: self.greatest,
            value: ScalarValue::try_from(value.data_type())?,
            key: ScalarValue::try_from(key.data_type())?,
        }))
    }
}

/// The best row so far; its key is NULL before the first.
#[derive(Debug)]
struct Best {
    greatest: bool,
    value: ScalarValue,
    key: ScalarValue,
}

impl Accumulator for Best {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values, keys] = take_function_args("max_by", values)?;
        let order = SortOptions { descending: self.greatest, nulls_first: false };
        let Some(row) = sort_to_indices(keys, Some(order), Some(1))?.iter().flatten().next() else {
            return Ok(());
        };
        let Ok(row) = usize::try_from(row) else {
            return plan_err!("a batch has too many rows");
        };
        if keys.is_null(row) {
            return Ok(());
        }
        let key = ScalarValue::try_from_array(keys, row)?;
        let better = if self.greatest { Ordering::Greater } else { Ordering::Less };
        if self.key.is_null() || key.try_cmp(&self.key)? == better {
            self.value = ScalarValue::try_from_array(values, row)?;
            self.key = key;
        }
        Ok(())
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.value.clone(), self.key.clone()])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.value.clone())
    }

    fn size(&self) -> usize {
        size_of_val(self)
            .saturating_add(self.value.size())
            .saturating_add(self.key.size())
            .saturating_sub(size_of_val(&self.value))
            .saturating_sub(size_of_val(&self.key))
    }
}
