//! Finding rows whose key an earlier good row of the file has, in bounded memory.
//!
//! Keys are compared by a keyed 128-bit hash: who does not have the lake's key cannot make two of them collide. The first
//! ones are held in memory; from then on all are written to scratch files by their first bits, and compared file by file
//! when the landing file has been read to its end.

use std::hash::Hasher;
use std::io::{BufReader, BufWriter, Read, Seek, Write};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::row::{RowConverter, SortField};
use carelake_contracts::{Contract, Duplicates};
use carelake_lake::{Lake, LakeError};
use siphasher::sip128::{Hasher128, SipHasher13};

use crate::error::StepError;
use crate::hashes::{Hashes, keyed};

/// Keys held in memory where a repeat is rejected, so that it is found before its row is written: 35 MB, as many as fit in
/// 2^21 slots filled to seven eighths.
const REJECTING: usize = (1 << 21) / 8 * 7;
/// Keys held in memory where repeats are only counted: as many as the processor's caches hold.
const COUNTING: usize = (1 << 16) / 8 * 7;
const SPILLS: usize = 128;
const SPILL_BUFFER: usize = 1 << 15;
const SPILLED_BYTES: usize = 24;
/// Bytes of a hash.
const HASH_BYTES: usize = 16;

/// Numbers of good rows, from 1, that repeat an earlier key.
#[derive(Debug, Default)]
pub struct Repeats {
    words: Vec<u64>,
    count: u64,
}

impl Repeats {
    fn insert(&mut self, number: u64) {
        let word = usize::try_from(number / 64).unwrap_or(usize::MAX);
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        if let Some(bits) = self.words.get_mut(word) {
            *bits |= 1 << (number % 64);
            self.count += 1;
        }
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Those of `count` rows behind the first `before`, numbered from 1 again.
    pub fn of(&self, before: u64, count: u64) -> Self {
        let mut own = Self::default();
        (1..=count).filter(|number| self.contains(before + number)).for_each(|number| own.insert(number));
        own
    }

    /// As bytes to be stored.
    pub fn bytes(&self) -> Vec<u8> {
        self.words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// From the bytes that were stored.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let words: Vec<u64> =
            bytes.chunks(8).filter_map(|word| Some(u64::from_le_bytes(word.try_into().ok()?))).collect();
        let count = words.iter().map(|word| u64::from(word.count_ones())).sum();
        Self { words, count }
    }

    fn contains(&self, number: u64) -> bool {
        let bits = usize::try_from(number / 64).ok().and_then(|word| self.words.get(word));
        bits.is_some_and(|bits| bits & (1 << (number % 64)) != 0)
    }
}

enum Seen {
    Memory(Hashes),
    Spilled(Vec<BufWriter<std::fs::File>>),
}

/// Hashes of keys in the order of their rows, and which of them came before.
pub struct Seeing {
    lake: Lake,
    in_memory: usize,
    seen: Seen,
    numbered: u64,
    repeats: Repeats,
}

impl Seeing {
    pub fn new(lake: &Lake, duplicates: Duplicates) -> Self {
        let in_memory = if duplicates == Duplicates::Reject { REJECTING } else { COUNTING };
        let seen = Seen::Memory(Hashes::default());
        Self { lake: lake.clone(), in_memory, seen, numbered: 0, repeats: Repeats::default() }
    }

    /// Takes the next one; true when it is known by now that it came before.
    pub fn add(&mut self, hash: u128) -> Result<bool, StepError> {
        self.numbered += 1;
        match &mut self.seen {
            Seen::Memory(seen) => {
                let repeated = !seen.insert(hash);
                if repeated {
                    self.repeats.insert(self.numbered);
                }
                if seen.len() >= self.in_memory {
                    self.spill()?;
                }
                Ok(repeated)
            }
            Seen::Spilled(spills) => {
                spilled(spills, hash, self.numbered)?;
                Ok(false)
            }
        }
    }

    fn spill(&mut self) -> Result<(), StepError> {
        let mut spills = Vec::with_capacity(SPILLS);
        for _ in 0..SPILLS {
            spills.push(BufWriter::with_capacity(SPILL_BUFFER, self.lake.scratch_file()?));
        }
        if let Seen::Memory(seen) = &self.seen {
            for hash in seen {
                spilled(&mut spills, *hash, 0)?;
            }
        }
        self.seen = Seen::Spilled(spills);
        Ok(())
    }

    /// Repeats that are found only now: how many, and all of them.
    pub fn finish(mut self) -> Result<(u64, Repeats), StepError> {
        let before = self.repeats.count;
        if let Seen::Spilled(spills) = self.seen {
            for spill in spills {
                for number in repeats_of(spill)? {
                    self.repeats.insert(number);
                }
            }
        }
        Ok((self.repeats.count - before, self.repeats))
    }
}

/// What tells repeated keys.
enum Telling {
    /// A first reading, which sees them one after the other.
    First(Box<Seeing>),
    /// A second reading, which knows the repeats of the first.
    Known { repeats: Repeats, numbered: u64 },
}

/// Keys of a file's good rows so far.
pub struct Keys {
    columns: Vec<usize>,
    converter: Option<RowConverter>,
    hasher: SipHasher13,
    telling: Telling,
    journal: Option<BufWriter<std::fs::File>>,
}

/// What a reading found of keys.
pub struct Finish {
    /// Repeats that were found only at the end.
    pub late: u64,
    /// All repeats.
    pub repeats: Repeats,
    /// The hashes of all keys.
    pub journal: Option<std::fs::File>,
}

impl Keys {
    /// `None` for a contract without a key. `known` are the repeats that a first reading of the same file found; into
    /// `journal` goes the hash of every key, in order.
    pub fn new(
        lake: &Lake,
        contract: &Contract,
        known: Option<Repeats>,
        journal: Option<std::fs::File>,
    ) -> Result<Option<Self>, StepError> {
        let place = |name: &String| contract.columns.iter().position(|column| &column.name == name);
        let columns: Vec<usize> = contract.key.iter().filter_map(place).collect();
        if columns.is_empty() {
            return Ok(None);
        }
        let types: Vec<DataType> = columns
            .iter()
            .filter_map(|index| contract.columns.get(*index))
            .map(|column| column.column_type.arrow())
            .collect();
        let converter = if types == [DataType::Utf8] {
            None
        } else {
            let fields = types.into_iter().map(SortField::new).collect();
            Some(RowConverter::new(fields).map_err(super::rows::arrow)?)
        };
        let telling = match known {
            Some(repeats) => Telling::Known { repeats, numbered: 0 },
            None => Telling::First(Box::new(Seeing::new(lake, contract.duplicates))),
        };
        let journal = journal.map(|file| BufWriter::with_capacity(SPILL_BUFFER, file));
        Ok(Some(Self { columns, converter, hasher: keyed(lake)?, telling, journal }))
    }

    /// Rows of the batch that are good and repeat the key of an earlier good row, as far as that is known by now.
    pub fn repeated(&mut self, columns: &[ArrayRef], good: &[bool]) -> Result<Vec<usize>, StepError> {
        let keyed: Vec<ArrayRef> = self.columns.iter().filter_map(|index| columns.get(*index).cloned()).collect();
        let mut found = Vec::new();
        match (&mut self.converter, keyed.as_slice()) {
            (Some(converter), keyed) => {
                let rows = converter.convert_columns(keyed).map_err(super::rows::arrow)?;
                for (row, key) in rows.iter().enumerate() {
                    self.add(row, good, key.data(), &mut found)?;
                }
            }
            (None, [texts]) => {
                let texts = texts
                    .as_string_opt::<i32>()
                    .ok_or_else(|| super::rows::arrow(ArrowError::CastError("a key of text is not text".to_owned())))?;
                for row in 0..texts.len() {
                    let key = if texts.is_null(row) { "" } else { texts.value(row) };
                    self.add(row, good, key.as_bytes(), &mut found)?;
                }
            }
            (None, _) => {}
        }
        Ok(found)
    }

    fn add(&mut self, row: usize, good: &[bool], key: &[u8], found: &mut Vec<usize>) -> Result<(), StepError> {
        if good.get(row) != Some(&true) {
            return Ok(());
        }
        let repeated = match &mut self.telling {
            Telling::Known { repeats, numbered } => {
                *numbered += 1;
                repeats.contains(*numbered)
            }
            Telling::First(seeing) => {
                let hash = hashed(&self.hasher, key);
                if let Some(journal) = &mut self.journal {
                    journal.write_all(&hash.to_le_bytes()).map_err(|error| storage(&error))?;
                }
                seeing.add(hash)?
            }
        };
        if repeated {
            found.push(row);
        }
        Ok(())
    }

    /// What was found in all.
    pub fn finish(self) -> Result<Finish, StepError> {
        let (late, repeats) = match self.telling {
            Telling::First(seeing) => seeing.finish()?,
            Telling::Known { repeats, .. } => (0, repeats),
        };
        let journal = self.journal.map(|journal| journal.into_inner().map_err(|error| storage(error.error())));
        Ok(Finish { late, repeats, journal: journal.transpose()? })
    }
}

/// The hashes of a journal, in order.
pub fn journalled(bytes: &[u8]) -> impl Iterator<Item = u128> {
    bytes.chunks(HASH_BYTES).filter_map(|hash| Some(u128::from_le_bytes(hash.try_into().ok()?)))
}

fn hashed(hasher: &SipHasher13, key: &[u8]) -> u128 {
    let mut hasher = *hasher;
    hasher.write(key);
    hasher.finish128().as_u128()
}

fn storage(error: &std::io::Error) -> StepError {
    LakeError::io("comparing keys in scratch files", error).into()
}

fn spilled(spills: &mut [BufWriter<std::fs::File>], hash: u128, number: u64) -> Result<(), StepError> {
    let place = usize::try_from(hash >> 121).unwrap_or_default();
    let Some(spill) = spills.get_mut(place) else { return Ok(()) };
    spill.write_all(&hash.to_le_bytes()).and_then(|()| spill.write_all(&number.to_le_bytes())).map_err(|e| storage(&e))
}

/// Numbers of the rows in a spill whose hash an earlier one has: a spill is in the order of the file.
fn repeats_of(spill: BufWriter<std::fs::File>) -> Result<Vec<u64>, StepError> {
    let mut file = spill.into_inner().map_err(|error| storage(error.error()))?;
    let bytes = file.stream_position().map_err(|error| storage(&error))?;
    file.rewind().map_err(|error| storage(&error))?;
    let rows = usize::try_from(bytes).unwrap_or_default() / SPILLED_BYTES;
    let mut reader = BufReader::with_capacity(SPILL_BUFFER, file);
    let mut seen: Hashes = Hashes::with_capacity_and_hasher(rows, Default::default());
    let mut repeats = Vec::new();
    let (mut hash, mut number) = ([0_u8; 16], [0_u8; 8]);
    for _ in 0..rows {
        let read = reader.read_exact(&mut hash).and_then(|()| reader.read_exact(&mut number));
        read.map_err(|error| storage(&error))?;
        if !seen.insert(u128::from_le_bytes(hash)) {
            repeats.push(u64::from_le_bytes(number));
        }
    }
    Ok(repeats)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use arrow::array::StringArray;
    use carelake_contracts::ContractSet;

    use super::*;

    /// Rows found at once, rows found at the end, and rows that a second reading finds, of keys of which `good` count.
    fn found(texts: &[&str], good: &[bool], in_memory: usize) -> (Vec<usize>, u64, Vec<usize>) {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(folder.path()).unwrap();
        let set = ContractSet::embedded().unwrap();
        let contract = set.contract("clinic", "visits").unwrap();
        let place = contract.columns.iter().position(|column| column.name == contract.key[0]).unwrap();
        let empty: ArrayRef = Arc::new(StringArray::from(vec![""; texts.len()]));
        let mut columns = vec![empty; contract.columns.len()];
        columns[place] = Arc::new(StringArray::from(texts.to_vec()));
        let mut keys = Keys::new(&lake, contract, None, None).unwrap().unwrap();
        keys.telling = Telling::First(Box::new(Seeing { in_memory, ..Seeing::new(&lake, contract.duplicates) }));
        let at_once = keys.repeated(&columns, good).unwrap();
        let Finish { late, repeats, .. } = keys.finish().unwrap();
        let mut again = Keys::new(&lake, contract, Some(repeats), None).unwrap().unwrap();
        (at_once, late, again.repeated(&columns, good).unwrap())
    }

    #[test]
    fn the_first_good_row_of_a_key_is_kept_and_bad_rows_do_not_count() {
        let texts = ["a", "b", "a", "c", "b", "a"];
        let good = [false, true, true, true, true, true];
        assert_eq!(found(&texts, &good, 100), (vec![4, 5], 0, vec![4, 5]));
    }

    #[test]
    fn keys_that_do_not_fit_into_memory_are_compared_all_the_same() {
        let texts = ["a", "a", "b", "c", "a", "d", "b", "e", "d", "a"];
        for in_memory in 1..8 {
            let (at_once, late, again) = found(&texts, &[true; 10], in_memory);
            assert_eq!(again, [1, 4, 6, 8, 9], "{in_memory} in memory");
            assert_eq!(at_once.len() as u64 + late, 5, "{in_memory} in memory");
        }
    }
}
