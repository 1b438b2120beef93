//! Checks that compare a dataset's silver rows with another table's: counted over all of a source, never rejecting.

use std::collections::BTreeMap;

use carelake_contracts::{Contract, Rule, RuleKind};
use carelake_lake::{CheckCount, Layout};
use datafusion::common::JoinType;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::lit;
use datafusion::prelude::{DataFrame, ident};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::error::{QueryError, StepError};

/// The result of a table-level check of a source, as stored in the lake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableCheck {
    /// The sender.
    pub source: String,
    /// Feed of the rule.
    pub feed: String,
    /// Dataset of the rule.
    pub dataset: String,
    /// The rule's id.
    pub rule: String,
    /// Versions of the compared tables.
    pub versions: BTreeMap<String, Option<u64>>,
    /// Numerator and denominator.
    #[serde(flatten)]
    pub count: CheckCount,
}

/// Runs the joined rules of a dataset over a source and stores their counts; a rule whose tables are as they were when
/// it last ran is left alone.
///
/// # Errors
/// When storage fails or a rule's condition is not valid SQL.
pub async fn joined_checks(context: &Context, contract: &Contract, source: &str) -> Result<(), StepError> {
    for rule in &contract.rules {
        let RuleKind::Joined { target, parent, .. } = &rule.kind else { continue };
        let path = Layout::check(source, &rule.id);
        let versions = context.tables.versions([target.as_str(), parent.as_str()]).await?;
        let before = context.lake.get_json::<TableCheck>(&path).await?;
        if before.is_some_and(|before| before.versions == versions) {
            continue;
        }
        let result = TableCheck {
            source: source.to_owned(),
            feed: contract.feed.clone(),
            dataset: contract.dataset.clone(),
            rule: rule.id.clone(),
            versions,
            count: run(context, contract, source, rule).await?,
        };
        context.lake.put_json(&path, &result).await?;
    }
    Ok(())
}

async fn run(context: &Context, contract: &Contract, source: &str, rule: &Rule) -> Result<CheckCount, StepError> {
    let RuleKind::Joined { target, parent, on, violation } = &rule.kind else { return Ok(CheckCount::default()) };
    let failed = |error: DataFusionError| StepError::query(format!("checking {}", rule.id), &error);
    let (Some(children), Some(parents)) =
        (context.tables.open(target, None).await?, context.tables.open(parent, None).await?)
    else {
        return Ok(CheckCount::default());
    };
    let session = super::session(context)?;
    let children = session
        .read_table(context.tables.provider(&children).await?)
        .and_then(|rows| {
            rows.filter(ident("source").eq(lit(source)).and(ident("feed").eq(lit(contract.feed.as_str()))))
        })
        .and_then(|rows| rows.alias("child"))
        .map_err(failed)?;
    let parents = session
        .read_table(context.tables.provider(&parents).await?)
        .and_then(|rows| rows.filter(ident("source").eq(lit(source))))
        .and_then(|rows| rows.alias("parent"))
        .map_err(failed)?;
    let checked = children.clone().count().await.map_err(failed)? as u64;
    let on: Vec<&str> = on.iter().map(String::as_str).collect();
    let failing = async {
        let pairs: DataFrame = children.join(parents, JoinType::Inner, &on, &on, None)?;
        let condition = pairs.parse_sql_expr(violation)?;
        pairs.filter(condition)?.count().await
    };
    Ok(CheckCount { checked, failed: failing.await.map_err(failed)? as u64 })
}
