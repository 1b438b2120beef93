//! Data quality: every check with numerator, denominator, threshold and status.
//!
//! Counts come from the ledger; thresholds come from the contracts of today, so a threshold can be changed and judged
//! again without a rerun.

use std::collections::BTreeMap;

use carelake_contracts::{Checks, Contract, Level, Severity};
use carelake_lake::CheckCount;
use serde::Serialize;

use crate::conform::{TableCheck, add_checks};
use crate::context::Context;
use crate::error::StepError;

/// A check's result over all files of a source, as they are now: an overwritten file counts no more.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckResult {
    /// Sender.
    pub source: String,
    /// Stable id, `<feed>.<dataset>.<rule>`.
    pub rule: String,
    /// What it looks at.
    pub level: Level,
    /// What a failing row leads to.
    pub severity: Severity,
    /// Numerator: rows that fail.
    pub failed: u64,
    /// Denominator: rows looked at.
    pub checked: u64,
    /// Share of failing rows above which the check fails.
    pub threshold: f64,
    /// True when the share is not above the threshold.
    pub passed: bool,
    /// For readers.
    pub description: String,
}

/// Judges every check of every source in the lake.
///
/// # Errors
/// When the ledger cannot be read.
pub async fn quality(context: &Context) -> Result<Vec<CheckResult>, StepError> {
    let mut counts: BTreeMap<(String, String, String), BTreeMap<String, CheckCount>> = BTreeMap::new();
    for entry in context.ledger.current().await?.0 {
        let sums = counts.entry((entry.source.clone(), entry.feed.clone(), entry.dataset.clone())).or_default();
        add_checks(sums, &entry.checks);
        if let Some(conformed) = context.ledger.conform_entry(&entry).await? {
            add_checks(sums, &conformed.checks);
        }
    }
    for path in context.lake.list("_carelake/checks").await? {
        if let Some(check) = context.lake.get_json::<TableCheck>(&path).await? {
            let sums = counts.entry((check.source, check.feed, check.dataset)).or_default();
            sums.insert(check.rule, check.count);
        }
    }
    let mut results = Vec::new();
    for ((source, feed, dataset), sums) in &counts {
        if let Some(contract) = context.contracts.contract(feed, dataset) {
            judge(source, contract, sums, &mut results);
        }
    }
    Ok(results)
}

fn judge(source: &str, contract: &Contract, sums: &BTreeMap<String, CheckCount>, results: &mut Vec<CheckResult>) {
    let checks = Checks::new(contract);
    let at_ingest =
        checks.all().iter().map(|check| (&check.id, check.level, check.severity, check.threshold, &check.reason));
    let later =
        contract.rules.iter().map(|rule| (&rule.id, rule.level, rule.severity, rule.threshold, &rule.description));
    let mut seen = std::collections::BTreeSet::new();
    for (id, level, severity, threshold, description) in at_ingest.chain(later) {
        if !seen.insert(id.clone()) {
            continue;
        }
        let count = sums.get(id).copied().unwrap_or_default();
        let share = if count.checked == 0 { 0.0 } else { count.failed as f64 / count.checked as f64 };
        results.push(CheckResult {
            source: source.to_owned(),
            rule: id.clone(),
            level,
            severity,
            failed: count.failed,
            checked: count.checked,
            threshold,
            passed: share <= threshold,
            description: description.clone(),
        });
    }
}
