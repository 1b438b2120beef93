//! The proof that something is in no file of the lake: neither in plain bytes, nor in a column of Parquet.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::{Read, Seek};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use carelake_lake::LakeError;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::context::Context;
use crate::error::StepError;

const PART: usize = 1 << 20;

/// What must be nowhere.
pub trait Sought: Send + Sync + 'static {
    /// True when the bytes hold it.
    fn within(&self, bytes: &[u8]) -> bool;

    /// Length in bytes of the longest of it.
    fn longest(&self) -> usize;
}

/// A few words, found wherever they stand.
pub struct Words(BTreeSet<String>);

impl Words {
    /// Those words.
    pub fn new(words: &BTreeSet<String>) -> Self {
        Self(words.clone())
    }
}

impl Sought for Words {
    fn within(&self, bytes: &[u8]) -> bool {
        self.0.iter().any(|word| memchr::memmem::find(bytes, word.as_bytes()).is_some())
    }

    fn longest(&self) -> usize {
        self.0.iter().map(String::len).max().unwrap_or_default()
    }
}

/// Many keyed hashes of 16 or 32 hexadecimal digits, found in one pass over the digits.
#[derive(Default)]
pub struct Hashes(HashSet<u128>, HashSet<u64>);

impl Hashes {
    /// Adds a hash; false when it is none.
    pub fn add(&mut self, hash: &str) -> bool {
        let (long, short) = (u128::from_str_radix(hash, 16), u64::from_str_radix(hash, 16));
        match (hash.len(), long, short) {
            (32, Ok(long), _) => self.0.insert(long),
            (16, _, Ok(short)) => self.1.insert(short),
            _ => return false,
        };
        true
    }
}

impl Sought for Hashes {
    fn within(&self, bytes: &[u8]) -> bool {
        let (mut digits, mut last) = (0_usize, 0_u128);
        for byte in bytes {
            let value = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                _ => {
                    digits = 0;
                    continue;
                }
            };
            digits += 1;
            last = (last << 4) | u128::from(value);
            let low = u64::try_from(last & u128::from(u64::MAX)).unwrap_or_default();
            if (digits >= 32 && self.0.contains(&last)) || (digits >= 16 && self.1.contains(&low)) {
                return true;
            }
        }
        false
    }

    fn longest(&self) -> usize {
        32
    }
}

/// Fails when a file of the lake holds what is sought, in its name or its content. `what` says it in words; paths that
/// `apart` names are not looked into.
///
/// # Errors
/// When it is there, or a file cannot be read.
pub async fn absent(
    context: &Context,
    sought: impl Sought,
    what: &str,
    apart: &(dyn Fn(&str) -> bool + Sync),
) -> Result<(), StepError> {
    let sought = Arc::new(sought);
    for path in context.lake.list("").await? {
        if apart(&path) {
            continue;
        }
        let Some(mut file) = context.lake.read_file(&path).await? else { continue };
        let (parquet, wanted, name) = (path.ends_with(".parquet"), sought.clone(), path.clone());
        let found = tokio::task::spawn_blocking(move || {
            let within = wanted.within(name.as_bytes()) || in_bytes(&mut file, wanted.as_ref())?;
            Ok::<bool, std::io::Error>(within || (parquet && in_columns(file, wanted.as_ref())?))
        });
        let found = found.await.map_err(|_| StepError::Invalid(format!("{path} cannot be searched")))?;
        match found {
            Ok(false) => {}
            Ok(true) => return Err(StepError::Conservation(format!("{path} still holds {what}"))),
            Err(error) => return Err(LakeError::io(format!("searching {path}"), &error).into()),
        }
    }
    Ok(())
}

fn in_bytes(file: &mut File, wanted: &impl Sought) -> std::io::Result<bool> {
    let longest = wanted.longest();
    let mut buffer: Vec<u8> = Vec::with_capacity(PART + longest);
    file.rewind()?;
    loop {
        let read = Read::by_ref(file).take(PART as u64).read_to_end(&mut buffer)?;
        if wanted.within(&buffer) {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
        buffer.drain(..buffer.len().saturating_sub(longest));
    }
}

/// Every text of every column, decoded.
fn in_columns(file: File, wanted: &impl Sought) -> std::io::Result<bool> {
    let unreadable = |_| std::io::Error::from(std::io::ErrorKind::InvalidData);
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(|builder| builder.build());
    for batch in reader.map_err(unreadable)? {
        let batch = batch.map_err(|_| std::io::Error::from(std::io::ErrorKind::InvalidData))?;
        if batch.columns().iter().any(|column| holds(column, wanted)) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn holds(array: &ArrayRef, wanted: &impl Sought) -> bool {
    let has = |text: &str| wanted.within(text.as_bytes());
    match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().iter().flatten().any(has),
        DataType::LargeUtf8 => array.as_string::<i64>().iter().flatten().any(has),
        DataType::Utf8View => array.as_string_view().iter().flatten().any(has),
        DataType::Struct(_) => array.as_struct().columns().iter().any(|inner| holds(inner, wanted)),
        DataType::List(_) => holds(array.as_list::<i32>().values(), wanted),
        DataType::Map(..) => array.as_map().entries().columns().iter().any(|inner| holds(inner, wanted)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_found_within_longer_words_and_nothing_else_is() {
        let (long, short) = ("0123456789abcdef0123456789abcdef", "fedcba9876543210");
        let mut hashes = Hashes::default();
        assert!(hashes.add(long) && hashes.add(short) && !hashes.add("not a hash"));
        for text in [format!("x{long}y"), format!("2024-01-01/{short}/0001"), format!("00{long}"), format!("a{short}")]
        {
            assert!(hashes.within(text.as_bytes()), "{text}");
        }
        for text in ["0123456789abcdef 0123456789abcdef", "fedcba987654321", "FEDCBA9876543210", ""] {
            assert!(!hashes.within(text.as_bytes()), "{text}");
        }
    }
}
