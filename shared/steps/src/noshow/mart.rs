//! Reading features of a day from the mart, or by its SQL when the mart is of another day.

use std::sync::Arc;

use arrow::array::{AsArray, Date32Array, RecordBatch};
use arrow::datatypes::{DataType, Date32Type, Field, Schema};
use carelake_noshow::FeatureSet;
use carelake_sql::session::{LakeSession, register_in};
use carelake_sql::views::View;
use chrono::NaiveDate;
use datafusion::datasource::MemTable;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::{DataFrame, ident};

use crate::context::Context;
use crate::error::{QueryError, StepError};

const MART: &str = "appointment_features";
/// Columns of the mart that are read beside features and label.
const BESIDE: [&str; 9] = [
    "appointment_id",
    "patient_id",
    "practitioner_id",
    "appointment_date",
    "status",
    "patient_age",
    "patient_gender",
    "race",
    "insurance_provider",
];

/// The features of all appointments as known on a day.
pub struct Mart {
    session: LakeSession,
    rows: DataFrame,
}

/// The day as of which gold was computed last; `None` before the first run.
///
/// # Errors
/// When it cannot be read.
pub async fn published_day(context: &Context) -> Result<Option<NaiveDate>, StepError> {
    let session = open(context).await?;
    day_of(&session).await
}

async fn open(context: &Context) -> Result<LakeSession, StepError> {
    LakeSession::open(&context.lake, context.catalog.as_ref(), None).await.map_err(failed("opening the lake"))
}

async fn day_of(session: &LakeSession) -> Result<Option<NaiveDate>, StepError> {
    let Ok(table) = session.table("gold.as_of").await else { return Ok(None) };
    let batches = table.collect().await.map_err(failed("reading gold.as_of"))?;
    let day = batches.iter().find(|batch| batch.num_rows() > 0).and_then(|batch| {
        let column = batch.column(0).as_primitive_opt::<Date32Type>()?;
        column.value_as_date(0)
    });
    Ok(day)
}

fn failed(context: &str) -> impl Fn(DataFusionError) -> StepError {
    move |error| StepError::query(context, &error)
}

impl Mart {
    /// The features as known on `day`.
    ///
    /// # Errors
    /// When gold was never computed, or the SQL of the mart fails.
    pub async fn of(context: &Context, views: &[View], day: NaiveDate) -> Result<Self, StepError> {
        let session = open(context).await?;
        let stored = context.tables.open(&format!("gold.{MART}"), None).await?.is_some();
        if stored && day_of(&session).await? == Some(day) {
            let rows = session.table(&format!("gold.{MART}")).await.map_err(failed("reading the features"))?;
            return Ok(Self { session, rows });
        }
        if !stored {
            return Err(StepError::Invalid(
                "the lake has no gold.appointment_features yet; take the landing files in with carelake run".to_owned(),
            ));
        }
        let Some(view) = views.iter().find(|view| view.database == "gold" && view.name == MART) else {
            return Err(StepError::Invalid(format!("no definition of gold.{MART}")));
        };
        let schema = Arc::new(Schema::new(vec![Field::new("as_of_date", DataType::Date32, true)]));
        let dates = Date32Array::from(vec![Date32Type::from_naive_date(day)]);
        let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(dates)]);
        let table = batch.map_err(DataFusionError::from).and_then(|batch| MemTable::try_new(schema, vec![vec![batch]]));
        table
            .and_then(|table| register_in(session.context(), "gold", "as_of", Arc::new(table)))
            .map_err(failed("setting the day"))?;
        let rows = session.query(&view.sql).await.map_err(failed("computing the features"))?;
        Ok(Self { session, rows })
    }

    /// The rows of a source that meet `condition`, by day and appointment.
    ///
    /// # Errors
    /// When they cannot be read.
    pub async fn rows(
        &self,
        features: &FeatureSet,
        source: &str,
        condition: Expr,
    ) -> Result<Vec<RecordBatch>, StepError> {
        self.select(features, source, condition)?.collect().await.map_err(failed("computing the features"))
    }

    /// The same, not read yet.
    ///
    /// # Errors
    /// When a column is missing.
    pub fn select(&self, features: &FeatureSet, source: &str, condition: Expr) -> Result<DataFrame, StepError> {
        let mut names: Vec<&str> = BESIDE.to_vec();
        let wanted = features.features.iter().map(|feature| feature.name.as_str()).chain([features.label.as_str()]);
        for name in wanted {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let order = ["appointment_date", "appointment_id"].map(|name| ident(name).sort(true, false)).to_vec();
        let rows = self.rows.clone().filter(ident("source").eq(lit(source)).and(condition));
        rows.and_then(|rows| rows.select(names.iter().map(|name| ident(*name)).collect::<Vec<_>>()))
            .and_then(|rows| rows.sort(order))
            .map_err(failed("selecting the features"))
    }

    /// Appointments of a source that have an outcome though they are dated after `day`: their outcome is not used.
    ///
    /// # Errors
    /// When they cannot be counted.
    pub async fn outcomes_from_the_future(&self, source: &str, day: NaiveDate) -> Result<u64, StepError> {
        let told = ident("no_show")
            .is_not_null()
            .and(ident("status").is_null())
            .or(ident("status").in_list(vec![lit("Completed"), lit("No-show")], false));
        let later = ident("appointment_date").gt(lit(datafusion::common::ScalarValue::Date32(Some(days_of(day)))));
        let table = self.session.table("silver.appointments").await.map_err(failed("reading silver.appointments"))?;
        let table = table
            .filter(ident("source").eq(lit(source)).and(told).and(later))
            .map_err(failed("reading silver.appointments"))?;
        Ok(table.count().await.map_err(failed("reading silver.appointments"))? as u64)
    }
}

/// Days since 1970-01-01.
pub fn days_of(day: NaiveDate) -> i32 {
    Date32Type::from_naive_date(day)
}

/// Texts of a column, row by row.
pub fn texts(batches: &[RecordBatch], name: &str) -> Vec<Option<String>> {
    let mut all = Vec::new();
    for batch in batches {
        let column = batch.column_by_name(name).and_then(|column| arrow::compute::cast(column, &DataType::Utf8).ok());
        match column {
            Some(column) => all.extend(column.as_string::<i32>().iter().map(|value| value.map(str::to_owned))),
            None => all.extend(std::iter::repeat_n(None, batch.num_rows())),
        }
    }
    all
}
