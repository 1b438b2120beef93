//! Who may change a lake at the same time, as the steps ask: any number who work side by side, or one who must be alone.

use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep};

use crate::error::LakeError;
use crate::lock::LakeLock;

/// Time between two looks at a lock that somebody else holds.
const LOOK: Duration = Duration::from_millis(500);

/// The locks of a lake.
#[async_trait]
pub trait Locks: Send + Sync {
    /// A place among those who work side by side; `None` when somebody was alone at work, or waited to be, for all of
    /// `patience`.
    ///
    /// # Errors
    /// When the lock cannot be read or written.
    async fn shared(&self, patience: Duration) -> Result<Option<Box<dyn Held>>, LakeError>;

    /// The lake for oneself; `None` when others were at work for all of `patience`. On a bucket nobody new begins while
    /// somebody waits to be alone.
    ///
    /// # Errors
    /// When the lock cannot be read or written.
    async fn exclusive(&self, patience: Duration) -> Result<Option<Box<dyn Held>>, LakeError>;
}

/// A lock that is held.
#[async_trait]
pub trait Held: Send + Sync {
    /// The number of this holding of the exclusive lock: later ones have higher numbers. 0 where it does not matter.
    fn token(&self) -> u64;

    /// Sees whether it is held still. Who does something that cannot be undone asks just before.
    ///
    /// # Errors
    /// When it has run out, or somebody else has it.
    async fn check(&self) -> Result<(), LakeError>;

    /// Gives it up.
    ///
    /// # Errors
    /// When that cannot be written; then it runs out by itself.
    async fn release(self: Box<Self>) -> Result<(), LakeError>;
}

/// The locks of a lake on a folder: locks of a file, which end with the process.
#[derive(Debug, Clone)]
pub struct FolderLocks {
    folder: PathBuf,
}

impl FolderLocks {
    /// The locks of the lake in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }
}

#[async_trait]
impl Locks for FolderLocks {
    async fn shared(&self, patience: Duration) -> Result<Option<Box<dyn Held>>, LakeError> {
        patiently(patience, || LakeLock::try_shared(&self.folder)).await
    }

    async fn exclusive(&self, patience: Duration) -> Result<Option<Box<dyn Held>>, LakeError> {
        patiently(patience, || LakeLock::try_exclusive(&self.folder)).await
    }
}

async fn patiently(
    patience: Duration,
    ask: impl Fn() -> Result<Option<LakeLock>, LakeError>,
) -> Result<Option<Box<dyn Held>>, LakeError> {
    let end = Instant::now() + patience;
    loop {
        if let Some(lock) = ask()? {
            return Ok(Some(Box::new(lock)));
        }
        if !look_again(end).await {
            return Ok(None);
        }
    }
}

/// Waits until it is time to look again; false when that is past the end.
pub(crate) async fn look_again(end: Instant) -> bool {
    if Instant::now() + LOOK > end {
        return false;
    }
    sleep(LOOK).await;
    true
}

#[async_trait]
impl Held for LakeLock {
    fn token(&self) -> u64 {
        0
    }

    async fn check(&self) -> Result<(), LakeError> {
        Ok(())
    }

    async fn release(self: Box<Self>) -> Result<(), LakeError> {
        Ok(())
    }
}
