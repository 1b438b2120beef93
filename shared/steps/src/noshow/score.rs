//! score: a probability and its reasons for every upcoming appointment, and the drift of what was scored.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::SchemaRef;
use carelake_lake::Registry;
use carelake_noshow::{Alarm, Drift, Frame, Model, RiskBand, days};
use carelake_sql::views::View;
use chrono::{DateTime, NaiveDate, Utc};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::ident;
use serde::Serialize;

use super::mart::{Mart, days_of, texts};
use super::tables::{DRIFT, PREDICTIONS, kept_table};
use super::{load, model_name, model_source};
use crate::conform::retry;
use crate::context::Context;
use crate::error::StepError;
use crate::run::Observer;

/// Reasons that are given for a probability.
const REASONS: usize = 3;

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
        file.check_schema(&features)?;
        models.push((source, version.version, file.model));
    }
    let mart = Mart::of(context, views, context.as_of).await?;
    observer.begin("score", models.len() as u64);
    let (mut predictions, mut drifts, mut scores) = (Vec::new(), Vec::new(), Vec::new());
    for (source, version, model) in &models {
        let batches = mart.rows(&features, source, upcoming(context.as_of)).await?;
        let scored = Scored::of(source, *version, model, &batches, request.threads)?;
        let future = mart.outcomes_from_the_future(source, context.as_of).await?;
        scores.push(SourceScore { outcomes_from_the_future: future, ..scored.summary(model) });
        predictions.push(scored.predictions(context.as_of, request.scored_at)?);
        drifts.push(scored.drifts(context.as_of, &context.run_id)?);
        observer.advance(source);
    }
    observer.end();
    let part = part(context.as_of, request.source.as_deref());
    for (table, rows) in [(PREDICTIONS, predictions), (DRIFT, drifts)] {
        let table = kept_table(table)?;
        retry(|| table.replace(context, rows.clone(), part.clone())).await?;
    }
    Ok(ScoreReport { run_id: context.run_id.clone(), as_of: context.as_of.to_string(), sources: scores })
}

/// The source asked for, or every source with a model in use.
async fn sources(registry: &Registry, wanted: Option<&str>) -> Result<Vec<String>, StepError> {
    if let Some(source) = wanted {
        return Ok(vec![source.to_owned()]);
    }
    let mut sources = Vec::new();
    for name in registry.names().await? {
        if registry.champion(&name).await?.is_some() {
            sources.extend(model_source(&name).map(str::to_owned));
        }
    }
    if sources.is_empty() {
        return Err(StepError::Invalid(
            "no source has a model in use; train one with carelake train --source S".to_owned(),
        ));
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

/// Appointments of a source with their probabilities.
struct Scored<'a> {
    source: &'a str,
    version: i32,
    columns: [Vec<Option<String>>; 3],
    days: Vec<i32>,
    probabilities: Vec<f64>,
    predicted: Vec<bool>,
    bands: Vec<RiskBand>,
    reasons: Vec<Vec<Option<String>>>,
    drift: Option<Drift>,
}

impl<'a> Scored<'a> {
    fn of(
        source: &'a str,
        version: u32,
        model: &Model,
        batches: &[RecordBatch],
        threads: usize,
    ) -> Result<Self, StepError> {
        let frame = Frame::from_batches(&model.features, batches)?;
        let (mut probabilities, mut reasons, mut drift) = (Vec::new(), vec![Vec::new(); REASONS], None);
        if frame.rows() > 0 {
            probabilities = model.score(&frame, threads)?;
            for found in model.reasons(&frame, REASONS, threads)? {
                let mut words = found.into_iter().map(|reason| reason.words);
                reasons.iter_mut().for_each(|column| column.push(words.next()));
            }
            drift = Some(Drift::between(model, &frame, &probabilities)?);
        }
        Ok(Self {
            source,
            version: i32::try_from(version).unwrap_or(i32::MAX),
            columns: ["appointment_id", "patient_id", "practitioner_id"].map(|name| texts(batches, name)),
            days: days("appointment_date", batches)?,
            predicted: probabilities.iter().map(|probability| *probability >= model.threshold()).collect(),
            bands: probabilities.iter().map(|probability| model.risk_band(*probability)).collect(),
            probabilities,
            reasons,
            drift,
        })
    }

    fn summary(&self, model: &Model) -> SourceScore {
        let count = |band: RiskBand| self.bands.iter().filter(|one| **one == band).count() as u64;
        SourceScore {
            source: self.source.to_owned(),
            model_version: self.version.unsigned_abs(),
            appointments: self.probabilities.len() as u64,
            expected_no_shows: self.probabilities.iter().sum(),
            predicted: self.predicted.iter().filter(|one| **one).count() as u64,
            threshold: model.threshold(),
            bands: [RiskBand::Low, RiskBand::Medium, RiskBand::High].map(count),
            drift: self.drift.clone(),
            outcomes_from_the_future: 0,
        }
    }

    /// The rows in the columns of gold.appointment_predictions.
    fn predictions(&self, as_of: NaiveDate, scored_at: DateTime<Utc>) -> Result<RecordBatch, StepError> {
        let rows = self.probabilities.len();
        let text = |values: &[Option<String>]| Arc::new(StringArray::from_iter(values.iter().cloned())) as ArrayRef;
        let [appointments, patients, practitioners] = &self.columns;
        let moment = TimestampMicrosecondArray::from(vec![scored_at.timestamp_micros(); rows]).with_timezone("UTC");
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec![self.source; rows])),
            Arc::new(Date32Array::from(vec![days_of(as_of); rows])),
            text(appointments),
            text(patients),
            text(practitioners),
            Arc::new(Date32Array::from(self.days.clone())),
            Arc::new(Float64Array::from(self.probabilities.clone())),
            Arc::new(BooleanArray::from(self.predicted.clone())),
            Arc::new(StringArray::from_iter_values(self.bands.iter().map(|band| band.word()))),
        ];
        columns.extend(self.reasons.iter().map(|reasons| text(reasons)));
        columns.push(Arc::new(Int32Array::from(vec![self.version; rows])));
        columns.push(Arc::new(moment));
        batch(kept_table(PREDICTIONS)?.schema()?, columns)
    }

    /// The rows in the columns of gold.model_drift.
    fn drifts(&self, as_of: NaiveDate, run_id: &str) -> Result<RecordBatch, StepError> {
        let features = self.drift.as_ref().map(|drift| drift.features.as_slice()).unwrap_or_default();
        let rows = features.len();
        let appointments = i64::try_from(self.probabilities.len()).unwrap_or(i64::MAX);
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec![self.source; rows])),
            Arc::new(Date32Array::from(vec![days_of(as_of); rows])),
            Arc::new(Int32Array::from(vec![self.version; rows])),
            Arc::new(StringArray::from_iter_values(features.iter().map(|feature| feature.feature.as_str()))),
            Arc::new(Float64Array::from_iter_values(features.iter().map(|feature| feature.psi))),
            Arc::new(StringArray::from_iter_values(features.iter().map(|feature| alarm(feature.alarm)))),
            Arc::new(Int64Array::from(vec![appointments; rows])),
            Arc::new(StringArray::from(vec![run_id; rows])),
        ];
        batch(kept_table(DRIFT)?.schema()?, columns)
    }
}

/// The word of an alarm level.
fn alarm(level: Alarm) -> &'static str {
    match level {
        Alarm::None => "none",
        Alarm::Moderate => "moderate",
        Alarm::Major => "major",
    }
}

fn batch(schema: SchemaRef, columns: Vec<ArrayRef>) -> Result<RecordBatch, StepError> {
    RecordBatch::try_new(schema, columns).map_err(|error| StepError::query("building a table", &error.into()))
}
