//! Rows as columns: what learners read. Ids are not in it.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Date32Type, Float64Type};

use crate::error::{ErrorKind, ModelError};
use crate::features::{FeatureSet, Kind};

/// One feature of all rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Column {
    /// Numbers; missing is NaN. A boolean is 0 or 1.
    Numeric(Vec<f64>),
    /// Codes into words; code 0 is missing, code `n` is `words[n - 1]`.
    Categorical {
        /// One code a row.
        codes: Vec<u32>,
        /// The words, in order of first appearance.
        words: Vec<String>,
    },
}

/// The features of a number of rows, in the order of a feature list.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    rows: usize,
    columns: Vec<Column>,
}

impl Frame {
    /// Takes the columns of the feature list out of batches, by name. Types are cast where nothing is lost by it;
    /// infinite numbers count as missing.
    pub fn from_batches(features: &FeatureSet, batches: &[RecordBatch]) -> Result<Self, ModelError> {
        let columns = features.features.iter().map(|feature| match feature.kind {
            Kind::Numeric | Kind::Boolean => numeric(&feature.name, batches),
            Kind::Categorical => categorical(&feature.name, batches),
        });
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        Ok(Self { rows, columns: columns.collect::<Result<_, _>>()? })
    }

    /// From columns of equal length.
    pub fn new(columns: Vec<Column>) -> Result<Self, ModelError> {
        let rows = columns.first().map_or(0, Column::len);
        if columns.iter().any(|column| column.len() != rows) {
            return Err(ModelError::new(ErrorKind::Columns, "columns of different lengths"));
        }
        Ok(Self { rows, columns })
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The given rows, in that order; a row that is not there is missing in every column.
    pub fn take(&self, rows: &[usize]) -> Self {
        Self { rows: rows.len(), columns: self.columns.iter().map(|column| column.take(rows)).collect() }
    }
}

impl Column {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Numeric(values) => values.len(),
            Self::Categorical { codes, .. } => codes.len(),
        }
    }

    /// True when there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn take(&self, rows: &[usize]) -> Self {
        match self {
            Self::Numeric(values) => {
                Self::Numeric(rows.iter().map(|row| values.get(*row).copied().unwrap_or(f64::NAN)).collect())
            }
            Self::Categorical { codes, words } => Self::Categorical {
                codes: rows.iter().map(|row| codes.get(*row).copied().unwrap_or(0)).collect(),
                words: words.clone(),
            },
        }
    }
}

/// The outcomes of all rows; None where there is none yet.
pub fn labels(features: &FeatureSet, batches: &[RecordBatch]) -> Result<Vec<Option<bool>>, ModelError> {
    let values = collect(&features.label, batches, &DataType::Float64)?;
    let mut labels = Vec::new();
    for array in &values {
        labels.extend(array.as_primitive::<Float64Type>().iter().map(|value| value.filter(|v| !v.is_nan())));
    }
    if labels.iter().flatten().any(|value| *value != 0.0 && *value != 1.0) {
        return Err(ModelError::new(ErrorKind::Columns, format!("{} is neither 0 nor 1 in a row", features.label)));
    }
    Ok(labels.into_iter().map(|label| label.map(|value| value == 1.0)).collect())
}

/// A date column as days since 1970-01-01. No row may be without.
pub fn days(name: &str, batches: &[RecordBatch]) -> Result<Vec<i32>, ModelError> {
    let mut days = Vec::new();
    for array in &collect(name, batches, &DataType::Date32)? {
        if array.null_count() > 0 {
            return Err(ModelError::new(ErrorKind::Columns, format!("{name} is missing in a row")));
        }
        days.extend(array.as_primitive::<Date32Type>().values());
    }
    Ok(days)
}

fn numeric(name: &str, batches: &[RecordBatch]) -> Result<Column, ModelError> {
    let mut values = Vec::new();
    for array in &collect(name, batches, &DataType::Float64)? {
        let array = array.as_primitive::<Float64Type>();
        values.extend(array.iter().map(|value| value.filter(|v| v.is_finite()).unwrap_or(f64::NAN)));
    }
    Ok(Column::Numeric(values))
}

fn categorical(name: &str, batches: &[RecordBatch]) -> Result<Column, ModelError> {
    let (mut codes, mut words) = (Vec::new(), Vec::new());
    let mut known: HashMap<String, u32> = HashMap::new();
    for array in &collect(name, batches, &DataType::Utf8)? {
        for value in array.as_string::<i32>() {
            let code = match value {
                None => 0,
                Some(word) => match known.get(word) {
                    Some(code) => *code,
                    None => {
                        words.push(word.to_owned());
                        let code = u32::try_from(words.len()).unwrap_or(0);
                        known.insert(word.to_owned(), code);
                        code
                    }
                },
            };
            codes.push(code);
        }
    }
    Ok(Column::Categorical { codes, words })
}

/// A column of every batch, cast.
fn collect(name: &str, batches: &[RecordBatch], to: &DataType) -> Result<Vec<ArrayRef>, ModelError> {
    let strict = CastOptions { safe: false, ..CastOptions::default() };
    let cast = |batch: &RecordBatch| {
        let array = batch
            .column_by_name(name)
            .ok_or_else(|| ModelError::new(ErrorKind::Columns, format!("{name} is not there")))?;
        cast_with_options(array, to, &strict).map_err(|_| {
            let from = array.data_type();
            ModelError::new(ErrorKind::Columns, format!("{name} is {from}, which does not become {to}"))
        })
    };
    batches.iter().map(cast).collect()
}
