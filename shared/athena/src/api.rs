//! Operations of Athena's API: AWS JSON 1.1, named in `X-Amz-Target`.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::engine::Engine;
use crate::error::Fault;
use crate::execution::Executions;
use crate::server::Limits;
use crate::workgroup::{WorkGroup, engine_version};
use crate::{metadata, queries};

/// What the target of a request begins with.
pub const PREFIX: &str = "AmazonAthena.";

/// What requests share.
pub struct Shared {
    /// Runs statements.
    pub engine: Engine,
    /// Executions that are known.
    pub executions: Executions,
    /// Queries that may run at once.
    pub slots: tokio::sync::Semaphore,
    /// Limits.
    pub limits: Limits,
    /// Whether the restricted workgroup is served.
    pub restricted: bool,
}

impl Shared {
    /// The workgroup of a request.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn group(&self, asked: &Asked) -> Result<WorkGroup, Fault> {
        WorkGroup::named(asked.work_group.as_deref(), self.restricted)
    }
}

/// Fields of requests; each operation reads its own.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Asked {
    pub catalog_name: Option<String>,
    pub client_request_token: Option<String>,
    pub database_name: Option<String>,
    pub description: Option<String>,
    pub execution_parameters: Option<Vec<String>>,
    pub expression: Option<String>,
    pub max_results: Option<i64>,
    pub name: Option<String>,
    pub next_token: Option<String>,
    pub query_execution_context: Option<Context>,
    pub query_execution_id: Option<String>,
    pub query_execution_ids: Option<Vec<String>>,
    pub query_statement: Option<String>,
    pub query_string: Option<String>,
    pub statement_name: Option<String>,
    pub table_name: Option<String>,
    pub work_group: Option<String>,
}

/// Where the names of a query are looked up.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Context {
    pub catalog: Option<String>,
    pub database: Option<String>,
}

/// A field that an operation needs.
///
/// # Errors
/// When it is absent.
pub fn needed<'a>(field: &'a Option<String>, name: &str) -> Result<&'a str, Fault> {
    field.as_deref().filter(|text| !text.is_empty()).ok_or_else(|| Fault::invalid(format!("{name} is required")))
}

/// A part of a list, and the token of the next part.
///
/// # Errors
/// When the token or the size is none.
pub fn page<T>(all: Vec<T>, asked: &Asked, most: i64) -> Result<(Vec<T>, Option<String>), Fault> {
    let count = asked.max_results.unwrap_or(most);
    if !(1..=most).contains(&count) {
        return Err(Fault::invalid(format!("MaxResults is from 1 to {most}")));
    }
    let from: usize = match &asked.next_token {
        Some(token) => token.parse().map_err(|_| Fault::invalid("NextToken is not one that was given out"))?,
        None => 0,
    };
    let to = from.saturating_add(usize::try_from(count).unwrap_or_default());
    let next = (to < all.len()).then(|| to.to_string());
    Ok((all.into_iter().skip(from).take(to - from).collect(), next))
}

/// A list as an answer.
///
/// # Errors
/// As [`page`].
pub fn listed(field: &str, all: Vec<Value>, asked: &Asked) -> Result<Value, Fault> {
    let (part, next) = page(all, asked, 50)?;
    Ok(with_token(json!({field: part}), next))
}

/// An answer with the token of its next part.
pub fn with_token(mut answer: Value, next: Option<String>) -> Value {
    if let (Some(next), Some(answer)) = (next, answer.as_object_mut()) {
        answer.insert("NextToken".to_owned(), json!(next));
    }
    answer
}

/// Answers a request.
///
/// # Errors
/// Why it is refused.
pub async fn answer(shared: &std::sync::Arc<Shared>, operation: &str, body: &[u8]) -> Result<Value, Fault> {
    let body = if body.is_empty() { b"{}" } else { body };
    // The parser's own words could repeat the request.
    let asked: Asked = serde_json::from_slice(body)
        .map_err(|_| Fault::InvalidRequest("the request is no JSON of this operation".to_owned(), None))?;
    let now = (shared.engine.clock)();
    match operation {
        "StartQueryExecution" => queries::start(shared, &asked),
        "GetQueryExecution" => queries::get(shared, &asked),
        "BatchGetQueryExecution" => queries::batch_get(shared, &asked),
        "GetQueryResults" => queries::results(shared, &asked),
        "StopQueryExecution" => queries::stop(shared, &asked),
        "ListQueryExecutions" => {
            let ids = shared.executions.list(shared.group(&asked)?);
            listed("QueryExecutionIds", ids.into_iter().map(Value::from).collect(), &asked)
        }
        "CreatePreparedStatement" | "UpdatePreparedStatement" => {
            let (group, name) = (shared.group(&asked)?, needed(&asked.statement_name, "StatementName")?);
            let known = shared.engine.statements.get(group, name);
            match (operation, known) {
                ("CreatePreparedStatement", Ok(_)) => {
                    return Err(Fault::invalid(format!("PreparedStatement {name} already exists")));
                }
                ("UpdatePreparedStatement", Err(missing)) => return Err(missing),
                _ => {}
            }
            let sql = needed(&asked.query_statement, "QueryStatement")?;
            let about = asked.description.as_deref().unwrap_or_default();
            shared.engine.statements.put(group, name, sql, about, now).map(|()| json!({}))
        }
        "GetPreparedStatement" => {
            let (group, name) = (shared.group(&asked)?, needed(&asked.statement_name, "StatementName")?);
            let found = shared.engine.statements.get(group, name)?;
            Ok(json!({"PreparedStatement": found.described(group, name)}))
        }
        "DeletePreparedStatement" => {
            let (group, name) = (shared.group(&asked)?, needed(&asked.statement_name, "StatementName")?);
            shared.engine.statements.remove(group, name).map(|()| json!({}))
        }
        "ListPreparedStatements" => {
            listed("PreparedStatements", shared.engine.statements.list(shared.group(&asked)?), &asked)
        }
        "ListWorkGroups" => {
            let all = WorkGroup::all(shared.restricted).into_iter().map(WorkGroup::summary).collect();
            listed("WorkGroups", all, &asked)
        }
        "GetWorkGroup" => Ok(json!({"WorkGroup": shared.group(&asked)?.description()})),
        "ListEngineVersions" => listed("EngineVersions", vec![engine_version()], &asked),
        "ListNamedQueries" => listed("NamedQueryIds", Vec::new(), &asked),
        "ListDataCatalogs" => metadata::catalogs(&asked),
        "GetDataCatalog" => metadata::catalog(&asked),
        "ListDatabases" => metadata::databases(shared, &asked).await,
        "GetDatabase" => metadata::database(shared, &asked).await,
        "ListTableMetadata" => metadata::tables(shared, &asked).await,
        "GetTableMetadata" => metadata::table(shared, &asked).await,
        other => {
            let name: String = other.chars().filter(char::is_ascii_alphanumeric).take(64).collect();
            Err(Fault::UnknownOperation(format!("carelake serve does not answer {name}")))
        }
    }
}
