//! Taking a table's past away: what no version but the present one needs is removed, data and log alike.

use std::collections::HashSet;

use deltalake::checkpoints::create_checkpoint;
use futures::TryStreamExt;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt};

use crate::delta::DeltaTables;
use crate::error::{EngineError, LakeError};

/// What was removed of a table's past.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Purged {
    /// Earlier versions that can no longer be read.
    pub versions: u64,
    /// Data files.
    pub files: u64,
}

impl DeltaTables {
    /// Removes every earlier version of a table: its files, its commits, its checkpoints. The present version stays as it
    /// is, under its number. Nobody else may write the table meanwhile; a reader of an earlier version fails.
    ///
    /// # Errors
    /// When storage fails; what is left is removed by the next call.
    pub async fn purge(&self, qualified: &str) -> Result<Purged, LakeError> {
        let context = || format!("removing the past of {qualified}");
        let failed = |error: deltalake::DeltaTableError| LakeError::delta(context(), &error);
        let storage = |error: object_store::Error| LakeError::store(context(), &error);
        let Some(table) = self.open(qualified, None).await? else { return Ok(Purged::default()) };
        let Some(present) = table.version() else { return Ok(Purged::default()) };
        let live: HashSet<ObjectPath> = table.get_files_by_partitions(&[]).await.map_err(failed)?.into_iter().collect();
        let store = table.object_store();
        let objects: Vec<ObjectPath> =
            store.list(None).map_ok(|meta| meta.location).try_collect().await.map_err(storage)?;
        let (log, data): (Vec<_>, Vec<_>) = objects.into_iter().partition(|path| log_name(path).is_some());
        let past: Vec<_> = log.into_iter().filter(|path| version(path).is_some_and(|one| one < present)).collect();
        let dead: Vec<_> = data.into_iter().filter(|path| !live.contains(path)).collect();
        if past.is_empty() && dead.is_empty() {
            return Ok(Purged::default());
        }
        // The commits of the past may go only when the present can be read without them.
        create_checkpoint(&table, None).await.map_err(failed)?;
        for path in past.iter().chain(&dead) {
            match store.delete(path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(storage(error)),
            }
        }
        let versions = past.iter().filter(|path| path.as_ref().ends_with(".json")).count() as u64;
        Ok(Purged { versions, files: dead.len() as u64 })
    }
}

fn log_name(path: &ObjectPath) -> Option<&str> {
    path.as_ref().strip_prefix("_delta_log/")
}

/// The version that a file of the log belongs to.
pub(crate) fn version(path: &ObjectPath) -> Option<u64> {
    log_name(path)?.split('.').next()?.parse().ok()
}
