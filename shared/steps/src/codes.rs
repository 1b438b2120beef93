//! Code lists as tables of database `codes`: mappings and gold read them by the same names.

use std::io::Cursor;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::csv::ReaderBuilder;
use arrow::csv::reader::Format;
use arrow::datatypes::{DataType, Schema};
use carelake_contracts::ContractSet;
use carelake_lake::{TableEntry, TableFormat};

use crate::error::{QueryError, StepError};
use crate::schema;

/// The database of the code lists.
pub const CODES: &str = "codes";

/// Every code list by name, each as one batch; every column is text.
///
/// # Errors
/// When a list is not CSV with a header.
pub fn lists(contracts: &ContractSet) -> Result<Vec<(String, RecordBatch)>, StepError> {
    let batch = |(name, text): (&String, &String)| match read(text) {
        Ok(batch) => Ok((name.clone(), batch)),
        Err(error) => Err(StepError::query(format!("reading the code list {name}"), &error.into())),
    };
    contracts.codes.iter().map(batch).collect()
}

fn read(text: &str) -> Result<RecordBatch, arrow::error::ArrowError> {
    let (inferred, _) = Format::default().with_header(true).infer_schema(Cursor::new(text), None)?;
    let fields = inferred.fields().iter().map(|field| field.as_ref().clone().with_data_type(DataType::Utf8));
    let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
    let reader = ReaderBuilder::new(schema.clone()).with_header(true).build(Cursor::new(text))?;
    let batches = reader.collect::<Result<Vec<_>, _>>()?;
    arrow::compute::concat_batches(&schema, &batches)
}

/// What the catalogue says of a code list.
pub fn entry(name: &str, list: &RecordBatch) -> TableEntry {
    TableEntry {
        database: CODES.to_owned(),
        name: name.to_owned(),
        description: about(name),
        format: TableFormat::Delta,
        location: format!("{CODES}/{name}"),
        columns: schema::entries(&list.schema(), &|column| describe(column).to_owned()),
        partition_by: Vec::new(),
    }
}

/// What a code list is, in one sentence.
pub fn about(name: &str) -> String {
    format!("The code list {name}, as the contracts have it.")
}

fn describe(column: &str) -> &'static str {
    match column {
        "code" => "Code.",
        "description" => "Text of the code.",
        "source" => "Where the entry comes from.",
        "as_of" => "Day on which the entry was taken from its source.",
        _ => "",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow::array::AsArray;

    use super::*;

    #[test]
    fn a_code_keeps_its_leading_zeros_and_a_quoted_comma_is_no_border() {
        let list = read("code,description\n007,\"Heart, chronic\"\n8,\n").unwrap();
        assert_eq!(list.num_rows(), 2);
        assert_eq!(list.column(0).as_string::<i32>().value(0), "007");
        assert_eq!(list.column(1).as_string::<i32>().value(0), "Heart, chronic");
    }

    #[test]
    fn a_list_without_rows_is_a_table_without_rows() {
        assert_eq!(read("code,description\n").unwrap().num_rows(), 0);
    }
}
