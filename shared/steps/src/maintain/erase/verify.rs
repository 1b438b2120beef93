//! The proof: no file of the lake holds a pseudonym of the persons.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek};

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::DataType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::context::Context;
use crate::error::StepError;

const PART: usize = 1 << 20;

/// Fails when a file of the lake holds one of the pseudonyms, in plain bytes or in a column of Parquet.
pub async fn absent(context: &Context, pseudonyms: &BTreeSet<String>) -> Result<(), StepError> {
    for path in context.lake.list("").await? {
        if path.starts_with("_carelake/erasures/") {
            continue;
        }
        let Some(mut file) = context.lake.read_file(&path).await? else { continue };
        let (parquet, wanted) = (path.ends_with(".parquet"), pseudonyms.clone());
        let found = tokio::task::spawn_blocking(move || {
            Ok::<bool, std::io::Error>(in_bytes(&mut file, &wanted)? || (parquet && in_columns(file, &wanted)?))
        });
        let found = found.await.map_err(|_| StepError::Invalid(format!("{path} cannot be searched")))?;
        match found {
            Ok(false) => {}
            Ok(true) => return Err(StepError::Conservation(format!("{path} still holds rows of an erased person"))),
            Err(error) => return Err(carelake_lake::LakeError::io(format!("searching {path}"), &error).into()),
        }
    }
    Ok(())
}

fn in_bytes(file: &mut File, wanted: &BTreeSet<String>) -> std::io::Result<bool> {
    let longest = wanted.iter().map(String::len).max().unwrap_or_default();
    let finders: Vec<_> = wanted.iter().map(memchr::memmem::Finder::new).collect();
    let mut buffer: Vec<u8> = Vec::with_capacity(PART + longest);
    file.rewind()?;
    loop {
        let read = Read::by_ref(file).take(PART as u64).read_to_end(&mut buffer)?;
        if finders.iter().any(|finder| finder.find(&buffer).is_some()) {
            return Ok(true);
        }
        if read == 0 {
            return Ok(false);
        }
        buffer.drain(..buffer.len().saturating_sub(longest));
    }
}

/// Every text of every column, decoded.
fn in_columns(file: File, wanted: &BTreeSet<String>) -> std::io::Result<bool> {
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

fn holds(array: &ArrayRef, wanted: &BTreeSet<String>) -> bool {
    let has = |text: &str| wanted.iter().any(|one| text.contains(one.as_str()));
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
