//! Executions of queries: begun, watched, read, stopped.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::api::{Asked, Shared, needed, with_token};
use crate::catalogue::CATALOG_NAME;
use crate::engine::{Task, database_or_default};
use crate::error::Fault;
use crate::execution::{Execution, State};
use crate::failure::Failure;
use crate::statement::Statement;

/// Rows of a page, at most.
const PAGE: i64 = 1_000;
/// Executions that can be asked for at once.
const BATCH: usize = 50;

/// `StartQueryExecution`.
pub fn start(shared: &Arc<Shared>, asked: &Asked) -> Result<Value, Fault> {
    let group = shared.group(asked)?;
    let text = needed(&asked.query_string, "QueryString")?.to_owned();
    let statement = Statement::parse(&text)?;
    let context = asked.query_execution_context.as_ref();
    if context
        .and_then(|context| context.catalog.as_deref())
        .is_some_and(|name| !name.eq_ignore_ascii_case(CATALOG_NAME))
    {
        return Err(Fault::invalid(format!("there is no catalogue but {CATALOG_NAME}")));
    }
    let now = (shared.engine.clock)();
    let mut execution = Execution::new(Uuid::new_v4().to_string(), group, text.clone(), statement.kinds(), now);
    execution.database = database_or_default(context.and_then(|context| context.database.as_deref()));
    execution.values = asked.execution_parameters.clone().unwrap_or_default();
    let id = execution.id.clone();
    let task = Task { group, database: execution.database.clone(), statement, text, values: execution.values.clone() };
    let stopped = execution.stopped();
    let room = shared.limits.result.saturating_mul(4);
    if let Some(earlier) = shared.executions.begin(execution, asked.client_request_token.as_deref(), room, now)? {
        return Ok(json!({"QueryExecutionId": earlier}));
    }
    tokio::spawn(carry_out(shared.clone(), id.clone(), task, stopped));
    Ok(json!({"QueryExecutionId": id}))
}

/// Waits for its turn, runs, and keeps what came of it.
async fn carry_out(shared: Arc<Shared>, id: String, task: Task, mut stopped: tokio::sync::watch::Receiver<bool>) {
    let clock = shared.engine.clock;
    let work = async {
        let Ok(_turn) = shared.slots.acquire().await else { return State::Cancelled };
        shared.executions.put(&id, State::Running, clock());
        // A panic of a worker ends its query, not the server.
        let engine = shared.clone();
        let mut running = AbortOnDrop(tokio::spawn(async move { engine.engine.run(task).await }));
        let minutes = shared.limits.minutes;
        match tokio::time::timeout(Duration::from_secs(minutes * 60), &mut running.0).await {
            Ok(Ok(Ok(output))) => State::Succeeded(output),
            Ok(Ok(Err(failure))) => State::Failed(failure),
            Ok(Err(_)) => State::Failed(Failure::internal("a worker of the query engine stopped")),
            Err(_) => State::Failed(Failure::timed_out(minutes)),
        }
    };
    let halted = async { stopped.wait_for(|stopped| *stopped).await.is_ok() };
    let state = tokio::select! {
        biased;
        true = halted => State::Cancelled,
        state = work => state,
    };
    shared.executions.put(&id, state, clock());
}

/// A task that ends with who waits for it.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn id(asked: &Asked) -> Result<&str, Fault> {
    needed(&asked.query_execution_id, "QueryExecutionId")
}

/// `GetQueryExecution`.
pub fn get(shared: &Shared, asked: &Asked) -> Result<Value, Fault> {
    Ok(json!({"QueryExecution": shared.executions.get(id(asked)?)?.described()}))
}

/// `BatchGetQueryExecution`.
pub fn batch_get(shared: &Shared, asked: &Asked) -> Result<Value, Fault> {
    let ids = asked.query_execution_ids.as_deref().unwrap_or_default();
    if ids.is_empty() || ids.len() > BATCH {
        return Err(Fault::invalid(format!("QueryExecutionIds has 1 to {BATCH} ids")));
    }
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for id in ids {
        match shared.executions.get(id) {
            Ok(execution) => found.push(execution.described()),
            Err(_) => {
                missing.push(json!({"QueryExecutionId": id, "ErrorCode": "INVALID_INPUT", "ErrorMessage": "not found"}))
            }
        }
    }
    Ok(json!({"QueryExecutions": found, "UnprocessedQueryExecutionIds": missing}))
}

/// `StopQueryExecution`.
pub fn stop(shared: &Shared, asked: &Asked) -> Result<Value, Fault> {
    shared.executions.stop(id(asked)?, (shared.engine.clock)()).map(|()| json!({}))
}

/// `GetQueryResults`.
pub fn results(shared: &Shared, asked: &Asked) -> Result<Value, Fault> {
    let execution = shared.executions.get(id(asked)?)?;
    let output = match &execution.state {
        State::Succeeded(output) => output,
        State::Queued | State::Running => {
            let words = format!("Query has not yet finished. Current state: {}", execution.state.word());
            return Err(Fault::InvalidRequest(words, Some("INVALID_QUERY_EXECUTION_STATE")));
        }
        State::Removed => return Err(Fault::invalid("Could not find results: they were deleted")),
        State::Failed(_) | State::Cancelled => {
            let words = format!("Query did not finish successfully. Final query state: {}", execution.state.word());
            return Err(Fault::InvalidRequest(words, Some("INVALID_QUERY_EXECUTION_STATE")));
        }
    };
    let count = asked.max_results.unwrap_or(PAGE);
    if !(1..=PAGE).contains(&count) {
        return Err(Fault::invalid(format!("MaxResults is from 1 to {PAGE}")));
    }
    let from = match &asked.next_token {
        Some(token) => token.parse().map_err(|_| Fault::invalid("NextToken is not one that was given out"))?,
        None => 0,
    };
    let (rows, next) = output
        .page(from, count.unsigned_abs())
        .map_err(|error| Fault::Internal(format!("the result cannot be read: {}", error.kind())))?;
    let rows: Vec<Value> = rows.into_iter().map(row).collect();
    let answer = json!({"UpdateCount": 0, "ResultSet": {"Rows": rows, "ResultSetMetadata": output.described()}});
    Ok(with_token(answer, next.map(|next| next.to_string())))
}

fn row(cells: Vec<Option<String>>) -> Value {
    let cells: Vec<Value> = cells
        .into_iter()
        .map(|cell| match cell {
            Some(text) => json!({"VarCharValue": text}),
            None => json!({}),
        })
        .collect();
    json!({"Data": cells})
}
