//! Drift: how far the rows of today are from those of training, by the population stability index (PSI).

use serde::{Deserialize, Serialize};

/// How far is too far: below 0.1 none, below 0.25 moderate, else major.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Alarm {
    /// Below 0.1.
    None,
    /// From 0.1.
    Moderate,
    /// From 0.25.
    Major,
}

/// The drift of one feature, or of the score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureDrift {
    /// The feature's name; `score` for the probabilities.
    pub feature: String,
    /// The index.
    pub psi: f64,
    /// Its level.
    pub alarm: Alarm,
}

/// The drift of all features and of the score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// Rows compared.
    pub rows: u64,
    /// The score, then the features in order of the list.
    pub features: Vec<FeatureDrift>,
    /// The highest level.
    pub alarm: Alarm,
}

/// What training looked like, kept in the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {}

impl Drift {
    /// Compares rows and their probabilities with what the model was trained on.
    pub fn between(
        model: &crate::Model,
        frame: &crate::Frame,
        probabilities: &[f64],
    ) -> Result<Self, crate::ModelError> {
        let _ = (model, frame, probabilities);
        Err(crate::ModelError::new(crate::ErrorKind::TooFewRows, "not built yet"))
    }
}
