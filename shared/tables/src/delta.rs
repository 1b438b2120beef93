//! Delta tables: opening, time travel, one commit a change, history.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use carelake_lake::{Lake, Layout};
use chrono::{DateTime, Utc};
use datafusion::catalog::TableProvider;
use datafusion::common::ScalarValue;
use datafusion::execution::SessionState;
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{BinaryExpr, Expr, LogicalPlan, Operator};
use datafusion::prelude::SessionContext;
use deltalake::kernel::transaction::CommitProperties;
use deltalake::{DeltaTable, DeltaTableBuilder, DeltaTableError};
use futures::{StreamExt, TryStreamExt};

use crate::conditional_put::by_conditional_put;
use crate::error::{EngineError, ErrorKind, LakeError};

/// Commits of other sources that a change lets pass before it gives way.
const RACES: u32 = 60;

/// Logs that are listed at the same time: on a bucket each takes its time to answer.
const LOGS: usize = 32;

/// One change of a table, visible at once or not at all.
#[derive(Debug)]
pub struct Write {
    /// What the table's rows are, or those that `predicate` covers.
    pub plan: LogicalPlan,
    /// The session in which the plan was made.
    pub session: SessionState,
    /// Condition on partition columns that names the replaced part; the whole table when absent.
    pub predicate: Option<Expr>,
    /// True when the plan gives the rows partition by partition, as one stream: they are then written as they come.
    pub clustered: bool,
    /// Partition columns of the table.
    pub partition_by: Vec<String>,
    /// Description of a table that does not exist yet.
    pub description: String,
    /// Run that makes the change, kept in the table's history.
    pub run_id: String,
}

/// A line of a table's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableVersion {
    /// The version.
    pub version: i64,
    /// When it was committed.
    pub committed: Option<DateTime<Utc>>,
    /// What was done.
    pub operation: String,
    /// The run that did it.
    pub run_id: Option<String>,
    /// Rows written.
    pub rows: Option<u64>,
}

/// An open table, at the version it was opened at.
pub type OpenTable = DeltaTable;

/// The Delta tables of a lake.
#[derive(Debug, Clone)]
pub struct DeltaTables {
    pub(crate) lake: Lake,
}

impl DeltaTables {
    /// The tables of that lake.
    pub fn new(lake: &Lake) -> Self {
        Self { lake: lake.clone() }
    }

    /// Opens `silver.patients`, as it is or as it was at `as_of`; `None` when there is no such table (then).
    ///
    /// # Errors
    /// When the table is there but cannot be read.
    pub async fn open(&self, qualified: &str, as_of: Option<DateTime<Utc>>) -> Result<Option<DeltaTable>, LakeError> {
        let context = || format!("opening {qualified}");
        let path = Layout::table(qualified);
        if self.lake.list(&format!("{path}/_delta_log")).await?.is_empty() {
            return Ok(None);
        }
        let mut table = self.handle(qualified)?;
        let loaded = match as_of {
            None => table.load().await,
            Some(moment) => table.load_with_datetime(moment).await,
        };
        match loaded {
            Ok(()) => {}
            Err(DeltaTableError::NotATable(_)) => return Ok(None),
            Err(error) => return Err(LakeError::delta(context(), &error)),
        }
        // A moment before the oldest commit loads the oldest version that there is.
        let Some(moment) = as_of else { return Ok(Some(table)) };
        let oldest = self.first_commit(&table).await?.filter(|oldest| *oldest > moment);
        match (oldest, table.version()) {
            (None, _) => Ok(Some(table)),
            (Some(_), Some(0)) => Ok(None),
            (Some(oldest), _) => {
                let oldest = oldest.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
                let why = format!("what it was before {oldest} was removed by an erasure or by maintenance");
                Err(LakeError::new(ErrorKind::Invalid, context()).caused_by(why))
            }
        }
    }

    /// The newest version of each of those tables; `None` for one that is not there.
    ///
    /// # Errors
    /// When a table cannot be read.
    pub async fn versions<'a>(
        &self,
        tables: impl IntoIterator<Item = &'a str>,
    ) -> Result<BTreeMap<String, Option<u64>>, LakeError> {
        let tables: Vec<String> = tables.into_iter().map(str::to_owned).collect();
        let newest = |table: String| async move {
            let version = self.newest(&table).await?;
            Ok((table, version))
        };
        futures::stream::iter(tables).map(newest).buffered(LOGS).try_collect().await
    }

    /// The newest version, from the names of the log's files alone.
    async fn newest(&self, qualified: &str) -> Result<Option<u64>, LakeError> {
        let log = self.lake.list(&format!("{}/_delta_log", Layout::table(qualified))).await?;
        let commit = |path: &String| path.rsplit('/').next()?.strip_suffix(".json")?.parse::<u64>().ok();
        Ok(log.iter().filter_map(commit).max())
    }

    async fn first_commit(&self, table: &DeltaTable) -> Result<Option<DateTime<Utc>>, LakeError> {
        let infos: Vec<_> = table
            .history(None)
            .try_collect()
            .await
            .map_err(|error| LakeError::delta("reading a table's history", &error))?;
        Ok(infos.last().and_then(|info| info.timestamp).and_then(DateTime::from_timestamp_millis))
    }

    fn handle(&self, qualified: &str) -> Result<DeltaTable, LakeError> {
        let url = self.lake.url(&format!("{}/", Layout::table(qualified)))?;
        by_conditional_put(&url)
            .and_then(|()| DeltaTableBuilder::from_url(url.clone()))
            .and_then(|builder| builder.with_storage_backend(self.lake.root().clone(), url).build())
            .map_err(|error| LakeError::delta(format!("opening {qualified}"), &error))
    }

    /// The table as a relation for queries.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn provider(&self, table: &DeltaTable) -> Result<Arc<dyn TableProvider>, LakeError> {
        table.table_provider().await.map_err(|error| LakeError::query("reading a table", &error))
    }

    /// Commits a change, on the version `current` (or on no table); the version it has. New columns are added to the
    /// table's schema. Commits of other sources pass, and for a whole table those that only rearranged its files.
    ///
    /// # Errors
    /// `Conflict` when the part was changed since `current` was opened: the caller runs its whole step again.
    pub async fn write(&self, qualified: &str, current: Option<DeltaTable>, write: Write) -> Result<u64, LakeError> {
        let source = write.predicate.as_ref().and_then(source_of);
        let mut table = match current {
            Some(table) => table,
            None => self.handle(qualified)?,
        };
        let mut lost = 0;
        loop {
            let read = table.version();
            let error = match self.commit(qualified, &table, &write).await {
                Ok(version) => return Ok(version),
                Err(error) => error,
            };
            let (Some(read), ErrorKind::Conflict) = (read, error.kind) else { return Err(error) };
            let newest = self.open(qualified, None).await?;
            let Some(newest) = newest.filter(|newest| newest.version() > Some(read) && lost < RACES) else {
                return Err(error);
            };
            let passes = match (&source, &write.predicate) {
                (Some(source), _) => !self.touched_since(qualified, &newest, read, source).await?,
                (None, None) => self.only_rearranged(qualified, &newest, read).await?,
                (None, Some(_)) => false,
            };
            if !passes {
                return Err(error);
            }
            (table, lost) = (newest, lost + 1);
        }
    }

    /// Empties a table in one commit, on its present version.
    ///
    /// # Errors
    /// `Conflict` when the table changed meanwhile.
    pub async fn empty(&self, qualified: &str, run_id: &str) -> Result<(), LakeError> {
        let Some(table) = self.open(qualified, None).await? else { return Ok(()) };
        let metadata = [("run_id".to_owned(), serde_json::Value::from(run_id))];
        let properties = CommitProperties::default().with_metadata(metadata).with_max_retries(0);
        let done = table.delete().with_commit_properties(properties).await;
        done.map(drop).map_err(|error| LakeError::delta(format!("emptying {qualified}"), &error))
    }

    /// The versions of a table, newest first.
    ///
    /// # Errors
    /// When the table's log cannot be read.
    pub async fn history(&self, qualified: &str) -> Result<Option<Vec<TableVersion>>, LakeError> {
        let Some(table) = self.open(qualified, None).await? else { return Ok(None) };
        let infos: Vec<_> = table
            .history(None)
            .try_collect()
            .await
            .map_err(|error| LakeError::delta(format!("reading the history of {qualified}"), &error))?;
        let newest = table.version().and_then(|version| i64::try_from(version).ok()).unwrap_or_default();
        let versions = infos.into_iter().zip(0_i64..).map(|(info, age)| TableVersion {
            version: newest - age,
            committed: info.timestamp.and_then(DateTime::from_timestamp_millis),
            operation: info.operation.clone().unwrap_or_default(),
            run_id: text(&info.info, "run_id"),
            rows: rows(&info.info),
        });
        Ok(Some(versions.collect()))
    }
}

/// Lets a query session read the lake's URLs.
///
/// # Errors
/// When the lake has no URL.
pub fn register(lake: &Lake, session: &SessionContext) -> Result<(), LakeError> {
    session.register_object_store(&lake.url("")?, lake.root().clone());
    Ok(())
}

/// The source to which a condition confines a change.
fn source_of(condition: &Expr) -> Option<String> {
    let source = |part: &&Expr| match part {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => match (left.as_ref(), right.as_ref()) {
            (Expr::Column(column), Expr::Literal(ScalarValue::Utf8(value), _)) if column.name == "source" => {
                value.clone()
            }
            _ => None,
        },
        _ => None,
    };
    split_conjunction(condition).iter().find_map(source)
}

fn text(info: &HashMap<String, serde_json::Value>, key: &str) -> Option<String> {
    info.get(key)?.as_str().map(str::to_owned)
}

fn rows(info: &HashMap<String, serde_json::Value>) -> Option<u64> {
    info.get("operationMetrics")?.get("num_added_rows")?.as_u64()
}

#[cfg(test)]
mod tests {
    use datafusion::logical_expr::lit;
    use datafusion::prelude::ident;

    use super::*;

    #[test]
    fn a_change_is_confined_to_the_source_that_its_condition_demands() {
        let of_source = ident("source").eq(lit("clinic"));
        let month = ident("month").in_list(vec![lit("2024-01")], false);
        assert_eq!(source_of(&of_source.clone().and(month.clone())).as_deref(), Some("clinic"));
        assert_eq!(source_of(&of_source.clone()).as_deref(), Some("clinic"));
        assert_eq!(source_of(&of_source.or(month.clone())), None);
        assert_eq!(source_of(&month), None);
    }
}
