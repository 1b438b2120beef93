//! The live files of a table, and what of its past may go after a time.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use deltalake::DeltaTable;
use deltalake::checkpoints::create_checkpoint;
use futures::TryStreamExt;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::between::actions;
use crate::delta::{DeltaTables, OpenTable};
use crate::error::{EngineError, ErrorKind, LakeError};
use crate::purge::version;

/// Commits after which the state of a table is written down whole, so that opening it reads few files.
const CHECKPOINT: u64 = 10;

/// A data file that a version of a table consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveFile {
    /// Path within the table.
    pub path: String,
    /// Length in bytes.
    pub bytes: u64,
    /// Values of the partition columns.
    pub partition: BTreeMap<String, Option<String>>,
}

/// What went, or would go, of a table's past.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expired {
    /// Versions that can no longer be read.
    pub versions: u64,
    /// Data files.
    pub files: u64,
    /// Bytes of those files.
    pub bytes: u64,
}

/// What is not needed any more.
struct Past {
    /// The oldest version that stays.
    base: u64,
    log: Vec<ObjectPath>,
    data: Vec<ObjectMeta>,
}

impl DeltaTables {
    /// The data files of a table as it was opened.
    ///
    /// # Errors
    /// When the table's log cannot be read.
    pub fn live(&self, qualified: &str, table: &OpenTable) -> Result<Vec<LiveFile>, LakeError> {
        let failed = |error| LakeError::delta(format!("listing the files of {qualified}"), &error);
        let state = table.snapshot().map_err(failed)?;
        let listed = state.log_data();
        let files = listed.iter().map(|file| LiveFile {
            path: file.object_store_path().to_string(),
            bytes: u64::try_from(file.size()).unwrap_or_default(),
            partition: file.partition_values_map().into_iter().collect(),
        });
        Ok(files.collect())
    }

    /// Removes the versions of a table that were replaced before `cutoff`, with all files that no later version has; the
    /// version that was the present one then stays. With `dry`, it only counts. No writer may be at work meanwhile that
    /// began to write its files before `cutoff`; a reader of a version that goes fails.
    ///
    /// # Errors
    /// When storage fails; what is left is removed by the next call.
    pub async fn expire(&self, qualified: &str, cutoff: DateTime<Utc>, dry: bool) -> Result<Expired, LakeError> {
        let context = || format!("removing the past of {qualified}");
        let Some(table) = self.open(qualified, None).await? else { return Ok(Expired::default()) };
        let past = self.past(qualified, &table, cutoff).await?;
        let versions = past.log.iter().filter(|path| path.as_ref().ends_with(".json")).count() as u64;
        let expired =
            Expired { versions, files: past.data.len() as u64, bytes: past.data.iter().map(|file| file.size).sum() };
        if dry || (past.log.is_empty() && past.data.is_empty()) {
            return Ok(expired);
        }
        if !past.log.is_empty() {
            self.checkpoint_at(qualified, &table, past.base).await?;
        }
        let store = table.object_store();
        for path in past.log.iter().chain(past.data.iter().map(|file| &file.location)) {
            match store.delete(path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(LakeError::store(context(), &error)),
            }
        }
        Ok(expired)
    }

    async fn past(&self, qualified: &str, table: &DeltaTable, cutoff: DateTime<Utc>) -> Result<Past, LakeError> {
        let context = || format!("looking into the past of {qualified}");
        let Some(present) = table.version() else { return Ok(Past { base: 0, log: Vec::new(), data: Vec::new() }) };
        let history = self.history(qualified).await?.unwrap_or_default();
        let then = history.iter().find(|version| version.committed.is_some_and(|committed| committed <= cutoff));
        let base = then.or(history.last()).and_then(|version| u64::try_from(version.version).ok()).unwrap_or(present);
        let store = table.object_store();
        let objects: Vec<ObjectMeta> =
            store.list(None).try_collect().await.map_err(|error| LakeError::store(context(), &error))?;
        let mut needed: HashSet<String> = self.live(qualified, table)?.into_iter().map(|file| file.path).collect();
        for commit in base + 1..=present {
            let path = ObjectPath::from(format!("_delta_log/{commit:020}.json"));
            let read = async { store.get(&path).await?.bytes().await };
            let bytes = read.await.map_err(|error| LakeError::store(context(), &error))?;
            needed.extend(mentioned(&bytes).map_err(|error| error.caused_by(context()))?);
        }
        let (log, data): (Vec<_>, Vec<_>) =
            objects.into_iter().partition(|file| file.location.as_ref().starts_with("_delta_log/"));
        let log = log.into_iter().map(|file| file.location);
        let past = log.filter(|path| version(path).is_some_and(|one| one < base)).collect();
        let dead = |file: &ObjectMeta| {
            let path = file.location.as_ref();
            path.ends_with(".parquet") && file.last_modified <= cutoff && !needed.contains(path)
        };
        Ok(Past { base, log: past, data: data.into_iter().filter(dead).collect() })
    }

    /// Writes the state of a table down whole when it has changed often since that was done.
    ///
    /// # Errors
    /// When storage fails.
    pub async fn checkpoint(&self, qualified: &str, dry: bool) -> Result<bool, LakeError> {
        let Some(table) = self.open(qualified, None).await? else { return Ok(false) };
        let Some(present) = table.version() else { return Ok(false) };
        let last = self.checkpoints(qualified, &table).await?.into_iter().max();
        if last.map_or(present + 1, |last| present.saturating_sub(last)) < CHECKPOINT {
            return Ok(false);
        }
        if !dry {
            let failed = |error| LakeError::delta(format!("writing a checkpoint of {qualified}"), &error);
            create_checkpoint(&table, None).await.map_err(failed)?;
        }
        Ok(true)
    }

    /// A checkpoint from which later versions can be read without what came before. The present one is noted last.
    async fn checkpoint_at(&self, qualified: &str, table: &DeltaTable, base: u64) -> Result<(), LakeError> {
        let failed = |error| LakeError::delta(format!("writing a checkpoint of {qualified}"), &error);
        if self.checkpoints(qualified, table).await?.contains(&base) {
            return Ok(());
        }
        let mut then = table.clone();
        then.load_version(base).await.map_err(failed)?;
        create_checkpoint(&then, None).await.map_err(failed)?;
        if table.version() != Some(base) {
            create_checkpoint(table, None).await.map_err(failed)?;
        }
        Ok(())
    }

    async fn checkpoints(&self, qualified: &str, table: &DeltaTable) -> Result<Vec<u64>, LakeError> {
        let log = ObjectPath::from("_delta_log");
        let store = table.object_store();
        let paths: Vec<ObjectPath> = store
            .list(Some(&log))
            .map_ok(|file| file.location)
            .try_collect()
            .await
            .map_err(|error| LakeError::store(format!("listing the log of {qualified}"), &error))?;
        let whole = paths.iter().filter(|path| path.as_ref().ends_with(".checkpoint.parquet"));
        Ok(whole.filter_map(version).collect())
    }
}

/// The files that a commit adds or removes.
fn mentioned(commit: &[u8]) -> Result<Vec<String>, LakeError> {
    let corrupt = |_| LakeError::new(ErrorKind::Corrupt, "reading a commit");
    let mut files = Vec::new();
    for action in actions(commit)? {
        let paths = ["add", "remove"].iter().filter_map(|kind| action.get(kind)?.get("path")?.as_str());
        for path in paths {
            files.push(ObjectPath::from_url_path(path).map_err(corrupt)?.to_string());
        }
    }
    Ok(files)
}
