//! train: learns a source's model, measures it on later days, registers it, and promotes it when it is better.

use std::time::Instant;

use carelake_noshow::Settings;
use carelake_sql::views::View;
use datafusion::prelude::ident;

use super::mart::Mart;
use super::window::WindowRequest;
use super::{groups, model_name};
use crate::context::Context;
use crate::error::StepError;
use crate::learning::{Material, Task, Trained, lap, learn};
use crate::run::Observer;

/// What is to be trained.
#[derive(Debug, Clone)]
pub struct TrainRequest {
    /// Whose appointments.
    pub source: String,
    /// Which days.
    pub window: WindowRequest,
    /// How; `algorithm` names the learner whose model is registered.
    pub settings: Settings,
    /// True when the other learners are trained and measured too, for comparison.
    pub compare_learners: bool,
    /// The version of the code.
    pub code_version: String,
}

/// Trains, measures, registers, and promotes when better.
///
/// # Errors
/// When a window is empty, nothing can be learnt, or storage fails. The champion stays as it was.
pub async fn train(
    context: &Context,
    views: &[View],
    request: &TrainRequest,
    observer: &dyn Observer,
) -> Result<Trained, StepError> {
    let mut clock = Instant::now();
    let features = super::features()?;
    let mart = Mart::of(context, views, context.as_of).await?;
    let batches = mart.rows(&features, &request.source, ident(&features.label).is_not_null()).await?;
    let mut warnings = Vec::new();
    let future = mart.outcomes_from_the_future(&request.source, context.as_of).await?;
    if future > 0 {
        warnings.push(format!("{future} outcomes of appointments dated after {} are not used", context.as_of));
    }
    if batches.iter().all(|batch| batch.num_rows() == 0) {
        return Err(StepError::Invalid(format!(
            "{} has no appointment whose outcome is known: nothing to learn from. Outcomes count up to the as-of day, \
             with status Completed or No-show",
            request.source
        )));
    }
    let groupings = groups::groupings(&batches, "patient_age", &groups::OF_APPOINTMENTS);
    let material = Material::of(&features, &batches, "appointment_date", groupings, &request.window)?;
    let task = Task {
        features: &features,
        name: &model_name(&request.source),
        source: &request.source,
        settings: &request.settings,
        compare_learners: request.compare_learners,
        code_version: &request.code_version,
        baseline: None,
        notes: Vec::new(),
        warnings,
        read_seconds: lap(&mut clock),
    };
    learn(context, task, material, observer).await
}
