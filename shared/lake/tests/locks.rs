//! One suite for the locks of a folder and the leases of a bucket, and what leases have beside.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};
use std::time::Duration;

use carelake_lake::{ErrorKind, FolderLocks, Lake, LeaseLocks, Locks};
use carelake_privacy::LakeKey;
use chrono::{DateTime, Utc};
use object_store::ObjectStore;
use object_store::memory::InMemory;
use url::Url;

const NOT_LONG: Duration = Duration::ZERO;
const LONG: Duration = Duration::from_secs(20);

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

fn lake(store: &Arc<InMemory>) -> Lake {
    let root: Arc<dyn ObjectStore> = store.clone();
    let key = LakeKey::from_bytes(&[7; 32]).unwrap();
    Lake::over(root, Url::parse("memory:///lake/").unwrap(), key, &std::env::temp_dir()).unwrap()
}

/// A bucket whose clock a test sets.
#[derive(Default)]
struct Bucket {
    store: Arc<InMemory>,
    time: Arc<AtomicI64>,
}

impl Bucket {
    /// The leases of a process that ends at `until`.
    fn leases(&self, until: i64) -> LeaseLocks {
        let time = self.time.clone();
        LeaseLocks::new(&lake(&self.store), at(until), Arc::new(move || at(time.load(Ordering::SeqCst))))
    }
}

/// Runs a law on both kinds of locks.
async fn on_both<F: Future<Output = ()>>(law: impl Fn(Arc<dyn Locks>) -> F) {
    let folder = tempfile::tempdir().unwrap();
    law(Arc::new(FolderLocks::new(folder.path()))).await;
    law(Arc::new(Bucket::default().leases(900))).await;
}

#[tokio::test]
async fn runs_go_side_by_side_and_nobody_is_alone_meanwhile() {
    on_both(|locks| async move {
        let one = locks.shared(NOT_LONG).await.unwrap().unwrap();
        let two = locks.shared(NOT_LONG).await.unwrap().unwrap();
        assert!(locks.exclusive(NOT_LONG).await.unwrap().is_none());
        one.release().await.unwrap();
        assert!(locks.exclusive(NOT_LONG).await.unwrap().is_none());
        two.release().await.unwrap();
        assert!(locks.exclusive(NOT_LONG).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn who_is_alone_keeps_all_others_out_until_the_end() {
    on_both(|locks| async move {
        let alone = locks.exclusive(NOT_LONG).await.unwrap().unwrap();
        alone.check().await.unwrap();
        assert!(locks.shared(NOT_LONG).await.unwrap().is_none());
        assert!(locks.exclusive(NOT_LONG).await.unwrap().is_none());
        alone.release().await.unwrap();
        let shared = locks.shared(NOT_LONG).await.unwrap().unwrap();
        shared.check().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn who_has_to_wait_goes_on_when_the_others_are_done() {
    on_both(|locks| async move {
        let first = locks.shared(NOT_LONG).await.unwrap().unwrap();
        let waits = tokio::spawn({
            let locks = locks.clone();
            async move { locks.exclusive(LONG).await.unwrap().is_some() }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        first.release().await.unwrap();
        assert!(waits.await.unwrap());
    })
    .await;
}

/// Several who must be alone and several who need not be, all at once: no two who may not be together ever are.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_a_crowd_nobody_is_beside_who_must_be_alone() {
    on_both(|locks| async move {
        let (inside, alone) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let mut crowd = Vec::new();
        for number in 0..12 {
            let (locks, inside, alone) = (locks.clone(), inside.clone(), alone.clone());
            crowd.push(tokio::spawn(async move {
                if number % 3 == 0 {
                    let held = locks.exclusive(LONG).await.unwrap().unwrap();
                    assert!(!alone.swap(true, Ordering::SeqCst), "two are alone");
                    tokio::time::sleep(Duration::from_millis(5)).await;
                    assert_eq!(inside.load(Ordering::SeqCst), 0);
                    alone.store(false, Ordering::SeqCst);
                    held.release().await.unwrap();
                } else {
                    let held = locks.shared(LONG).await.unwrap().unwrap();
                    inside.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(3)).await;
                    assert!(!alone.load(Ordering::SeqCst), "beside who is alone");
                    inside.fetch_sub(1, Ordering::SeqCst);
                    held.release().await.unwrap();
                }
            }));
        }
        for one in crowd {
            one.await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_lease_of_a_dead_process_runs_out_and_not_before() {
    let bucket = Bucket::default();
    let _dead = bucket.leases(100).exclusive(NOT_LONG).await.unwrap().unwrap();
    bucket.time.store(101, Ordering::SeqCst);
    assert!(bucket.leases(900).shared(NOT_LONG).await.unwrap().is_none(), "clocks may differ");
    bucket.time.store(131, Ordering::SeqCst);
    let _left = bucket.leases(200).shared(NOT_LONG).await.unwrap().unwrap();
    assert!(bucket.leases(900).exclusive(NOT_LONG).await.unwrap().is_none());
    bucket.time.store(231, Ordering::SeqCst);
    assert!(bucket.leases(900).exclusive(NOT_LONG).await.unwrap().is_some());
    assert!(lake(&bucket.store).list("_carelake/locks/shared").await.unwrap().is_empty(), "what ran out is removed");
}

#[tokio::test]
async fn who_lost_the_lease_is_told_and_takes_nothing_from_the_next() {
    let bucket = Bucket::default();
    let slow = bucket.leases(100).exclusive(NOT_LONG).await.unwrap().unwrap();
    bucket.time.store(131, Ordering::SeqCst);
    let next = bucket.leases(900).exclusive(NOT_LONG).await.unwrap().unwrap();
    assert_eq!((slow.token(), next.token()), (1, 2));
    assert_eq!(slow.check().await.unwrap_err().kind, ErrorKind::Transient);
    // With a clock that stands still it sees the other's number.
    bucket.time.store(50, Ordering::SeqCst);
    assert_eq!(slow.check().await.unwrap_err().kind, ErrorKind::Transient);
    slow.release().await.unwrap();
    next.check().await.unwrap();
    next.release().await.unwrap();
    let third = bucket.leases(900).exclusive(NOT_LONG).await.unwrap().unwrap();
    assert_eq!(third.token(), 3, "numbers never come again");
}

#[tokio::test]
async fn a_lease_tells_nothing_of_a_person() {
    let bucket = Bucket::default();
    let _held = bucket.leases(900).exclusive(NOT_LONG).await.unwrap().unwrap();
    let bytes = lake(&bucket.store).get_bytes("_carelake/locks/alone.json").await.unwrap().unwrap();
    let fields: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(fields.keys().collect::<Vec<_>>(), ["holder", "token", "until", "released"]);
}
