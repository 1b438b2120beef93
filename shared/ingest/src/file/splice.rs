//! Identity holds some of bronze's columns too. They are encoded once, and their bytes are copied.

use std::fs::File;
use std::io::Write;

use arrow::datatypes::Schema;
use parquet::arrow::{ArrowSchemaConverter, add_encoded_arrow_schema_to_metadata};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;

/// Writes a file of `schema` into `target`: each column from the first of `parts` that has it. All parts have the same
/// rows in the same row groups.
pub fn splice(parts: [&File; 2], schema: &Schema, mut properties: WriterProperties, target: File) -> Result<File> {
    let read = |file: &File| {
        ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional).parse_and_finish(file)
    };
    let [one, other] = parts;
    let (first, second) = (read(one)?, read(other)?);
    let parts = [(one, &first), (other, &second)];
    let root = ArrowSchemaConverter::new().convert(schema)?.root_schema_ptr();
    add_encoded_arrow_schema_to_metadata(schema, &mut properties);
    let mut writer = SerializedFileWriter::new(target, root, properties.into())?;
    for group in 0..first.num_row_groups() {
        let mut rows = writer.next_row_group()?;
        for field in schema.fields() {
            let found = parts.iter().find_map(|(file, meta)| Some((file, closed(meta, group, field.name())?)));
            let (file, closed) = found.ok_or_else(|| ParquetError::General(format!("no part has {}", field.name())))?;
            rows.append_column(*file, closed)?;
        }
        rows.close()?;
    }
    writer.into_inner()
}

/// Appends the row groups of a file, which has the columns of the writer in their order.
pub fn append<W: Write + Send>(file: &File, writer: &mut SerializedFileWriter<W>) -> Result<()> {
    let meta = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Optional).parse_and_finish(file)?;
    for (index, group) in meta.row_groups().iter().enumerate() {
        let mut rows = writer.next_row_group()?;
        for column in group.columns() {
            let name = column.column_path().string();
            let closed = closed(&meta, index, &name).ok_or_else(|| ParquetError::General(format!("no {name}")))?;
            rows.append_column(file, closed)?;
        }
        rows.close()?;
    }
    Ok(())
}

/// A column of a row group as it was when it had just been written.
fn closed(meta: &ParquetMetaData, group: usize, name: &str) -> Option<ColumnCloseResult> {
    let rows = meta.row_groups().get(group)?;
    let place = rows.columns().iter().position(|column| column.column_path().parts() == [name])?;
    let column = rows.columns().get(place)?;
    Some(ColumnCloseResult {
        bytes_written: u64::try_from(column.compressed_size()).ok()?,
        rows_written: u64::try_from(rows.num_rows()).ok()?,
        metadata: column.clone(),
        bloom_filter: None,
        column_index: None,
        offset_index: meta.offset_index().and_then(|index| index.get(group)?.get(place).cloned()),
    })
}
