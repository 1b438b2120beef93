//! Which part of a mart is computed again.
//!
//! A mart that is parted by source has rows of a source from rows of that source alone: every join of gold has the source
//! in it. So where nothing but silver tables changed, and their logs tell whose files, the other sources stay as they are.

use std::collections::BTreeSet;

use carelake_sql::views::View;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::{DataFrame, ident};

use crate::context::Context;
use crate::error::StepError;
use crate::marts::Inputs;
use crate::publish::SOURCES;

/// Source, feed and subject area.
pub type Senders = BTreeSet<[String; 3]>;

/// The sources whose rows of a mart are to be computed; `None` when it is all of the mart. `before` is what the mart as it
/// is was made from, `senders` are those of then and of now.
///
/// # Errors
/// When the log of a table cannot be read.
pub async fn touched(
    context: &Context,
    view: &View,
    before: Option<&Inputs>,
    now: &Inputs,
    senders: [&Senders; 2],
) -> Result<Option<BTreeSet<String>>, StepError> {
    let parted = view.partition_by.iter().any(|column| column == "source");
    let Some(before) = before.filter(|before| parted && before.definition == now.definition) else { return Ok(None) };
    let mut sources = BTreeSet::new();
    for (table, state) in &now.tables {
        let was = before.tables.get(table);
        if was == Some(state) {
            continue;
        }
        if table == SOURCES {
            let [then, now] = senders;
            sources.extend(then.symmetric_difference(now).map(|[source, ..]| source.clone()));
            continue;
        }
        let version = |state: &String| state.parse::<u64>().ok().filter(|_| table.starts_with("silver."));
        let (Some(read), Some(_)) = (was.and_then(version), version(state)) else { return Ok(None) };
        let Some(changed) = context.tables.sources_since(table, read).await? else { return Ok(None) };
        sources.extend(changed);
    }
    Ok(Some(sources))
}

/// The rows of those sources, and the condition on the partitions that they replace.
///
/// # Errors
/// When the mart has no source.
pub fn of_sources(
    rows: DataFrame,
    sources: Option<BTreeSet<String>>,
) -> Result<(DataFrame, Option<Expr>), DataFusionError> {
    let Some(sources) = sources else { return Ok((rows, None)) };
    let part = ident("source").in_list(sources.into_iter().map(lit).collect(), false);
    Ok((rows.filter(part.clone())?, Some(part)))
}
