//! Finding the keys that come more than once, in bounded memory however many rows there are.

use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::sync::Arc;

use arrow::compute::filter_record_batch;
use arrow::row::{RowConverter, SortField};
use carelake_lake::{Lake, LakeError};
use datafusion::arrow::array::{BooleanArray, RecordBatch};
use datafusion::datasource::MemTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::{DataFrame, SessionContext};
use futures::TryStreamExt;
use siphasher::sip128::Hasher128;

use crate::hashes::{Hashes, keyed};

/// Scratch files among which the hashes of keys are divided.
const SPILLS: usize = 64;
const BUFFER: usize = 1 << 15;

/// The keys among `keys` that come more than once, each one time; `None` when there are none.
pub async fn repeated(session: &SessionContext, lake: &Lake, keys: DataFrame) -> Result<Option<DataFrame>> {
    let fields = keys.schema().fields().iter().map(|field| SortField::new(field.data_type().clone())).collect();
    let converter = RowConverter::new(fields)?;
    let hasher = keyed(lake).map_err(external)?;
    let hash = |batch: &RecordBatch| -> Result<Vec<u128>> {
        let rows = converter.convert_columns(batch.columns())?;
        let hashed = rows.iter().map(|row| {
            let mut hasher = hasher;
            std::hash::Hasher::write(&mut hasher, row.data());
            hasher.finish128().as_u128()
        });
        Ok(hashed.collect())
    };
    let mut spills = Vec::with_capacity(SPILLS);
    for _ in 0..SPILLS {
        spills.push(BufWriter::with_capacity(BUFFER, lake.scratch_file().map_err(external)?));
    }
    let mut rows = keys.clone().execute_stream().await?;
    while let Some(batch) = rows.try_next().await? {
        for hash in hash(&batch)? {
            let place = usize::try_from(hash >> 122).unwrap_or_default();
            if let Some(spill) = spills.get_mut(place) {
                spill.write_all(&hash.to_le_bytes())?;
            }
        }
    }
    let mut often = Hashes::default();
    for spill in spills {
        often.extend(twice(spill)?);
    }
    if often.is_empty() {
        return Ok(None);
    }
    let (mut found, mut rows) = (Vec::new(), keys.execute_stream().await?);
    let schema = rows.schema();
    while let Some(batch) = rows.try_next().await? {
        // Taken out, so that the key is found this once.
        let first: BooleanArray = hash(&batch)?.iter().map(|hash| Some(often.remove(hash))).collect();
        if first.true_count() > 0 {
            found.push(filter_record_batch(&batch, &first)?);
        }
    }
    session.read_table(Arc::new(MemTable::try_new(schema, vec![found])?)).map(Some)
}

/// The hashes that a spill holds more than once.
fn twice(spill: BufWriter<File>) -> Result<Vec<u128>> {
    let mut file = spill.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    let hashes = usize::try_from(file.stream_position()?).unwrap_or_default() / 16;
    file.rewind()?;
    let mut reader = BufReader::with_capacity(BUFFER, file);
    let mut seen = Hashes::with_capacity_and_hasher(hashes, Default::default());
    let mut twice = Vec::new();
    let mut hash = [0; 16];
    for _ in 0..hashes {
        reader.read_exact(&mut hash)?;
        let hash = u128::from_le_bytes(hash);
        if !seen.insert(hash) {
            twice.push(hash);
        }
    }
    Ok(twice)
}

fn external(error: LakeError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
