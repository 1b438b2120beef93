//! Reasons in words, from each feature's contribution to the score.

use serde::{Deserialize, Serialize};

/// Why a probability is as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// The feature.
    pub feature: String,
    /// Its contribution to the logit; above 0 raises the probability.
    pub contribution: f64,
    /// The reason in words.
    pub words: String,
}
