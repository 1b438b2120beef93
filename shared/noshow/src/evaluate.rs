//! The evaluation of probabilities against outcomes, whole and by group, and the comparison of two models.

use serde::{Deserialize, Serialize};

use crate::measure::Calibrated;
use crate::settings::Costs;

/// Groups with fewer persons, or fewer of either outcome, are not shown.
pub const SMALL_GROUP: u64 = 11;

/// Outcomes against predictions at the threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Confusion {
    /// Predicted, and so it came.
    pub true_positives: u64,
    /// Predicted, but it did not come.
    pub false_positives: u64,
    /// Not predicted, and it did not come.
    pub true_negatives: u64,
    /// Not predicted, but it came.
    pub false_negatives: u64,
}

/// A division of the rows into groups: gender, age group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grouping {
    /// What the rows are divided by.
    pub name: String,
    /// One code a row, an index into `words`.
    pub codes: Vec<u32>,
    /// The groups' names.
    pub words: Vec<String>,
}

/// How a model does on one group. Everything but the names is None when the group is small.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupReport {
    /// What the rows are divided by.
    pub by: String,
    /// The group.
    pub group: String,
    /// Rows.
    pub rows: Option<u64>,
    /// Share of rows with the outcome.
    pub rate: Option<f64>,
    /// Mean probability.
    pub predicted: Option<f64>,
    /// Area under the ROC curve.
    pub auroc: Option<f64>,
    /// Share of outcomes that were predicted.
    pub recall: Option<f64>,
    /// Share of the rows without the outcome that were predicted.
    pub false_positive_rate: Option<f64>,
    /// Slope of the calibration.
    pub calibration_slope: Option<f64>,
}

/// How good probabilities are. Rates and shares lie between 0 and 1; None where there is nothing to divide by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Rows.
    pub rows: u64,
    /// Rows with the outcome.
    pub positives: u64,
    /// Area under the ROC curve: the chance that a row with the outcome has the higher probability, ties half.
    pub auroc: Option<f64>,
    /// Half width of the 95 % confidence interval of the AUROC (DeLong 1988).
    pub auroc_margin: Option<f64>,
    /// Area under the precision-recall curve, as average precision.
    pub pr_auc: Option<f64>,
    /// Mean squared difference of probability and outcome.
    pub brier: f64,
    /// Mean negative log-likelihood.
    pub log_loss: f64,
    /// Slope of the outcome's logit on the probability's (Cox 1958); 1 is ideal.
    pub calibration_slope: Option<f64>,
    /// Intercept of the same with the slope held at 1; 0 is ideal.
    pub calibration_intercept: Option<f64>,
    /// Ten groups of equal size by probability.
    pub calibration: Vec<Calibrated>,
    /// The costs that the threshold comes from.
    pub costs: Costs,
    /// The probability from which a row counts as predicted.
    pub threshold: f64,
    /// Counts at the threshold.
    pub confusion: Confusion,
    /// Share of outcomes that were predicted.
    pub recall: Option<f64>,
    /// Share of predictions that came true.
    pub precision: Option<f64>,
    /// Share of rows without the outcome that were predicted.
    pub false_positive_rate: Option<f64>,
    /// Share of rows told right.
    pub accuracy: f64,
    /// Rate among the tenth with the highest probabilities over the rate of all.
    pub lift_top_decile: Option<f64>,
    /// Points of the ROC curve for a plot: (false positive rate, recall).
    pub roc: Vec<(f64, f64)>,
    /// Rows per twentieth of probability, without and with the outcome.
    pub scores: Vec<(u64, u64)>,
    /// The groups.
    pub groups: Vec<GroupReport>,
}

impl Evaluation {
    /// Measures probabilities against outcomes of the same rows. `persons` tells which rows are of one person, for the
    /// suppression of small groups; without it every row counts as a person.
    pub fn of(
        probabilities: &[f64],
        labels: &[bool],
        costs: &Costs,
        persons: Option<&[u64]>,
        groupings: &[Grouping],
    ) -> Result<Self, crate::ModelError> {
        let _ = (probabilities, labels, costs, persons, groupings);
        Err(crate::ModelError::new(crate::ErrorKind::TooFewRows, "not built yet"))
    }
}

/// Whether a model takes the place of the champion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is better and takes its place.
    Promote,
    /// It is not.
    Keep,
}

/// Two models on the same rows.
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
pub fn compare(champion: &[f64], challenger: &[f64], labels: &[bool]) -> Result<Comparison, crate::ModelError> {
    let _ = (champion, challenger, labels);
    Err(crate::ModelError::new(crate::ErrorKind::TooFewRows, "not built yet"))
}
