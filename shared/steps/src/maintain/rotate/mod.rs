//! rotate: a lake under a new key. Every pseudonym changes, and every name that depends on the key.
//!
//! A second lake is built beside the first: bronze, identity and quarantine object by object, as identity knows whose
//! each pseudonym is; silver and gold are computed from them as in any run. The caller puts it in the first one's place.

mod objects;

use std::collections::{BTreeMap, BTreeSet};

use carelake_lake::{IngestEntry, Lake, LandingKey, Layer};
use carelake_sql::views::View;

use crate::context::Context;
use crate::error::StepError;
use crate::maintain::erase::{Nowhere, published_day};
use crate::run::{Observer, run};

/// What a rotation carried over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rotated {
    /// Landing files.
    pub files: u64,
    /// Of these, files that are not in landing any more.
    pub carried: u64,
    /// Persons.
    pub persons: u64,
    /// Rows of each table.
    pub rows: BTreeMap<String, u64>,
}

/// Files of the lake that are not in landing any more: under a new key nobody can tell what their names were.
///
/// # Errors
/// When landing or the ledger cannot be read.
pub async fn missing(context: &Context) -> Result<u64, StepError> {
    let known = landing_keys(context)?;
    let entries = context.ledger.ingested().await?;
    let keys: BTreeSet<&String> = entries.iter().map(|entry| &entry.key).collect();
    Ok(keys.into_iter().filter(|key| !known.contains_key(*key)).count() as u64)
}

/// Builds the lake anew in `fresh`, which is empty and has another key.
///
/// # Errors
/// When storage fails, or the new lake would not have the same rows: then the old one is left as it is.
pub async fn rotate(
    context: &Context,
    fresh: &Lake,
    views: &[View],
    workers: usize,
    observer: &dyn Observer,
) -> Result<Rotated, StepError> {
    let known = landing_keys(context)?;
    let entries = context.ledger.ingested().await?;
    let next = Context::new(
        fresh.clone(),
        std::sync::Arc::new(Nowhere),
        context.contracts.as_ref().clone(),
        context.sources.as_ref().clone(),
        published_day(context).await?.parse().unwrap_or(context.as_of),
        context.run_id.clone(),
    );
    let mut rotated = Rotated { files: entries.len() as u64, ..Rotated::default() };
    let mut persons: BTreeSet<(String, String)> = BTreeSet::new();
    observer.begin("rotate", entries.len() as u64);
    for entry in &entries {
        let renamed = renamed(&next, entry, known.get(&entry.key))?;
        rotated.carried += u64::from(!known.contains_key(&entry.key));
        let found = objects::carry(context, &next, entry, &renamed).await?;
        persons.extend(found.into_iter().map(|pseudonym| (entry.source.clone(), pseudonym)));
        next.ledger.record_ingest(&renamed).await?;
        observer.advance(&format!("{}/{}", entry.source, entry.dataset));
    }
    observer.end();
    rotated.persons = persons.len() as u64;
    let report = run(&next, views, workers, observer).await?;
    if let Some(failure) = report.failures.first() {
        return Err(StepError::Invalid(format!("the new lake cannot be built, the old one stays: {failure}")));
    }
    rotated.rows = same_rows(context, &next).await?;
    Ok(rotated)
}

/// Landing keys by their name in the lake.
fn landing_keys(context: &Context) -> Result<BTreeMap<String, LandingKey>, StepError> {
    let key = context.lake.key()?;
    Ok(context.landing.list()?.into_iter().map(|landing| (landing.name(key), landing)).collect())
}

/// The entry under the new key: as a run would name it, where the landing key is known.
fn renamed(next: &Context, entry: &IngestEntry, landing: Option<&LandingKey>) -> Result<IngestEntry, StepError> {
    let key = next.lake.key()?;
    let mut renamed = entry.clone();
    match landing {
        Some(landing) => {
            renamed.key = landing.name(key);
            renamed.name = key.name("object", &[landing.expose(), &entry.version, &entry.contract]);
        }
        None => {
            renamed.key = key.name("carried landing", &[&entry.key]);
            renamed.key.truncate(entry.key.len());
            renamed.name = key.name("carried object", &[&entry.name]);
        }
    }
    Ok(renamed)
}

/// Rows of every canonical table, which must be as many as before.
async fn same_rows(context: &Context, next: &Context) -> Result<BTreeMap<String, u64>, StepError> {
    let mut rows = BTreeMap::new();
    for table in context.contracts.tables.keys() {
        let (before, after) = (count(context, table).await?, count(next, table).await?);
        if before != after {
            let text = format!("{table} would have {after} rows under the new key, and has {before}");
            return Err(StepError::Conservation(text));
        }
        if after > 0 {
            rows.insert(table.clone(), after);
        }
    }
    Ok(rows)
}

async fn count(context: &Context, table: &str) -> Result<u64, StepError> {
    let failed = |error| StepError::query(format!("counting {table}"), &error);
    let Some(open) = context.tables.open(table, None).await? else { return Ok(0) };
    let session = crate::conform::session(context)?;
    let rows = session.read_table(context.tables.provider(&open).await?).map_err(failed)?;
    Ok(rows.count().await.map_err(failed)? as u64)
}

/// The layers whose objects are carried over.
const LAYERS: [Layer; 3] = [Layer::Identity, Layer::Quarantine, Layer::Bronze];
