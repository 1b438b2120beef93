//! `element_at(array, n)`, `element_at(map, key)` and `cardinality(array or map)`.
//!
//! DataFusion's `element_at` gives a list and knows maps only; its `cardinality` counts the elements of inner arrays.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, ListArray, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field};
use datafusion::common::cast::{as_int64_array, as_list_array, as_map_array};
use datafusion::common::utils::take_function_args;
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::functions_nested::map_extract::map_extract_udf;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::arguments::{arrays, result};

/// `element_at`: counted from 1, from the end when negative; NULL where there is no such element or key.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct ElementAt {
    signature: Signature,
}

impl ElementAt {
    /// The function.
    pub fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl Default for ElementAt {
    fn default() -> Self {
        Self::new()
    }
}

impl ScalarUDFImpl for ElementAt {
    fn name(&self) -> &str {
        "element_at"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        match arg_types {
            [DataType::List(element), _] => Ok(element.data_type().clone()),
            [DataType::Map(entries, _), _] => Ok(map_types(entries)?.1),
            _ => plan_err!("element_at needs an array and a number, or a map and a key"),
        }
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [collection, _] = take_function_args(self.name(), arg_types)?;
        let key = match collection {
            DataType::Map(entries, _) => map_types(entries)?.0,
            _ => DataType::Int64,
        };
        Ok(vec![collection_type(self.name(), collection)?, key])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (arrays, single) = arrays(&args.args)?;
        let [collection, key] = take_function_args(self.name(), arrays)?;
        let elements = if matches!(collection.data_type(), DataType::Map(_, _)) {
            let found = map_extract_udf().invoke_with_args(map_arguments(&args, collection, key)?)?;
            let found = found.into_array(if single { 1 } else { args.number_rows })?;
            let lists = as_list_array(&found)?;
            nth(lists, &Int64Array::from(vec![1; lists.len()]))?
        } else {
            nth(as_list_array(&collection)?, as_int64_array(&key)?)?
        };
        result(elements, single)
    }
}

/// The arguments of DataFusion's `map_extract`, which answers with a list of at most one value per row.
fn map_arguments(args: &ScalarFunctionArgs, map: ArrayRef, key: ArrayRef) -> Result<ScalarFunctionArgs> {
    let value = match map.data_type() {
        DataType::Map(entries, _) => map_types(entries)?.1,
        other => return exec_err!("element_at: {other} is no map"),
    };
    Ok(ScalarFunctionArgs {
        number_rows: map.len(),
        args: vec![ColumnarValue::Array(map), ColumnarValue::Array(key)],
        arg_fields: args.arg_fields.clone(),
        return_field: Arc::new(Field::new_list("element", Field::new_list_field(value, true), true)),
        config_options: Arc::clone(&args.config_options),
    })
}

/// Element `positions[i]` of list i.
fn nth(lists: &ListArray, positions: &Int64Array) -> Result<ArrayRef> {
    let mut indices = Vec::with_capacity(lists.len());
    for ((row, bounds), position) in lists.value_offsets().windows(2).enumerate().zip(positions) {
        let index = match (bounds, position) {
            (_, Some(0)) => return exec_err!("element_at: elements are counted from 1"),
            ([start, end], Some(position)) if lists.is_valid(row) => {
                let (start, end) = (i64::from(*start), i64::from(*end));
                let index =
                    if position > 0 { start.saturating_add(position - 1) } else { end.saturating_add(position) };
                u64::try_from(index).ok().filter(|_| (start..end).contains(&index))
            }
            _ => None,
        };
        indices.push(index);
    }
    Ok(take(lists.values(), &UInt64Array::from(indices), None)?)
}

/// `cardinality`: the number of elements or entries, a bigint.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Cardinality {
    signature: Signature,
}

impl Cardinality {
    /// The function.
    pub fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl Default for Cardinality {
    fn default() -> Self {
        Self::new()
    }
}

impl ScalarUDFImpl for Cardinality {
    fn name(&self) -> &str {
        "cardinality"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [collection] = take_function_args(self.name(), arg_types)?;
        Ok(vec![collection_type(self.name(), collection)?])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (arrays, single) = arrays(&args.args)?;
        let [collection] = take_function_args(self.name(), arrays)?;
        let offsets = match collection.data_type() {
            DataType::Map(_, _) => as_map_array(&collection)?.value_offsets(),
            _ => as_list_array(&collection)?.value_offsets(),
        };
        let counts: Int64Array = offsets
            .windows(2)
            .enumerate()
            .map(|(row, bounds)| match bounds {
                [start, end] if collection.is_valid(row) => Some(i64::from(*end) - i64::from(*start)),
                _ => None,
            })
            .collect();
        result(Arc::new(counts), single)
    }
}

fn collection_type(function: &str, given: &DataType) -> Result<DataType> {
    match given {
        DataType::List(_) | DataType::Map(_, _) => Ok(given.clone()),
        DataType::LargeList(element) | DataType::FixedSizeList(element, _) => Ok(DataType::List(Arc::clone(element))),
        other => plan_err!("{function} needs an array or a map, not {other}"),
    }
}

/// The types of a map's keys and values.
fn map_types(entries: &Field) -> Result<(DataType, DataType)> {
    match entries.data_type() {
        DataType::Struct(fields) => match fields.iter().as_slice() {
            [key, value] => Ok((key.data_type().clone(), value.data_type().clone())),
            _ => plan_err!("a map's entry has a key and a value"),
        },
        other => plan_err!("a map's entry is a structure, not {other}"),
    }
}
