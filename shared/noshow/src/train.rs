//! Training: from rows to a calibrated model.

use crate::error::{ErrorKind, ModelError};
use crate::features::FeatureSet;
use crate::frame::Frame;
use crate::model::Model;
use crate::settings::Settings;

/// Trains a model. `labels` and `days` (since 1970-01-01) are those of the frame's rows. `progress` is told the share
/// done, 0 to 1, now and then.
pub fn train(
    features: &FeatureSet,
    frame: &Frame,
    labels: &[Option<bool>],
    days: &[i32],
    settings: &Settings,
    progress: &dyn Fn(f64),
) -> Result<Model, ModelError> {
    let _ = (features, frame, labels, days, progress);
    settings.check()?;
    Err(ModelError::new(ErrorKind::TooFewRows, "not built yet"))
}
