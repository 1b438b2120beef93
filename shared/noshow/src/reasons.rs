//! Reasons in words, from each feature's contribution to the score.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::ModelError;
use crate::features::{Feature, Kind};
use crate::frame::{Column, Frame};
use crate::learn::bins::Prepared;
use crate::model::{Learner, Model};

/// Why a probability is as it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason {
    /// The feature.
    pub feature: String,
    /// Its contribution to the raw score, a logit (of the forest: a rate); above 0 raises the probability.
    pub contribution: f64,
    /// The reason in words.
    pub words: String,
}

/// What every feature contributes to a row's raw score, compared with the mean of the training rows.
pub(crate) struct Contributions<'a> {
    learner: &'a Learner,
    /// Of every tree and leaf: what its path owes to which feature.
    paths: Vec<Vec<Vec<(u16, f64)>>>,
    /// The mean over training rows, to which contributions are added.
    base: f64,
    columns: Vec<Prepared<'a>>,
    bins: &'a [crate::learn::Bins],
    share: f64,
}

impl<'a> Contributions<'a> {
    pub(crate) fn new(learner: &'a Learner, bins: &'a [crate::learn::Bins], frame: &'a Frame) -> Self {
        let share = if let Learner::Forest(forest) = learner { 1.0 / forest.trees.len().max(1) as f64 } else { 1.0 };
        let (bases, paths): (Vec<f64>, Vec<_>) = learner.trees().iter().map(|tree| tree.paths()).unzip();
        let start = match learner {
            Learner::Trees(boosted) => boosted.base,
            Learner::Logistic(logistic) => logistic.intercept,
            Learner::Forest(_) => 0.0,
        };
        let columns = bins.iter().zip(frame.columns()).map(|(bins, column)| bins.prepare(column)).collect();
        Self { learner, paths, base: start + share * bases.iter().sum::<f64>(), columns, bins, share }
    }

    /// The contributions of one row, one for each feature.
    pub(crate) fn of(&self, row: usize) -> Vec<f64> {
        if let Learner::Logistic(model) = self.learner {
            return model
                .terms
                .iter()
                .zip(&self.columns)
                .map(|(term, column)| term.contribution(column, row))
                .collect();
        }
        let mut own = vec![[0_u8]; self.bins.len()];
        for ((bin, bins), column) in own.iter_mut().zip(self.bins).zip(&self.columns) {
            bins.fill(column, row, bin);
        }
        let mut sums = vec![0.0; self.bins.len()];
        for (tree, paths) in self.learner.trees().iter().zip(&self.paths) {
            let leaf = tree.leaf(|feature| own.get(feature).map_or(0, |[bin]| *bin));
            for (feature, step) in paths.get(leaf).into_iter().flatten() {
                if let Some(sum) = sums.get_mut(usize::from(*feature)) {
                    *sum += step * self.share;
                }
            }
        }
        sums
    }
}

impl Model {
    /// The `most` strongest reasons for each row's probability, strongest first. A feature's contribution is exact: all
    /// of them and the training rows' mean add up to the row's raw score.
    pub fn reasons(&self, frame: &Frame, most: usize, threads: usize) -> Result<Vec<Vec<Reason>>, ModelError> {
        self.check_frame(frame)?;
        let contributions = Contributions::new(&self.learner, &self.bins, frame);
        let of = |row: usize| {
            let mut sums: Vec<(usize, f64)> = contributions.of(row).into_iter().enumerate().collect();
            sums.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
            let strongest = sums.into_iter().take(most).filter(|(_, sum)| *sum != 0.0);
            strongest.filter_map(|(at, sum)| self.reason(frame, row, at, sum)).collect()
        };
        Ok(crate::model::pool(threads)?
            .install(|| (0..frame.rows()).into_par_iter().with_min_len(256).map(of).collect()))
    }

    /// The mean raw score of the training rows, and what each feature, in the list's order, adds to it in this row: a
    /// logit before calibration (of the forest: a rate).
    pub fn contributions(&self, frame: &Frame, row: usize) -> Result<(f64, Vec<f64>), ModelError> {
        self.check_frame(frame)?;
        let contributions = Contributions::new(&self.learner, &self.bins, frame);
        Ok((contributions.base, contributions.of(row)))
    }

    fn reason(&self, frame: &Frame, row: usize, at: usize, contribution: f64) -> Option<Reason> {
        let feature = self.features.features.get(at)?;
        let template = if contribution > 0.0 { &feature.up } else { &feature.down };
        let words = match (value(feature, frame.columns().get(at)?, row), &feature.missing) {
            (Some(value), _) => template.replace("{value}", &value),
            (None, Some(missing)) => missing.clone(),
            (None, None) => format!("{} is not known", feature.name.replace('_', " ")),
        };
        Some(Reason { feature: feature.name.clone(), contribution, words })
    }
}

/// A row's value as people write it; None when missing.
fn value(feature: &Feature, column: &Column, row: usize) -> Option<String> {
    match column {
        Column::Numeric(values) => {
            let value = values.get(row).copied().filter(|value| !value.is_nan())?;
            Some(match feature.kind {
                Kind::Boolean => if value == 0.0 { "no" } else { "yes" }.to_owned(),
                _ if value.fract() == 0.0 || value.abs() >= 100.0 => format!("{value:.0}"),
                _ if value.abs() >= 1.0 => format!("{value:.1}"),
                _ => format!("{value:.2}"),
            })
        }
        Column::Categorical { codes, words } => {
            let code = codes.get(row).copied().unwrap_or(0) as usize;
            words.get(code.checked_sub(1)?).cloned()
        }
    }
}
