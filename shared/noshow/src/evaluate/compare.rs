//! Whether a model takes the place of the champion.

use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, ModelError};
use crate::measure::{auroc, brier, delong_variance, placements, steps, two_sided_p};

/// Whether a model takes the place of the champion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is better and takes its place.
    Promote,
    /// It is not.
    Keep,
}

/// Two models on the same rows. The rule: the challenger is promoted when it ranks better (a higher AUROC) and is no
/// less true (a Brier score at most as high). DeLong's test tells how sure the difference in ranking is; it does not
/// decide, as a model of newer days need not prove its lead beyond doubt to be the better guess.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// AUROC of the champion.
    pub champion_auroc: f64,
    /// AUROC of the challenger.
    pub challenger_auroc: f64,
    /// Standard error of the difference (DeLong, DeLong and Clarke-Pearson 1988).
    pub standard_error: f64,
    /// Two-sided p-value of no difference.
    pub p_value: f64,
    /// Brier score of the champion.
    pub champion_brier: f64,
    /// Brier score of the challenger.
    pub challenger_brier: f64,
    /// The verdict.
    pub verdict: Verdict,
    /// The verdict's reason, in words.
    pub reason: String,
}

/// Compares two models by their probabilities for the same rows.
pub fn compare(champion: &[f64], challenger: &[f64], labels: &[bool]) -> Result<Comparison, ModelError> {
    if champion.len() != labels.len() || challenger.len() != labels.len() {
        return Err(ModelError::new(ErrorKind::Columns, "probabilities and outcomes of different lengths"));
    }
    let of = |probabilities: &[f64]| auroc(&steps(probabilities, labels));
    let (Some(champion_auroc), Some(challenger_auroc)) = (of(champion), of(challenger)) else {
        return Err(ModelError::new(ErrorKind::OneClass, "two models cannot be compared on these rows"));
    };
    let differences: Vec<f64> =
        placements(challenger, labels).iter().zip(placements(champion, labels)).map(|(a, b)| a - b).collect();
    let standard_error = delong_variance(&differences, labels).sqrt();
    let difference = challenger_auroc - champion_auroc;
    let p_value = if standard_error > 0.0 { two_sided_p(difference / standard_error) } else { 1.0 };
    let (champion_brier, challenger_brier) = (brier(champion, labels), brier(challenger, labels));
    let (ranks_better, as_true) = (difference > 0.0, challenger_brier <= champion_brier);
    let reason = match (ranks_better, as_true) {
        (true, true) => "ranks better, and its probabilities are at least as true",
        (true, false) => "ranks better, but its probabilities are less true",
        (false, true) => "does not rank better, though its probabilities are at least as true",
        (false, false) => "neither ranks better nor are its probabilities as true",
    };
    Ok(Comparison {
        champion_auroc,
        challenger_auroc,
        standard_error,
        p_value,
        champion_brier,
        challenger_brier,
        verdict: if ranks_better && as_true { Verdict::Promote } else { Verdict::Keep },
        reason: reason.to_owned(),
    })
}
