//! The locks of a lake on a bucket: leases, which run out.
//!
//! Who must be alone writes `alone.json`, by a conditional PUT that one of several wins, and then waits for those who work
//! side by side, each of whom has an object under `shared/`. Those write their object first and look for `alone.json` then.
//! A bucket shows what was written to whoever reads after that, so that at least one of the two sees the other.
//!
//! A lease runs out when its holder is surely dead: at the end of an invocation, which Lambda then kills. It is never made
//! longer. Each holding of `alone.json` has a number of its own, one more than the last; a holder that finds another number
//! there has lost it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use object_store::path::Path as ObjectPath;
use object_store::{Error, ObjectStoreExt, PutMode, PutOptions, UpdateVersion};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::error::{ErrorKind, LakeError};
use crate::locks::{Held, Locks, look_again};
use crate::store::Lake;

/// Who is alone.
const ALONE: &str = "_carelake/locks/alone.json";
/// Those who work side by side.
const SHARED: &str = "_carelake/locks/shared";
/// Others count a lease for so much longer than its holder does: clocks differ.
const GRACE: TimeDelta = TimeDelta::seconds(30);

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// The locks of a lake on a bucket, for one process with a known end.
#[derive(Clone)]
pub struct LeaseLocks {
    lake: Lake,
    until: DateTime<Utc>,
    now: Clock,
}

impl fmt::Debug for LeaseLocks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeaseLocks").field("until", &self.until).finish_non_exhaustive()
    }
}

/// A lease as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Lease {
    holder: String,
    token: u64,
    until: DateTime<Utc>,
    released: bool,
}

impl Lease {
    fn live(&self, now: DateTime<Utc>) -> bool {
        !self.released && self.until + GRACE > now
    }
}

impl LeaseLocks {
    /// Leases for a process that is dead at `until`.
    pub fn new(lake: &Lake, until: DateTime<Utc>, now: Clock) -> Self {
        Self { lake: lake.clone(), until, now }
    }

    /// The lease of who is alone, with the tag of its writing.
    async fn alone(&self) -> Result<Option<(Lease, UpdateVersion)>, LakeError> {
        let read = async {
            let found = self.lake.store().get(&ObjectPath::from(ALONE)).await?;
            let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
            Ok((found.bytes().await?, version))
        };
        match read.await {
            Ok((bytes, version)) => Ok(Some((parsed(&bytes)?, version))),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(LakeError::store("reading the lock of the lake", &error)),
        }
    }

    /// Writes the lease of who is alone if it still is as it was read; false when it is not.
    async fn put_alone(&self, lease: &Lease, over: Option<UpdateVersion>) -> Result<bool, LakeError> {
        let mode = over.map_or(PutMode::Create, PutMode::Update);
        let put =
            self.lake.store().put_opts(&ObjectPath::from(ALONE), text(lease)?.into(), PutOptions::from(mode)).await;
        match put {
            Ok(_) => Ok(true),
            // The answer to a PUT that was taken may be lost, and the PUT sent again.
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotFound { .. }) => {
                Ok(self.alone().await?.is_some_and(|(present, _)| present == *lease))
            }
            Err(error) => Err(LakeError::store("writing the lock of the lake", &error)),
        }
    }

    fn lease(&self, token: u64) -> Result<Lease, LakeError> {
        let mut random = [0_u8; 16];
        getrandom::fill(&mut random)
            .map_err(|error| LakeError::new(ErrorKind::Transient, "naming a lock").caused_by(error))?;
        Ok(Lease { holder: hex::encode(random), token, until: self.until, released: false })
    }

    /// True when somebody works side by side with others. Leases that have run out are removed.
    async fn anybody(&self) -> Result<bool, LakeError> {
        let mut anybody = false;
        for path in self.lake.list(SHARED).await? {
            match self.lake.get_json::<Lease>(&path).await? {
                Some(lease) if lease.live((self.now)()) => anybody = true,
                Some(_) => self.lake.delete(&path).await?,
                None => {}
            }
        }
        Ok(anybody)
    }

    async fn taken(&self) -> Result<bool, LakeError> {
        Ok(self.alone().await?.is_some_and(|(lease, _)| lease.live((self.now)())))
    }
}

#[async_trait]
impl Locks for LeaseLocks {
    async fn shared(&self, patience: Duration) -> Result<Option<Box<dyn Held>>, LakeError> {
        let end = Instant::now() + patience;
        let lease = self.lease(0)?;
        let path = format!("{SHARED}/{}.json", lease.holder);
        loop {
            self.lake.put_json(&path, &lease).await?;
            let taken = self.taken().await;
            if let Ok(false) = taken {
                return Ok(Some(Box::new(Shared { locks: self.clone(), path })));
            }
            self.lake.delete(&path).await?;
            taken?;
            loop {
                if !look_again(end).await {
                    return Ok(None);
                }
                if !self.taken().await? {
                    break;
                }
            }
        }
    }

    async fn exclusive(&self, patience: Duration) -> Result<Option<Box<dyn Held>>, LakeError> {
        let end = Instant::now() + patience;
        let lease = loop {
            let present = self.alone().await?;
            if present.as_ref().is_none_or(|(lease, _)| !lease.live((self.now)())) {
                let token = present.as_ref().map_or(0, |(lease, _)| lease.token) + 1;
                let lease = self.lease(token)?;
                if self.put_alone(&lease, present.map(|(_, version)| version)).await? {
                    break lease;
                }
            }
            if !look_again(end).await {
                return Ok(None);
            }
        };
        let alone = Box::new(Alone { locks: self.clone(), lease });
        while self.anybody().await? {
            if !look_again(end).await {
                alone.release().await?;
                return Ok(None);
            }
        }
        Ok(Some(alone))
    }
}

/// A place among others.
struct Shared {
    locks: LeaseLocks,
    path: String,
}

#[async_trait]
impl Held for Shared {
    fn token(&self) -> u64 {
        0
    }

    async fn check(&self) -> Result<(), LakeError> {
        in_time(&self.locks)
    }

    async fn release(self: Box<Self>) -> Result<(), LakeError> {
        self.locks.lake.delete(&self.path).await
    }
}

/// The lake for oneself.
struct Alone {
    locks: LeaseLocks,
    lease: Lease,
}

#[async_trait]
impl Held for Alone {
    fn token(&self) -> u64 {
        self.lease.token
    }

    async fn check(&self) -> Result<(), LakeError> {
        in_time(&self.locks)?;
        if self.locks.alone().await?.is_some_and(|(present, _)| present == self.lease) { Ok(()) } else { Err(lost()) }
    }

    async fn release(self: Box<Self>) -> Result<(), LakeError> {
        let Some((_, version)) = self.locks.alone().await?.filter(|(present, _)| *present == self.lease) else {
            return Ok(());
        };
        let released = Lease { released: true, ..self.lease.clone() };
        self.locks.put_alone(&released, Some(version)).await.map(drop)
    }
}

fn in_time(locks: &LeaseLocks) -> Result<(), LakeError> {
    if (locks.now)() < locks.until { Ok(()) } else { Err(lost()) }
}

fn lost() -> LakeError {
    LakeError::new(ErrorKind::Transient, "working on the lake").caused_by("its lock has run out")
}

fn parsed(bytes: &[u8]) -> Result<Lease, LakeError> {
    let corrupt = |error| LakeError::new(ErrorKind::Corrupt, format!("reading {ALONE}")).caused_by(error);
    serde_json::from_slice(bytes).map_err(corrupt)
}

fn text(lease: &Lease) -> Result<Vec<u8>, LakeError> {
    let invalid = |error| LakeError::new(ErrorKind::Invalid, format!("encoding {ALONE}")).caused_by(error);
    serde_json::to_vec(lease).map_err(invalid)
}
