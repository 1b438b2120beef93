//! Reference rules: rows whose parent is not in the lake wait in quarantine until it is.

use std::collections::{BTreeMap, BTreeSet};

use carelake_contracts::{Contract, Rule, RuleKind, Severity, Target};
use carelake_lake::{CheckCount, IngestEntry, parquet_properties};
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::JoinType;
use datafusion::error::DataFusionError;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{cast, lit};
use datafusion::prelude::{DataFrame, SessionContext, ident};

use crate::context::Context;
use crate::error::{QueryError, StepError};
use crate::ingest::Broken;

/// Column of the value that names the parent.
const VALUE: &str = "__value";

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Orphan {
    row: i64,
    rule: String,
    column: String,
    value: String,
    reason: String,
}

/// Rows without parents, by the `_order` of their file.
#[derive(Debug, Default)]
pub struct Orphans {
    rows: BTreeMap<String, BTreeSet<Orphan>>,
    checks: BTreeMap<String, BTreeMap<String, CheckCount>>,
    parents: BTreeMap<String, Option<u64>>,
    inputs: BTreeSet<String>,
    tags: BTreeMap<String, String>,
}

impl Orphans {
    /// Counts every reference rule of the target and takes the rows of rejecting ones out of `mapped`.
    pub async fn set_aside(
        &mut self,
        context: &Context,
        session: &SessionContext,
        contract: &Contract,
        target: &Target,
        source: &str,
        mapped: DataFrame,
    ) -> Result<DataFrame, StepError> {
        let mut left = mapped.clone();
        for rule in &contract.rules {
            let RuleKind::Reference { target: of, column, parent, parent_column, .. } = &rule.kind else { continue };
            if of != &target.table {
                continue;
            }
            let failed = |error: DataFusionError| StepError::query(format!("checking {}", rule.id), &error);
            let lonely = self.lonely(context, session, source, &mapped, column, parent, parent_column).await?;
            if rule.severity == Severity::Warn {
                self.count(rule, column, &mapped, &lonely).await.map_err(failed)?;
                continue;
            }
            let lonely = lonely.cache().await.map_err(failed)?;
            self.count(rule, column, &mapped, &lonely).await.map_err(failed)?;
            if self.keep(rule, column, &lonely).await.map_err(failed)? == 0 {
                continue;
            }
            let gone =
                lonely.select(vec![ident("_order").alias("__order"), ident("_row").alias("__row")]).map_err(failed)?;
            left = left
                .join(gone, JoinType::LeftAnti, &["_order", "_row"], &["__order", "__row"], None)
                .map_err(failed)?;
        }
        Ok(left)
    }

    /// Place and value of the rows that have no parent.
    #[allow(clippy::too_many_arguments)]
    async fn lonely(
        &mut self,
        context: &Context,
        session: &SessionContext,
        source: &str,
        mapped: &DataFrame,
        column: &str,
        parent: &str,
        parent_column: &str,
    ) -> Result<DataFrame, StepError> {
        let failed = |error: DataFusionError| StepError::query(format!("looking for parents in {parent}"), &error);
        let place = vec![ident("_order"), ident("_row"), cast(ident(column), DataType::Utf8).alias(VALUE)];
        let children =
            mapped.clone().select(place).and_then(|rows| rows.filter(ident(VALUE).is_not_null())).map_err(failed)?;
        let table = context.tables.open(parent, None).await?;
        self.parents.insert(parent.to_owned(), table.as_ref().and_then(|table| table.version()));
        let Some(table) = table else { return Ok(children) };
        let parents = session
            .read_table(context.tables.provider(&table).await?)
            .and_then(|rows| rows.filter(ident("source").eq(lit(source))))
            .and_then(|rows| rows.select(vec![cast(ident(parent_column), DataType::Utf8).alias("__parent")]))
            .and_then(DataFrame::distinct)
            .map_err(failed)?;
        children.join(parents, JoinType::LeftAnti, &[VALUE], &["__parent"], None).map_err(failed)
    }

    async fn count(
        &mut self,
        rule: &Rule,
        column: &str,
        mapped: &DataFrame,
        lonely: &DataFrame,
    ) -> Result<(), DataFusionError> {
        let with_value = mapped.clone().filter(ident(column).is_not_null())?;
        for (rows, failing) in [(with_value, false), (lonely.clone(), true)] {
            let counts = rows.aggregate(vec![ident("_order")], vec![count(lit(1_i64)).alias("rows")])?;
            for batch in counts.collect().await? {
                let orders = cast_text(batch.column(0))?;
                let sizes = batch.column(1).as_primitive::<Int64Type>();
                for (order, size) in orders.as_string::<i32>().iter().zip(sizes) {
                    let (Some(order), Some(size)) = (order, size) else { continue };
                    let check = self.checks.entry(order.to_owned()).or_default().entry(rule.id.clone()).or_default();
                    let size = u64::try_from(size).unwrap_or_default();
                    if failing { check.failed += size } else { check.checked += size }
                }
            }
        }
        Ok(())
    }

    /// Keeps the rows for quarantine; how many there are.
    async fn keep(&mut self, rule: &Rule, column: &str, lonely: &DataFrame) -> Result<usize, DataFusionError> {
        let mut kept = 0;
        for batch in lonely.clone().collect().await? {
            kept += batch.num_rows();
            let (orders, values) = (cast_text(batch.column(0))?, cast_text(batch.column(2))?);
            let rows = batch.column(1).as_primitive::<Int64Type>();
            for ((order, row), value) in orders.as_string::<i32>().iter().zip(rows).zip(values.as_string::<i32>()) {
                let (Some(order), Some(row), Some(value)) = (order, row, value) else { continue };
                self.rows.entry(order.to_owned()).or_default().insert(Orphan {
                    row,
                    rule: rule.id.clone(),
                    column: column.to_owned(),
                    value: value.to_owned(),
                    reason: rule.description.clone(),
                });
            }
        }
        Ok(kept)
    }

    /// Distinct rows of a file that wait.
    pub fn rows_of(&self, order: &str) -> u64 {
        let rows: BTreeSet<i64> = self.rows.get(order).into_iter().flatten().map(|orphan| orphan.row).collect();
        rows.len() as u64
    }

    /// Tag of the object that holds a file's rows that wait.
    pub fn tag_of(&self, order: &str) -> Option<String> {
        self.tags.get(order).cloned()
    }

    /// Counts of a file by rule.
    pub fn checks_of(&self, order: &str) -> BTreeMap<String, CheckCount> {
        self.checks.get(order).cloned().unwrap_or_default()
    }

    /// Versions of the parent tables that were looked at.
    pub fn parents(&self) -> &BTreeMap<String, Option<u64>> {
        &self.parents
    }

    /// Notes the files whose rows are looked at.
    pub fn consider(&mut self, inputs: &[IngestEntry]) {
        self.inputs.extend(inputs.iter().map(|entry| entry.name.clone()));
    }

    /// Files beyond the batch whose orphans were looked at again.
    pub fn replayed<'a>(
        &'a self,
        ledger: &'a [IngestEntry],
        batch: &'a [IngestEntry],
    ) -> impl Iterator<Item = &'a IngestEntry> {
        ledger.iter().filter(move |entry| {
            self.inputs.contains(&entry.name) && !batch.iter().any(|other| other.name == entry.name)
        })
    }

    /// Writes each file's orphans to quarantine, or removes what it left there.
    pub async fn write(&mut self, context: &Context, ledger: &[IngestEntry]) -> Result<(), StepError> {
        for entry in ledger {
            let order = entry.order();
            let Some(orphans) = self.rows.get(&order) else {
                if self.checks.contains_key(&order) {
                    context.lake.delete(&entry.orphans_object()).await?;
                }
                continue;
            };
            let mut broken = Broken::new(&order);
            for orphan in orphans {
                broken.add_rule(
                    orphan.row,
                    &orphan.rule,
                    Severity::Reject,
                    Some(&orphan.column),
                    &orphan.reason,
                    Some(&orphan.value),
                    None,
                );
            }
            let bytes =
                encode(&mut broken).map_err(|error| StepError::Invalid(format!("encoding orphans: {error}")))?;
            let tag = context.lake.put_bytes(&entry.orphans_object(), bytes.into()).await?;
            self.tags.insert(order, tag);
        }
        Ok(())
    }

    /// True when a parent table changed since it was read.
    pub async fn outdated(&self, context: &Context) -> Result<bool, StepError> {
        if self.rows.is_empty() {
            return Ok(false);
        }
        for (parent, version) in &self.parents {
            let now = context.tables.open(parent, None).await?.and_then(|table| table.version());
            if now != *version {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn cast_text(array: &dyn Array) -> Result<datafusion::arrow::array::ArrayRef, DataFusionError> {
    Ok(datafusion::arrow::compute::cast(array, &DataType::Utf8)?)
}

fn encode(broken: &mut Broken) -> Result<Vec<u8>, parquet::errors::ParquetError> {
    let batch = broken.take()?;
    let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), Some(parquet_properties()))?;
    writer.write(&batch)?;
    writer.into_inner()
}
