//! Putting a lake that was built beside another in its place, so that a crash at any point can be finished.
//!
//! The new lake is built under `_carelake/rotation/new`. Writing the journal is the moment at which it becomes the lake:
//! whoever opens the lake from then on finishes the swap first. The receipt is written, then the journal removed, last.

use std::fs;
use std::io::ErrorKind as Io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, LakeError};
use crate::lock::LakeLock;

const FOLDER: &str = "_carelake/rotation";
const JOURNAL: &str = "_carelake/rotation/journal.json";
const RECEIPTS: &str = "_carelake/rotations";
const RUNS: &str = "_carelake/runs";
/// What is swapped, each by a rename of its own.
const PARTS: &[&str] = &[
    "identity",
    "bronze",
    "quarantine",
    "silver",
    "gold",
    "_carelake/ledger",
    "_carelake/checks",
    "_carelake/catalog",
    "_carelake/published.json",
];
/// How long an opener waits for another process that swaps.
const PATIENCE: u32 = 100;
const PAUSE: Duration = Duration::from_millis(100);

/// What a rotation did. It names no person and no pseudonym.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationReceipt {
    /// Names the rotation.
    pub rotation: String,
    /// When it was asked for.
    pub started: chrono::DateTime<chrono::Utc>,
    /// When the new lake was whole.
    pub finished: chrono::DateTime<chrono::Utc>,
    /// Landing files carried over to the new key.
    pub files: u64,
    /// Of these, files that are not in landing any more: delivered again, they count as new files.
    pub carried: u64,
    /// Persons with a new pseudonym.
    pub persons: u64,
    /// Rows of each table of silver, and of identity.patients: the same as before.
    pub rows: std::collections::BTreeMap<String, u64>,
}

/// The folder in which the new lake is built.
pub fn shadow(lake: &Path) -> PathBuf {
    lake.join(FOLDER).join("new")
}

/// Removes what an earlier attempt left. The caller holds the lake's exclusive lock.
///
/// # Errors
/// When the folder cannot be changed.
pub fn discard(lake: &Path) -> Result<(), LakeError> {
    removed(&lake.join(FOLDER)).map_err(|error| LakeError::io("removing what a rotation left", &error))
}

/// Gives the shadow the key of erasures, which outlives the lake's key.
///
/// # Errors
/// When it cannot be copied.
pub fn keep_erasures(lake: &Path) -> Result<(), LakeError> {
    let copied = fs::copy(lake.join(crate::erasure::KEY), shadow(lake).join(crate::erasure::KEY));
    match copied {
        Err(error) if error.kind() != Io::NotFound => Err(LakeError::io("keeping the key of erasures", &error)),
        _ => Ok(()),
    }
}

/// Makes the shadow the lake. The caller holds the lake's exclusive lock.
///
/// # Errors
/// When the folder cannot be changed; opening the lake finishes what was begun.
pub fn swap(lake: &Path, receipt: &RotationReceipt) -> Result<(), LakeError> {
    let io = |error: std::io::Error| LakeError::io("swapping the rotated lake", &error);
    let new = shadow(lake);
    // A part that the new lake does not have is an empty one, so that each part is swapped the same way.
    for part in PARTS.iter().filter(|part| !part.ends_with(".json")) {
        fs::create_dir_all(new.join(part)).map_err(io)?;
    }
    let text = serde_json::to_vec_pretty(receipt)
        .map_err(|error| LakeError::new(ErrorKind::Invalid, "encoding a receipt").caused_by(error))?;
    let journal = lake.join(JOURNAL);
    let aside = journal.with_extension("partial");
    fs::write(&aside, text).and_then(|()| fs::File::open(&aside)?.sync_all()).map_err(io)?;
    fs::rename(&aside, &journal).map_err(io)?;
    complete(lake).map_err(io)
}

/// Finishes a swap that was cut short, if there is one.
///
/// # Errors
/// When another process is at it for long, or the folder cannot be changed.
pub(crate) fn settle(lake: &Path) -> Result<(), LakeError> {
    let context = "finishing a rotation of the key";
    for _ in 0..PATIENCE {
        if !lake.join(JOURNAL).exists() {
            return Ok(());
        }
        if let Some(_lock) = LakeLock::try_exclusive(lake)? {
            if !lake.join(JOURNAL).exists() {
                return Ok(());
            }
            return complete(lake).map_err(|error| LakeError::io(context, &error));
        }
        std::thread::sleep(PAUSE);
    }
    Err(LakeError::new(ErrorKind::Transient, context))
}

/// Every step may have been done before.
fn complete(lake: &Path) -> std::io::Result<()> {
    let (new, old) = (shadow(lake), lake.join(FOLDER).join("old"));
    for part in PARTS {
        let (fresh, place, past) = (new.join(part), lake.join(part), old.join(part));
        if !fresh.exists() {
            continue;
        }
        for folder in [&place, &past] {
            fs::create_dir_all(folder.parent().unwrap_or(lake))?;
        }
        if place.exists() && !past.exists() {
            fs::rename(&place, &past)?;
        }
        fs::rename(&fresh, &place)?;
    }
    fs::create_dir_all(lake.join(RUNS))?;
    for report in listed(&new.join(RUNS))? {
        fs::rename(&report, lake.join(RUNS).join(report.file_name().unwrap_or_default()))?;
    }
    removed(&old)?;
    removed(&new)?;
    let journal = lake.join(JOURNAL);
    let receipt: Option<RotationReceipt> = serde_json::from_slice(&fs::read(&journal)?).ok();
    if let Some(receipt) = receipt {
        fs::create_dir_all(lake.join(RECEIPTS))?;
        fs::copy(&journal, lake.join(RECEIPTS).join(format!("{}.receipt.json", receipt.rotation)))?;
    }
    fs::remove_file(&journal)?;
    removed(&lake.join(FOLDER))
}

fn listed(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect(),
        Err(error) if error.kind() == Io::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn removed(folder: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != Io::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn receipt() -> RotationReceipt {
        let moment = chrono::DateTime::from_timestamp(0, 0).unwrap();
        let rows = std::collections::BTreeMap::new();
        let rotation = "r".to_owned();
        RotationReceipt { rotation, started: moment, finished: moment, files: 0, carried: 0, persons: 0, rows }
    }

    fn lakes(folder: &Path) {
        for (root, text) in [(folder.to_owned(), "old"), (shadow(folder), "new")] {
            for part in PARTS {
                let file = if part.ends_with(".json") { root.join(part) } else { root.join(part).join("x") };
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, text).unwrap();
            }
        }
    }

    fn contents(folder: &Path) -> Vec<String> {
        let file = |part: &&str| if part.ends_with(".json") { folder.join(part) } else { folder.join(part).join("x") };
        PARTS.iter().map(file).map(|file| fs::read_to_string(file).unwrap_or_default()).collect()
    }

    #[test]
    fn a_swap_cut_short_anywhere_is_finished_when_the_lake_is_opened() {
        // The last part begun is moved aside, and the new one not yet in its place.
        for stop in 0..=PARTS.len() {
            let folder = tempfile::tempdir().unwrap();
            let lake = folder.path();
            lakes(lake);
            fs::write(lake.join(JOURNAL), serde_json::to_vec(&receipt()).unwrap()).unwrap();
            for (index, part) in PARTS.iter().enumerate().take(stop) {
                let past = lake.join(FOLDER).join("old").join(part);
                fs::create_dir_all(past.parent().unwrap()).unwrap();
                fs::rename(lake.join(part), &past).unwrap();
                if index + 1 < stop {
                    fs::rename(shadow(lake).join(part), lake.join(part)).unwrap();
                }
            }
            settle(lake).unwrap();
            assert_eq!(contents(lake), vec!["new"; PARTS.len()], "stopped at {stop}");
            assert!(!lake.join(FOLDER).exists() && lake.join(RECEIPTS).join("r.receipt.json").exists());
            settle(lake).unwrap();
        }
    }

    #[test]
    fn a_shadow_without_a_journal_is_not_the_lake() {
        let folder = tempfile::tempdir().unwrap();
        lakes(folder.path());
        settle(folder.path()).unwrap();
        assert_eq!(contents(folder.path()), vec!["old"; PARTS.len()]);
        discard(folder.path()).unwrap();
        assert!(!folder.path().join(FOLDER).exists());
    }

    #[test]
    fn a_whole_swap_puts_the_new_lake_in_place() {
        let folder = tempfile::tempdir().unwrap();
        lakes(folder.path());
        fs::create_dir_all(shadow(folder.path()).join(RUNS)).unwrap();
        fs::write(shadow(folder.path()).join(RUNS).join("run.json"), "{}").unwrap();
        swap(folder.path(), &receipt()).unwrap();
        assert_eq!(contents(folder.path()), vec!["new"; PARTS.len()]);
        assert!(folder.path().join(RUNS).join("run.json").exists());
    }
}
