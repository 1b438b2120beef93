//! Which names change, and to what.

use std::collections::{BTreeMap, BTreeSet};

use carelake_lake::{IngestEntry, LandingKey, Move, Moved, Rotation, Stage};
use carelake_privacy::LakeKey;
use carelake_sql::views::View;
use chrono::{DateTime, Utc};

use crate::context::Context;
use crate::error::StepError;
use crate::ingest::object_name;
use crate::maintain::tables;

/// Digits of a landing key's hash.
const DIGITS: usize = 16;

/// What a rotation would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// Files of the ledger.
    pub files: u64,
    /// Of these, files that are not in landing any more.
    pub gone_from_landing: u64,
    /// Rows of every table that is computed again.
    pub rows: BTreeMap<String, u64>,
}

/// Looks at what a rotation would do, and changes nothing.
///
/// # Errors
/// When storage fails, or a file of the ledger has no contract.
pub async fn outlook(context: &Context, views: &[View]) -> Result<Outlook, StepError> {
    let entries = entries(context).await?;
    let present = present(context)?;
    let gone = entries.iter().filter(|entry| !present.contains_key(&entry.key)).count();
    let rows = tables::rows(context, &tables::made(context, views)).await?;
    Ok(Outlook { files: entries.len() as u64, gone_from_landing: gone as u64, rows })
}

/// Every file of the ledger; each has a contract, without which its tables cannot be computed.
async fn entries(context: &Context) -> Result<Vec<IngestEntry>, StepError> {
    let entries = context.ledger.ingested().await?;
    let unknown = entries.iter().find(|entry| context.contracts.contract(&entry.feed, &entry.dataset).is_none());
    match unknown {
        None => Ok(entries),
        Some(entry) => Err(StepError::Invalid(format!(
            "no contract describes {}.{}, which the lake holds files of; name its folder with --contracts",
            entry.feed, entry.dataset
        ))),
    }
}

/// Landing files by the hash of their key.
fn present(context: &Context) -> Result<BTreeMap<String, LandingKey>, StepError> {
    let key = context.lake.key()?;
    Ok(context.landing.list()?.into_iter().map(|file| (file.name(key), file)).collect())
}

/// The record with which a rotation to the key `next` begins.
pub async fn plan(
    context: &Context,
    next: &LakeKey,
    started: DateTime<Utc>,
    as_of: String,
    views: &[View],
) -> Result<Rotation, StepError> {
    let (entries, present) = (entries(context).await?, present(context)?);
    let mut datasets: BTreeMap<(&str, &str), Vec<&IngestEntry>> = BTreeMap::new();
    for entry in &entries {
        datasets.entry((&entry.source, &entry.dataset)).or_default().push(entry);
    }
    let mut moves = Vec::with_capacity(entries.len());
    for ((source, dataset), entries) in datasets {
        let places = places(next, source, dataset, &entries);
        for entry in entries {
            let from = Moved { key: entry.key.clone(), place: entry.place().to_owned(), name: entry.name.clone() };
            let place = places.get(entry.place()).cloned().unwrap_or_default();
            let to = named(next, entry, present.get(&entry.key), place);
            moves.push(Move { source: source.to_owned(), dataset: dataset.to_owned(), from, to });
        }
    }
    Ok(Rotation {
        id: next.name("rotation", &[&started.to_rfc3339()]).chars().take(DIGITS).collect(),
        started,
        stage: Stage::Objects,
        as_of,
        gone_from_landing: entries.iter().filter(|entry| !present.contains_key(&entry.key)).count() as u64,
        objects: 0,
        rows: tables::rows(context, &tables::made(context, views)).await?,
        moves,
    })
}

/// The names of a file under the key `next`. What is gone from landing has a key that nobody can hash again.
fn named(next: &LakeKey, entry: &IngestEntry, landing: Option<&LandingKey>, place: String) -> Moved {
    match landing {
        Some(key) => Moved {
            key: key.name(next),
            name: object_name(next, key, &entry.version, entry.modified, &entry.contract),
            place,
        },
        None => Moved {
            key: short(next, "gone landing key", &[&entry.source, &entry.dataset, &entry.key]),
            name: next.name("gone object", &[&entry.name]),
            place,
        },
    }
}

fn short(key: &LakeKey, domain: &str, parts: &[&str]) -> String {
    let mut name = key.name(domain, parts);
    name.truncate(DIGITS);
    name
}

/// New places of a dataset's files, in the order of the old: which of two files wins does not change.
fn places(next: &LakeKey, source: &str, dataset: &str, entries: &[&IngestEntry]) -> BTreeMap<String, String> {
    let old: BTreeSet<&str> = entries.iter().map(|entry| entry.place()).collect();
    let new: BTreeSet<String> = old.iter().map(|place| short(next, "place", &[source, dataset, place])).collect();
    old.into_iter().map(str::to_owned).zip(new).collect()
}
