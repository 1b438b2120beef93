//! Rows that take their record out of a table: they take part in the choice of a record's latest row, and go.
//!
//! They are not kept in the table, so that a file that brings an older row later would bring the record back. Therefore
//! the deletions of earlier files, of every dataset that feeds the table, take part in each merge.

use std::collections::BTreeMap;

use carelake_contracts::{Contract, DELETED, Target};
use carelake_lake::{ConformEntry, IngestEntry};
use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::error::DataFusionError;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::lit;
use datafusion::prelude::{DataFrame, ident};

use super::relations::{self, Mapped, mapped};
use super::{Prepared, session};
use crate::context::Context;
use crate::error::{QueryError, StepError};

/// Deletions by the `_order` of their file.
#[derive(Debug, Default)]
pub struct Deletions(BTreeMap<String, u64>);

/// True when the rows say of each whether it is a deletion.
pub fn marked(rows: &DataFrame) -> bool {
    rows.schema().fields().iter().any(|field| field.name() == DELETED)
}

fn failed(error: DataFusionError) -> StepError {
    StepError::query("reading deletions", &error)
}

impl Deletions {
    /// Counts those of a target.
    pub async fn count(&mut self, mapped: &Mapped) -> Result<(), StepError> {
        if !marked(&mapped.rows) {
            return Ok(());
        }
        let counts = mapped
            .rows
            .clone()
            .filter(ident(DELETED))
            .and_then(|rows| rows.aggregate(vec![ident("_order")], vec![count(lit(1_i64)).alias("rows")]));
        for batch in counts.map_err(failed)?.collect().await.map_err(failed)? {
            let orders = datafusion::arrow::compute::cast(batch.column(0), &DataType::Utf8);
            let orders = orders.map_err(|error| failed(error.into()))?;
            let sizes = batch.column(1).as_primitive::<Int64Type>();
            for (order, size) in orders.as_string::<i32>().iter().zip(sizes) {
                let (Some(order), Some(size)) = (order, size) else { continue };
                *self.0.entry(order.to_owned()).or_default() += u64::try_from(size).unwrap_or_default();
            }
        }
        Ok(())
    }

    /// Deletions of a file.
    pub fn of(&self, order: &str) -> u64 {
        self.0.get(order).copied().unwrap_or_default()
    }

    /// Adds the deletions of files beyond the batch. A file of which nothing is known yet may hold some.
    pub async fn add_earlier(
        &self,
        context: &Context,
        contract: &Contract,
        source: &str,
        batch: &[IngestEntry],
        known: &BTreeMap<String, ConformEntry>,
        prepared: &mut Prepared<'_>,
    ) -> Result<(), StepError> {
        let table = &prepared.target.table;
        let of_feed = context.contracts.contracts.values().filter(|other| other.feed == contract.feed);
        let targets: Vec<(&Contract, &Target)> = of_feed
            .flat_map(|other| other.targets.iter().map(move |target| (other, target)))
            .filter(|(_, target)| &target.table == table && target.deletes())
            .collect();
        for (other, target) in targets {
            let mut files = context.ledger.ingested_of(source, &other.dataset).await?;
            files.retain(|file| {
                let some = known.get(&file.name).is_none_or(|before| before.deletions > 0);
                some && file.feed == other.feed && !batch.iter().any(|one| one.name == file.name)
            });
            if files.is_empty() {
                continue;
            }
            let session = session(context)?;
            relations::register(context, &session, other, source, &files).await?;
            let earlier = mapped(&session, target, prepared.table, other, source).await?.rows;
            if !marked(&earlier) {
                continue;
            }
            let earlier = earlier.filter(ident(DELETED)).map_err(failed)?;
            let mut rows = prepared.mapped.rows.clone();
            if !marked(&rows) {
                rows = rows.with_column(DELETED, lit(false)).map_err(failed)?;
            }
            prepared.mapped.rows = rows.union(earlier).map_err(failed)?;
        }
        Ok(())
    }
}
