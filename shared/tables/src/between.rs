//! Commits that came between reading a table and writing to it.

use std::collections::BTreeSet;

use deltalake::DeltaTable;
use deltalake::logstore::ObjectStoreRef;
use object_store::ObjectStoreExt;
use object_store::path::Path as ObjectPath;
use serde_json::Value;

use crate::delta::DeltaTables;
use crate::error::{ErrorKind, LakeError};

impl DeltaTables {
    /// True when a commit after version `read` of the table, which is open at a later one, touched files of a source, or
    /// the table as a whole.
    pub(crate) async fn touched_since(
        &self,
        qualified: &str,
        table: &DeltaTable,
        read: u64,
        source: &str,
    ) -> Result<bool, LakeError> {
        self.any_since(qualified, table, read, &|action| touches(action, source)).await
    }

    /// True when all commits after version `read` of the table, which is open at a later one, only put the same rows into
    /// other files.
    ///
    /// # Errors
    /// When the table's log cannot be read.
    pub async fn only_rearranged(&self, qualified: &str, table: &DeltaTable, read: u64) -> Result<bool, LakeError> {
        Ok(!self.any_since(qualified, table, read, &changes).await?)
    }

    /// The sources whose rows commits after version `read` changed; `None` when that cannot be told: the table is gone or
    /// another, a commit is gone from the log, changed the table as a whole, or files of no one source.
    ///
    /// # Errors
    /// When the table's log cannot be read.
    pub async fn sources_since(&self, qualified: &str, read: u64) -> Result<Option<BTreeSet<String>>, LakeError> {
        let Some(table) = self.open(qualified, None).await? else { return Ok(None) };
        let store = table.object_store();
        let Some(newest) = table.version().filter(|newest| *newest >= read) else { return Ok(None) };
        let mut sources = BTreeSet::new();
        for version in read + 1..=newest {
            let Some(commit) = commit(&store, qualified, version).await? else { return Ok(None) };
            for action in commit.iter().filter(|action| changes(action)) {
                let Some(source) = source_of(action) else { return Ok(None) };
                sources.insert(source.to_owned());
            }
        }
        Ok(Some(sources))
    }

    async fn any_since(
        &self,
        qualified: &str,
        table: &DeltaTable,
        read: u64,
        what: &(dyn Fn(&Value) -> bool + Sync),
    ) -> Result<bool, LakeError> {
        let store = table.object_store();
        for version in read + 1..=table.version().unwrap_or(read) {
            let commit = commit(&store, qualified, version).await?;
            if commit.is_none_or(|actions| actions.iter().any(what)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The lines of a version's commit; `None` when it is gone.
async fn commit(store: &ObjectStoreRef, qualified: &str, version: u64) -> Result<Option<Vec<Value>>, LakeError> {
    let path = ObjectPath::from(format!("_delta_log/{version:020}.json"));
    let found = async { store.get(&path).await?.bytes().await };
    match found.await {
        Ok(bytes) => actions(&bytes).map(Some),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(LakeError::store(format!("reading the log of {qualified}"), &error)),
    }
}

/// The lines of a commit.
pub(crate) fn actions(commit: &[u8]) -> Result<Vec<Value>, LakeError> {
    let corrupt = |_| LakeError::new(ErrorKind::Corrupt, "reading a commit");
    let lines = commit.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(corrupt)).collect()
}

/// The file that a line adds or removes.
fn file(action: &Value) -> Option<&Value> {
    action.get("add").or_else(|| action.get("remove"))
}

/// The source of that file.
fn source_of(action: &Value) -> Option<&str> {
    file(action)?.get("partitionValues")?.get("source")?.as_str()
}

fn touches(action: &Value, source: &str) -> bool {
    match (file(action), action.get("commitInfo")) {
        (Some(_), _) => source_of(action).is_none_or(|of| of == source),
        (None, Some(_)) => false,
        (None, None) => true,
    }
}

fn changes(action: &Value) -> bool {
    match (file(action), action.get("commitInfo")) {
        (Some(file), _) => file.get("dataChange").and_then(Value::as_bool) != Some(false),
        (None, Some(_)) => false,
        (None, None) => true,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn files_of_another_source_are_nobodys_business() {
        let cases = [
            (r#"{"commitInfo":{"operation":"WRITE"}}"#, false),
            (r#"{"add":{"path":"x","partitionValues":{"source":"network"},"dataChange":true}}"#, false),
            (r#"{"remove":{"path":"x","partitionValues":{"source":"clinic"},"dataChange":false}}"#, true),
            (r#"{"remove":{"path":"x"}}"#, true),
            (r#"{"metaData":{"id":"x"}}"#, true),
            (r#"{"protocol":{"minReaderVersion":1}}"#, true),
        ];
        for (line, touched) in cases {
            let actions = actions(format!("{line}\n").as_bytes()).unwrap();
            assert_eq!(actions.iter().any(|action| touches(action, "clinic")), touched, "{line}");
        }
    }

    #[test]
    fn only_files_that_hold_the_same_rows_are_no_change() {
        let cases = [
            (r#"{"commitInfo":{"operation":"VACUUM END"}}"#, false),
            (r#"{"add":{"path":"x","dataChange":false}}"#, false),
            (r#"{"remove":{"path":"x","dataChange":false}}"#, false),
            (r#"{"add":{"path":"x","dataChange":true}}"#, true),
            (r#"{"remove":{"path":"x"}}"#, true),
            (r#"{"metaData":{"id":"x"}}"#, true),
        ];
        for (line, changed) in cases {
            assert_eq!(changes(&serde_json::from_str(line).unwrap()), changed, "{line}");
        }
    }
}
