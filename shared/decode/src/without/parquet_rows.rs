//! Parquet without some rows: the same schema and metadata, the values of all other rows.

use std::fs::File;
use std::io::Seek;

use arrow::array::BooleanArray;
use arrow::compute::filter_record_batch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::Unwanted;
use crate::DecodeError;
use crate::limits::BATCH_ROWS;

const DAMAGED: DecodeError = DecodeError::Unreadable("the file is not Parquet, or damaged");

pub fn copy(file: File, unwanted: &Unwanted<'_>, out: &mut File) -> Result<u64, DecodeError> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|_| DAMAGED)?;
    let mut properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::default()));
    // The writer adds the Arrow schema itself.
    if let Some(pairs) = builder.metadata().file_metadata().key_value_metadata() {
        let own = pairs.iter().filter(|pair| pair.key != "ARROW:schema").cloned().collect::<Vec<_>>();
        properties = properties.set_key_value_metadata((!own.is_empty()).then_some(own));
    }
    let schema = builder.schema().clone();
    let rows = builder.with_batch_size(BATCH_ROWS).build().map_err(|_| DAMAGED)?;
    let failed = |_| DecodeError::Storage(std::io::Error::other("writing Parquet"));
    let mut writer = ArrowWriter::try_new(&mut *out, schema, Some(properties.build())).map_err(failed)?;
    let (mut record, mut gone) = (0_i64, 0_u64);
    for batch in rows {
        let batch = batch.map_err(|_| DAMAGED)?;
        let kept: BooleanArray = (0..batch.num_rows())
            .map(|_| {
                record += 1;
                Some(!unwanted.records.contains(&record))
            })
            .collect();
        gone += kept.false_count() as u64;
        writer.write(&filter_record_batch(&batch, &kept).map_err(|_| DAMAGED)?).map_err(failed)?;
    }
    writer.close().map_err(failed)?;
    out.rewind()?;
    Ok(gone)
}
