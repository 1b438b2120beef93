//! train: the no-show model of a source.

use std::sync::Arc;

use carelake_aws::event::{Notice, requested};
use carelake_aws::{Done, Function, Job, Level, all};
use carelake_contracts::Sources;
use carelake_noshow::Settings;
use carelake_steps::marts::embedded;
use carelake_steps::noshow::{self, TrainRequest, WindowRequest};
use carelake_steps::run::{Silent, cores};
use carelake_steps::{Context, StepError};
use serde_json::{Value, json};

/// The function.
#[derive(Debug, Clone, Copy)]
pub struct Train;

impl Function for Train {
    const STEP: &'static str = "train";

    async fn work(&self, job: Arc<Job>, notices: Vec<Notice>) -> Vec<Done> {
        let Some(request) = requested(&notices) else {
            job.ignore("an event that asks for nothing was ignored");
            return all(&notices, Ok(()));
        };
        let done = match &request.source {
            Some(source) => job.in_time(train(&job, source)).await,
            None => Err(StepError::Invalid("the request names no source, whose model is to be trained".to_owned())),
        };
        all(&notices, done)
    }
}

async fn train(job: &Job, source: &str) -> Result<(), StepError> {
    let context = Context::from(job.open(Sources::default()).await?).on_day_of_gold(job.as_of).await?;
    let request = TrainRequest {
        source: source.to_owned(),
        window: WindowRequest { train_until: None, evaluate_from: None },
        settings: Settings { threads: cores(), ..Settings::default() },
        compare_learners: false,
        code_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let trained = noshow::train(&context, &embedded()?, &request, &Silent).await?;
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
