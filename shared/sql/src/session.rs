//! Query sessions: a plain one with Athena's functions, and one over the tables and views of a lake.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::sync::Arc;

use carelake_contracts::ColumnType;
use carelake_lake::{Catalog, ColumnEntry, ErrorKind, Lake, LakeError, TableEntry, TableFormat, ViewEntry};
use carelake_tables::DeltaTables;
use chrono::{DateTime, Utc};
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::catalog::{MemorySchemaProvider, TableProvider};
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::datasource::MemTable;
use datafusion::datasource::ViewTable;
use datafusion::datasource::file_format::parquet::ParquetFormat;
use datafusion::datasource::listing::{ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::SQLOptions;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{DataFrame, SessionConfig, SessionContext};
use datafusion::sql::parser::Statement;
use datafusion::sql::sqlparser::ast::{Expr, Value, visit_expressions_mut};

use crate::joins;

/// Athena's name for the catalogue that holds every database.
pub const CATALOG: &str = "awsdatacatalog";
/// The database of names without one.
pub const DEFAULT_DATABASE: &str = "gold";

/// A session with Athena's functions and no tables.
///
/// # Errors
/// When a function cannot be registered.
pub fn plain() -> Result<SessionContext> {
    within(Arc::new(RuntimeEnv::default()))
}

/// The same for the lake's own steps: groups and sorts that grow large go to its scratch folder.
///
/// # Errors
/// When a function cannot be registered.
pub fn bounded(lake: &Lake) -> Result<SessionContext> {
    within(crate::memory::bounded(lake)?)
}

/// What the queries of many clients share: bytes of memory, beyond which what cannot spill fails, and spills in the
/// lake's scratch folder.
///
/// # Errors
/// When they cannot be set up.
pub fn memory_of(lake: &Lake, bytes: usize) -> Result<Arc<RuntimeEnv>> {
    crate::memory::limited(lake, bytes)
}

/// A session of its own within what is shared. Its `information_schema` is a database like others.
///
/// # Errors
/// When a function cannot be registered.
pub fn sharing(runtime: Arc<RuntimeEnv>) -> Result<SessionContext> {
    configured(runtime, false)
}

fn within(runtime: Arc<RuntimeEnv>) -> Result<SessionContext> {
    configured(runtime, true)
}

fn configured(runtime: Arc<RuntimeEnv>, information_schema: bool) -> Result<SessionContext> {
    let config = SessionConfig::new()
        .with_default_catalog_and_schema(CATALOG, DEFAULT_DATABASE)
        .with_information_schema(information_schema)
        .set_bool("datafusion.execution.parquet.schema_force_view_types", false)
        .set_bool("datafusion.sql_parser.map_string_types_to_utf8view", false)
        .set_bool("datafusion.execution.parquet.pushdown_filters", true);
    let session = SessionContext::new_with_config_rt(config, runtime);
    let session = SessionContext::new_with_state(joins::holding_the_smaller(session.state()));
    crate::functions::register(&session)?;
    Ok(session)
}

/// Registers a table in a database of the session, which is made if need be.
///
/// # Errors
/// When the name is taken.
pub fn register_in(session: &SessionContext, database: &str, name: &str, table: Arc<dyn TableProvider>) -> Result<()> {
    let catalog = session
        .catalog(CATALOG)
        .ok_or_else(|| DataFusionError::Internal(format!("the session has no catalogue {CATALOG}")))?;
    if catalog.schema(database).is_none() {
        catalog.register_schema(database, Arc::new(MemorySchemaProvider::new()))?;
    }
    let schema =
        catalog.schema(database).ok_or_else(|| DataFusionError::Internal(format!("no database {database}")))?;
    if schema.table_exist(name) {
        schema.deregister_table(name)?;
    }
    schema.register_table(name.to_owned(), table).map(drop)
}

/// A session over a lake. Tables are opened when a query first names them.
pub struct LakeSession {
    session: SessionContext,
    lake: Lake,
    deltas: DeltaTables,
    as_of: Option<DateTime<Utc>>,
    tables: HashMap<String, TableEntry>,
    views: HashMap<String, ViewEntry>,
}

impl LakeSession {
    /// Opens a session; with `as_of`, Delta tables are read as they were then.
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub async fn open(lake: &Lake, catalog: &dyn Catalog, as_of: Option<DateTime<Utc>>) -> Result<Self> {
        Self::over(plain()?, lake, catalog, as_of).await
    }

    /// The same, in a session of [`plain`] or [`bounded`].
    ///
    /// # Errors
    /// When the catalogue cannot be read.
    pub async fn over(
        session: SessionContext,
        lake: &Lake,
        catalog: &dyn Catalog,
        as_of: Option<DateTime<Utc>>,
    ) -> Result<Self> {
        let tables = catalog.tables().await.map_err(external)?;
        let views = catalog.views().await.map_err(external)?;
        let name = |database: &str, name: &str| format!("{database}.{name}");
        carelake_tables::register(lake, &session).map_err(external)?;
        Ok(Self {
            session,
            lake: lake.clone(),
            deltas: DeltaTables::new(lake),
            as_of,
            tables: tables.into_iter().map(|entry| (name(&entry.database, &entry.name), entry)).collect(),
            views: views.into_iter().map(|entry| (name(&entry.database, &entry.name), entry)).collect(),
        })
    }

    /// Makes a table known that was put into the catalogue after the session was opened.
    pub fn know_table(&mut self, entry: TableEntry) {
        self.tables.insert(format!("{}.{}", entry.database, entry.name), entry);
    }

    /// Makes a view known that was put into the catalogue after the session was opened.
    pub fn know_view(&mut self, entry: ViewEntry) {
        self.views.insert(format!("{}.{}", entry.database, entry.name), entry);
    }

    /// The engine's session, with the tables opened so far.
    pub fn context(&self) -> &SessionContext {
        &self.session
    }

    /// A table or view as a relation.
    ///
    /// # Errors
    /// When there is no such table.
    pub async fn table(&self, qualified: &str) -> Result<DataFrame> {
        Box::pin(self.provide(qualified)).await?;
        self.session.table(qualified).await
    }

    /// Plans a query; it may read, never write.
    ///
    /// # Errors
    /// When it is not valid, or names what is not there.
    pub async fn query(&self, sql: &str) -> Result<DataFrame> {
        self.query_with(sql, &[]).await
    }

    /// Plans a query with a value for each `?`. Values are bound, never pasted into the text.
    ///
    /// # Errors
    /// As [`LakeSession::query`], and when the numbers of `?` and values differ.
    pub async fn query_with(&self, sql: &str, values: &[&str]) -> Result<DataFrame> {
        let mut statement = self.session.state().sql_to_statement(sql, &datafusion::config::Dialect::Generic)?;
        let asked = number_placeholders(&mut statement);
        if asked != values.len() {
            return Err(DataFusionError::Plan(format!("the query takes {asked} values, {} were given", values.len())));
        }
        let plan = self.plan_of(statement).await?;
        let values: Vec<ScalarValue> = values.iter().map(|value| ScalarValue::from(*value)).collect();
        let plan = if values.is_empty() { plan } else { plan.with_param_values(ParamValues::from(values))? };
        self.session.execute_logical_plan(plan).await
    }

    /// Plans a statement that was parsed before; it may read, never write.
    ///
    /// # Errors
    /// When it is not valid, or names what is not there.
    pub async fn plan(&self, statement: Statement) -> Result<DataFrame> {
        let plan = self.plan_of(statement).await?;
        self.session.execute_logical_plan(plan).await
    }

    async fn plan_of(&self, statement: Statement) -> Result<LogicalPlan> {
        for name in self.named_by(&statement)? {
            Box::pin(self.provide(&name)).await?;
        }
        let plan = self.session.state().statement_to_plan(statement).await?;
        SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).verify_plan(&plan)?;
        Ok(plan)
    }

    /// Tables and views that a statement names; all of them when it asks about the catalogue itself.
    fn named_by(&self, statement: &Statement) -> Result<BTreeSet<String>> {
        let mut names = BTreeSet::new();
        for reference in self.session.state().resolve_table_references(statement)? {
            let reference = reference.resolve(CATALOG, DEFAULT_DATABASE);
            if reference.schema.as_ref() == "information_schema" && self.session.copied_config().information_schema() {
                return Ok(self.tables.keys().chain(self.views.keys()).cloned().collect());
            }
            names.insert(format!("{}.{}", reference.schema, reference.table));
        }
        Ok(names)
    }

    /// Opens a table or view, and all that the view reads.
    async fn provide(&self, qualified: &str) -> Result<()> {
        let Some((database, name)) = qualified.split_once('.') else { return Ok(()) };
        let opened = self.session.catalog(CATALOG).and_then(|catalog| catalog.schema(database));
        if opened.is_some_and(|schema| schema.table_exist(name)) {
            return Ok(());
        }
        let provider = if let Some(entry) = self.tables.get(qualified) {
            self.open_table(entry).await?
        } else if let Some(view) = self.views.get(qualified) {
            let statement = self.session.state().sql_to_statement(&view.sql, &datafusion::config::Dialect::Generic)?;
            for inner in self.named_by(&statement)? {
                if inner != qualified {
                    Box::pin(self.provide(&inner)).await?;
                }
            }
            let plan = self.session.state().statement_to_plan(statement).await?;
            Arc::new(ViewTable::new(plan, Some(view.sql.clone()))) as Arc<dyn TableProvider>
        } else {
            return Ok(());
        };
        register_in(&self.session, database, name, provider)
    }

    async fn open_table(&self, entry: &TableEntry) -> Result<Arc<dyn TableProvider>> {
        match entry.format {
            TableFormat::Parquet => self.parquet(entry),
            TableFormat::Delta => {
                let qualified = format!("{}.{}", entry.database, entry.name);
                match self.deltas.open(&qualified, self.as_of).await.map_err(external)? {
                    Some(table) => self.deltas.provider(&table).await.map_err(external),
                    None => Ok(Arc::new(MemTable::try_new(Arc::new(schema_of(&entry.columns)?), vec![vec![]])?)),
                }
            }
        }
    }

    fn parquet(&self, entry: &TableEntry) -> Result<Arc<dyn TableProvider>> {
        let url = self.lake.url(&format!("{}/", entry.location)).map_err(external)?;
        let partitions = schema_of(&entry.partition_by)?;
        let partitions = partitions.fields().iter().map(|field| (field.name().clone(), field.data_type().clone()));
        let options = ListingOptions::new(Arc::new(ParquetFormat::default()))
            .with_file_extension(".parquet")
            .with_table_partition_cols(partitions.collect());
        let config = ListingTableConfig::new(ListingTableUrl::parse(url)?)
            .with_listing_options(options)
            .with_schema(Arc::new(schema_of(&entry.columns)?));
        Ok(Arc::new(ListingTable::try_new(config)?))
    }
}

fn external(error: LakeError) -> DataFusionError {
    if error.kind == ErrorKind::Invalid {
        return DataFusionError::Plan(error.to_string());
    }
    DataFusionError::External(Box::new(error))
}

/// Turns each `?` into a numbered placeholder, in the order of the text; the number of them.
fn number_placeholders(statement: &mut Statement) -> usize {
    let mut count = 0;
    if let Statement::Statement(statement) = statement {
        let _ = visit_expressions_mut(statement.as_mut(), |expression| {
            if let Expr::Value(value) = expression
                && let Value::Placeholder(name) = &mut value.value
                && name == "?"
            {
                count += 1;
                *name = format!("${count}");
            }
            ControlFlow::<()>::Continue(())
        });
    }
    count
}

/// The Arrow schema of catalogue columns.
///
/// # Errors
/// When the catalogue holds a type that carelake does not know.
pub fn schema_of(columns: &[ColumnEntry]) -> Result<Schema> {
    let mut fields = Vec::with_capacity(columns.len());
    for column in columns {
        let data_type = match column.column_type.parse::<ColumnType>() {
            Ok(column_type) => column_type.arrow(),
            Err(problem) => return Err(DataFusionError::Plan(format!("column {}: {problem}", column.name))),
        };
        fields.push(Field::new(&column.name, data_type, true));
    }
    Ok(Schema::new(fields))
}
