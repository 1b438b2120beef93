//! Marts of many as-of dates: which dates are computed, and which part of the table they replace.
//!
//! A mart with `dates` has a partition for each date that a view names, and keeps those that it named before. A fact that
//! came late may belong before any of them, so a change of anything under the mart computes them all. When the as-of day
//! alone has moved on, only dates that are not there yet are computed.

use std::collections::BTreeSet;
use std::sync::Arc;

use carelake_sql::session::{CATALOG, LakeSession, register_in};
use carelake_sql::views::DATE;
use datafusion::arrow::array::{AsArray, Date32Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Date32Type, Field, Schema};
use datafusion::catalog::TableProvider;
use datafusion::common::ScalarValue;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, cast, lit};
use datafusion::prelude::{DataFrame, ident};

/// Dates (days since 1970-01-01) and the sources that have them.
type Pairs = BTreeSet<(i32, String)>;

/// The dates of a mart that are to be computed.
pub struct Due {
    pairs: Pairs,
    /// Condition on the partitions that they replace; the whole table when absent.
    pub replaces: Option<Expr>,
}

impl Due {
    /// Compares the dates that the view `dates` names with those of the stored table. With `whole` everything is computed,
    /// else what is missing; `None` when nothing is.
    pub async fn of(
        session: &LakeSession,
        dates: &str,
        stored: Option<Arc<dyn TableProvider>>,
        whole: bool,
    ) -> Result<Option<Self>, DataFusionError> {
        let named = pairs(session.table(dates).await?).await?;
        let Some(stored) = stored else { return Ok(Some(Self { pairs: named, replaces: None })) };
        let stored = session.context().read_table(stored)?;
        let there =
            if stored.schema().has_column_with_unqualified_name(DATE) { pairs(stored).await? } else { Pairs::new() };
        if whole {
            return Ok(Some(Self { pairs: all(&named, &there), replaces: None }));
        }
        let known = days(&there);
        let missing: Pairs = named.into_iter().filter(|(day, _)| !known.contains(day)).collect();
        if missing.is_empty() {
            return Ok(None);
        }
        let days = days(&missing).into_iter().map(|day| lit(ScalarValue::Date32(Some(day)))).collect();
        Ok(Some(Self { pairs: missing, replaces: Some(ident(DATE).in_list(days, false)) }))
    }

    /// The rows of the mart for these dates: its SQL over them in place of the view.
    pub async fn rows(&self, session: &LakeSession, dates: &str, sql: &str) -> Result<DataFrame, DataFusionError> {
        let sources = StringArray::from_iter_values(self.pairs.iter().map(|(_, source)| source));
        let days = Date32Array::from_iter_values(self.pairs.iter().map(|(day, _)| *day));
        let fields = [("source", DataType::Utf8), (DATE, DataType::Date32)];
        let schema = Arc::new(Schema::new(fields.map(|(name, kind)| Field::new(name, kind, true)).to_vec()));
        let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(sources), Arc::new(days)])?;
        let (database, name) = dates.split_once('.').unwrap_or_default();
        let table = MemTable::try_new(schema, vec![vec![batch]])?;
        register_in(session.context(), database, name, Arc::new(table))?;
        session.query(sql).await
    }
}

fn days(pairs: &Pairs) -> BTreeSet<i32> {
    pairs.iter().map(|(day, _)| *day).collect()
}

/// What is named, and the dates that are there and not named any more: of every source, as one may have come since.
fn all(named: &Pairs, there: &Pairs) -> Pairs {
    let sources: BTreeSet<String> = named.iter().chain(there).map(|(_, source)| source.clone()).collect();
    let kept: BTreeSet<i32> = &days(there) - &days(named);
    let kept = kept.iter().flat_map(|day| sources.iter().map(move |source| (*day, source.clone())));
    let kept: Pairs = kept.collect();
    named | &kept
}

/// Has the session read the view again, and not the dates that took its place.
pub fn forget(session: &LakeSession, dates: &str) -> Result<(), DataFusionError> {
    let (database, name) = dates.split_once('.').unwrap_or_default();
    let schema = session.context().catalog(CATALOG).and_then(|catalog| catalog.schema(database));
    schema.map_or(Ok(None), |schema| schema.deregister_table(name)).map(drop)
}

/// Distinct dates and sources of a relation.
async fn pairs(rows: DataFrame) -> Result<Pairs, DataFusionError> {
    let columns =
        vec![cast(ident(DATE), DataType::Date32).alias(DATE), cast(ident("source"), DataType::Utf8).alias("source")];
    let mut found = Pairs::new();
    for batch in rows.select(columns)?.distinct()?.collect().await? {
        let days = batch.column(0).as_primitive_opt::<Date32Type>();
        let sources = batch.column(1).as_string_opt::<i32>();
        if let (Some(days), Some(sources)) = (days, sources) {
            let both = days.iter().zip(sources);
            found.extend(both.filter_map(|(day, source)| Some((day?, source?.to_owned()))));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_that_were_named_before_stay_with_every_source() {
        let pairs =
            |list: &[(i32, &str)]| list.iter().map(|(day, source)| (*day, (*source).to_owned())).collect::<Pairs>();
        let there = pairs(&[(1, "a"), (2, "a")]);
        let named = pairs(&[(2, "a"), (3, "a"), (3, "b")]);
        assert_eq!(all(&named, &there), pairs(&[(1, "a"), (1, "b"), (2, "a"), (3, "a"), (3, "b")]));
    }
}
