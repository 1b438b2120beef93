//! The evaluation of probabilities against outcomes, whole and by group.

use serde::{Deserialize, Serialize};

use crate::calibrate::slope_and_intercept;
use crate::error::{ErrorKind, ModelError};
use crate::measure::{self, Calibrated};
use crate::settings::Costs;

mod compare;
mod groups;

pub use compare::{Comparison, Verdict, compare};

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
    ) -> Result<Self, ModelError> {
        let fits = |length: usize| length == labels.len();
        if !fits(probabilities.len())
            || persons.is_some_and(|persons| !fits(persons.len()))
            || groupings.iter().any(|grouping| !fits(grouping.codes.len()))
        {
            return Err(ModelError::new(ErrorKind::Columns, "probabilities, outcomes and groups of different lengths"));
        }
        if labels.is_empty() {
            return Err(ModelError::new(ErrorKind::EmptyWindow, "no row to evaluate on"));
        }
        if probabilities.iter().any(|p| !(0.0..=1.0).contains(p)) {
            return Err(ModelError::new(ErrorKind::Columns, "a probability is not between 0 and 1"));
        }
        let threshold = costs.threshold();
        let steps = measure::steps(probabilities, labels);
        let auroc = measure::auroc(&steps);
        let variance = measure::delong_variance(&measure::placements(probabilities, labels), labels);
        let (calibration_slope, calibration_intercept) = slope_and_intercept(probabilities, labels);
        let confusion = Confusion::at(threshold, probabilities, labels);
        let mut scores = vec![(0, 0); 20];
        for (p, label) in probabilities.iter().zip(labels) {
            if let Some(slot) = scores.get_mut(((p * 20.0) as usize).min(19)) {
                *(if *label { &mut slot.1 } else { &mut slot.0 }) += 1;
            }
        }
        Ok(Self {
            rows: labels.len() as u64,
            positives: labels.iter().filter(|label| **label).count() as u64,
            auroc,
            auroc_margin: auroc.map(|_| 1.959_964 * variance.sqrt()),
            pr_auc: measure::average_precision(&steps),
            brier: measure::brier(probabilities, labels),
            log_loss: measure::log_loss(probabilities, labels),
            calibration_slope,
            calibration_intercept,
            calibration: measure::calibration(probabilities, labels),
            costs: *costs,
            threshold,
            confusion,
            recall: confusion.recall(),
            precision: confusion.precision(),
            false_positive_rate: confusion.false_positive_rate(),
            accuracy: confusion.accuracy(),
            lift_top_decile: measure::lift(&steps),
            roc: measure::roc(&steps, 200),
            scores,
            groups: groups::report(probabilities, labels, threshold, persons, groupings),
        })
    }
}

impl Confusion {
    /// Counts at a threshold; a probability equal to it counts as predicted.
    pub fn at(threshold: f64, probabilities: &[f64], labels: &[bool]) -> Self {
        let mut counts = Self::default();
        for (p, label) in probabilities.iter().zip(labels) {
            let count = match (*p >= threshold, label) {
                (true, true) => &mut counts.true_positives,
                (true, false) => &mut counts.false_positives,
                (false, false) => &mut counts.true_negatives,
                (false, true) => &mut counts.false_negatives,
            };
            *count += 1;
        }
        counts
    }

    /// Share of outcomes that were predicted.
    pub fn recall(&self) -> Option<f64> {
        share(self.true_positives, self.true_positives + self.false_negatives)
    }

    /// Share of predictions that came true.
    pub fn precision(&self) -> Option<f64> {
        share(self.true_positives, self.true_positives + self.false_positives)
    }

    /// Share of the rows without the outcome that were predicted.
    pub fn false_positive_rate(&self) -> Option<f64> {
        share(self.false_positives, self.false_positives + self.true_negatives)
    }

    fn accuracy(&self) -> f64 {
        let right = self.true_positives + self.true_negatives;
        share(right, right + self.false_positives + self.false_negatives).unwrap_or(0.0)
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}
