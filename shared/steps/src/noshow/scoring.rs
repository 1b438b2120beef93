//! Scores the upcoming appointments of a source batch by batch, as they are read: what is held does not grow with them.

use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, Mutex, PoisonError};

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float64Array, Int32Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::SchemaRef;
use carelake_noshow::{DriftCounts, Frame, Model, RiskBand, days};
use chrono::{DateTime, NaiveDate, Utc};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::DataFrame;
use futures::{StreamExt, TryStreamExt};

use super::mart::{days_of, texts};

/// Reasons that are given for a probability.
const REASONS: usize = 3;

/// What is known of the appointments scored so far.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) appointments: u64,
    pub(super) expected_no_shows: f64,
    pub(super) predicted: u64,
    /// Low, medium, high.
    pub(super) bands: [u64; 3],
    pub(super) drift: DriftCounts,
}

/// The model of a source and the rows that it is to score.
pub(super) struct Scoring {
    pub(super) source: String,
    pub(super) version: u32,
    pub(super) model: Model,
    pub(super) rows: DataFrame,
    pub(super) as_of: NaiveDate,
    pub(super) scored_at: DateTime<Utc>,
    pub(super) threads: usize,
    /// Of the table of predictions.
    pub(super) schema: SchemaRef,
    pub(super) tally: Mutex<Tally>,
}

/// The predictions of several sources as a table, one partition each; they are made when it is read.
pub(super) fn predictions(schema: SchemaRef, scorings: &[Arc<Scoring>]) -> Result<StreamingTable, DataFusionError> {
    let partition = |scoring: &Arc<Scoring>| Arc::new(Predictions(scoring.clone())) as Arc<dyn PartitionStream>;
    StreamingTable::try_new(schema, scorings.iter().map(partition).collect())
}

struct Predictions(Arc<Scoring>);

impl Debug for Predictions {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "predictions of {}", self.0.source)
    }
}

impl PartitionStream for Predictions {
    fn schema(&self) -> &SchemaRef {
        &self.0.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let scoring = self.0.clone();
        let batches = async move {
            // A commit that another run overtook reads again.
            scoring.count(|tally| *tally = Tally::default());
            let rows = scoring.rows.clone().execute_stream().await?;
            Ok::<_, DataFusionError>(rows.map(move |batch| scoring.score(&batch?)))
        };
        let batches = futures::stream::once(batches).try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(self.0.schema.clone(), batches))
    }
}

impl Scoring {
    fn count<T>(&self, change: impl FnOnce(&mut Tally) -> T) -> T {
        change(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is known of the appointments scored.
    pub(super) fn tally(&self) -> Tally {
        self.count(|tally| tally.clone())
    }

    /// A batch of features as rows of gold.appointment_predictions.
    fn score(&self, batch: &RecordBatch) -> Result<RecordBatch, DataFusionError> {
        let (model, batches) = (&self.model, std::slice::from_ref(batch));
        let failed = |error: carelake_noshow::ModelError| DataFusionError::External(Box::new(error));
        let frame = Frame::from_batches(&model.features, batches).map_err(failed)?;
        let probabilities = model.score(&frame, self.threads).map_err(failed)?;
        let predicted: Vec<bool> = probabilities.iter().map(|probability| *probability >= model.threshold()).collect();
        let bands: Vec<RiskBand> = probabilities.iter().map(|probability| model.risk_band(*probability)).collect();
        let mut reasons: [Vec<Option<String>>; REASONS] = Default::default();
        for found in model.reasons(&frame, REASONS, self.threads).map_err(failed)? {
            let mut words = found.into_iter().map(|reason| reason.words);
            reasons.iter_mut().for_each(|column| column.push(words.next()));
        }
        let counted = self.count(|tally| {
            tally.appointments += probabilities.len() as u64;
            tally.expected_no_shows = probabilities.iter().fold(tally.expected_no_shows, |sum, one| sum + one);
            tally.predicted += predicted.iter().filter(|one| **one).count() as u64;
            for (sum, band) in tally.bands.iter_mut().zip([RiskBand::Low, RiskBand::Medium, RiskBand::High]) {
                *sum += bands.iter().filter(|one| **one == band).count() as u64;
            }
            tally.drift.add(model, &frame, &probabilities)
        });
        counted.map_err(failed)?;
        let rows = probabilities.len();
        let text = |values: Vec<Option<String>>| Arc::new(StringArray::from_iter(values)) as ArrayRef;
        let moment = vec![self.scored_at.timestamp_micros(); rows];
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(vec![self.source.as_str(); rows])),
            Arc::new(Date32Array::from(vec![days_of(self.as_of); rows])),
        ];
        columns.extend(["appointment_id", "patient_id", "practitioner_id"].map(|name| text(texts(batches, name))));
        columns.extend([
            Arc::new(Date32Array::from(days("appointment_date", batches).map_err(failed)?)) as ArrayRef,
            Arc::new(Float64Array::from(probabilities)),
            Arc::new(BooleanArray::from(predicted)),
            Arc::new(StringArray::from_iter_values(bands.iter().map(|band| band.word()))),
        ]);
        columns.extend(reasons.map(text));
        columns.push(Arc::new(Int32Array::from(vec![i32::try_from(self.version).unwrap_or(i32::MAX); rows])));
        columns.push(Arc::new(TimestampMicrosecondArray::from(moment).with_timezone("UTC")));
        Ok(RecordBatch::try_new(self.schema.clone(), columns)?)
    }
}
