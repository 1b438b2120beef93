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

use carelake_ingest::hashes::{Hashes, keyed};

/// Hashes held in memory before scratch files are made.
const IN_MEMORY: usize = (1 << 16) / 8 * 7;
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
    let mut seen = Seen { lake, memory: Hashes::default(), often: Hashes::default(), spills: Vec::new() };
    let mut rows = keys.clone().execute_stream().await?;
    while let Some(batch) = rows.try_next().await? {
        hash(&batch)?.into_iter().try_for_each(|hash| seen.add(hash))?;
    }
    let mut often = seen.often()?;
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

/// Hashes so far: the first ones in memory, all of them in scratch files when they are many.
struct Seen<'a> {
    lake: &'a Lake,
    memory: Hashes,
    often: Hashes,
    spills: Vec<BufWriter<File>>,
}

impl Seen<'_> {
    fn add(&mut self, hash: u128) -> Result<()> {
        if !self.spills.is_empty() {
            return self.spill(hash);
        }
        if !self.memory.insert(hash) {
            self.often.insert(hash);
        }
        if self.memory.len() < IN_MEMORY {
            return Ok(());
        }
        for _ in 0..SPILLS {
            self.spills.push(BufWriter::with_capacity(BUFFER, self.lake.scratch_file().map_err(external)?));
        }
        std::mem::take(&mut self.memory).into_iter().try_for_each(|hash| self.spill(hash))
    }

    fn spill(&mut self, hash: u128) -> Result<()> {
        let place = usize::try_from(hash >> 122).unwrap_or_default();
        let Some(spill) = self.spills.get_mut(place) else { return Ok(()) };
        Ok(spill.write_all(&hash.to_le_bytes())?)
    }

    /// Those that came more than once.
    fn often(mut self) -> Result<Hashes> {
        for spill in self.spills {
            self.often.extend(twice(spill)?);
        }
        Ok(self.often)
    }
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn repeated_hashes_are_found_on_both_sides_of_the_spill() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(folder.path()).unwrap();
        let mix = |number: u128| number.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
        for rows in [10, IN_MEMORY as u128 - 1, IN_MEMORY as u128 + 100] {
            let mut seen =
                Seen { lake: &lake, memory: Hashes::default(), often: Hashes::default(), spills: Vec::new() };
            // The first comes again early, the others late, one of them twice.
            for number in [1].into_iter().chain(0..rows).chain([2, 3, 3]) {
                seen.add(mix(number)).unwrap();
            }
            assert_eq!(seen.spills.is_empty(), rows < IN_MEMORY as u128);
            assert_eq!(seen.often().unwrap(), [1, 2, 3].map(mix).into_iter().collect::<Hashes>(), "{rows} rows");
        }
    }
}
