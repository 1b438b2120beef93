//! The review of quarantine: which checks fail over all that is in the lake, for who looks at it now and then.

use carelake_aws::Job;
use carelake_contracts::Sources;
use carelake_steps::quality::{CheckResult, quality};
use carelake_steps::{Context, StepError};
use serde_json::{Value, json};

/// Judges every check by the thresholds of today, and tells those that fail, the greatest share first.
pub(crate) async fn review(job: &Job) -> Result<(), StepError> {
    let context = Context::from(job.open(Sources::default()).await?);
    let checks = quality(&context).await?;
    job.tell("checks", Value::from(checks.len()));
    job.tell("failing", failing(&checks));
    Ok(())
}

fn failing(checks: &[CheckResult]) -> Value {
    let share = |check: &CheckResult| check.failed as f64 / check.checked.max(1) as f64;
    let mut failing: Vec<&CheckResult> = checks.iter().filter(|check| !check.passed).collect();
    failing.sort_by(|one, other| share(other).total_cmp(&share(one)));
    let one = |check: &CheckResult| {
        json!({
            "source": check.source, "rule": check.rule, "severity": check.severity,
            "failed": check.failed, "checked": check.checked, "threshold": check.threshold,
        })
    };
    Value::Array(failing.into_iter().map(one).collect())
}

#[cfg(test)]
mod tests {
    use carelake_contracts::{Level, Severity};

    use super::*;

    fn check(rule: &str, failed: u64, passed: bool) -> CheckResult {
        CheckResult {
            source: "clinic".to_owned(),
            rule: rule.to_owned(),
            level: Level::Row,
            severity: Severity::Reject,
            failed,
            checked: 100,
            threshold: 0.01,
            passed,
            description: String::new(),
        }
    }

    #[test]
    fn checks_that_fail_are_told_and_the_worst_of_them_first() {
        let told = failing(&[check("a", 1, true), check("b", 2, false), check("c", 50, false)]);
        let rules: Vec<&str> = told.as_array().unwrap().iter().map(|one| one["rule"].as_str().unwrap()).collect();
        assert_eq!(rules, ["c", "b"]);
    }
}
