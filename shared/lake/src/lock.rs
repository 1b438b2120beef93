//! Who may change a lake on a folder at the same time: any number of runs, or one who must be alone: an erasure, a
//! rotation of the key, upkeep while it removes.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use crate::error::LakeError;

/// Where the lock stands in a lake.
const LOCK: &str = "_carelake/lock";

/// A held lock. It ends with this value, and with the process, however that ends.
#[derive(Debug)]
pub struct LakeLock {
    _file: File,
}

impl LakeLock {
    /// Waits until nobody who must be alone is at work on the lake in `folder`. `waiting` is called when somebody is.
    ///
    /// # Errors
    /// When the lock file cannot be used.
    pub fn shared(folder: &Path, waiting: impl FnOnce()) -> Result<Self, LakeError> {
        let file = open(folder)?;
        match file.try_lock_shared() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => {
                waiting();
                file.lock_shared()
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
        .map_err(|error| LakeError::io("locking the lake", &error))?;
        Ok(Self { _file: file })
    }

    /// A place among those who work side by side, if nobody is alone at work.
    ///
    /// # Errors
    /// When the lock file cannot be used.
    pub fn try_shared(folder: &Path) -> Result<Option<Self>, LakeError> {
        let file = open(folder)?;
        match file.try_lock_shared() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(LakeError::io("locking the lake", &error)),
        }
    }

    /// The lock of who must be alone, if nobody else is at work.
    ///
    /// # Errors
    /// When the lock file cannot be used.
    pub fn try_exclusive(folder: &Path) -> Result<Option<Self>, LakeError> {
        let file = open(folder)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(LakeError::io("locking the lake", &error)),
        }
    }

    /// Waits until nobody else is at work on the lake in `folder`. `waiting` is called when somebody is.
    ///
    /// # Errors
    /// When the lock file cannot be used.
    pub fn exclusive(folder: &Path, waiting: impl FnOnce()) -> Result<Self, LakeError> {
        let file = open(folder)?;
        match file.try_lock() {
            Ok(()) => Ok(()),
            Err(TryLockError::WouldBlock) => {
                waiting();
                file.lock()
            }
            Err(TryLockError::Error(error)) => Err(error),
        }
        .map_err(|error| LakeError::io("locking the lake", &error))?;
        Ok(Self { _file: file })
    }
}

fn open(folder: &Path) -> Result<File, LakeError> {
    let path = folder.join(LOCK);
    let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    made.and_then(|()| OpenOptions::new().create(true).append(true).open(&path))
        .map_err(|error| LakeError::io(place(folder), &error))
}

/// A file given by mistake may be one of landing, whose name may hold an identifier: only a folder is named.
fn place(folder: &Path) -> String {
    if folder.is_dir() { format!("opening the lake {}", folder.display()) } else { "opening the lake".to_owned() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn runs_go_side_by_side_and_an_erasure_waits_for_them() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) =
            (LakeLock::shared(folder.path(), || {}).unwrap(), LakeLock::shared(folder.path(), || {}).unwrap());
        let (told, hears) = mpsc::channel();
        let path = folder.path().to_owned();
        let erasure = std::thread::spawn(move || {
            let lock = LakeLock::exclusive(&path, || told.send("waits").unwrap()).unwrap();
            told.send("works").unwrap();
            lock
        });
        assert_eq!(hears.recv().unwrap(), "waits");
        drop(one);
        assert!(hears.recv_timeout(Duration::from_millis(100)).is_err());
        drop(two);
        assert_eq!(hears.recv().unwrap(), "works");
        drop(erasure.join().unwrap());
    }
}
