//! Runs statements in sessions that see what their workgroup may see.

use std::sync::Arc;

use carelake_lake::{Catalog, ColumnEntry, FolderCatalog, Lake, ViewEntry};
use carelake_sql::session::{DEFAULT_DATABASE, LakeSession, sharing};
use chrono::{DateTime, Utc};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::sql::parser::Statement as Parsed;
use futures::StreamExt;

use crate::catalogue::{Entry, Seen};
use crate::columns;
use crate::error::Fault;
use crate::failure::Failure;
use crate::literal::literals;
use crate::names::resolve;
use crate::output::{Layout, Output, Writer};
use crate::prepared::Statements;
use crate::show::{Shown, show};
use crate::statement::{Name, Statement, query};
use crate::types::{Column, contract};
use crate::workgroup::WorkGroup;

/// The engine.
pub struct Engine {
    /// The lake.
    pub lake: Lake,
    /// Its catalogue.
    pub catalog: FolderCatalog,
    /// Memory and spills that all queries share.
    pub runtime: Arc<RuntimeEnv>,
    /// Prepared statements.
    pub statements: Statements,
    /// Bytes of a result, at most.
    pub largest: u64,
    /// The time.
    pub clock: fn() -> DateTime<Utc>,
}

/// What is to be run.
pub struct Task {
    /// For whom.
    pub group: WorkGroup,
    /// The database of names without one.
    pub database: String,
    /// The statement.
    pub statement: Statement,
    /// Its text.
    pub text: String,
    /// Values of its `?`.
    pub values: Vec<String>,
}

/// What broke outside the query's own words.
fn fault(fault: Fault) -> Failure {
    match fault {
        Fault::InvalidRequest(words, _) | Fault::Metadata(words) | Fault::NotFound(words) => Failure::syntax(words),
        Fault::TooManyRequests(words) | Fault::UnknownOperation(words) | Fault::Internal(words) => {
            Failure::internal(&words)
        }
    }
}

impl Engine {
    /// What a workgroup sees.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub async fn seen(&self, group: WorkGroup) -> Result<Seen, Failure> {
        Seen::by(group, &self.catalog).await.map_err(|error| Failure::storage(&error))
    }

    /// Runs a statement to its end.
    ///
    /// # Errors
    /// Why it has no result.
    pub async fn run(&self, task: Task) -> Result<Output, Failure> {
        let group = task.group;
        match &task.statement {
            Statement::Query(parsed) => self.select(&task, parsed.clone(), &task.text, &task.values).await,
            Statement::Execute { name, values } => {
                let prepared = self.statements.get(group, name).map_err(fault)?;
                let parsed = query(&prepared.sql).map_err(fault)?;
                let values = if values.is_empty() { &task.values } else { values };
                self.select(&task, parsed, &prepared.sql, values).await
            }
            Statement::Explain(parsed) => self.explain(&task, parsed.clone()).await,
            Statement::Show(what) => {
                let seen = self.seen(group).await?;
                self.shown(show(what, &task.database, &seen, &self.lake, self.functions()?).await?)
            }
            Statement::CreateView { name, replace, sql } => {
                self.create_view(&task, name, *replace, sql).await?;
                self.shown(Shown::list("result", []))
            }
            Statement::DropView { name, if_exists } => {
                self.drop_view(&task, name, *if_exists).await?;
                self.shown(Shown::list("result", []))
            }
            Statement::Prepare { name, sql } => {
                self.statements.put(group, name, sql, "", (self.clock)()).map_err(fault)?;
                self.shown(Shown::list("result", []))
            }
            Statement::Deallocate { name } => {
                self.statements.remove(group, name).map_err(fault)?;
                self.shown(Shown::list("result", []))
            }
            Statement::Repair(name) => {
                let what = crate::statement::Show::Describe(name.clone());
                show(&what, &task.database, &self.seen(group).await?, &self.lake, Vec::new()).await?;
                self.shown(Shown::list("result", []))
            }
        }
    }

    async fn session(&self, seen: &Seen) -> Result<LakeSession, Failure> {
        let engine = |error| Failure::engine(&error, "");
        let session = sharing(self.runtime.clone()).map_err(engine)?;
        crate::information_schema::register(&session, seen).map_err(engine)?;
        LakeSession::over(session, &self.lake, seen, None).await.map_err(engine)
    }

    fn functions(&self) -> Result<Vec<String>, Failure> {
        let state = sharing(self.runtime.clone()).map_err(|error| Failure::engine(&error, ""))?.state();
        let mut names: Vec<String> = state.scalar_functions().keys().cloned().collect();
        names.extend(state.aggregate_functions().keys().cloned());
        names.extend(state.window_functions().keys().cloned());
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn writer(&self, columns: Vec<Column>, layout: Layout) -> Result<Writer, Failure> {
        let file = self.lake.scratch_file().map_err(|error| Failure::storage(&error))?;
        Writer::new(file, columns, layout, self.largest)
    }

    fn shown(&self, shown: Shown) -> Result<Output, Failure> {
        let columns = shown.columns.iter().map(|name| Column::text(name)).collect();
        let mut writer = self.writer(columns, Layout::Tabbed)?;
        for row in &shown.rows {
            writer.row(row.iter().map(|cell| Some(cell.as_str())))?;
        }
        writer.finish(0)
    }

    async fn select(
        &self,
        task: &Task,
        mut parsed: Box<Parsed>,
        text: &str,
        values: &[String],
    ) -> Result<Output, Failure> {
        let engine = |error| Failure::engine(&error, text);
        let seen = self.seen(task.group).await?;
        resolve(&mut parsed, &task.database, &seen.known(), literals(values)?)?;
        columns::name(&mut parsed);
        let planned = self.session(&seen).await?.plan(*parsed).await.map_err(engine)?;
        let columns =
            planned.schema().fields().iter().map(|field| Column::new(field.name(), field.data_type())).collect();
        let mut writer = self.writer(columns, Layout::Csv)?;
        let context = Arc::new(planned.task_ctx());
        let plan = planned.create_physical_plan().await.map_err(engine)?;
        let mut batches = execute_stream(plan.clone(), context).map_err(engine)?;
        while let Some(batch) = batches.next().await {
            writer.batch(&batch.map_err(engine)?)?;
            // Others are answered between two batches, and a stopped query ends here.
            tokio::task::yield_now().await;
        }
        writer.finish(scanned(plan.as_ref()))
    }

    async fn explain(&self, task: &Task, mut parsed: Box<Parsed>) -> Result<Output, Failure> {
        let engine = |error| Failure::engine(&error, &task.text);
        let seen = self.seen(task.group).await?;
        resolve(&mut parsed, &task.database, &seen.known(), literals(&task.values)?)?;
        let planned = self.session(&seen).await?.plan(*parsed).await.map_err(engine)?;
        let plan = planned.into_optimized_plan().map_err(engine)?;
        let lines = plan.display_indent().to_string();
        self.shown(Shown::list("Query Plan", lines.lines().map(str::to_owned)))
    }

    /// What may be made or dropped in the database of a view, and what is there under its name.
    async fn room_for(&self, task: &Task, name: &Name) -> Result<(String, Seen), Failure> {
        let database = name.database.as_deref().unwrap_or(&task.database);
        if !task.group.sees(database) || !["gold", "gold_identified"].contains(&database) {
            let words = format!("views are made in gold, not in {database}");
            return Err(Failure::user(1500, "PERMISSION_DENIED", words));
        }
        // What analysts may see never reads what they may not.
        let group = if WorkGroup::Analyst.sees(database) { WorkGroup::Analyst } else { task.group };
        let seen = self.seen(group).await?;
        match seen.get(database, &name.name) {
            Some(Entry::View(view)) if view.is_of_a_client() => {}
            Some(_) => {
                let words = format!("'{database}.{}' is one of the lake's own; choose another name", name.name);
                return Err(Failure::user(1500, "PERMISSION_DENIED", words));
            }
            None => {}
        }
        Ok((database.to_owned(), seen))
    }

    async fn drop_view(&self, task: &Task, name: &Name, if_exists: bool) -> Result<(), Failure> {
        let (database, seen) = self.room_for(task, name).await?;
        if seen.get(&database, &name.name).is_none() && !if_exists {
            let words = format!("View '{database}.{}' does not exist", name.name);
            return Err(Failure::user(1110, "TABLE_NOT_FOUND", words));
        }
        self.catalog.remove_view(&database, &name.name).await.map_err(|error| Failure::storage(&error))
    }

    async fn create_view(&self, task: &Task, name: &Name, replace: bool, sql: &str) -> Result<(), Failure> {
        let (database, seen) = self.room_for(task, name).await?;
        if seen.get(&database, &name.name).is_some() && !replace {
            let words = format!("View already exists: '{database}.{}'; CREATE OR REPLACE VIEW replaces it", name.name);
            return Err(Failure::user(1003, "ALREADY_EXISTS", words));
        }
        let rank = seen.next_rank();
        // A view that reads itself, through others too, reads what is not there.
        let seen = seen.without(&database, &name.name);
        let mut parsed = query(sql).map_err(fault)?;
        resolve(&mut parsed, &task.database, &seen.known(), Vec::new())?;
        let resolved = parsed.to_string();
        let engine = |error| Failure::engine(&error, &task.text);
        let planned = self.session(&seen).await?.plan(*parsed).await.map_err(engine)?;
        let mut columns = Vec::new();
        for field in planned.schema().fields() {
            let Some(column_type) = contract(field.data_type()) else {
                let words = format!("column {} of a view has a type that tables have not; cast it", field.name());
                return Err(Failure::not_supported(words));
            };
            let column_type = column_type.to_string();
            columns.push(ColumnEntry { name: field.name().clone(), column_type, description: String::new() });
        }
        let entry = ViewEntry {
            database,
            name: name.name.clone(),
            description: ViewEntry::OF_A_CLIENT.to_owned(),
            sql: resolved,
            rank,
            columns,
        };
        self.catalog.put_view(&entry).await.map_err(|error| Failure::storage(&error))
    }
}

/// The database of names without one.
pub fn database_or_default(database: Option<&str>) -> String {
    database.filter(|name| !name.is_empty()).unwrap_or(DEFAULT_DATABASE).to_lowercase()
}

/// Bytes that a plan read.
fn scanned(plan: &dyn ExecutionPlan) -> u64 {
    let own = plan.metrics().and_then(|metrics| metrics.sum_by_name("bytes_scanned")).map_or(0, |sum| sum.as_usize());
    plan.children().iter().map(|child| scanned(child.as_ref())).sum::<u64>() + own as u64
}
