//! score: predictions for appointments that are to come.

use std::sync::Arc;

use carelake_aws::event::{Notice, requested};
use carelake_aws::{Done, Function, Job, Level, all};
use carelake_contracts::Sources;
use carelake_steps::marts::embedded;
use carelake_steps::noshow::{self, ScoreRequest};
use carelake_steps::run::{Silent, cores};
use carelake_steps::{Context, StepError};
use serde_json::Value;

/// The function.
#[derive(Debug, Clone, Copy)]
pub struct Score;

impl Function for Score {
    const STEP: &'static str = "score";

    async fn work(&self, job: Arc<Job>, notices: Vec<Notice>) -> Vec<Done> {
        let Some(request) = requested(&notices) else {
            job.ignore("an event that asks for nothing was ignored");
            return all(&notices, Ok(()));
        };
        let source = request.source.clone();
        all(&notices, job.in_time(score(&job, source)).await)
    }
}

async fn score(job: &Job, source: Option<String>) -> Result<(), StepError> {
    let context = Context::from(job.open(Sources::default()).await?).on_day_of_gold(job.as_of).await?;
    if source.is_none() && noshow::in_use(&context).await?.is_empty() {
        job.log.write(Level::Info, "no source has a model in use, and nothing was scored", &[]);
        job.tell("appointments", Value::from(0));
        return Ok(());
    }
    let request = ScoreRequest { source, scored_at: job.now, threads: cores() };
    let report = noshow::score(&context, &embedded()?, &request, &Silent).await?;
    let scored: u64 = report.sources.iter().map(|source| source.appointments).sum();
    job.reads("gold.appointment_features");
    job.writes("gold.appointment_predictions");
    job.log.write(Level::Info, "appointments were scored", &[("appointments", Value::from(scored))]);
    job.tell("as_of", Value::from(context.as_of.to_string()));
    job.tell("appointments", Value::from(scored));
    Ok(())
}
