//! What both forms of the card say, as names and words.

use crate::evaluate::{Comparison, Evaluation, GroupReport, SMALL_GROUP};
use crate::features::FeatureSet;
use crate::file::{Baseline, ModelFile};
use crate::settings::Algorithm;

/// A name and what it is.
pub(super) type Fact = (&'static str, String);

/// How the model was made.
pub(super) fn making(file: &ModelFile) -> Vec<Fact> {
    let (model, about) = (&file.model, &file.header.about);
    let window = &model.window;
    let rate = window.positives as f64 / window.rows.max(1) as f64;
    let learner = match model.settings.algorithm {
        Algorithm::Logistic => "logistic regression with an L2 penalty".to_owned(),
        Algorithm::Trees => {
            format!("{} gradient-boosted trees of at most {} leaves", model.trees(), model.settings.trees.leaves)
        }
        Algorithm::Forest => {
            format!("random forest of {} trees of depth {}", model.trees(), model.settings.forest.depth)
        }
    };
    vec![
        ("Predicts", model.features.outcome.clone()),
        ("Learner", learner),
        ("Calibration", format!("{}, on held-out days at the end of the training window", model.calibration())),
        ("Training window", format!("{} to {}", window.first_day, window.last_day)),
        ("Training rows", format!("{}, {} with the outcome", count(window.rows), percent(rate))),
        (
            "Features",
            format!("{} of {} version {}", model.features.features.len(), model.features.name, model.features.version),
        ),
        ("Source", about.source.clone()),
        ("Seed", model.settings.seed.to_string()),
        ("Code version", about.code_version.clone()),
        ("Data fingerprint", about.data_fingerprint.clone()),
        ("Schema hash", file.header.schema_hash.clone()),
    ]
}

/// How good the model is: name, figure, what it means.
pub(super) fn figures(of: &Evaluation) -> Vec<(&'static str, String, &'static str)> {
    let margin = of.auroc_margin.map_or_else(String::new, |margin| format!(" ± {margin:.3}"));
    vec![
        (
            "AUROC",
            format!("{}{margin}", number(of.auroc)),
            "chance that a row with the outcome is ranked above one without; 95 % interval",
        ),
        ("PR-AUC", number(of.pr_auc), "average precision; the rate of the outcome is what chance reaches"),
        ("Brier score", format!("{:.4}", of.brier), "mean squared error of the probability; lower is better"),
        ("Log loss", format!("{:.4}", of.log_loss), "mean negative log-likelihood; lower is better"),
        ("Calibration slope", number(of.calibration_slope), "1 is ideal; below 1 the probabilities are too extreme"),
        (
            "Calibration intercept",
            number(of.calibration_intercept),
            "0 is ideal; below 0 the probabilities are too high",
        ),
        (
            "Lift, top tenth",
            number(of.lift_top_decile),
            "rate among the tenth with the highest probabilities over the rate of all",
        ),
        ("Recall", number(of.recall), "share of outcomes that the threshold finds"),
        ("Precision", number(of.precision), "share of predictions at the threshold that come true"),
        (
            "False positive rate",
            number(of.false_positive_rate),
            "share of rows without the outcome above the threshold",
        ),
        ("Accuracy", format!("{:.3}", of.accuracy), "share told right at the threshold"),
    ]
}

/// The sentence about the threshold.
pub(super) fn threshold(features: &FeatureSet, of: &Evaluation) -> String {
    let words = features.costs.as_ref();
    let (missed, acted) =
        words.map_or(("a missed slot", "a reminder call"), |words| (words.missed.as_str(), words.acted.as_str()));
    format!(
        "The threshold is {:.3}: {missed} is taken to cost {}, {acted} {}.",
        of.threshold, of.costs.missed_slot, of.costs.reminder_call
    )
}

/// Heads of the columns of [`beside`].
pub(super) const BESIDE_COLUMNS: [&str; 5] =
    ["On the same rows", "AUROC", "PR-AUC", "Brier score", "Calibration slope"];

/// The model beside a simpler one, and beside saying the rate of the outcome of every row.
pub(super) fn beside(of: &Evaluation, baseline: &Baseline) -> [[String; 5]; 3] {
    let rate = of.positives as f64 / of.rows.max(1) as f64;
    let row = |name: String, of: &Evaluation| {
        [name, number(of.auroc), number(of.pr_auc), format!("{:.4}", of.brier), number(of.calibration_slope)]
    };
    [
        row("this model".to_owned(), of),
        row(baseline.knows.clone(), &baseline.evaluation),
        [
            "the rate of the outcome".to_owned(),
            number(Some(0.5)),
            number(Some(rate)),
            format!("{:.4}", rate * (1.0 - rate)),
            number(None),
        ],
    ]
}

/// The sentence about the days of the evaluation.
pub(super) fn evaluated(file: &ModelFile, of: &Evaluation) -> String {
    let rate = percent(of.positives as f64 / of.rows.max(1) as f64);
    let days =
        file.header.evaluated.as_ref().map_or_else(String::new, |(first, last)| format!(" of {first} to {last}"));
    format!("On {} rows{days}, all later than the training window; {rate} of them had the outcome.", count(of.rows))
}

/// The sentence about a comparison with the champion.
pub(super) fn compared(with: &Comparison) -> String {
    format!(
        "AUROC {:.4} against {:.4} of the champion (difference {:+.4} ± {:.4}, p = {:.3}), Brier score {:.4} against {:.4}: it {}.",
        with.challenger_auroc,
        with.champion_auroc,
        with.challenger_auroc - with.champion_auroc,
        1.96 * with.standard_error,
        with.p_value,
        with.challenger_brier,
        with.champion_brier,
        with.reason
    )
}

/// Heads of the columns of [`group`].
pub(super) const GROUP_COLUMNS: [&str; 8] =
    ["Group", "Rows", "Rate", "Mean probability", "AUROC", "Recall", "False positive rate", "Calibration slope"];

/// The cells of a group's row.
pub(super) fn group(of: &GroupReport) -> [String; 8] {
    [
        format!("{}: {}", of.by.replace('_', " "), of.group),
        of.rows.map_or_else(|| "hidden".to_owned(), count),
        of.rate.map_or_else(String::new, percent),
        of.predicted.map_or_else(String::new, percent),
        of.auroc.map_or_else(String::new, |value| format!("{value:.3}")),
        of.recall.map_or_else(String::new, |value| format!("{value:.3}")),
        of.false_positive_rate.map_or_else(String::new, |value| format!("{value:.3}")),
        of.calibration_slope.map_or_else(String::new, |value| format!("{value:.2}")),
    ]
}

/// The sentence on hidden groups.
pub(super) fn hidden() -> String {
    format!(
        "Groups with fewer than {SMALL_GROUP} persons, or fewer than {SMALL_GROUP} rows of either outcome, are hidden, and one more where a single hidden group could be computed from the rest."
    )
}

/// Sentences that hold for every model.
pub(super) const LIMITS: [&str; 3] = [
    "A probability says how often the outcome is met among many such rows; it says nothing certain about one person.",
    "The model learnt what was recorded. Where groups were treated unlike in the past, their probabilities carry it on: read the table of groups before use, and again with every new version.",
    "Contributions of features are associations, not causes.",
];

/// A whole number with thin groups.
pub(super) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

pub(super) fn percent(value: f64) -> String {
    format!("{:.1} %", 100.0 * value)
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn counts_are_grouped() {
        assert_eq!([super::count(7), super::count(1_234), super::count(1_234_567)], ["7", "1,234", "1,234,567"]);
    }
}
