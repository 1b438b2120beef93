//! maintain: small files become large ones and a table's rows stand in order, beside whatever else runs; then, alone, what
//! nobody needs any more goes. Persons are erased when that is asked for.

use std::sync::Arc;

use carelake_aws::event::{Notice, Request, Work, requested};
use carelake_aws::{Done, Function, Job, Level, Metric, all};
use carelake_contracts::Sources;
use carelake_lake::Nowhere;
use carelake_steps::maintain::upkeep::{Policy, UpkeepReport, arrange, remove};
use carelake_steps::marts::embedded;
use carelake_steps::run::Silent;
use carelake_steps::{Context, StepError};
use chrono::{TimeDelta, Utc};
use serde_json::Value;

use crate::erase::erased;
use crate::review::review;

/// Days that reports of runs are kept.
const KEEP_REPORTS: TimeDelta = TimeDelta::days(365);

/// The function.
#[derive(Debug, Clone, Copy)]
pub struct Maintain;

/// A table that was rewritten: the version before and the one after.
type Rewritten = (String, u64, u64);

impl Function for Maintain {
    const STEP: &'static str = "maintain";

    async fn work(&self, job: Arc<Job>, notices: Vec<Notice>) -> Vec<Done> {
        let Some(request) = requested(&notices) else {
            job.ignore("an event that asks for nothing was ignored");
            return all(&notices, Ok(()));
        };
        if request.review {
            return all(&notices, job.in_time(review(&job)).await);
        }
        all(&notices, job.in_time(Box::pin(maintained(&job, request))).await)
    }
}

async fn maintained(job: &Job, request: &Request) -> Result<(), StepError> {
    let mut report = UpkeepReport { run_id: job.run_id.clone(), dry_run: request.dry_run, ..UpkeepReport::default() };
    match request.work {
        None => {
            let rewritten = arranged(job, request, &mut report).await?;
            removed(job, request, &rewritten, &mut report).await?;
        }
        Some(Work::Arrange) => drop(arranged(job, request, &mut report).await?),
        Some(Work::Remove) => removed(job, request, &[], &mut report).await?,
        Some(Work::Erase) => return erased(job, request).await,
        Some(Work::Catalogue) => {
            return Err(StepError::Invalid("the catalogue is written again by publish, not by maintain".to_owned()));
        }
    }
    report.close();
    let text = serde_json::to_value(&report).map_err(|error| StepError::Invalid(error.to_string()))?;
    job.tell("upkeep", text);
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "what was rewritten just now may go as well")]
fn policy(job: &Job, request: &Request) -> Policy {
    let keep_versions = job.place.config.keep_versions;
    Policy { now: Utc::now(), keep_versions, keep_reports: KEEP_REPORTS, dry_run: request.dry_run }
}

async fn arranged(job: &Job, request: &Request, report: &mut UpkeepReport) -> Result<Vec<Rewritten>, StepError> {
    let context = Context::from(job.open(Sources::default()).await?);
    let rewritten = arrange(&context, &embedded()?, &policy(job, request), &Silent, report).await?;
    job.count(Metric::TablesChanged, rewritten.len() as u64);
    for (table, _, _) in &rewritten {
        job.reads(table.clone());
        job.writes(table.clone());
    }
    let tables: Vec<String> = rewritten.iter().map(|(table, _, _)| table.clone()).collect();
    job.log.write(Level::Info, "tables were arranged", &[("tables", Value::from(tables.clone()))]);
    job.tell("arranged_tables", Value::from(tables));
    Ok(rewritten)
}

async fn removed(
    job: &Job,
    request: &Request,
    rewritten: &[Rewritten],
    report: &mut UpkeepReport,
) -> Result<(), StepError> {
    job.alone().await?;
    let context = Context::from(job.open_alone(Arc::new(Nowhere), Sources::default()).await?);
    if !carelake_lake::Erasures::new(&context.lake).unfinished().await?.is_empty() {
        let text = "an erasure was begun and is not finished: ask for the erasure again first";
        return Err(StepError::Invalid(text.to_owned()));
    }
    remove(&context, &policy(job, request), rewritten, &Silent, report).await?;
    let counts = [
        ("objects", Value::from(report.objects.count)),
        ("large_files", Value::from(report.large_files)),
        ("dry_run", Value::from(report.dry_run)),
    ];
    job.log.write(Level::Info, "what nobody needs was removed", &counts);
    Ok(())
}
