//! The relations a mapping query reads, and its result in the shape of the target table.

use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use carelake_contracts::{Contract, ContractSet, DELETED, Load, Period, Table, Target};
use carelake_lake::{IngestEntry, Layer};
use datafusion::common::ScalarValue;
use datafusion::datasource::MemTable;
use datafusion::execution::context::SQLOptions;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::functions::datetime::expr_fn::date_part;
use datafusion::logical_expr::{Expr, cast, col, lit};
use datafusion::prelude::{DataFrame, ParquetReadOptions, SessionContext};

use crate::codes;
use crate::context::Context;
use crate::error::{QueryError, StepError};
use crate::schema;

/// A session with Athena's functions that reads the lake.
///
/// # Errors
/// When the functions cannot be registered.
pub fn session(context: &Context) -> Result<SessionContext, StepError> {
    let failed = |error| StepError::query("starting a query session", &error);
    let session = carelake_sql::session::bounded(&context.lake).map_err(failed)?;
    carelake_tables::register(&context.lake, &session)?;
    Ok(session)
}

/// Registers `bronze`, `identity` and the code lists.
pub async fn register(
    context: &Context,
    session: &SessionContext,
    contract: &Contract,
    source: &str,
    inputs: &[IngestEntry],
) -> Result<(), StepError> {
    let failed = |error: datafusion::error::DataFusionError| {
        StepError::query(format!("reading bronze of {}", contract.name()), &error)
    };
    let filled: Vec<&IngestEntry> = inputs.iter().filter(|entry| entry.bronze_rows > 0).collect();
    for (name, layer, schema) in
        [("bronze", Layer::Bronze, schema::bronze(contract)), ("identity", Layer::Identity, schema::identity(contract))]
    {
        if layer == Layer::Identity && !contract.has_identity() {
            continue;
        }
        let mut urls = Vec::with_capacity(filled.len());
        for entry in &filled {
            urls.push(context.lake.url(&entry.object(layer))?.to_string());
        }
        let rows = rows(session, urls, &schema).await.map_err(failed)?;
        let day = cast(substr_first(col("_order"), 10), DataType::Date32);
        let rows = rows
            .with_column("source", lit(source))
            .and_then(|rows| rows.with_column("feed", lit(contract.feed.as_str())))
            .and_then(|rows| rows.with_column("ingest_date", day))
            .map_err(failed)?;
        session.register_table(name, rows.into_view()).map_err(failed)?;
    }
    let counted = session.table("bronze").await.map_err(failed)?.count().await.map_err(failed)? as u64;
    let expected: u64 = filled.iter().map(|entry| entry.bronze_rows).sum();
    if counted != expected {
        let text = format!("bronze of {} has {counted} rows where the ledger has {expected}", contract.name());
        return Err(StepError::Conservation(text));
    }
    register_codes(&context.contracts, session)
}

fn substr_first(text: Expr, length: i64) -> Expr {
    datafusion::functions::unicode::expr_fn::left(text, lit(length))
}

async fn rows(session: &SessionContext, urls: Vec<String>, schema: &SchemaRef) -> datafusion::error::Result<DataFrame> {
    if urls.is_empty() {
        let empty = MemTable::try_new(schema.clone(), vec![vec![]])?;
        return session.read_table(Arc::new(empty));
    }
    session.read_parquet(urls, ParquetReadOptions::default().schema(schema)).await
}

/// Code lists as tables of schema `codes`; every column is text.
pub fn register_codes(contracts: &ContractSet, session: &SessionContext) -> Result<(), StepError> {
    let failed = |error: datafusion::error::DataFusionError| StepError::query("reading the code lists", &error);
    for (name, list) in codes::lists(contracts)? {
        let table = MemTable::try_new(list.schema(), vec![vec![list]]).map_err(failed)?;
        carelake_sql::session::register_in(session, codes::CODES, &name, Arc::new(table)).map_err(failed)?;
    }
    Ok(())
}

/// Rows that a mapping makes for its target.
pub struct Mapped {
    /// The rows, with every column of the table, and [`DELETED`] last where the mapping returns it.
    pub rows: DataFrame,
    /// True when they are named by the sender's identifier of their record.
    pub by_record: bool,
}

/// The mapping query's rows with every column of the target table. They are not held in memory: each use reads the
/// columns it needs again.
pub async fn mapped(
    session: &SessionContext,
    target: &Target,
    table: &Table,
    contract: &Contract,
    source: &str,
) -> Result<Mapped, StepError> {
    let context = || format!("mapping {} to {}", contract.name(), target.table);
    let failed = |error: datafusion::error::DataFusionError| StepError::query(context(), &error);
    let read_only = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    let rows = session.sql_with_options(&target.sql, read_only).await.map_err(failed)?;
    let returned: Vec<String> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
    if let Some(stray) =
        returned.iter().find(|name| !table.has_column(name) && !["_order", "_row", DELETED].contains(&name.as_str()))
    {
        let text = format!(
            "{}: the query returns \"{stray}\", which the table does not have; rename it or add the column",
            context()
        );
        return Err(StepError::Invalid(text));
    }
    if let Some(absent) = ["_order", "_row"].iter().find(|name| !returned.iter().any(|column| column == *name)) {
        return Err(StepError::Invalid(format!(
            "{}: the query does not return {absent}; add it to the SELECT",
            context()
        )));
    }
    let value = |name: &str, to: DataType| {
        if returned.iter().any(|column| column == name) {
            cast(datafusion::prelude::ident(name), to)
        } else {
            Expr::Literal(ScalarValue::try_from(&to).unwrap_or(ScalarValue::Null), None)
        }
    };
    let mut selected = Vec::new();
    for (name, column_type) in table.stored_columns() {
        let expression = match name {
            "source" => lit(source),
            "feed" => lit(contract.feed.as_str()),
            "ingest_date" => cast(substr_first(datafusion::prelude::ident("_order"), 10), DataType::Date32),
            "year" | "month" if !table.has_column(name) => period(table, &value),
            _ => value(name, column_type.arrow()),
        };
        selected.push(expression.alias(name));
    }
    let deletes = returned.iter().any(|name| name == DELETED);
    if deletes && target.load != Load::Upsert {
        return Err(StepError::Invalid(format!("{}: only a table that is upserted knows {DELETED}", context())));
    }
    if deletes {
        let marked = cast(datafusion::prelude::ident(DELETED), DataType::Boolean);
        selected.push(coalesce(vec![marked, lit(false)]).alias(DELETED));
    }
    let by_record = table.record.as_ref().is_some_and(|record| returned.contains(record));
    Ok(Mapped { rows: rows.select(selected).map_err(failed)?, by_record })
}

fn period(table: &Table, value: &dyn Fn(&str, DataType) -> Expr) -> Expr {
    match &table.period {
        Some((Period::Year, column)) => cast(date_part(lit("year"), value(column, DataType::Date32)), DataType::Int32),
        Some((Period::Month, column)) => super::period::month_of(value(column, DataType::Date32)),
        None => lit(ScalarValue::Null),
    }
}
