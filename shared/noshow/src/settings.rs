//! What a caller decides about training.

use serde::{Deserialize, Serialize};

use crate::error::{ErrorKind, ModelError};

/// The learner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// Regularised logistic regression: the baseline that explains itself.
    Logistic,
    /// Gradient-boosted trees.
    Trees,
    /// A random forest, for comparison.
    Forest,
}

/// How raw scores become probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CalibrationChoice {
    /// Platt, unless isotonic is clearly better on days held out from both.
    Auto,
    /// A logistic curve with two parameters.
    Platt,
    /// The best rising step function.
    Isotonic,
    /// None: the learner's own probabilities.
    None,
}

/// What the two mistakes cost, in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Costs {
    /// A slot that stays empty.
    pub missed_slot: f64,
    /// A call, or what else is done for a person at risk.
    pub reminder_call: f64,
}

impl Costs {
    /// The probability from which acting is cheaper than not: reminder_call / missed_slot (Elkan 2001, with an action
    /// that prevents the loss).
    pub fn threshold(&self) -> f64 {
        (self.reminder_call / self.missed_slot).clamp(0.0, 1.0)
    }
}

/// Settings of the boosted trees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TreeSettings {
    /// Most trees of one ensemble; fewer when held-out days stop improving.
    pub most_trees: usize,
    /// Trees without improvement after which to stop.
    pub patience: usize,
    /// Leaves of a tree, 2 to 16.
    pub leaves: usize,
    /// The share of a tree's answer that is taken.
    pub learning_rate: f64,
    /// Least sum of second derivatives in a leaf.
    pub min_child_weight: f64,
    /// L2 penalty on a leaf's value.
    pub l2: f64,
    /// Share of rows that a tree sees.
    pub row_share: f64,
    /// Share of features that a tree sees.
    pub column_share: f64,
    /// Share of those features that may split a leaf, drawn for each leaf. Models of before had all.
    #[serde(default = "whole")]
    pub leaf_share: f64,
    /// Second derivatives added to a category's own before categories are ordered.
    pub category_smoothing: f64,
    /// L2 penalty on the leaves of a categorical split, in its choice.
    pub category_l2: f64,
    /// Ensembles with different seeds whose scores are averaged.
    pub bags: usize,
}

/// Settings of the random forest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ForestSettings {
    /// Trees.
    pub trees: usize,
    /// Greatest depth.
    pub depth: usize,
    /// Least rows in a leaf.
    pub min_leaf: usize,
}

/// Settings of the logistic regression.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogisticSettings {
    /// L2 penalty on the coefficients of standardised features, in units of rows.
    pub l2: f64,
    /// Most Newton steps.
    pub steps: usize,
}

/// All settings of a training run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The learner.
    pub algorithm: Algorithm,
    /// The seed of all randomness.
    pub seed: u64,
    /// Threads to use. It changes the time and nothing else, so it is not kept.
    #[serde(skip, default = "one")]
    pub threads: usize,
    /// What mistakes cost; gives the threshold.
    pub costs: Costs,
    /// How raw scores become probabilities.
    pub calibration: CalibrationChoice,
    /// The boosted trees.
    pub trees: TreeSettings,
    /// The forest.
    pub forest: ForestSettings,
    /// The logistic regression.
    pub logistic: LogisticSettings,
}

fn one() -> usize {
    1
}

fn whole() -> f64 {
    1.0
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            algorithm: Algorithm::Trees,
            seed: 1,
            threads: 1,
            costs: Costs { missed_slot: 100.0, reminder_call: 25.0 },
            calibration: CalibrationChoice::Platt,
            trees: TreeSettings {
                most_trees: 400,
                patience: 15,
                leaves: 16,
                learning_rate: 0.12,
                min_child_weight: 10.0,
                l2: 5.0,
                row_share: 0.7,
                column_share: 0.5,
                leaf_share: 0.6,
                category_smoothing: 10.0,
                category_l2: 10.0,
                bags: 4,
            },
            forest: ForestSettings { trees: 100, depth: 10, min_leaf: 5 },
            logistic: LogisticSettings { l2: 1.0, steps: 30 },
        }
    }
}

impl Settings {
    /// Checks bounds; an error names the setting.
    pub fn check(&self) -> Result<(), ModelError> {
        let trees = &self.trees;
        let positive = |value: f64| value.is_finite() && value > 0.0;
        let share = |value: f64| positive(value) && value <= 1.0;
        let bounds = [
            (positive(self.costs.missed_slot), "the cost of a missed slot must be above 0"),
            (
                self.costs.reminder_call >= 0.0 && self.costs.reminder_call <= self.costs.missed_slot,
                "the cost of a reminder call must lie between 0 and that of a missed slot",
            ),
            ((2..=16).contains(&trees.leaves), "leaves must lie between 2 and 16"),
            ((1..=10_000).contains(&trees.most_trees), "most_trees must lie between 1 and 10000"),
            ((1..=64).contains(&trees.bags), "bags must lie between 1 and 64"),
            (share(trees.learning_rate), "learning_rate must lie above 0, up to 1"),
            (share(trees.row_share), "row_share must lie above 0, up to 1"),
            (share(trees.column_share), "column_share must lie above 0, up to 1"),
            (share(trees.leaf_share), "leaf_share must lie above 0, up to 1"),
            (positive(trees.min_child_weight), "min_child_weight must be above 0"),
            (trees.l2 >= 0.0 && trees.l2.is_finite(), "l2 must be 0 or more"),
            (positive(trees.category_smoothing), "category_smoothing must be above 0"),
            (trees.category_l2 >= 0.0 && trees.category_l2.is_finite(), "category_l2 must be 0 or more"),
            ((1..=10_000).contains(&self.forest.trees), "the forest must have 1 to 10000 trees"),
            ((1..=16).contains(&self.forest.depth), "the forest's depth must lie between 1 and 16"),
            (self.forest.min_leaf > 0, "the forest's min_leaf must be above 0"),
            (positive(self.logistic.l2), "the logistic l2 must be above 0"),
            (self.logistic.steps > 0, "the logistic steps must be above 0"),
        ];
        match bounds.iter().find(|(holds, _)| !holds) {
            Some((_, words)) => Err(ModelError::new(ErrorKind::Settings, *words)),
            None => Ok(()),
        }
    }
}
