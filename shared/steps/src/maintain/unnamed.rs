//! Objects that no entry of the ledger speaks of: a step that was cut short left them.

use std::collections::BTreeSet;

use carelake_lake::{IngestEntry, Layer, Stored};

use crate::context::Context;
use crate::error::StepError;

const LAYERS: [Layer; 3] = [Layer::Bronze, Layer::Identity, Layer::Quarantine];

/// Objects of bronze, identity and quarantine that no entry of the ledger names. Nobody may be taking files meanwhile.
pub async fn objects(context: &Context) -> Result<Vec<Stored>, StepError> {
    let entries: Vec<IngestEntry> = context.ledger.ingested().await?;
    let named: BTreeSet<String> = entries
        .iter()
        .flat_map(|entry| LAYERS.iter().map(|layer| entry.object(*layer)).chain([entry.orphans_object()]))
        .collect();
    let mut unnamed = Vec::new();
    for layer in LAYERS {
        let stored = context.lake.stored(layer.database()).await?;
        // The tables of identity stand beside its objects.
        let objects = stored.into_iter().filter(|object| is_object(&object.path) && !named.contains(&object.path));
        unnamed.extend(objects);
    }
    Ok(unnamed)
}

/// `<layer>/<table>/source=…/ingest_date=…/<name>.parquet`
fn is_object(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    let [_, _, source, day, name] = parts.as_slice() else { return false };
    source.starts_with("source=") && day.starts_with("ingest_date=") && name.ends_with(".parquet")
}

/// Entries of what conform did with files that the ledger does not know.
pub async fn entries(context: &Context) -> Result<Vec<Stored>, StepError> {
    let mut known = BTreeSet::new();
    for entry in context.ledger.ingested().await? {
        known.insert(carelake_lake::Layout::conform_entry(&entry.source, &entry.dataset, &entry.name));
    }
    let stored = context.lake.stored("_carelake/ledger/conform").await?;
    Ok(stored.into_iter().filter(|entry| !known.contains(&entry.path)).collect())
}
