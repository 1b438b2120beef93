//! What a reader finds in a lake, in a form that two lakes can be compared by.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use carelake_lake::{ConformEntry, IngestEntry};
use carelake_sql::session::LakeSession;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use object_store::memory::InMemory;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest, Sha256};

use crate::hospital::{Stage, Story};
use crate::store::FOLDER;
use crate::wire::{Weather, Wire};
use crate::world::context;

/// Everything by name: an object's hash, a table's sorted rows, an entry without times and versions.
pub type Snapshot = BTreeMap<String, Vec<String>>;

/// The lake as it is.
pub async fn snapshot(store: &Arc<InMemory>, story: Story, stage: &Stage) -> Snapshot {
    let context = context(store, stage, &Wire::new(0, Weather::Calm, None));
    let mut all = Snapshot::new();
    for (path, bytes) in objects(store).await {
        if path.contains("/ingest_date=") {
            let hash = hex::encode(Sha256::digest(&bytes));
            all.insert(path, [vec![hash], texts(&batches(bytes))].concat());
        } else if path.starts_with("_carelake/catalog/") {
            all.insert(path, vec![String::from_utf8(bytes).unwrap()]);
        } else if path.starts_with("_carelake/ledger/") || path.starts_with("_carelake/checks/") {
            all.insert(path.clone(), vec![settled(&path, &bytes)]);
        }
    }
    let session = LakeSession::open(&context.lake, context.catalog.as_ref(), None).await.unwrap();
    let small = ["silver.sources", "gold.as_of"].map(str::to_owned);
    let views = story.views().into_iter().map(|view| format!("{}.{}", view.database, view.name));
    for table in stage.contracts.tables.keys().cloned().chain(small).chain(views) {
        let rows = rows(&session, &table).await;
        all.insert(table, rows);
    }
    all
}

/// Objects of the lake by path.
pub async fn objects(store: &Arc<InMemory>) -> BTreeMap<String, Vec<u8>> {
    use futures::TryStreamExt;
    let metas: Vec<_> = store.list(None).try_collect().await.unwrap();
    let mut all = BTreeMap::new();
    for meta in metas {
        let bytes = store.get(&meta.location).await.unwrap().bytes().await.unwrap();
        let path = meta.location.as_ref().strip_prefix(FOLDER).unwrap().trim_start_matches('/').to_owned();
        all.insert(path, bytes.to_vec());
    }
    all
}

fn settled(path: &str, bytes: &[u8]) -> String {
    if path.starts_with("_carelake/ledger/ingest/") {
        let entry: IngestEntry = serde_json::from_slice(bytes).unwrap();
        return serde_json::to_string(&IngestEntry { seconds: 0.0, ..entry }).unwrap();
    }
    if path.starts_with("_carelake/ledger/conform/") {
        let entry: ConformEntry = serde_json::from_slice(bytes).unwrap();
        let parents = entry.parents.into_keys().map(|parent| (parent, None)).collect();
        return serde_json::to_string(&ConformEntry { seconds: 0.0, parents, orphans_tag: None, ..entry }).unwrap();
    }
    let mut check: serde_json::Value = serde_json::from_slice(bytes).unwrap();
    check.as_object_mut().unwrap().remove("versions");
    check.to_string()
}

/// Rows of a table, sorted.
pub async fn rows(session: &LakeSession, table: &str) -> Vec<String> {
    let mut rows = texts(&session.table(table).await.unwrap().collect().await.unwrap());
    rows.sort();
    rows
}

/// What a Parquet file holds.
pub fn batches(bytes: Vec<u8>) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).unwrap().build().unwrap();
    reader.collect::<Result<_, _>>().unwrap()
}

fn texts(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::default().with_null("NULL");
    let mut rows = Vec::new();
    for batch in batches {
        let columns: Vec<_> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = columns.iter().map(|column| column.value(row).to_string()).collect();
            rows.push(cells.join("|"));
        }
    }
    rows
}

/// Where two lakes differ; empty when they are the same.
pub fn difference(wanted: &Snapshot, found: &Snapshot) -> String {
    let mut lines = String::new();
    for name in wanted.keys().chain(found.keys().filter(|name| !wanted.contains_key(*name))) {
        let (one, other) = (wanted.get(name), found.get(name));
        if one != other {
            lines.push_str(&format!("{name}\n  wanted {one:?}\n   found {other:?}\n"));
        }
    }
    lines
}
