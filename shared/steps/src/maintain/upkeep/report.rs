//! What upkeep did, in counts and bytes.

use std::collections::BTreeMap;

use carelake_lake::Stored;
use serde::{Deserialize, Serialize};

/// Things removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// How many.
    pub count: u64,
    /// Their length in bytes.
    pub bytes: u64,
}

impl Removed {
    /// Counts some more.
    pub fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
    }

    /// Counts stored objects.
    pub fn of(stored: &[Stored]) -> Self {
        Self { count: stored.len() as u64, bytes: stored.iter().map(|one| one.bytes).sum() }
    }
}

/// What was done to a table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableUpkeep {
    /// Data files that were rewritten.
    pub rewritten: Removed,
    /// Data files that took their place.
    pub written: Removed,
    /// Versions that can no longer be read.
    pub expired_versions: u64,
    /// Data files that no version has any more.
    pub expired: Removed,
    /// True when the table's state was written down whole.
    pub checkpoint: bool,
}

/// What upkeep did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UpkeepReport {
    /// Names the upkeep in the history of the tables.
    pub run_id: String,
    /// True when nothing was done.
    pub dry_run: bool,
    /// Tables to which something was done.
    pub tables: BTreeMap<String, TableUpkeep>,
    /// Objects of bronze, identity and quarantine that no entry of the ledger names.
    pub objects: Removed,
    /// Entries of the ledger for files that it does not know.
    pub entries: Removed,
    /// Half-written files.
    pub leftovers: Removed,
    /// Reports of runs.
    pub reports: Removed,
    /// Landing files whose rows are in the lake for long enough.
    #[serde(default)]
    pub landing: Removed,
    /// Large files that were begun and never finished.
    #[serde(default)]
    pub large_files: u64,
    /// Tables that were left as they are, as others kept changing them; the next upkeep takes them up.
    pub left: Vec<String>,
}

impl UpkeepReport {
    /// What was done to a table.
    pub fn table(&mut self, name: &str) -> &mut TableUpkeep {
        self.tables.entry(name.to_owned()).or_default()
    }

    /// Leaves out the tables to which nothing was done.
    pub fn close(&mut self) {
        self.tables.retain(|_, done| *done != TableUpkeep::default());
    }
}
