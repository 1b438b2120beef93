//! Executions of queries: their states, how many run at once, how long they are kept.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::bucket::BUCKET;
use crate::error::Fault;
use crate::failure::Failure;
use crate::output::{Layout, Output};
use crate::prepared::seconds;
use crate::workgroup::{WorkGroup, engine_version};

/// Executions that may wait and run, at most.
const UNFINISHED: usize = 200;
/// Finished executions that are kept, at most.
const KEPT: usize = 1_000;
/// How long a finished execution is kept.
const AGE: TimeDelta = TimeDelta::hours(1);

/// Where an execution is on its way.
#[derive(Debug, Clone)]
pub enum State {
    /// It waits for others.
    Queued,
    /// It runs.
    Running,
    /// It has a result.
    Succeeded(Output),
    /// Its result was deleted.
    Removed,
    /// It has none, for that reason.
    Failed(Failure),
    /// A client stopped it.
    Cancelled,
}

impl State {
    /// Athena's word.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Succeeded(_) | Self::Removed => "SUCCEEDED",
            Self::Failed(_) => "FAILED",
            Self::Cancelled => "CANCELLED",
        }
    }

    fn is_final(&self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// An execution.
#[derive(Debug, Clone)]
pub struct Execution {
    /// Its id.
    pub id: String,
    /// The workgroup it runs for.
    pub group: WorkGroup,
    /// Its text.
    pub query: String,
    /// The database of names without one.
    pub database: String,
    /// Values of its `?`.
    pub values: Vec<String>,
    /// Athena's kind of statement and kind within it.
    pub kinds: (&'static str, &'static str),
    /// Where it is.
    pub state: State,
    submitted: DateTime<Utc>,
    started: Option<DateTime<Utc>>,
    ended: Option<DateTime<Utc>>,
    cancel: Arc<watch::Sender<bool>>,
}

impl Execution {
    /// A new one, which waits.
    pub fn new(
        id: String,
        group: WorkGroup,
        query: String,
        kinds: (&'static str, &'static str),
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            id,
            group,
            query,
            database: String::new(),
            values: Vec::new(),
            kinds,
            state: State::Queued,
            submitted: now,
            started: None,
            ended: None,
            cancel: Arc::new(watch::Sender::new(false)),
        }
    }

    /// How its result is written.
    pub fn layout(&self) -> Layout {
        if self.kinds.0 == "DML" { Layout::Csv } else { Layout::Tabbed }
    }

    /// Name of its result within the bucket.
    pub fn key(&self) -> String {
        let ending = if self.layout() == Layout::Csv { "csv" } else { "txt" };
        format!("{}/{}.{ending}", self.group.name(), self.id)
    }

    /// When it ended; when it was submitted, as long as it has not.
    pub fn ended(&self) -> DateTime<Utc> {
        self.ended.unwrap_or(self.submitted)
    }

    /// Tells when it is stopped.
    pub fn stopped(&self) -> watch::Receiver<bool> {
        self.cancel.subscribe()
    }

    /// As `QueryExecution`.
    pub fn described(&self) -> Value {
        let mut status = json!({"State": self.state.word(), "SubmissionDateTime": seconds(self.submitted)});
        let mut add =
            |name: &str, value: Value| status.as_object_mut().map(|status| status.insert(name.to_owned(), value));
        if let Some(ended) = self.ended {
            add("CompletionDateTime", json!(seconds(ended)));
        }
        match &self.state {
            State::Failed(failure) => {
                add("StateChangeReason", json!(failure.reason));
                add("AthenaError", failure.described());
            }
            State::Cancelled => {
                add("StateChangeReason", json!("Query cancelled by user"));
            }
            _ => {}
        }
        let scanned = if let State::Succeeded(output) = &self.state { output.scanned } else { 0 };
        let millis = |from: Option<DateTime<Utc>>, to: Option<DateTime<Utc>>| match (from, to) {
            (Some(from), Some(to)) => (to - from).num_milliseconds().max(0),
            _ => 0,
        };
        let mut described = json!({
            "QueryExecutionId": self.id,
            "Query": self.query,
            "StatementType": self.kinds.0,
            "SubstatementType": self.kinds.1,
            "ResultConfiguration": {"OutputLocation": format!("s3://{BUCKET}/{}", self.key())},
            "ResultReuseConfiguration": {"ResultReuseByAgeConfiguration": {"Enabled": false}},
            "QueryExecutionContext": {"Database": self.database, "Catalog": "awsdatacatalog"},
            "Status": status,
            "Statistics": {
                "EngineExecutionTimeInMillis": millis(self.started, self.ended),
                "DataScannedInBytes": scanned,
                "TotalExecutionTimeInMillis": millis(Some(self.submitted), self.ended),
                "QueryQueueTimeInMillis": millis(Some(self.submitted), self.started),
                "ServiceProcessingTimeInMillis": 0,
                "ResultReuseInformation": {"ReusedPreviousResult": false},
            },
            "WorkGroup": self.group.name(),
            "EngineVersion": engine_version(),
        });
        if !self.values.is_empty()
            && let Some(described) = described.as_object_mut()
        {
            described.insert("ExecutionParameters".to_owned(), json!(self.values));
        }
        described
    }
}

/// All executions that are known.
#[derive(Debug, Default)]
pub struct Executions(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    by_id: HashMap<String, Execution>,
    /// Ids, oldest first.
    order: VecDeque<String>,
    /// Ids by the token of the request that began them.
    tokens: HashMap<String, String>,
}

impl Executions {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a new execution; for a request that was sent before, the id of the first one.
    ///
    /// # Errors
    /// When too many wait, or the token is of another request.
    pub fn begin(
        &self,
        execution: Execution,
        token: Option<&str>,
        room: u64,
        now: DateTime<Utc>,
    ) -> Result<Option<String>, Fault> {
        let mut known = self.lock();
        if let Some(earlier) = token.and_then(|token| known.tokens.get(token)).and_then(|id| known.by_id.get(id)) {
            let same = (&earlier.query, &earlier.values, earlier.group)
                == (&execution.query, &execution.values, execution.group);
            let words = "Idempotent parameters do not match";
            return if same { Ok(Some(earlier.id.clone())) } else { Err(Fault::invalid(words)) };
        }
        known.forget_old(room, now);
        if known.by_id.values().filter(|one| !one.state.is_final()).count() >= UNFINISHED {
            return Err(Fault::TooManyRequests(format!("{UNFINISHED} queries wait or run; try again")));
        }
        if let Some(token) = token {
            known.tokens.insert(token.to_owned(), execution.id.clone());
        }
        known.order.push_back(execution.id.clone());
        known.by_id.insert(execution.id.clone(), execution);
        Ok(None)
    }

    /// An execution.
    ///
    /// # Errors
    /// When there is none of that id.
    pub fn get(&self, id: &str) -> Result<Execution, Fault> {
        let missing = || Fault::invalid(format!("QueryExecution {} was not found", shown(id)));
        self.lock().by_id.get(id).cloned().ok_or_else(missing)
    }

    /// The execution whose result is that object.
    pub fn by_key(&self, key: &str) -> Option<Execution> {
        let id = key.rsplit('/').next()?.split('.').next()?;
        self.lock().by_id.get(id).filter(|execution| execution.key() == key).cloned()
    }

    /// Puts an execution that is not ended into a state.
    pub fn put(&self, id: &str, state: State, now: DateTime<Utc>) {
        if let Some(execution) = self.lock().by_id.get_mut(id)
            && !execution.state.is_final()
        {
            match &state {
                State::Running => execution.started = Some(now),
                state if state.is_final() => execution.ended = Some(now),
                _ => {}
            }
            execution.state = state;
        }
    }

    /// Stops an execution; one that has ended stays as it is.
    ///
    /// # Errors
    /// When there is none of that id.
    pub fn stop(&self, id: &str, now: DateTime<Utc>) -> Result<(), Fault> {
        self.get(id)?.cancel.send_replace(true);
        self.put(id, State::Cancelled, now);
        Ok(())
    }

    /// Ids of a workgroup, newest first.
    pub fn list(&self, group: WorkGroup) -> Vec<String> {
        let known = self.lock();
        let own = |id: &&String| known.by_id.get(*id).is_some_and(|one| one.group == group);
        known.order.iter().rev().filter(own).cloned().collect()
    }

    /// Results that can be read, by name.
    pub fn results(&self) -> Vec<Execution> {
        let known = self.lock();
        let mut found: Vec<Execution> =
            known.by_id.values().filter(|one| matches!(one.state, State::Succeeded(_))).cloned().collect();
        found.sort_by_key(Execution::key);
        found
    }

    /// Deletes the result of an execution.
    pub fn remove_result(&self, id: &str) {
        if let Some(execution) = self.lock().by_id.get_mut(id) {
            execution.state = State::Removed;
        }
    }
}

impl Known {
    fn forget(&mut self, id: &str) {
        self.by_id.remove(id);
        self.order.retain(|known| known != id);
        self.tokens.retain(|_, known| known != id);
    }

    /// Forgets what ended long ago, and the oldest of too many or too large results.
    fn forget_old(&mut self, room: u64, now: DateTime<Utc>) {
        let size = |one: &Execution| if let State::Succeeded(output) = &one.state { output.bytes } else { 0 };
        let mut held: u64 = self.by_id.values().map(size).sum();
        let mut surplus = self.order.len().saturating_sub(KEPT);
        let mut old = Vec::new();
        for id in &self.order {
            let Some(one) = self.by_id.get(id).filter(|one| one.state.is_final()) else { continue };
            if surplus > 0 || held > room || one.ended.is_some_and(|ended| now - ended > AGE) {
                surplus = surplus.saturating_sub(1);
                held -= size(one);
                old.push(id.clone());
            }
        }
        for id in old {
            self.forget(&id);
        }
    }
}

/// An id of a client, cut to the length of ours.
fn shown(id: &str) -> String {
    id.chars().filter(|letter| letter.is_ascii_alphanumeric() || *letter == '-').take(36).collect()
}
