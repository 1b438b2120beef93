//! `carelake dq`: every check, judged by the thresholds of today's contracts.

use std::process::ExitCode;
use std::sync::Arc;

use carelake_contracts::Sources;
use carelake_lake::{FolderLanding, Lake};
use carelake_steps::Context;
use carelake_steps::quality::{CheckResult, quality};

use super::{Problem, contracts};
use crate::cli::Dq;
use crate::console::say;
use crate::table::{Format, plain};

/// Judges and shows every check.
pub async fn dq(arguments: &Dq) -> Result<ExitCode, Problem> {
    let lake = Lake::open_existing(&arguments.place.lake)?;
    let landing = Arc::new(FolderLanding::new(&arguments.place.lake));
    let contracts = contracts(arguments.contracts.contracts.as_deref())?;
    let context =
        Context::new(lake, landing, contracts, Sources::default(), chrono::NaiveDate::default(), String::new());
    let mut results = quality(&context).await?;
    let (total, failing) = (results.len(), results.iter().filter(|result| !result.passed).count());
    if arguments.failing {
        results.retain(|result| !result.passed);
    }
    if arguments.format == Format::Json {
        for result in &results {
            say(&serde_json::to_string(result)?);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let header = ["source", "check", "severity", "failed", "checked", "share", "threshold", "status"];
    let rows: Vec<Vec<String>> = results.iter().map(cells).collect();
    if arguments.format == Format::Csv {
        for row in std::iter::once(header.map(str::to_owned).to_vec()).chain(rows) {
            say(&row.join(","));
        }
    } else {
        say(&plain(&header, &rows));
        say(&format!("{total} checks, {failing} fail"));
    }
    Ok(ExitCode::SUCCESS)
}

fn cells(result: &CheckResult) -> Vec<String> {
    let share = if result.checked == 0 { 0.0 } else { result.failed as f64 / result.checked as f64 };
    vec![
        result.source.clone(),
        result.rule.clone(),
        result.severity.as_str().to_owned(),
        result.failed.to_string(),
        result.checked.to_string(),
        format!("{share:.6}"),
        result.threshold.to_string(),
        if result.passed { "pass" } else { "FAIL" }.to_owned(),
    ]
}
