//! train and score: the no-show model.

use std::sync::Arc;

use carelake_contracts::Sources;
use carelake_noshow::Settings;
use carelake_steps::noshow::{self, ScoreRequest, TrainRequest, WindowRequest};
use carelake_steps::run::Silent;
use carelake_steps::{Context, StepError};
use serde_json::{Value, json};

use crate::event::{Notice, requested};
use crate::job::{Done, Job};
use crate::log::Level;
use crate::runtime::Function;

/// The function that trains.
#[derive(Debug, Clone, Copy)]
pub struct Train;

/// The function that scores.
#[derive(Debug, Clone, Copy)]
pub struct Score;

impl Function for Train {
    const STEP: &'static str = "train";

    async fn work(&self, job: Arc<Job>, notices: Vec<Notice>) -> Vec<Done> {
        let Some(request) = requested(&notices) else {
            job.ignore("an event that asks for nothing was ignored");
            return super::all(&notices, Ok(()));
        };
        let done = match &request.source {
            Some(source) => job.in_time(train(&job, source)).await,
            None => Err(StepError::Invalid("the request names no source, whose model is to be trained".to_owned())),
        };
        super::all(&notices, done)
    }
}

impl Function for Score {
    const STEP: &'static str = "score";

    async fn work(&self, job: Arc<Job>, notices: Vec<Notice>) -> Vec<Done> {
        let Some(request) = requested(&notices) else {
            job.ignore("an event that asks for nothing was ignored");
            return super::all(&notices, Ok(()));
        };
        let source = request.source.clone();
        super::all(&notices, job.in_time(score(&job, source)).await)
    }
}

/// The lake on the day that was asked for, else on the day of gold.
async fn opened(job: &Job) -> Result<Context, StepError> {
    let mut context = job.open(Sources::default()).await?;
    if job.as_of.is_none() {
        let never = || StepError::Invalid("gold was never published in this lake; invoke publish first".to_owned());
        context.as_of = noshow::published_day(&context).await?.ok_or_else(never)?;
    }
    Ok(context)
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

async fn train(job: &Job, source: &str) -> Result<(), StepError> {
    let context = opened(job).await?;
    let request = TrainRequest {
        source: source.to_owned(),
        window: WindowRequest { train_until: None, evaluate_from: None },
        settings: Settings { threads: threads(), ..Settings::default() },
        compare_learners: false,
        code_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let trained = noshow::train(&context, &super::views()?, &request, &Silent).await?;
    let report = serde_json::to_value(&trained.report).unwrap_or_default();
    let told = json!({
        "model": report.get("model"), "version": report.get("version"), "promoted": report.get("promoted"),
        "train_rows": report.get("train_rows"), "auroc": report.pointer("/evaluation/auroc"),
    });
    job.reads("gold.appointment_features");
    job.writes(format!("models.{}", told.get("model").and_then(Value::as_str).unwrap_or(source)));
    job.log.write(Level::Info, "a model was trained", &[("model", told.clone())]);
    job.tell("as_of", Value::from(context.as_of.to_string()));
    job.tell("model", told);
    Ok(())
}

async fn score(job: &Job, source: Option<String>) -> Result<(), StepError> {
    let context = opened(job).await?;
    if source.is_none() && noshow::in_use(&context).await?.is_empty() {
        job.log.write(Level::Info, "no source has a model in use, and nothing was scored", &[]);
        job.tell("appointments", Value::from(0));
        return Ok(());
    }
    let request = ScoreRequest { source, scored_at: job.now, threads: threads() };
    let report = noshow::score(&context, &super::views()?, &request, &Silent).await?;
    let scored: u64 = report.sources.iter().map(|source| source.appointments).sum();
    job.reads("gold.appointment_features");
    job.writes("gold.appointment_predictions");
    job.log.write(Level::Info, "appointments were scored", &[("appointments", Value::from(scored))]);
    job.tell("as_of", Value::from(context.as_of.to_string()));
    job.tell("appointments", Value::from(scored));
    Ok(())
}
