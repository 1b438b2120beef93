//! The ledger: which files have been taken, with what result. An entry is the last thing a step writes.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use futures::{StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};

use crate::error::LakeError;
use crate::layout::{Layer, Layout};
use crate::store::Lake;

/// Entries that are read at the same time: on a bucket each takes its time to answer.
const READS: usize = 32;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its rows are in bronze or quarantine.
    Ingested,
    /// It could not be read to its end; nothing of it is in bronze.
    Unreadable,
}

/// Rows that a check looked at and rows that failed it, in one file or one table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckCount {
    /// Denominator.
    pub checked: u64,
    /// Numerator.
    pub failed: u64,
}

/// What ingest did with one version of one landing file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IngestEntry {
    /// Name of the file's objects: keyed hash of key, version, time of arrival and contract.
    pub name: String,
    /// Raised when the same version of a file is read again, by another contract. The highest generation counts.
    #[serde(default)]
    pub generation: u64,
    /// Keyed hash of the landing key.
    pub key: String,
    /// What stands for the key in the order of files, where that is not the key itself: a rotation of the lake's key
    /// gives files other keys and leaves their order as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// SHA-256 of the content.
    pub version: String,
    /// When the version arrived.
    pub modified: DateTime<Utc>,
    /// Sender.
    pub source: String,
    /// Feed.
    pub feed: String,
    /// Dataset.
    pub dataset: String,
    /// Partition of bronze.
    pub ingest_date: NaiveDate,
    /// Version of the contract.
    pub contract_version: u32,
    /// Hash of the contract.
    pub contract: String,
    /// What became of the file.
    pub status: Status,
    /// Rows in the file.
    pub rows_in: u64,
    /// Rows in bronze.
    pub bronze_rows: u64,
    /// Rows in quarantine.
    pub rejected: u64,
    /// Rows of bronze that lose to another row of the same key in the same file.
    pub deduplicated: u64,
    /// Bytes of the landing file.
    pub bytes: u64,
    /// Seconds that ingest took.
    pub seconds: f64,
    /// Columns of the file that the contract does not know.
    pub unknown_columns: Vec<String>,
    /// Columns of the contract that the file does not have.
    pub missing_columns: Vec<String>,
    /// Counts by rule id.
    pub checks: BTreeMap<String, CheckCount>,
}

impl IngestEntry {
    /// Place of the file in the order of its dataset's files: by day, then key, then arrival of the version.
    pub fn order(&self) -> String {
        format!("{}/{}/{:020}", self.ingest_date, self.place(), self.modified.timestamp_micros())
    }

    /// What stands for the landing key in the order of files.
    pub fn place(&self) -> &str {
        self.place.as_deref().unwrap_or(&self.key)
    }

    /// `<feed>_<dataset>`.
    pub fn table(&self) -> String {
        format!("{}_{}", self.feed, self.dataset)
    }

    /// The file's object in a layer.
    pub fn object(&self, layer: Layer) -> String {
        Layout::object(layer, &self.table(), &self.source, self.ingest_date, &self.name)
    }

    /// The file's rows that failed a reference check.
    pub fn orphans_object(&self) -> String {
        Layout::orphans(&self.table(), &self.source, self.ingest_date, &self.name)
    }
}

/// What conform did with one ingested file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConformEntry {
    /// Hash of mapping and silver tables.
    pub mapping: String,
    /// Rows of bronze that wait in quarantine for a parent.
    pub orphans: u64,
    /// Rows that take their record out of a table.
    #[serde(default)]
    pub deletions: u64,
    /// Tag of the object that holds them. Another tag there is of a run that was cut short.
    #[serde(default)]
    pub orphans_tag: Option<String>,
    /// Versions of the parent tables in which the parents were looked for.
    pub parents: BTreeMap<String, Option<u64>>,
    /// Counts of reference rules by rule id.
    pub checks: BTreeMap<String, CheckCount>,
    /// Seconds that conform took, shared out over the files of the batch.
    pub seconds: f64,
}

/// The ledger of a lake.
#[derive(Debug, Clone)]
pub struct Ledger {
    lake: Lake,
}

impl Ledger {
    /// The ledger of that lake.
    pub fn new(lake: &Lake) -> Self {
        Self { lake: lake.clone() }
    }

    /// Every ingested file, oldest first within its dataset.
    ///
    /// # Errors
    /// When an entry cannot be read.
    pub async fn ingested(&self) -> Result<Vec<IngestEntry>, LakeError> {
        Ok(self.entries("_carelake/ledger/ingest").await?.0)
    }

    /// Every ingested file, of one source or of all, oldest first within its dataset, and the entries that another has
    /// taken the place of: the same version of a file, read by an earlier contract. Those count no more and are to be
    /// forgotten.
    ///
    /// # Errors
    /// When an entry cannot be read.
    pub async fn ingested_and_replaced(
        &self,
        source: Option<&str>,
    ) -> Result<(Vec<IngestEntry>, Vec<IngestEntry>), LakeError> {
        let folder = source.map(|source| format!("/{source}")).unwrap_or_default();
        self.entries(&format!("_carelake/ledger/ingest{folder}")).await
    }

    /// Every ingested file that has not been overwritten since, and the `_order` of those that have.
    ///
    /// # Errors
    /// When an entry cannot be read.
    pub async fn current(&self) -> Result<(Vec<IngestEntry>, Vec<String>), LakeError> {
        let mut newest: BTreeMap<(String, String, String), IngestEntry> = BTreeMap::new();
        let mut overwritten = Vec::new();
        for entry in self.ingested().await? {
            let key = (entry.source.clone(), entry.dataset.clone(), entry.key.clone());
            let older = match newest.get(&key) {
                Some(other) if other.modified > entry.modified => Some(entry),
                _ => newest.insert(key, entry),
            };
            overwritten.extend(older.map(|older| older.order()));
        }
        Ok((newest.into_values().collect(), overwritten))
    }

    /// Every ingested file of one source and dataset, oldest first.
    ///
    /// # Errors
    /// When an entry cannot be read.
    pub async fn ingested_of(&self, source: &str, dataset: &str) -> Result<Vec<IngestEntry>, LakeError> {
        Ok(self.entries(&format!("_carelake/ledger/ingest/{source}/{dataset}")).await?.0)
    }

    /// The entries that count, and those that others have taken the place of.
    async fn entries(&self, folder: &str) -> Result<(Vec<IngestEntry>, Vec<IngestEntry>), LakeError> {
        let paths = self.lake.list(folder).await?;
        let read = |path: String| async move { self.lake.get_json::<IngestEntry>(&path).await };
        let found = futures::stream::iter(paths).map(read).buffered(READS);
        let mut entries: Vec<IngestEntry> = found.try_filter_map(|entry| async { Ok(entry) }).try_collect().await?;
        entries.sort_by_cached_key(|entry| {
            (entry.source.clone(), entry.dataset.clone(), entry.order(), entry.generation, entry.name.clone())
        });
        let same = |one: &IngestEntry, other: &IngestEntry| {
            (&one.source, &one.dataset, one.order()) == (&other.source, &other.dataset, other.order())
        };
        let (mut counting, mut replaced): (Vec<IngestEntry>, Vec<IngestEntry>) = (Vec::new(), Vec::new());
        for entry in entries {
            replaced.extend(counting.pop_if(|last| same(last, &entry)));
            counting.push(entry);
        }
        Ok((counting, replaced))
    }

    /// Every ingested version of one landing key, oldest first, and the entries that count no more.
    ///
    /// # Errors
    /// When an entry cannot be read.
    pub async fn versions(
        &self,
        source: &str,
        dataset: &str,
        key: &str,
    ) -> Result<(Vec<IngestEntry>, Vec<IngestEntry>), LakeError> {
        self.entries(&Layout::ingest_entries(source, dataset, key)).await
    }

    /// Records an ingested file.
    ///
    /// # Errors
    /// When the store cannot take it.
    pub async fn record_ingest(&self, entry: &IngestEntry) -> Result<(), LakeError> {
        self.lake.put_json(&Layout::ingest_entry(&entry.source, &entry.dataset, &entry.key, &entry.name), entry).await
    }

    /// Forgets a file, whose objects are removed with it. What is known of it goes first: a file that is half forgotten
    /// is taken again, and never counts as conformed.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn forget(&self, entry: &IngestEntry) -> Result<(), LakeError> {
        self.lake.delete(&Layout::conform_entry(&entry.source, &entry.dataset, &entry.name)).await?;
        self.lake.delete(&Layout::ingest_entry(&entry.source, &entry.dataset, &entry.key, &entry.name)).await?;
        self.remove_objects(entry).await
    }

    /// Forgets a file that counts no more. Its entry goes last: until then the next run finds what is left of it.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn forget_replaced(&self, entry: &IngestEntry) -> Result<(), LakeError> {
        self.lake.delete(&Layout::conform_entry(&entry.source, &entry.dataset, &entry.name)).await?;
        self.remove_objects(entry).await?;
        self.lake.delete(&Layout::ingest_entry(&entry.source, &entry.dataset, &entry.key, &entry.name)).await
    }

    async fn remove_objects(&self, entry: &IngestEntry) -> Result<(), LakeError> {
        for layer in [Layer::Bronze, Layer::Identity, Layer::Quarantine] {
            self.lake.delete(&entry.object(layer)).await?;
        }
        self.lake.delete(&entry.orphans_object()).await
    }

    /// What conform did with a file, if it has.
    ///
    /// # Errors
    /// When the entry cannot be read.
    pub async fn conform_entry(&self, entry: &IngestEntry) -> Result<Option<ConformEntry>, LakeError> {
        self.lake.get_json(&Layout::conform_entry(&entry.source, &entry.dataset, &entry.name)).await
    }

    /// The same of many files, in their order.
    ///
    /// # Errors
    /// When an entry cannot be read.
    pub async fn conform_entries(&self, entries: &[IngestEntry]) -> Result<Vec<(String, ConformEntry)>, LakeError> {
        let read = |entry: &IngestEntry| {
            let entry = entry.clone();
            async move { Ok(self.conform_entry(&entry).await?.map(|conformed| (entry.name, conformed))) }
        };
        let found = futures::stream::iter(entries.iter().map(read).collect::<Vec<_>>()).buffered(READS);
        found.try_filter_map(|found| async { Ok(found) }).try_collect().await
    }

    /// Records a conformed file.
    ///
    /// # Errors
    /// When the store cannot take it.
    pub async fn record_conform(&self, entry: &IngestEntry, conformed: &ConformEntry) -> Result<(), LakeError> {
        self.lake.put_json(&Layout::conform_entry(&entry.source, &entry.dataset, &entry.name), conformed).await
    }
}
