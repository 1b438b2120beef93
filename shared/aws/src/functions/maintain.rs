//! maintain: small files become large ones, and a table's rows stand in order, beside whatever else runs.

use std::sync::Arc;

use carelake_contracts::Sources;
use carelake_steps::StepError;
use carelake_steps::maintain::upkeep::{Policy, UpkeepReport, arrange};
use carelake_steps::run::Silent;
use chrono::TimeDelta;
use serde_json::Value;

use super::review::review;
use crate::event::{Notice, requested};
use crate::job::{Done, Job};
use crate::log::Level;
use crate::metrics::Metric;
use crate::runtime::Function;

/// The function.
#[derive(Debug, Clone, Copy)]
pub struct Maintain;

impl Function for Maintain {
    const STEP: &'static str = "maintain";

    async fn work(&self, job: Arc<Job>, notices: Vec<Notice>) -> Vec<Done> {
        let Some(request) = requested(&notices) else {
            job.ignore("an event that asks for nothing was ignored");
            return super::all(&notices, Ok(()));
        };
        if request.review {
            return super::all(&notices, job.in_time(review(&job)).await);
        }
        super::all(&notices, job.in_time(arranged(&job)).await)
    }
}

async fn arranged(job: &Job) -> Result<(), StepError> {
    let context = job.open(Sources::default()).await?;
    let policy =
        Policy { now: job.now, keep_versions: TimeDelta::days(30), keep_reports: TimeDelta::days(365), dry_run: false };
    let mut report = UpkeepReport { run_id: job.run_id.clone(), ..UpkeepReport::default() };
    let rewritten = arrange(&context, &super::views()?, &policy, &Silent, &mut report).await?;
    job.count(Metric::TablesChanged, rewritten.len() as u64);
    for (table, _, _) in &rewritten {
        job.reads(table.clone());
        job.writes(table.clone());
    }
    let tables: Vec<String> = rewritten.into_iter().map(|(table, _, _)| table).collect();
    job.log.write(Level::Info, "tables were arranged", &[("tables", Value::from(tables.clone()))]);
    job.tell("arranged_tables", Value::from(tables));
    Ok(())
}
