//! One invocation, as the steps see it: its ids, its day, the time that is left, what it counted.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use carelake_contracts::Sources;
use carelake_ingest::{Context, StepError};
use carelake_lake::{ErrorKind, LakeError, Landing, Nowhere};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Map, Value};

use crate::event::{Notice, ObjectRef};
use crate::lake::{Place, Work};
use crate::lineage::Touched;
use crate::log::{Level, Log};
use crate::metrics::{Metric, Metrics};
use crate::turn::Turn;

/// How one notice went.
pub type Done = Result<(), StepError>;

/// The same outcome for every notice of a piece of work.
pub fn all(notices: &[Notice], done: Done) -> Vec<Done> {
    notices.iter().map(|_| done.clone()).collect()
}

/// What an error says that is none: there was no time left.
pub const HANDED_BACK: &str = "handed back before the deadline";
/// Kept for the answer when a piece of work is cut short.
const TO_ANSWER: Duration = Duration::from_millis(1_500);

/// One invocation.
pub struct Job {
    /// Where the function works.
    pub place: Place,
    /// Its log.
    pub log: Log,
    /// Identifies the run.
    pub run_id: String,
    /// The day that was asked for.
    pub as_of: Option<NaiveDate>,
    /// When the invocation began.
    pub now: DateTime<Utc>,
    pub(crate) deadline: Instant,
    pub(crate) turn: Turn,
    metrics: Mutex<Metrics>,
    report: Mutex<Map<String, Value>>,
    touched: Mutex<Touched>,
}

impl Job {
    /// An invocation that must end at `deadline`.
    pub fn new(
        place: Place,
        log: Log,
        run_id: String,
        as_of: Option<NaiveDate>,
        now: DateTime<Utc>,
        deadline: Instant,
    ) -> Self {
        let (turn, metrics, report, touched) = Default::default();
        Self { place, log, run_id, as_of, now, deadline, turn, metrics, report, touched }
    }

    /// The day as of which ages and the like are reckoned: the one asked for, else today, in UTC.
    pub fn day(&self) -> NaiveDate {
        self.as_of.unwrap_or_else(|| self.now.date_naive())
    }

    /// The lake, without a landing zone, and a place in it beside others until the end of the invocation.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub async fn open(&self, sources: Sources) -> Result<Context, StepError> {
        self.beside_others().await?;
        let work = Work { run_id: self.run_id.clone(), as_of: self.day(), sources, finishes: false };
        self.place.open(Arc::new(Nowhere), work).await
    }

    /// The lake and a landing zone, for who has it alone and finishes what was begun.
    ///
    /// # Errors
    /// When it cannot be opened, or is not this invocation's alone.
    pub async fn open_alone(&self, landing: Arc<dyn Landing>, sources: Sources) -> Result<Context, StepError> {
        self.still_alone().await?;
        let work = Work { run_id: self.run_id.clone(), as_of: self.day(), sources, finishes: true };
        self.place.open(landing, work).await
    }

    /// Does a piece of work if there is time to begin it, and gives it up when the deadline is near: every step can be
    /// cut short anywhere and run again.
    ///
    /// # Errors
    /// Those of the work; a transient one when time was too short.
    pub async fn in_time<T>(&self, work: impl Future<Output = Result<T, StepError>>) -> Result<T, StepError> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left < self.place.config.reserve {
            return Err(self.hand_back());
        }
        match tokio::time::timeout(left.saturating_sub(TO_ANSWER), work).await {
            Ok(done) => done,
            Err(_) => Err(self.hand_back()),
        }
    }

    /// Says whether there is time to go on with a long piece of work.
    pub fn time(&self) -> Arc<dyn Fn() -> bool + Send + Sync> {
        let (deadline, needed) = (self.deadline, self.place.config.reserve);
        Arc::new(move || deadline.saturating_duration_since(Instant::now()) > needed)
    }

    pub(crate) fn hand_back(&self) -> StepError {
        self.count(Metric::HandedBack, 1);
        LakeError::new(ErrorKind::Transient, HANDED_BACK).into()
    }

    /// True for the error that says that time was too short.
    pub fn is_handed_back(error: &StepError) -> bool {
        matches!(error, StepError::Lake(error) if error.context == HANDED_BACK)
    }

    /// Counts.
    pub fn count(&self, metric: Metric, by: u64) {
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner).add(metric, by);
    }

    /// Adds to the answer of a request.
    pub fn tell(&self, name: &str, value: Value) {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), value);
    }

    /// What was told.
    pub fn report(&self) -> Map<String, Value> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes a table that is read, for lineage.
    pub fn reads(&self, table: impl Into<String>) {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).inputs.insert(table.into());
    }

    /// Notes a table that is written, for lineage.
    pub fn writes(&self, table: impl Into<String>) {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).outputs.insert(table.into());
    }

    /// What was read and written.
    pub fn touched(&self) -> Touched {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was counted.
    pub fn metrics(&self) -> Metrics {
        self.metrics.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The sender that an object of the lake's bucket is of, if it stands under that prefix of the ledger.
    pub fn ledger_source<'a>(&self, object: &'a ObjectRef, prefix: &str) -> Option<&'a str> {
        let key = object.key.expose().strip_prefix(prefix).filter(|_| object.bucket == self.place.config.lake)?;
        key.split('/').next().filter(|source| !source.is_empty())
    }

    /// Notes an event that is none of the function's business.
    pub fn ignore(&self, why: &'static str) {
        self.count(Metric::EventsIgnored, 1);
        self.log.write(Level::Info, why, &[]);
    }
}
