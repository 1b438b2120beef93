//! Rows taken apart by the values of partition columns.

use std::collections::HashMap;

use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::row::{OwnedRow, RowConverter, SortField};

/// Tells partitions apart.
pub(crate) struct Splitter {
    converter: RowConverter,
    partition: Vec<usize>,
    rest: Vec<usize>,
}

impl Splitter {
    /// For rows of that schema, by those columns.
    pub(crate) fn new(schema: &Schema, by: &[String]) -> Result<Self, ArrowError> {
        let partition = by.iter().map(|name| schema.index_of(name)).collect::<Result<Vec<_>, _>>()?;
        let rest = (0..schema.fields().len()).filter(|index| !partition.contains(index)).collect();
        let fields = schema
            .project(&partition)?
            .fields()
            .iter()
            .map(|field| SortField::new(field.data_type().clone()))
            .collect();
        Ok(Self { converter: RowConverter::new(fields)?, partition, rest })
    }

    /// The schema of rows without the partition columns, as files hold them.
    pub(crate) fn rest_of(&self, schema: &Schema) -> Result<SchemaRef, ArrowError> {
        schema.project(&self.rest).map(SchemaRef::new)
    }

    /// The rows of each partition without its columns, partitions in the order in which they first appear, rows in the
    /// order in which they stand.
    pub(crate) fn split(&self, rows: &RecordBatch) -> Result<Vec<(OwnedRow, RecordBatch)>, ArrowError> {
        if self.partition.is_empty() {
            return Ok(vec![(self.converter.parser().parse(&[]).owned(), rows.clone())]);
        }
        let keys = self.converter.convert_columns(rows.project(&self.partition)?.columns())?;
        let rest = rows.project(&self.rest)?;
        let mut places = HashMap::new();
        let mut groups: Vec<(OwnedRow, Vec<u32>)> = Vec::new();
        for (key, row) in keys.iter().zip(0_u32..) {
            let place = *places.entry(key).or_insert_with(|| {
                groups.push((key.owned(), Vec::new()));
                groups.len() - 1
            });
            if let Some((_, rows)) = groups.get_mut(place) {
                rows.push(row);
            }
        }
        if let [_] = groups.as_slice() {
            return Ok(groups.into_iter().map(|(key, _)| (key, rest.clone())).collect());
        }
        let taken = |(key, rows)| Ok((key, take_record_batch(&rest, &UInt32Array::from(rows))?));
        groups.into_iter().map(taken).collect()
    }

    /// The values of the partition columns, as columns of one row.
    pub(crate) fn values(&self, partition: &OwnedRow) -> Result<Vec<ArrayRef>, ArrowError> {
        if self.partition.is_empty() { Ok(Vec::new()) } else { self.converter.convert_rows([partition.row()]) }
    }
}
