//! Measures of how well probabilities tell, and how true they are. Ties are exact.

/// One point of a calibration curve.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Calibrated {
    /// Mean probability of the rows in this tenth.
    pub predicted: f64,
    /// Share of them with the outcome.
    pub observed: f64,
    /// Rows.
    pub rows: u64,
}
