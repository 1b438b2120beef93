//! What must hold in a lake at any moment, whatever happened before.

use std::collections::BTreeMap;
use std::sync::Arc;

use carelake_contracts::Load;
use carelake_lake::{IngestEntry, Layer};
use carelake_sql::session::LakeSession;
use carelake_steps::Context;
use carelake_steps::report::RunReport;
use object_store::memory::InMemory;

use crate::hospital::{Stage, Story};
use crate::snapshot::{batches, objects, rows};
use crate::wire::{Weather, Wire};
use crate::world::context;

/// What is wrong with a lake; empty when nothing is.
pub async fn damage(store: &Arc<InMemory>, story: Story, stage: &Stage) -> String {
    let objects = objects(store).await;
    let mut damage = String::new();
    let context = context(store, stage, &Wire::new(0, Weather::Calm, None));
    for entry in context.ledger.ingested().await.unwrap() {
        damage.push_str(&missing(&entry, &objects, stage));
    }
    damage + &unreadable(&context, story, stage).await
}

/// Objects that a ledger entry speaks of and that are not as it says.
fn missing(entry: &IngestEntry, objects: &BTreeMap<String, Vec<u8>>, stage: &Stage) -> String {
    let path = format!("{}/{}/{}", entry.source, entry.dataset, entry.name);
    let contract = stage.contracts.contract(&entry.feed, &entry.dataset).unwrap();
    let identity = if contract.has_identity() { entry.bronze_rows } else { 0 };
    let mut damage = String::new();
    for (layer, wanted) in [(Layer::Bronze, entry.bronze_rows), (Layer::Identity, identity)] {
        let found = objects.get(&entry.object(layer)).map_or(0, |bytes| length(bytes));
        if found != wanted {
            damage.push_str(&format!("{path}: {found} rows in {layer:?}, {wanted} in the ledger\n"));
        }
    }
    if entry.rejected > 0 && !objects.contains_key(&entry.object(Layer::Quarantine)) {
        damage.push_str(&format!("{path}: nothing in quarantine\n"));
    }
    if entry.rows_in != entry.bronze_rows + entry.rejected {
        damage.push_str(&format!("{path}: rows do not add up\n"));
    }
    damage
}

fn length(bytes: &[u8]) -> u64 {
    batches(bytes.to_vec()).iter().map(|batch| batch.num_rows() as u64).sum()
}

/// Tables that cannot be read whole, or hold a key twice.
async fn unreadable(context: &Context, story: Story, stage: &Stage) -> String {
    let mut damage = String::new();
    let session = LakeSession::open(&context.lake, context.catalog.as_ref(), None).await.unwrap();
    let known = context.catalog.tables().await.unwrap();
    let known = |name: &str| known.iter().any(|entry| format!("{}.{}", entry.database, entry.name) == name);
    let marts = story
        .views()
        .into_iter()
        .filter(|view| view.materialised)
        .map(|view| format!("{}.{}", view.database, view.name));
    for mart in marts.filter(|mart| known(mart)) {
        rows(&session, &mart).await;
    }
    for (name, table) in &stage.contracts.tables {
        let Some(open) = context.tables.open(name, None).await.unwrap() else { continue };
        let plain = carelake_sql::session::plain().unwrap();
        carelake_tables::register(&context.lake, &plain).unwrap();
        let provider = context.tables.provider(&open).await.unwrap();
        let all = plain.read_table(provider).unwrap();
        let mut key: Vec<&str> = table.key.iter().map(String::as_str).collect();
        key.push("source");
        let total = all.clone().count().await.unwrap();
        let keys = all.select_columns(&key).unwrap().distinct().unwrap().count().await.unwrap();
        if upserted(stage, name) && keys != total {
            damage.push_str(&format!("{name}: {total} rows of {keys} keys\n"));
        }
    }
    damage
}

fn upserted(stage: &Stage, table: &str) -> bool {
    let targets = stage.contracts.contracts.values().flat_map(|contract| &contract.targets);
    targets.filter(|target| target.table == table).all(|target| target.load == Load::Upsert)
}

/// Where a report says what cannot be; empty when nothing is. `whole` is what a run over everything reports.
pub fn contradictions(report: &RunReport, files: usize) -> String {
    let mut wrong = String::new();
    for dataset in &report.datasets {
        if dataset.rows_in != dataset.accepted + dataset.rejected + dataset.deduplicated {
            wrong.push_str(&format!("{}/{}: rows do not add up\n", dataset.source, dataset.dataset));
        }
    }
    let taken: u64 = report.datasets.iter().map(|dataset| dataset.files).sum();
    let seen = taken + report.known_files + report.ignored_files.values().sum::<u64>() + report.failures.len() as u64;
    if taken > files as u64 || seen < files as u64 {
        wrong.push_str(&format!("{taken} files taken and {seen} seen of {files}\n"));
    }
    wrong
}
