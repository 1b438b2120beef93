//! A landing file, a lake in memory, and a queue that delivers what is asked for in any order, more than once.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime};

use arrow::util::display::{ArrayFormatter, FormatOptions};
use carelake_contracts::ContractSet;
use carelake_ingest::erased::Erased;
use carelake_ingest::large::{Time, Worked, go_on, open, wanted};
use carelake_ingest::{Context, Ingested, StepError, ingest};
use carelake_lake::{FolderCatalog, FolderLanding, IngestEntry, Lake, LakeError, LandingKey, Layer, Ledger};
use carelake_privacy::LakeKey;
use chrono::NaiveDate;
use object_store::ObjectStore;
use object_store::memory::InMemory;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;
use url::Url;

use crate::store::Mortal;

/// Read once: there are many processes.
static CONTRACTS: LazyLock<Arc<ContractSet>> = LazyLock::new(|| Arc::new(ContractSet::embedded().unwrap()));

pub struct World {
    folder: TempDir,
    key: LandingKey,
    pub store: Arc<InMemory>,
    every: u64,
    rng: u64,
}

/// All that a lake says of one file: rows of each layer in order, and the ledger's entries without times.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    pub layers: BTreeMap<String, Vec<String>>,
    pub entries: Vec<IngestEntry>,
}

pub fn always() -> Time {
    Arc::new(|| true)
}

/// Never has time for more than what it has begun.
pub fn hurried() -> Time {
    Arc::new(|| false)
}

impl World {
    pub fn new(key: &str, bytes: &[u8], every: u64, seed: u64) -> Self {
        let world = Self {
            folder: tempfile::tempdir().unwrap(),
            key: LandingKey::new(key),
            store: Arc::default(),
            every,
            rng: seed | 1,
        };
        world.land(bytes);
        world
    }

    fn land(&self, bytes: &[u8]) {
        let path = self.landing().join(self.key.expose());
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    }

    fn landing(&self) -> PathBuf {
        self.folder.path().join("landing")
    }

    /// A number below `below`.
    pub fn chance(&mut self, below: u64) -> u64 {
        self.rng ^= self.rng << 13;
        self.rng ^= self.rng >> 7;
        self.rng ^= self.rng << 17;
        self.rng % below.max(1)
    }

    pub fn context(&self, store: Arc<dyn ObjectStore>) -> Context {
        let key = LakeKey::from_bytes(&[7; 32]).unwrap();
        let lake = Lake::over(store, Url::parse("memory:///lake/").unwrap(), key, self.folder.path()).unwrap();
        let landing = Arc::new(FolderLanding::new(&self.landing()));
        Context {
            ledger: Ledger::new(&lake),
            catalog: Arc::new(FolderCatalog::new(&lake)),
            lake,
            landing,
            contracts: CONTRACTS.clone(),
            sources: Arc::default(),
            as_of: NaiveDate::from_ymd_opt(2025, 6, 30).unwrap(),
            run_id: "test".to_owned(),
            erased: Erased::default(),
        }
    }

    pub fn calm(&self) -> Context {
        self.context(self.store.clone())
    }

    /// The file taken in one pass.
    pub async fn whole(&self) {
        match ingest(&self.calm(), &self.key).await.unwrap() {
            Ingested::Taken(_) | Ingested::Known(_) => {}
            Ingested::Ignored(reason) => panic!("{reason}"),
        }
    }

    /// The file comes.
    pub async fn arrive(&self, context: &Context, time: &Time) -> Result<Worked, StepError> {
        let file = context.landing.open(&self.key)?;
        open(context, &self.key, &file, None, self.every, time).await
    }

    /// A piece of work that was asked for.
    pub async fn deliver(&self, context: &Context, path: &str, time: &Time) -> Result<Worked, StepError> {
        let (id, part) = wanted(path).unwrap_or_else(|| panic!("{path} asks for nothing"));
        let file = context.landing.open(&self.key)?;
        go_on(context, id, part, &file, self.every, time).await
    }

    /// What was asked for and may not be done yet.
    pub async fn queue(&self) -> Vec<String> {
        let paths = self.calm().lake.list("_carelake/parts").await.unwrap();
        paths.into_iter().filter(|path| wanted(path).is_some()).collect()
    }

    /// Delivers what is asked for, in any order and again and again, while processes die now and then, until the file is
    /// in the lake and nothing is asked for. How often a process died.
    pub async fn parted(&mut self, deaths: u64, time: &Time) -> u64 {
        let mut died = 0;
        let (mut done, mut steps) = (false, 0);
        while !done || !self.queue().await.is_empty() {
            steps += 1;
            assert!(steps < 5_000, "it never ends: {:?}", self.queue().await);
            let queue = self.queue().await;
            let (left, after) = (self.chance(12), self.chance(2) == 0);
            let mortal = died < deaths && self.chance(2) == 0;
            let left = if mortal { i64::try_from(left).unwrap() } else { i64::MAX };
            let context = self.context(Arc::new(Mortal::new(&self.store, left, after)));
            let worked = if queue.is_empty() || self.chance(10) == 0 {
                self.arrive(&context, time).await
            } else {
                let chosen = usize::try_from(self.chance(queue.len() as u64)).unwrap();
                self.deliver(&context, &queue[chosen], time).await
            };
            match worked {
                Ok(Worked::Taken(_) | Worked::Known(_)) => done = true,
                Ok(Worked::Ignored(reason)) => panic!("{reason}"),
                Ok(_) => {}
                Err(error) if mortal => {
                    assert!(error.retryable(), "{error}");
                    died += 1;
                }
                Err(error) => panic!("{error}"),
            }
        }
        died
    }

    pub async fn content(&self) -> Content {
        let context = self.calm();
        let mut entries = context.ledger.ingested().await.unwrap();
        entries.iter_mut().for_each(|entry| entry.seconds = 0.0);
        let mut layers = BTreeMap::new();
        for layer in [Layer::Bronze, Layer::Identity, Layer::Quarantine] {
            let mut rows = Vec::new();
            for entry in &entries {
                rows.extend(rows_of(&context, &entry.object(layer)).await.unwrap());
            }
            if layer == Layer::Quarantine {
                // The lines of a batch stand in the order of their kinds.
                rows.sort();
            }
            layers.insert(layer.database().to_owned(), rows);
        }
        Content { layers, entries }
    }

    /// Everything in the lake but what this file is.
    pub async fn left(&self) -> Vec<String> {
        let lake = self.calm().lake;
        let mut left = lake.list("_carelake/parts").await.unwrap();
        left.extend(lake.list("identity/_parts").await.unwrap());
        left
    }
}

async fn rows_of(context: &Context, path: &str) -> Result<Vec<String>, LakeError> {
    let Some(file) = context.lake.read_file(path).await? else { return Ok(Vec::new()) };
    let mut rows = Vec::new();
    for batch in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap() {
        let batch = batch.unwrap();
        let options = FormatOptions::default().with_null("NULL");
        let columns: Vec<ArrayFormatter<'_>> =
            batch.columns().iter().map(|column| ArrayFormatter::try_new(column, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            rows.push(columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|"));
        }
    }
    Ok(rows)
}
