//! The columns that a table has after a change.

use std::collections::HashMap;

use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::error::ArrowError;
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::{Expr, cast, lit};
use deltalake::DeltaTableError;
use deltalake::kernel::engine::arrow_conversion::{TryIntoArrow, TryIntoKernel};
use deltalake::kernel::schema::cast::normalize_for_delta;
use deltalake::kernel::{
    Action, Metadata, MetadataExt, Protocol, StructField, StructType, contains_timestampntz, new_metadata,
};
use deltalake::table::state::DeltaTableState;

use crate::delta::Write;

/// What readers and writers of a table must know: nothing that Athena does not.
const PROTOCOL: (i32, i32) = (1, 2);

/// The columns of a table, and how rows come to have them.
pub(crate) struct Columns {
    /// The columns.
    pub schema: SchemaRef,
    /// What the log must say first, so that the table has them.
    pub actions: Vec<Action>,
    /// The columns of the rows, as the table has them.
    pub values: Vec<Expr>,
}

impl Columns {
    /// The columns when rows of a schema are written to a table, or to none yet.
    ///
    /// A replaced part takes the table's columns, and adds to them; a replaced table takes those of the rows.
    pub(crate) fn of(
        rows: &SchemaRef,
        table: Option<&DeltaTableState>,
        write: &Write,
    ) -> Result<Self, DeltaTableError> {
        let given: StructType = normalize_for_delta(rows).as_ref().try_into_kernel()?;
        if contains_timestampntz(given.fields()) {
            return Err(DeltaTableError::generic("a timestamp has no time zone; cast it to one with UTC"));
        }
        let Some(table) = table else {
            let protocol = serde_json::json!({"minReaderVersion": PROTOCOL.0, "minWriterVersion": PROTOCOL.1});
            let metadata = new_metadata(&given, &write.partition_by, HashMap::<String, String>::new())?
                .with_description(write.description.clone())?;
            let actions =
                vec![Action::Protocol(serde_json::from_value::<Protocol>(protocol)?), Action::Metadata(metadata)];
            return Self::with(rows, &given, actions);
        };
        understood(table.protocol())?;
        let present = table.snapshot().schema();
        let parted = table.metadata().partition_columns();
        if write.predicate.is_some() && parted != write.partition_by {
            let text = format!("the table is parted by {parted:?}, the rows are by {:?}", write.partition_by);
            return Err(DeltaTableError::generic(text));
        }
        let wanted = if write.predicate.is_some() { merged(&present, &given)? } else { given };
        let mut actions = Vec::new();
        if wanted != *present || parted != write.partition_by {
            actions.push(Action::Metadata(changed(table.metadata(), &wanted, &write.partition_by)?));
        }
        Self::with(rows, &wanted, actions)
    }

    fn with(rows: &Schema, wanted: &StructType, actions: Vec<Action>) -> Result<Self, DeltaTableError> {
        let schema: Schema = wanted.try_into_arrow()?;
        let mut values = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            let (name, to) = (field.name(), field.data_type());
            let value = match rows.field_with_name(name) {
                Ok(given) if given.data_type() == to => Expr::Column(Column::from_name(name)),
                Ok(given) if fits(given.data_type(), to) => cast(Expr::Column(Column::from_name(name)), to.clone()),
                Ok(given) => {
                    let text = format!("column {name} is {to} in the table and {} in the rows", given.data_type());
                    return Err(ArrowError::SchemaError(text).into());
                }
                Err(_) => cast(lit(ScalarValue::Null), to.clone()),
            };
            values.push(value.alias(name));
        }
        Ok(Self { schema: schema.into(), actions, values })
    }
}

/// Another program may have given the table abilities that a writer must know to keep it whole.
fn understood(protocol: &Protocol) -> Result<(), DeltaTableError> {
    let (reader, writer) = (protocol.min_reader_version(), protocol.min_writer_version());
    if (reader, writer) > PROTOCOL || writer > PROTOCOL.1 {
        let text = format!(
            "another program raised the table's protocol to reader version {reader} and writer version {writer}; \
             carelake writes {} and {}: drop the features that were added",
            PROTOCOL.0, PROTOCOL.1
        );
        return Err(DeltaTableError::generic(text));
    }
    Ok(())
}

/// The columns of a table, then those that are new.
fn merged(table: &StructType, given: &StructType) -> Result<StructType, DeltaTableError> {
    let new = given.fields().filter(|field| table.field(field.name()).is_none());
    let new = new.map(|field| StructField::nullable(field.name(), field.data_type().clone()));
    Ok(StructType::try_new(table.fields().cloned().chain(new))?)
}

fn changed(metadata: &Metadata, columns: &StructType, partition_by: &[String]) -> Result<Metadata, DeltaTableError> {
    let mut text = serde_json::to_value(metadata)?;
    if let Some(fields) = text.as_object_mut() {
        fields.insert("schemaString".to_owned(), serde_json::to_string(columns)?.into());
        fields.insert("partitionColumns".to_owned(), partition_by.into());
    }
    Ok(serde_json::from_value(text)?)
}

/// True when values of a type can be written as another. One that does not fit fails the change, none is rounded.
fn fits(from: &DataType, to: &DataType) -> bool {
    use DataType::{
        Binary, BinaryView, Decimal128, Dictionary, Float32, Float64, Int8, Int16, Int32, LargeBinary, LargeUtf8, Null,
        Timestamp, Utf8, Utf8View,
    };
    match (from, to) {
        (Null, _) | (Utf8 | LargeUtf8 | Utf8View, Utf8) | (Binary | LargeBinary | BinaryView, Binary) => true,
        (Timestamp(_, Some(_)), Timestamp(_, Some(_))) => true,
        (Dictionary(_, values), to) => values.as_ref() == to || fits(values, to),
        (Decimal128(digits, scale), Decimal128(most, places)) => digits <= most && scale <= places,
        (Int8 | Int16 | Int32 | Float32, Float64) => true,
        (from, to) => from.is_integer() && to.is_integer(),
    }
}
