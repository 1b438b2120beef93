//! Values of a Parquet file as text.

use std::fmt::{self, Write};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryViewArray, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, FieldRef, Schema, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use parquet::basic::Type as PhysicalType;
use parquet::schema::types::Type;
use serde_json::{Map, Value};

use super::DAMAGED;
use crate::limits::RECORD_BYTES;
use crate::{DecodeError, ENCODING, SIZE};

/// Bytes counted for a value beside its text.
const CELL: u64 = 1;

/// Bytes of room that a column keeps from row to row.
const KEPT: usize = 1 << 16;

/// The schema with texts as views, which share a dictionary's bytes instead of repeating them; 96-bit moments in
/// microseconds, as nanoseconds end in 2262; and UTC as an offset, as zones by name need a database.
pub fn own_schema(schema: &Schema, root: &Type) -> Schema {
    let fields = schema.fields().iter().zip(root.get_fields()).map(|(field, column)| {
        let int96 = column.is_primitive() && column.get_physical_type() == PhysicalType::INT96;
        match int96 {
            true => Arc::new(field.as_ref().clone().with_data_type(DataType::Timestamp(TimeUnit::Microsecond, None))),
            false => own_field(field),
        }
    });
    Schema::new(fields.collect::<Vec<FieldRef>>())
}

fn own_field(field: &FieldRef) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(own_type(field.data_type())))
}

fn own_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8 => DataType::Utf8View,
        DataType::Binary => DataType::BinaryView,
        DataType::Timestamp(unit, Some(_)) => DataType::Timestamp(*unit, Some("+00:00".into())),
        DataType::List(inner) => DataType::List(own_field(inner)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(own_field).collect()),
        DataType::Map(entries, sorted) => DataType::Map(own_field(entries), *sorted),
        other => other.clone(),
    }
}

/// A column of a batch.
enum Column<'b> {
    Text(&'b StringViewArray),
    Bytes(&'b BinaryViewArray),
    Other(&'b ArrayRef, ArrayFormatter<'b>),
}

/// The texts of one row of a batch at a time.
pub struct Texts<'b> {
    columns: Vec<Column<'b>>,
    texts: Vec<Limited>,
}

impl<'b> Texts<'b> {
    pub fn new(batch: &'b RecordBatch) -> Result<Self, DecodeError> {
        let columns: Result<Vec<Column<'b>>, DecodeError> = batch.columns().iter().map(Column::new).collect();
        let texts = batch.columns().iter().map(|_| Limited::default()).collect();
        Ok(Self { columns: columns?, texts })
    }

    /// Reads a row.
    ///
    /// # Errors
    /// The ending of the id of the check that the row fails.
    pub fn read(&mut self, row: usize) -> Result<(), &'static str> {
        let mut left = RECORD_BYTES;
        self.texts.iter_mut().for_each(Limited::clear);
        for (column, text) in self.columns.iter().zip(&mut self.texts) {
            text.left = left;
            column.write(row, text)?;
            left = text.left;
        }
        Ok(())
    }

    /// Bytes that the row read last takes.
    pub fn bytes(&self) -> u64 {
        self.texts.iter().map(|text| text.text.len() as u64 + CELL).sum()
    }

    /// The text of a column.
    pub fn get(&self, column: usize) -> Option<&str> {
        self.texts.get(column).filter(|text| text.present).map(|text| text.text.as_str())
    }

    /// The texts of some columns, as a JSON object.
    pub fn extra(&self, columns: &[(usize, String)]) -> Option<String> {
        let texts = columns.iter().filter_map(|(index, name)| Some((name.clone(), Value::from(self.get(*index)?))));
        let object: Map<String, Value> = texts.collect();
        (!object.is_empty()).then(|| Value::Object(object).to_string())
    }
}

impl<'b> Column<'b> {
    fn new(values: &'b ArrayRef) -> Result<Self, DecodeError> {
        Ok(match values.data_type() {
            DataType::Utf8View => Self::Text(values.as_string_view()),
            DataType::BinaryView => Self::Bytes(values.as_binary_view()),
            _ => {
                const OPTIONS: FormatOptions<'static> = FormatOptions::new().with_display_error(false);
                Self::Other(values, ArrayFormatter::try_new(values, &OPTIONS).map_err(|_| DAMAGED)?)
            }
        })
    }

    fn write(&self, row: usize, text: &mut Limited) -> Result<(), &'static str> {
        let present = match self {
            Self::Text(values) => values.is_valid(row),
            Self::Bytes(values) => values.is_valid(row),
            Self::Other(values, _) => values.is_valid(row),
        };
        text.present = present;
        if !present {
            return Ok(());
        }
        let written = match self {
            Self::Text(values) => text.write_str(values.value(row)),
            Self::Bytes(values) => match std::str::from_utf8(values.value(row)) {
                Ok(value) => text.write_str(value),
                Err(_) => Err(fmt::Error),
            },
            Self::Other(_, formatter) => write!(text, "{}", formatter.value(row)),
        };
        match written {
            Ok(()) => Ok(()),
            Err(_) if text.over => Err(SIZE),
            Err(_) => Err(ENCODING),
        }
    }
}

/// Text that takes no more than it has room for.
#[derive(Default)]
struct Limited {
    text: String,
    left: usize,
    over: bool,
    present: bool,
}

impl Limited {
    fn clear(&mut self) {
        self.text.clear();
        self.text.shrink_to(KEPT);
        self.over = false;
        self.present = false;
    }
}

impl Write for Limited {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        match self.left.checked_sub(more.len()) {
            Some(left) => {
                self.left = left;
                self.text.push_str(more);
                Ok(())
            }
            None => {
                self.over = true;
                Err(fmt::Error)
            }
        }
    }
}
