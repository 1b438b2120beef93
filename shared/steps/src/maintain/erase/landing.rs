//! Landing files without the persons' records.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Seek;
use std::sync::Arc;

use carelake_contracts::{Contract, LandingPath, Sources};
use carelake_decode::{DecodeError, Unwanted, decode, without};
use carelake_lake::{Erasure, LakeError, Landing, LandingFile, LandingKey};
use chrono::{DateTime, Utc};

use super::Work;
use crate::context::Context;
use crate::erased::{Erased, ErasedRows};
use crate::error::StepError;

/// A landing file that a contract covers.
pub struct Covered<'a> {
    pub key: LandingKey,
    pub path: LandingPath,
    pub contract: &'a Contract,
}

/// What of the persons stands in a landing file.
#[derive(Debug, Default)]
pub struct Found {
    /// Numbers of records.
    pub records: BTreeSet<i64>,
    /// Rows of those records.
    pub rows: u64,
    /// Numbers of records that cannot be read.
    pub damaged: BTreeSet<i64>,
}

/// The source's landing files that a contract covers.
pub fn covered<'a>(context: &'a Context, source: &str, feed: &str) -> Result<Vec<Covered<'a>>, StepError> {
    let mut sources = Sources::default();
    sources.bind(source, feed);
    let mut all = Vec::new();
    for key in context.landing.list()? {
        let Ok((path, contract)) = context.contracts.covering(&sources, key.expose()) else { continue };
        if path.source == source {
            all.push(Covered { key, path, contract });
        }
    }
    Ok(all)
}

/// The persons' records in a file; `None` when it cannot be read to its end.
pub fn find(
    file: &LandingFile,
    covered: &Covered<'_>,
    rows: &ErasedRows,
    mut each: impl FnMut(&carelake_decode::RawBatch, &arrow::array::BooleanArray),
) -> Result<Option<Found>, StepError> {
    let mut found = Found::default();
    let bytes = file.file.try_clone().map_err(|error| storage(&error))?;
    let read = decode(bytes, &covered.path, covered.contract, &mut |batch| {
        let theirs = rows.find(&batch.columns, batch.rows.len());
        found.rows += theirs.true_count() as u64;
        let numbered = batch.rows.iter().zip(&theirs);
        found.records.extend(numbered.filter(|(_, theirs)| *theirs == Some(true)).map(|(row, _)| *row));
        found.damaged.extend(batch.damaged.iter().map(|damage| damage.row));
        each(&batch, &theirs);
        Ok(())
    });
    match read {
        Ok(_) => Ok(Some(found)),
        Err(DecodeError::Unreadable(_)) => Ok(None),
        Err(DecodeError::Storage(error)) => Err(storage(&error)),
        Err(DecodeError::Sink(error)) => Err(StepError::Invalid(error.to_string())),
    }
}

fn storage(error: &std::io::Error) -> StepError {
    LakeError::io("reading a landing file", error).into()
}

/// The file without what was found in it, and the number of records that are gone.
pub fn left(
    context: &Context,
    mut file: LandingFile,
    covered: &Covered<'_>,
    found: &Found,
    tells: &dyn Fn(&str) -> bool,
) -> Result<(File, u64), StepError> {
    file.file.rewind().map_err(|error| storage(&error))?;
    let unwanted = Unwanted { records: &found.records, damaged: &found.damaged, tells };
    let mut left = context.lake.scratch_file()?;
    match without(file.file, &covered.path, &unwanted, &mut left) {
        Ok(gone) => Ok((left, gone)),
        Err(DecodeError::Storage(error)) => Err(storage(&error)),
        Err(_) => Err(StepError::Invalid("a landing file changed while it was read; run again".to_owned())),
    }
}

/// Rewrites every landing file that holds a record of the persons.
pub async fn rewrite(work: &Work<'_>) -> Result<(), StepError> {
    for covered in covered(work.context, &work.erasure.source, &work.erasure.feed)? {
        if !work.datasets().contains(&covered.path.dataset) {
            continue;
        }
        let rows = work.rows_of(&covered.path.dataset);
        let file = work.context.landing.open(&covered.key)?;
        let modified = file.modified;
        let Some(found) = find(&file, &covered, &rows, |_, _| {})? else { continue };
        if found.records.is_empty() && found.damaged.is_empty() {
            continue;
        }
        let (mut left, gone) = left(work.context, file, &covered, &found, &|text| rows.persons().tells(text))?;
        if gone > 0 {
            work.context.landing.rewrite(&covered.key, &mut left, modified)?;
        }
    }
    Ok(())
}

/// The landing zone as an erasure sees it: the source's files, or none when landing is left alone.
struct Part {
    whole: Arc<dyn Landing>,
    source: Option<String>,
}

impl Landing for Part {
    fn list(&self) -> Result<Vec<LandingKey>, LakeError> {
        let Some(source) = &self.source else { return Ok(Vec::new()) };
        let mut keys = self.whole.list()?;
        keys.retain(|key| key.expose().split('/').next() == Some(source));
        Ok(keys)
    }

    fn peek(&self, key: &LandingKey) -> Result<(u64, DateTime<Utc>), LakeError> {
        self.whole.peek(key)
    }

    fn open(&self, key: &LandingKey) -> Result<LandingFile, LakeError> {
        self.whole.open(key)
    }
}

/// A context in which a run takes nothing but the source's files.
pub fn only(context: &Context, erasure: &Erasure) -> Context {
    let source = erasure.landing.then(|| erasure.source.clone());
    let mut sources = Sources::clone(&context.sources);
    sources.bind(&erasure.source, &erasure.feed);
    Context::from(carelake_ingest::Context {
        landing: Arc::new(Part { whole: context.landing.clone(), source }),
        sources: Arc::new(sources),
        erased: Erased::default(),
        ..context.base.clone()
    })
}
