//! maintain: small files become large ones, and a table's rows stand in order, beside whatever else runs.

use std::sync::Arc;

use carelake_aws::event::{Notice, requested};
use carelake_aws::{Done, Function, Job, Level, Metric, all};
use carelake_contracts::Sources;
use carelake_steps::maintain::upkeep::{Policy, UpkeepReport, arrange};
use carelake_steps::marts::embedded;
use carelake_steps::run::Silent;
use carelake_steps::{Context, StepError};
use chrono::TimeDelta;
use serde_json::Value;

/// The function.
#[derive(Debug, Clone, Copy)]
pub struct Maintain;

impl Function for Maintain {
    const STEP: &'static str = "maintain";

    async fn work(&self, job: Arc<Job>, notices: Vec<Notice>) -> Vec<Done> {
        if requested(&notices).is_none() {
            job.ignore("an event that asks for nothing was ignored");
            return all(&notices, Ok(()));
        }
        all(&notices, job.in_time(arranged(&job)).await)
    }
}

async fn arranged(job: &Job) -> Result<(), StepError> {
    let context = Context::from(job.open(Sources::default()).await?);
    let policy =
        Policy { now: job.now, keep_versions: TimeDelta::days(30), keep_reports: TimeDelta::days(365), dry_run: false };
    let mut report = UpkeepReport { run_id: job.run_id.clone(), ..UpkeepReport::default() };
    let rewritten = arrange(&context, &embedded()?, &policy, &Silent, &mut report).await?;
    job.count(Metric::TablesChanged, rewritten.len() as u64);
    let tables: Vec<String> = rewritten.into_iter().map(|(table, _, _)| table).collect();
    job.log.write(Level::Info, "tables were arranged", &[("tables", Value::from(tables.clone()))]);
    job.tell("arranged_tables", Value::from(tables));
    Ok(())
}
