//! A trained model: what scores rows.

use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, ModelError};
use crate::features::FeatureSet;
use crate::frame::Frame;
use crate::reasons::Reason;
use crate::settings::Settings;

/// The rows that a model was trained on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First day, ISO.
    pub first_day: String,
    /// Last day, ISO.
    pub last_day: String,
    /// Rows.
    pub rows: u64,
    /// Rows with the outcome.
    pub positives: u64,
}

/// How a probability is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RiskBand {
    /// Below the threshold, and below the rate of the training window.
    Low,
    /// Neither low nor high.
    Medium,
    /// From twice the rate of the training window, and from the threshold.
    High,
}

impl RiskBand {
    /// The word that tables hold.
    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }
}

/// A trained model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The features it reads.
    pub features: FeatureSet,
    /// How it was trained.
    pub settings: Settings,
    /// On what it was trained.
    pub window: Window,
    /// What whoever trains should know: features without values, learners that did not converge.
    pub warnings: Vec<String>,
}

impl Model {
    /// The calibrated probability of every row of a frame made from the model's feature list. Threads change the time
    /// alone.
    pub fn score(&self, frame: &Frame, threads: usize) -> Result<Vec<f64>, ModelError> {
        let _ = (frame, threads);
        Err(ModelError::new(ErrorKind::Corrupt, "not built yet"))
    }

    /// The `most` strongest reasons for each row's probability, strongest first.
    pub fn reasons(&self, frame: &Frame, most: usize) -> Result<Vec<Vec<Reason>>, ModelError> {
        let _ = (frame, most);
        Err(ModelError::new(ErrorKind::Corrupt, "not built yet"))
    }

    /// The probability from which acting is cheaper than not.
    pub fn threshold(&self) -> f64 {
        self.settings.costs.threshold()
    }

    /// How a probability is called.
    pub fn risk_band(&self, probability: f64) -> RiskBand {
        let rate = self.window.positives as f64 / self.window.rows.max(1) as f64;
        let threshold = self.threshold();
        if probability >= threshold.max(2.0 * rate) {
            RiskBand::High
        } else if probability < threshold.min(rate) {
            RiskBand::Low
        } else {
            RiskBand::Medium
        }
    }

    /// How much each feature contributes: mean absolute contribution to the training rows' logit, strongest first.
    pub fn importances(&self) -> Vec<(String, f64)> {
        Vec::new()
    }
}
