//! score: a probability and its reasons for every upcoming appointment, and the drift of what was scored.

use std::sync::{Arc, Mutex};

use arrow::array::{ArrayRef, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use carelake_lake::Registry;
use carelake_noshow::Drift;
use carelake_sql::views::View;
use chrono::{DateTime, NaiveDate, Utc};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::ident;
use serde::Serialize;

use super::mart::{Mart, days_of};
use super::scoring::{Scoring, predictions};
use super::tables::{DRIFT, PREDICTIONS, kept_table};
use super::{load, model_name, model_source, unfit};
use crate::conform::retry;
use crate::context::Context;
use crate::error::{QueryError, StepError};
use crate::run::Observer;

/// What is to be scored.
#[derive(Debug, Clone)]
pub struct ScoreRequest {
    /// Whose appointments; those of every source with a model when absent.
    pub source: Option<String>,
    /// The moment that the predictions say.
    pub scored_at: DateTime<Utc>,
    /// Threads to use.
    pub threads: usize,
}

/// What scoring did with one source.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SourceScore {
    /// Sender.
    pub source: String,
    /// The version used.
    pub model_version: u32,
    /// Upcoming appointments scored.
    pub appointments: u64,
    /// Sum of their probabilities.
    pub expected_no_shows: f64,
    /// Appointments whose probability reaches the threshold.
    pub predicted: u64,
    /// The threshold.
    pub threshold: f64,
    /// Appointments by risk band: low, medium, high.
    pub bands: [u64; 3],
    /// Drift of features and score; none without appointments.
    pub drift: Option<Drift>,
    /// Outcomes of appointments dated after the as-of day, which are not used.
    pub outcomes_from_the_future: u64,
}

/// What scoring did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ScoreReport {
    /// Identifies the run.
    pub run_id: String,
    /// The day whose predictions were replaced.
    pub as_of: String,
    /// By source.
    pub sources: Vec<SourceScore>,
}

/// Scores every appointment that was booked by the as-of day, is dated after it and was not cancelled then, and replaces
/// that day's predictions in one commit.
///
/// # Errors
/// When there is no model, or one that cannot be used; then nothing is written.
pub async fn score(
    context: &Context,
    views: &[View],
    request: &ScoreRequest,
    observer: &dyn Observer,
) -> Result<ScoreReport, StepError> {
    let features = super::features()?;
    let registry = Registry::new(&context.lake);
    let mut models = Vec::new();
    for source in sources(&registry, request.source.as_deref()).await? {
        let name = model_name(&source);
        let champion = registry.champion(&name).await?;
        let version = match &champion {
            Some(champion) => registry.version(&name, champion.version).await?,
            None => None,
        };
        let Some(version) = version else {
            return Err(StepError::Invalid(format!(
                "{source} has no model in use; train one with carelake train --source {source}, or promote a version"
            )));
        };
        let file = load(&registry, &version).await?;
        file.check_schema(&features).map_err(unfit)?;
        models.push((source, version.version, file.model));
    }
    let mart = Mart::of(context, views, context.as_of).await?;
    let table = kept_table(PREDICTIONS)?;
    let schema = table.schema()?;
    let mut scorings = Vec::new();
    for (source, version, model) in models {
        let scoring = Scoring {
            rows: mart.select(&features, &source, upcoming(context.as_of))?,
            source,
            version,
            model,
            as_of: context.as_of,
            scored_at: request.scored_at,
            threads: request.threads,
            schema: schema.clone(),
            tally: Mutex::default(),
        };
        scorings.push(Arc::new(scoring));
    }
    observer.begin("score", scorings.len() as u64);
    let part = part(context.as_of, request.source.as_deref());
    let rows = predictions(schema, &scorings).map(Arc::new);
    let rows = rows.map_err(|error| StepError::query("scoring", &error))?;
    retry(|| table.replace_by(context, rows.clone(), part.clone())).await?;
    let (mut drifts, mut scores) = (Vec::new(), Vec::new());
    for scoring in &scorings {
        let future = mart.outcomes_from_the_future(&scoring.source, context.as_of).await?;
        let score = summary(scoring, future);
        drifts.push(drift_rows(&score, context.as_of, &context.run_id)?);
        scores.push(score);
        observer.advance(&scoring.source);
    }
    observer.end();
    let table = kept_table(DRIFT)?;
    retry(|| table.replace(context, drifts.clone(), part.clone())).await?;
    Ok(ScoreReport { run_id: context.run_id.clone(), as_of: context.as_of.to_string(), sources: scores })
}

/// The source asked for, or every source with a model in use.
async fn sources(registry: &Registry, wanted: Option<&str>) -> Result<Vec<String>, StepError> {
    if let Some(source) = wanted {
        return Ok(vec![source.to_owned()]);
    }
    let sources = with_champion(registry).await?;
    if sources.is_empty() {
        return Err(StepError::Invalid(
            "no source has a model in use; train one with carelake train --source S".to_owned(),
        ));
    }
    Ok(sources)
}

/// The sources that have a model in use.
///
/// # Errors
/// When the registry cannot be read.
pub async fn in_use(context: &Context) -> Result<Vec<String>, StepError> {
    with_champion(&Registry::new(&context.lake)).await
}

async fn with_champion(registry: &Registry) -> Result<Vec<String>, StepError> {
    let mut sources = Vec::new();
    for name in registry.names().await? {
        if registry.champion(&name).await?.is_some() {
            sources.extend(model_source(&name).map(str::to_owned));
        }
    }
    Ok(sources)
}

fn date(day: NaiveDate) -> Expr {
    lit(ScalarValue::Date32(Some(days_of(day))))
}

fn upcoming(as_of: NaiveDate) -> Expr {
    ident("status").eq(lit("Scheduled")).and(ident("appointment_date").gt(date(as_of)))
}

/// The part of the kept tables that this scoring replaces.
fn part(as_of: NaiveDate, source: Option<&str>) -> Expr {
    let day = ident("prediction_date").eq(date(as_of));
    match source {
        Some(source) => day.and(ident("source").eq(lit(source))),
        None => day,
    }
}

fn summary(scoring: &Scoring, outcomes_from_the_future: u64) -> SourceScore {
    let tally = scoring.tally();
    SourceScore {
        source: scoring.source.clone(),
        model_version: scoring.version,
        appointments: tally.appointments,
        expected_no_shows: tally.expected_no_shows,
        predicted: tally.predicted,
        threshold: scoring.model.threshold(),
        bands: tally.bands,
        drift: (tally.appointments > 0).then(|| tally.drift.drift(&scoring.model)),
        outcomes_from_the_future,
    }
}

/// The rows in the columns of gold.model_drift.
fn drift_rows(score: &SourceScore, as_of: NaiveDate, run_id: &str) -> Result<RecordBatch, StepError> {
    let features = score.drift.as_ref().map(|drift| drift.features.as_slice()).unwrap_or_default();
    let rows = features.len();
    let (version, appointments) = (i32::try_from(score.model_version), i64::try_from(score.appointments));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![score.source.as_str(); rows])),
        Arc::new(Date32Array::from(vec![days_of(as_of); rows])),
        Arc::new(Int32Array::from(vec![version.unwrap_or(i32::MAX); rows])),
        Arc::new(StringArray::from_iter_values(features.iter().map(|feature| feature.feature.as_str()))),
        Arc::new(Float64Array::from_iter_values(features.iter().map(|feature| feature.psi))),
        Arc::new(StringArray::from_iter_values(features.iter().map(|feature| feature.alarm.word()))),
        Arc::new(Int64Array::from(vec![appointments.unwrap_or(i64::MAX); rows])),
        Arc::new(StringArray::from(vec![run_id; rows])),
    ];
    let batch = RecordBatch::try_new(kept_table(DRIFT)?.schema()?, columns);
    batch.map_err(|error| StepError::query("building a table", &error.into()))
}
