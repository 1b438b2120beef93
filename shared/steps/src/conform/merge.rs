//! Merging mapped rows with what a table holds.

use std::collections::BTreeSet;
use std::sync::Arc;

use carelake_contracts::{DELETED, Load, Table};
use carelake_lake::Lake;
use chrono::NaiveDate;
use datafusion::arrow::array::{Array, AsArray};
use datafusion::catalog::TableProvider;
use datafusion::common::{Column, JoinType, NullEquality, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::functions_aggregate::min_max::min_udaf;
use datafusion::functions_window::expr_fn::{rank, row_number};
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{
    Expr, ExprFunctionExt, LogicalPlan, LogicalPlanBuilder, WindowFunctionDefinition, cast, lit,
};
use datafusion::prelude::{DataFrame, SessionContext, ident};

use super::deletions::marked;
use super::repeated::repeated;
use super::scope::Scope;
use crate::error::{QueryError, StepError};

/// Rows of the replaced partitions, and which partitions those are.
#[derive(Debug)]
pub struct Merged {
    /// The rows.
    pub plan: LogicalPlan,
    /// Condition on partition columns.
    pub replaces: Option<Expr>,
}

fn failed(table: &Table) -> impl Fn(DataFusionError) -> StepError {
    let context = format!("merging into {}", table.qualified());
    move |error| StepError::query(context.clone(), &error)
}

/// The rows a table holds for a source, with every column the table should have.
pub fn existing(
    session: &SessionContext,
    provider: Arc<dyn TableProvider>,
    table: &Table,
    source: &str,
) -> Result<DataFrame, StepError> {
    let schema = provider.schema();
    let rows = session.read_table(provider).and_then(|rows| rows.filter(ident("source").eq(lit(source))));
    let mut selected = Vec::new();
    for (name, column_type) in table.stored_columns() {
        let value = match schema.field_with_name(name) {
            Ok(_) => cast(ident(name), column_type.arrow()),
            Err(_) => lit(ScalarValue::try_from(&column_type.arrow()).unwrap_or(ScalarValue::Null)),
        };
        selected.push(value.alias(name));
    }
    rows.and_then(|rows| rows.select(selected)).map_err(failed(table))
}

/// A merge of mapped rows into a table.
pub struct Merge<'a> {
    /// Where the rows are relations.
    pub session: &'a SessionContext,
    /// The lake.
    pub lake: &'a Lake,
    /// The table.
    pub table: &'a Table,
    /// How rows enter it.
    pub load: Load,
    /// Columns of which one row a value stays, beside the source: the table's key, or the record's identifier.
    pub key: &'a [String],
    /// Which files the rows are from.
    pub scope: &'a Scope,
    /// True when the greatest `updated_at` wins.
    pub latest: bool,
    /// The sender.
    pub source: &'a str,
}

impl Merge<'_> {
    /// What the touched partitions shall hold; `None` when nothing changes.
    pub async fn run(&self, mapped: DataFrame, existing: Option<DataFrame>) -> Result<Option<Merged>, StepError> {
        let merged = if self.load == Load::Snapshot {
            snapshot(self, mapped, existing).await
        } else {
            self.keyed(mapped, existing).await
        };
        let merged = merged.map_err(failed(self.table))?;
        Ok(merged.map(|merged| merged.with_source(self.source)))
    }

    async fn keyed(&self, mapped: DataFrame, existing: Option<DataFrame>) -> Result<Option<Merged>, DataFusionError> {
        let Some(existing) = existing else {
            if !any(&mapped).await? {
                return Ok(None);
            }
            return Ok(Some(Merged { plan: self.winners(mapped).await?.into_unoptimized_plan(), replaces: None }));
        };
        let orders = self.scope.orders.iter().map(|order| lit(order.as_str())).collect();
        let replaced = ident("_order").in_list(orders, false);
        let touched = touched(self, &mapped, &existing, &replaced).await?;
        if touched.is_empty() {
            return Ok(None);
        }
        let partition = touched.condition(self.table);
        let inside = match &partition {
            Some(condition) => existing.filter(condition.clone())?,
            None => existing,
        };
        let mut kept = inside.filter(Expr::Not(Box::new(replaced)))?;
        if marked(&mapped) {
            kept = kept.with_column(DELETED, lit(false))?;
        }
        let rows = self.winners(kept.union(mapped)?).await?;
        Ok(Some(Merged { plan: rows.into_unoptimized_plan(), replaces: partition }))
    }

    async fn winners(&self, rows: DataFrame) -> Result<DataFrame, DataFusionError> {
        let rows = match self.load {
            Load::Upsert if self.by_record() => {
                let unnamed = rows.clone().filter(self.record().is_null())?;
                winners(self, rows.filter(self.record().is_not_null())?).await?.union(unnamed)?
            }
            Load::Upsert => winners(self, rows).await?,
            _ => rows,
        };
        if !marked(&rows) {
            return Ok(rows);
        }
        let columns: Vec<Expr> = self.table.stored_columns().into_iter().map(|(name, _)| ident(name)).collect();
        rows.filter(Expr::Not(Box::new(ident(DELETED))))?.select(columns)
    }

    /// True when rows are named by the identifier of their record.
    fn by_record(&self) -> bool {
        self.table.record.as_ref().is_some_and(|record| self.key == std::slice::from_ref(record))
    }

    fn record(&self) -> Expr {
        ident(self.table.record.as_deref().unwrap_or_default())
    }
}

impl Merged {
    fn with_source(mut self, source: &str) -> Self {
        let of_source = ident("source").eq(lit(source));
        self.replaces = Some(match self.replaces {
            Some(condition) => of_source.and(condition),
            None => of_source,
        });
        self
    }
}

/// Time partitions that a merge touches; `All` for a table that has none.
enum Touched {
    All(bool),
    Periods(Vec<ScalarValue>),
}

impl Touched {
    fn is_empty(&self) -> bool {
        match self {
            Self::All(any) => !any,
            Self::Periods(values) => values.is_empty(),
        }
    }

    fn condition(&self, table: &Table) -> Option<Expr> {
        let (Self::Periods(values), Some((period, _))) = (self, &table.period) else { return None };
        let column = ident(period.column());
        let known: Vec<Expr> = values.iter().filter(|value| !value.is_null()).cloned().map(lit).collect();
        let listed = column.clone().in_list(known.clone(), false);
        Some(match (known.is_empty(), known.len() < values.len()) {
            (true, _) => column.is_null(),
            (false, true) => listed.or(column.is_null()),
            (false, false) => listed,
        })
    }
}

async fn touched(
    merge: &Merge<'_>,
    mapped: &DataFrame,
    existing: &DataFrame,
    replaced: &Expr,
) -> Result<Touched, DataFusionError> {
    let Some((period, _)) = &merge.table.period else {
        let any = any(mapped).await? || any(&existing.clone().filter(replaced.clone())?).await?;
        return Ok(Touched::All(any));
    };
    let column = vec![ident(period.column())];
    let mut periods = mapped
        .clone()
        .select(column.clone())?
        .union(existing.clone().filter(replaced.clone())?.select(column.clone())?)?;
    if merge.load == Load::Upsert && !merge.key.is_empty() {
        let keys: Vec<Expr> = merge.key.iter().map(|name| ident(name).alias(format!("__{name}"))).collect();
        let (left, right): (Vec<&str>, Vec<String>) =
            merge.key.iter().map(|name| (name.as_str(), format!("__{name}"))).unzip();
        let right: Vec<&str> = right.iter().map(String::as_str).collect();
        let same =
            existing.clone().join(mapped.clone().select(keys)?.distinct()?, JoinType::LeftSemi, &left, &right, None)?;
        periods = periods.union(same.select(column)?)?;
    }
    let mut values = Vec::new();
    for batch in periods.distinct()?.collect().await? {
        let array = batch.column(0);
        for row in 0..array.len() {
            values.push(ScalarValue::try_from_array(array, row)?);
        }
    }
    Ok(Touched::Periods(values))
}

async fn any(rows: &DataFrame) -> Result<bool, DataFusionError> {
    Ok(rows.clone().limit(0, Some(1))?.count().await? > 0)
}

/// One row a key: the greatest `updated_at` where it counts, then the latest file, then the last row. Only rows whose key
/// comes more than once are sorted; they are few.
async fn winners(merge: &Merge<'_>, rows: DataFrame) -> Result<DataFrame, DataFusionError> {
    // All rows are of one source.
    let keys: Vec<Expr> = merge.key.iter().map(ident).collect();
    let Some(often) = repeated(merge.session, merge.lake, rows.clone().select(keys.clone())?).await? else {
        return Ok(rows);
    };
    let names: Vec<Column> =
        often.schema().fields().iter().map(|field| Column::from_name(field.name().clone())).collect();
    let often = often.alias("__often")?.into_unoptimized_plan();
    let others: Vec<Column> = names.iter().map(|name| Column::new(Some("__often"), name.name.clone())).collect();
    let split = |kind: JoinType| -> Result<DataFrame, DataFusionError> {
        let (state, plan) = rows.clone().into_parts();
        let keys = (names.clone(), others.clone());
        let joined = LogicalPlanBuilder::from(plan).join_detailed(
            often.clone(),
            kind,
            keys,
            None,
            NullEquality::NullEqualsNull,
        )?;
        Ok(DataFrame::new(state, joined.build()?))
    };
    let (alone, rivals) = (split(JoinType::LeftAnti)?, split(JoinType::LeftSemi)?);
    alone.union(first_of_each(merge, rivals, keys)?)
}

fn first_of_each(merge: &Merge<'_>, rows: DataFrame, keys: Vec<Expr>) -> Result<DataFrame, DataFusionError> {
    let mut order = Vec::new();
    if merge.latest {
        order.push(ident("updated_at").sort(false, false));
    }
    order.extend([ident("_order").sort(false, false), ident("_row").sort(false, false)]);
    // All rows of the latest record stay, of any other key one row.
    let place = if merge.by_record() { rank() } else { row_number() };
    let place = place.partition_by(keys).order_by(order).build()?.alias("__rank");
    let columns: Vec<Expr> = rows.schema().fields().iter().map(|field| ident(field.name())).collect();
    rows.window(vec![place])?.filter(ident("__rank").eq(lit(1_u64)))?.select(columns)
}

/// Cumulative snapshots from the first touched job date on: per date, the latest row of each key so far.
async fn snapshot(
    merge: &Merge<'_>,
    mapped: DataFrame,
    existing: Option<DataFrame>,
) -> Result<Option<Merged>, DataFusionError> {
    let Merge { session, table, scope, .. } = merge;
    let Some(first) = scope.dates.first().copied() else { return Ok(None) };
    let mut dates: BTreeSet<NaiveDate> = scope.dates.clone();
    let mut rows = mapped;
    if let Some(existing) = existing {
        let before = existing.clone().filter(ident("snapshot_date").lt(day(first)))?;
        if let Some(base) = latest_date(&before).await? {
            rows = rows.union(existing.clone().filter(ident("snapshot_date").eq(day(base)))?)?;
        }
        // A later snapshot whose job left no file any more is rebuilt as well.
        for batch in existing
            .filter(ident("snapshot_date").gt_eq(day(first)))?
            .select(vec![ident("snapshot_date")])?
            .distinct()?
            .collect()
            .await?
        {
            let days = batch.column(0).as_primitive::<datafusion::arrow::datatypes::Date32Type>();
            dates.extend(days.iter().flatten().filter_map(datafusion::arrow::datatypes::Date32Type::to_naive_date_opt));
        }
    }
    let days: Vec<Expr> = dates.iter().map(|date| day(*date)).collect();
    let calendar = session
        .read_empty()?
        .select(vec![datafusion::functions_nested::expr_fn::make_array(days.clone()).alias("__day")])?;
    let calendar = calendar.unnest_columns(&["__day"])?;
    let rows = rows.join_on(calendar, JoinType::Inner, [ident("snapshot_date").lt_eq(ident("__day"))])?;
    let mut keys = vec![ident("__day")];
    keys.extend(table.key.iter().map(ident));
    let earliest = WindowFunctionDefinition::AggregateUDF(min_udaf());
    let earliest = Expr::from(WindowFunction::new(earliest, vec![ident("created_date")]));
    let first_seen = earliest.partition_by(keys.clone()).build()?.alias("__created");
    let newest = ["snapshot_date", "_order", "_row"].map(|name| ident(name).sort(false, false)).to_vec();
    let rank = row_number().partition_by(keys).order_by(newest).build()?.alias("__rank");
    let columns = table.stored_columns().into_iter().map(|(name, _)| match name {
        "snapshot_date" => ident("__day").alias(name),
        "created_date" => ident("__created").alias(name),
        _ => ident(name),
    });
    let rows = rows
        .window(vec![first_seen])?
        .window(vec![rank])?
        .filter(ident("__rank").eq(lit(1_u64)))?
        .select(columns.collect::<Vec<_>>())?;
    let replaces = ident("snapshot_date").in_list(days, false);
    Ok(Some(Merged { plan: rows.into_unoptimized_plan(), replaces: Some(replaces) }))
}

fn day(date: NaiveDate) -> Expr {
    lit(ScalarValue::Date32(Some(datafusion::arrow::datatypes::Date32Type::from_naive_date(date))))
}

async fn latest_date(rows: &DataFrame) -> Result<Option<NaiveDate>, DataFusionError> {
    let newest = rows.clone().aggregate(
        vec![],
        vec![datafusion::functions_aggregate::expr_fn::max(ident("snapshot_date")).alias("newest")],
    )?;
    for batch in newest.collect().await? {
        let days = batch.column(0).as_primitive::<datafusion::arrow::datatypes::Date32Type>();
        if let Some(days) = days.iter().flatten().next() {
            return Ok(datafusion::arrow::datatypes::Date32Type::to_naive_date_opt(days));
        }
    }
    Ok(None)
}
