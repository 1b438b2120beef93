//! `count_if(condition)`: the number of rows where the condition is true; 0 over nothing.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Int64Array};
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::ScalarValue;
use datafusion::common::cast::{as_boolean_array, as_int64_array};
use datafusion::common::utils::take_function_args;
use datafusion::error::Result;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility};

const NAME: &str = "count_if";

/// See the module.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct CountIf {
    signature: Signature,
}

impl CountIf {
    /// The function.
    pub fn new() -> Self {
        Self { signature: Signature::exact(vec![DataType::Boolean], Volatility::Immutable) }
    }
}

impl Default for CountIf {
    fn default() -> Self {
        Self::new()
    }
}

impl AggregateUDFImpl for CountIf {
    fn name(&self) -> &str {
        NAME
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
        Ok(vec![Arc::new(Field::new(format_state_name(args.name, NAME), DataType::Int64, false))])
    }

    fn accumulator(&self, _args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(Box::new(Total(0)))
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        !args.is_distinct
    }

    fn create_groups_accumulator(&self, _args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Totals(Vec::new())))
    }
}

/// The count of one group.
#[derive(Debug)]
struct Total(i64);

fn count_true(values: &[ArrayRef]) -> Result<i64> {
    let [condition] = take_function_args(NAME, values)?;
    Ok(i64::try_from(as_boolean_array(condition)?.true_count()).unwrap_or(i64::MAX))
}

impl Accumulator for Total {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0 += count_true(values)?;
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.0 -= count_true(values)?;
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [counts] = take_function_args(NAME, states)?;
        self.0 += as_int64_array(counts)?.iter().flatten().sum::<i64>();
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(ScalarValue::Int64(Some(self.0)))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// The counts of many groups at once.
#[derive(Debug)]
struct Totals(Vec<i64>);

impl Totals {
    fn add(&mut self, group: usize, count: i64) {
        if let Some(total) = self.0.get_mut(group) {
            *total += count;
        }
    }
}

fn is_kept(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

impl GroupsAccumulator for Totals {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let [condition] = take_function_args(NAME, values)?;
        self.0.resize(total_num_groups, 0);
        for (row, (holds, group)) in as_boolean_array(condition)?.iter().zip(group_indices).enumerate() {
            if holds == Some(true) && is_kept(opt_filter, row) {
                self.add(*group, 1);
            }
        }
        Ok(())
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        let [counts] = take_function_args(NAME, values)?;
        self.0.resize(total_num_groups, 0);
        for (count, group) in as_int64_array(counts)?.iter().zip(group_indices) {
            self.add(*group, count.unwrap_or(0));
        }
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let [condition] = take_function_args(NAME, values)?;
        let counts: Int64Array = as_boolean_array(condition)?
            .iter()
            .enumerate()
            .map(|(row, holds)| Some(i64::from(holds == Some(true) && is_kept(opt_filter, row))))
            .collect();
        Ok(vec![Arc::new(counts)])
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit_to)?])
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        Ok(Arc::new(Int64Array::from(emit_to.take_needed(&mut self.0))))
    }

    fn size(&self) -> usize {
        self.0.capacity().saturating_mul(size_of::<i64>())
    }
}
