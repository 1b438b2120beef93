//! The catalogue, made again from what the lake holds: when it was lost, or somebody changed it by hand.

use std::collections::{BTreeMap, BTreeSet};

use carelake_ingest::entries::landed;
use carelake_lake::{IngestEntry, Layer, PartitionEntry};
use carelake_sql::views::View;

use crate::context::Context;
use crate::error::StepError;
use crate::publish::{forget_catalogue, publish};
use crate::run::Observer;

/// What was written of the catalogue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Tables of bronze, identity and quarantine with partitions.
    pub tables: u64,
    /// Their partitions.
    pub partitions: u64,
}

/// Writes every table, view and partition that the ledger, the contracts and the definitions of gold speak of. What is
/// there already and right stays as it is.
///
/// # Errors
/// When storage or the catalogue fails, or a partition is at another place: that of another lake.
pub async fn rebuild(context: &Context, views: &[View], observer: &dyn Observer) -> Result<Rebuilt, StepError> {
    forget_catalogue(context).await?;
    publish(context, views, observer).await?;
    let mut rebuilt = Rebuilt::default();
    let mut groups: BTreeMap<(String, String), Vec<IngestEntry>> = BTreeMap::new();
    for entry in context.ledger.ingested().await? {
        groups.entry((entry.feed.clone(), entry.dataset.clone())).or_default().push(entry);
    }
    for ((feed, dataset), entries) in groups {
        let Some(contract) = context.contracts.contract(&feed, &dataset) else { continue };
        for layer in [Layer::Bronze, Layer::Identity, Layer::Quarantine] {
            let partitions = partitions(&entries, layer, contract.has_identity());
            if !partitions.is_empty() {
                context.catalog.put_partitions(&landed(contract, layer), &partitions).await?;
                rebuilt.tables += 1;
                rebuilt.partitions += partitions.len() as u64;
            }
        }
    }
    Ok(rebuilt)
}

/// The partitions in which the entries have objects. Quarantine may get some at any time.
fn partitions(entries: &[IngestEntry], layer: Layer, identity: bool) -> Vec<PartitionEntry> {
    let has = |entry: &&IngestEntry| match layer {
        Layer::Bronze => entry.bronze_rows > 0,
        Layer::Identity => identity && entry.bronze_rows > 0,
        Layer::Quarantine => true,
    };
    let places = entries.iter().filter(has).map(|entry| {
        let object = entry.object(layer);
        let folder = object.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        (vec![entry.source.clone(), entry.ingest_date.to_string()], folder)
    });
    let distinct: BTreeSet<(Vec<String>, String)> = places.collect();
    distinct.into_iter().map(|(values, location)| PartitionEntry { values, location }).collect()
}
