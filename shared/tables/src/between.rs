//! Commits that came between reading a table and writing to it.

use deltalake::DeltaTable;
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

    async fn any_since(
        &self,
        qualified: &str,
        table: &DeltaTable,
        read: u64,
        what: &(dyn Fn(&Value) -> bool + Sync),
    ) -> Result<bool, LakeError> {
        let store = table.object_store();
        for version in read + 1..=table.version().unwrap_or(read) {
            let path = ObjectPath::from(format!("_delta_log/{version:020}.json"));
            let found = async { store.get(&path).await?.bytes().await };
            let bytes = match found.await {
                Ok(bytes) => bytes,
                Err(object_store::Error::NotFound { .. }) => return Ok(true),
                Err(error) => return Err(LakeError::store(format!("reading the log of {qualified}"), &error)),
            };
            if actions(&bytes)?.iter().any(what) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// The lines of a commit.
pub(crate) fn actions(commit: &[u8]) -> Result<Vec<Value>, LakeError> {
    let corrupt = |_| LakeError::new(ErrorKind::Corrupt, "reading a commit");
    let lines = commit.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).map_err(corrupt)).collect()
}

fn touches(action: &Value, source: &str) -> bool {
    let file = action.get("add").or_else(|| action.get("remove"));
    match (file, action.get("commitInfo")) {
        (Some(file), _) => {
            let of = file.get("partitionValues").and_then(|values| values.get("source")).and_then(Value::as_str);
            of.is_none_or(|of| of == source)
        }
        (None, Some(_)) => false,
        (None, None) => true,
    }
}

fn changes(action: &Value) -> bool {
    let file = action.get("add").or_else(|| action.get("remove"));
    match (file, action.get("commitInfo")) {
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
