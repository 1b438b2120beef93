//! The no-show model over the lake: [`train`] learns from gold.appointment_features and registers a version, [`score`]
//! gives every upcoming appointment a probability.
//!
//! Invariants: features are always computed by the gold SQL, of the day that is asked about; a version is registered
//! before the alias moves; a day's predictions are replaced in one commit; nothing is written when anything fails before.

pub(crate) mod groups;
pub(crate) mod mart;
mod score;
mod scoring;
mod tables;
mod tracking;
mod train;
pub(crate) mod window;

use carelake_lake::{ModelVersion, Registry};
use carelake_noshow::{FeatureSet, ModelError, ModelFile};

use crate::error::StepError;
pub use crate::learning::{TrainReport, Trained};

pub use mart::published_day;
pub use score::{ScoreReport, ScoreRequest, SourceScore, in_use, score};
pub use tables::{DRIFT, KeptTable, PREDICTIONS, kept_by_patient, kept_table, kept_tables};
pub use tracking::track;
pub use train::{TrainRequest, train};
pub use window::{Days, WindowRequest};

const FEATURES: &str = include_str!("../../../noshow/features/no_show.toml");
const PREFIX: &str = "no_show_";

/// The feature list of the no-show model.
///
/// # Errors
/// When the file that ships with carelake is damaged.
pub fn features() -> Result<FeatureSet, StepError> {
    FeatureSet::parse(FEATURES).map_err(unfit)
}

/// The registry's name of a source's model.
pub fn model_name(source: &str) -> String {
    format!("{PREFIX}{source}")
}

/// The source of a model of that name.
pub fn model_source(name: &str) -> Option<&str> {
    name.strip_prefix(PREFIX)
}

/// Reads a registered model and checks that it is whole.
///
/// # Errors
/// When the file is gone, cut short, changed, or no model.
pub async fn load(registry: &Registry, version: &ModelVersion) -> Result<ModelFile, StepError> {
    let bytes = registry.file(version).await?;
    ModelFile::from_bytes(&bytes).map_err(|error| {
        StepError::Invalid(format!("version {} of the model {}: {error}", version.version, version.name))
    })
}

/// What the model's crate says, as the error of a step.
pub(crate) fn unfit(error: ModelError) -> StepError {
    StepError::Invalid(error.to_string())
}
