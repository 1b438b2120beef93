//! Tables as Glue holds them: bronze as Hive-partitioned Parquet, Delta tables as Athena reads them natively.

use std::collections::HashMap;

use aws_sdk_glue::types::{Column, SerDeInfo, StorageDescriptor, Table, TableInput};
use carelake_lake::{ColumnEntry, ErrorKind, LakeError, TableEntry, TableFormat};
use serde::Serialize;

use super::ENTRY;

/// Characters of a column's comment that Glue takes.
const COMMENT: usize = 255;
/// Characters of a table's description that Glue takes.
const DESCRIPTION: usize = 2048;

/// What Glue should hold of a table at `place`.
pub fn input(entry: &TableEntry, place: &str) -> Result<TableInput, LakeError> {
    let (descriptor, parameters) = match entry.format {
        TableFormat::Parquet => (parquet(), [("classification", "parquet"), ("EXTERNAL", "TRUE")].to_vec()),
        TableFormat::Delta => (
            delta(place),
            [
                ("classification", "delta"),
                ("EXTERNAL", "TRUE"),
                ("spark.sql.sources.provider", "delta"),
                ("table_type", "delta"),
            ]
            .to_vec(),
        ),
    };
    let mut parameters: HashMap<String, String> =
        parameters.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    parameters.insert(ENTRY.to_owned(), text(entry)?);
    let descriptor = descriptor.set_columns(Some(columns(&entry.columns)?)).location(place).build();
    TableInput::builder()
        .name(&entry.name)
        .description(cut(&entry.description, DESCRIPTION))
        .table_type("EXTERNAL_TABLE")
        .storage_descriptor(descriptor)
        .set_partition_keys(Some(columns(&entry.partition_by)?))
        .set_parameters(Some(parameters))
        .build()
        .map_err(|error| invalid(&entry.database, &entry.name, error))
}

/// The entry whole, as a parameter.
pub fn text<T: Serialize>(entry: &T) -> Result<String, LakeError> {
    let invalid = |error| LakeError::new(ErrorKind::Invalid, "encoding a catalogue entry").caused_by(error);
    serde_json::to_string(entry).map_err(invalid)
}

pub fn invalid(database: &str, name: &str, error: impl std::fmt::Display) -> LakeError {
    LakeError::new(ErrorKind::Invalid, format!("describing {database}.{name} to the catalogue")).caused_by(error)
}

fn parquet() -> aws_sdk_glue::types::builders::StorageDescriptorBuilder {
    let hive = "org.apache.hadoop.hive.ql.io.parquet";
    let serde = SerDeInfo::builder()
        .serialization_library(format!("{hive}.serde.ParquetHiveSerDe"))
        .parameters("serialization.format", "1");
    StorageDescriptor::builder()
        .input_format(format!("{hive}.MapredParquetInputFormat"))
        .output_format(format!("{hive}.MapredParquetOutputFormat"))
        .serde_info(serde.build())
}

/// What Spark writes for a Delta table outside its own catalogue; readers of Delta take the columns from the log.
fn delta(place: &str) -> aws_sdk_glue::types::builders::StorageDescriptorBuilder {
    let serde = SerDeInfo::builder()
        .serialization_library("org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe")
        .parameters("serialization.format", "1")
        .parameters("path", place);
    StorageDescriptor::builder()
        .input_format("org.apache.hadoop.mapred.SequenceFileInputFormat")
        .output_format("org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat")
        .serde_info(serde.build())
}

/// Columns with Hive's names of types.
pub fn columns(columns: &[ColumnEntry]) -> Result<Vec<Column>, LakeError> {
    let column = |column: &ColumnEntry| {
        Column::builder()
            .name(&column.name)
            .r#type(hive_type(&column.column_type))
            .set_comment(Some(cut(&column.description, COMMENT)).filter(|comment| !comment.is_empty()))
            .build()
            .map_err(|error| LakeError::new(ErrorKind::Invalid, "describing a column").caused_by(error))
    };
    columns.iter().map(column).collect()
}

/// Hive's name of a contract's type.
fn hive_type(contract: &str) -> &str {
    match contract {
        "long" => "bigint",
        other => other,
    }
}

/// The first characters of a text.
fn cut(text: &str, characters: usize) -> String {
    text.chars().take(characters).collect()
}

/// What Glue holds otherwise than wanted. Parameters that others added, such as those of a crawler, do not count.
pub fn differences(present: &Table, wanted: &TableInput) -> Vec<String> {
    let none = HashMap::new();
    let parameters = present.parameters().unwrap_or(&none);
    let lacks = |(name, value): (&String, &String)| parameters.get(name) != Some(value);
    let (there, here) = (present.storage_descriptor(), wanted.storage_descriptor());
    let place =
        |of: Option<&StorageDescriptor>| of.and_then(StorageDescriptor::location).unwrap_or_default().to_owned();
    let format = |of: Option<&StorageDescriptor>| {
        let text = |text: Option<&str>| text.map(str::to_owned);
        let serde = of.and_then(StorageDescriptor::serde_info).and_then(SerDeInfo::serialization_library);
        let (input, output) =
            (of.and_then(StorageDescriptor::input_format), of.and_then(StorageDescriptor::output_format));
        [text(serde), text(input), text(output)]
    };
    let held = |of: Option<&StorageDescriptor>| of.map(|of| shape(of.columns())).unwrap_or_default();
    let parts = [
        ("kind", present.table_type() != wanted.table_type()),
        ("description", present.description().unwrap_or_default() != wanted.description().unwrap_or_default()),
        ("query", present.view_original_text().unwrap_or_default() != wanted.view_original_text().unwrap_or_default()),
        ("location", place(there) != place(here)),
        ("format", format(there) != format(here)),
        ("columns", held(there) != held(here)),
        ("partitions", shape(present.partition_keys()) != shape(wanted.partition_keys())),
        ("parameters", wanted.parameters().unwrap_or(&none).iter().any(lacks)),
    ];
    parts.iter().filter(|(_, differs)| *differs).map(|(name, _)| (*name).to_owned()).collect()
}

fn shape(columns: &[Column]) -> Vec<(String, String, String)> {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    columns.iter().map(|column| (column.name().to_owned(), text(column.r#type()), text(column.comment()))).collect()
}

/// An entry may change in everything but its place: one that is elsewhere is another lake's. A table of one of these
/// buckets may become a view, and a view a table.
pub fn may_replace(present: &Table, wanted: &TableInput, buckets: [&str; 2]) -> Result<(), LakeError> {
    let place = |of: Option<&StorageDescriptor>| {
        of.and_then(StorageDescriptor::location).unwrap_or_default().trim_end_matches('/').to_owned()
    };
    let (there, here) = (place(present.storage_descriptor()), place(wanted.storage_descriptor()));
    let own =
        |place: &str| place.is_empty() || buckets.iter().any(|bucket| place.starts_with(&format!("s3://{bucket}/")));
    let turned = there.is_empty() != here.is_empty() && own(&there) && own(&here);
    if there == here || turned {
        return Ok(());
    }
    let context = format!("adding {} to the catalogue", wanted.name());
    let why =
        format!("there is one of that name at {there}, not at {here}: another lake's, or a lake's that was moved");
    Err(LakeError::new(ErrorKind::Invalid, context).caused_by(why))
}
