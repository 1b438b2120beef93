//! A trained model: what scores rows.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::calibrate::Calibrator;
use crate::drift::Reference;
use crate::error::{ErrorKind, ModelError};
use crate::features::{FeatureSet, Kind};
use crate::frame::{Column, Frame};
use crate::learn::bins::Prepared;
use crate::learn::boost::Boosted;
use crate::learn::forest::Forest;
use crate::learn::logistic::Logistic;
use crate::learn::quick::{LANES, Lane, MISSING, Quick, Room};
use crate::learn::sigmoid::logit;
use crate::learn::tree::Tree;
use crate::learn::{Binned, Bins};
use crate::settings::Settings;

/// Blocks that one thread scores at a time.
const BLOCKS: usize = 64;

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

/// What was learnt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Learner {
    Trees(Boosted),
    Forest(Forest),
    Logistic(Logistic),
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
    /// What whoever trains should know: features without values, learners that did not settle.
    pub warnings: Vec<String>,
    pub(crate) bins: Vec<Bins>,
    pub(crate) learner: Learner,
    pub(crate) calibrator: Calibrator,
    pub(crate) reference: Reference,
    #[serde(with = "crate::exact::list")]
    pub(crate) importances: Vec<f64>,
}

impl Model {
    /// The calibrated probability of every row of a frame made from the model's feature list. Threads change the time
    /// alone.
    pub fn score(&self, frame: &Frame, threads: usize) -> Result<Vec<f64>, ModelError> {
        self.check_frame(frame)?;
        let mut out = vec![0.0; frame.rows()];
        pool(threads)?.install(|| {
            self.learner.raw(&self.bins, frame, &mut out);
            out.par_iter_mut().with_min_len(LANES * BLOCKS).for_each(|value| *value = self.calibrator.apply(*value));
        });
        Ok(out)
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

    /// How much each feature contributes: mean absolute contribution to a training row's raw score, strongest first.
    pub fn importances(&self) -> Vec<(String, f64)> {
        let names = self.features.features.iter().map(|feature| feature.name.clone());
        let mut all: Vec<(String, f64)> = names.zip(self.importances.iter().copied()).collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1));
        all
    }

    /// Trees of the learner; 0 for the logistic regression.
    pub fn trees(&self) -> usize {
        self.learner.trees().len()
    }

    /// The name of the calibration that was chosen.
    pub fn calibration(&self) -> &'static str {
        self.calibrator.name()
    }

    pub(crate) fn check_frame(&self, frame: &Frame) -> Result<(), ModelError> {
        check_frame(&self.features, frame)
    }

    /// Checks all that scoring relies on: a file may hold anything.
    pub(crate) fn check(&self) -> Result<(), ModelError> {
        self.features.check()?;
        self.settings.check()?;
        let count = self.features.features.len();
        let sound = self.bins.len() == count
            && self.importances.len() == count
            && self.bins.iter().all(Bins::is_sound)
            && self.calibrator.is_sound()
            && self.reference.is_sound(&self.bins)
            && self.learner.is_sound(&self.bins);
        let fail = || ModelError::new(ErrorKind::Corrupt, "bins, learner and features do not fit each other");
        sound.then_some(()).ok_or_else(fail)
    }
}

/// Fails unless the frame has the columns of the list, of the right kind.
pub(crate) fn check_frame(features: &FeatureSet, frame: &Frame) -> Result<(), ModelError> {
    let columns = frame.columns();
    let fits =
        |(kind, column): (Kind, &Column)| matches!(column, Column::Categorical { .. }) == (kind == Kind::Categorical);
    if columns.len() == features.features.len() && features.features.iter().map(|f| f.kind).zip(columns).all(fits) {
        return Ok(());
    }
    Err(ModelError::new(ErrorKind::Columns, "the frame was made from another feature list"))
}

/// Threads to work with; at least one.
pub(crate) fn pool(threads: usize) -> Result<rayon::ThreadPool, ModelError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.max(1)).build();
    pool.map_err(|error| {
        ModelError::new(ErrorKind::Settings, format!("{threads} threads could not be started: {error}"))
    })
}

impl Learner {
    /// The raw score of every row, on the logit scale.
    pub(crate) fn raw(&self, bins: &[Bins], frame: &Frame, out: &mut [f64]) {
        let columns: Vec<Prepared<'_>> =
            bins.iter().zip(frame.columns()).map(|(bins, column)| bins.prepare(column)).collect();
        if let Self::Logistic(model) = self {
            out.par_iter_mut().enumerate().with_min_len(LANES * BLOCKS).for_each(|(row, out)| {
                let terms = model.terms.iter().zip(&columns);
                *out = model.intercept + terms.map(|(term, column)| term.contribution(column, row)).sum::<f64>();
            });
            return;
        }
        let quick = Quick::new(self.trees().iter());
        out.par_chunks_mut(LANES * BLOCKS).enumerate().for_each(|(part, out)| {
            let (mut lanes, mut room) = (vec![[0_u8; LANES]; bins.len()], Room::default());
            for (block, out) in out.chunks_mut(LANES).enumerate() {
                let from = (part * BLOCKS + block) * LANES;
                for ((lane, bins), column) in lanes.iter_mut().zip(bins).zip(&columns) {
                    bins.fill(column, from, lane);
                }
                self.block(quick.as_ref(), |feature| lanes.get(feature).unwrap_or(MISSING), &mut room, out);
            }
        });
    }

    /// The raw score of every row of a frame whose bins are known.
    pub(crate) fn raw_of(&self, bins: &[Bins], table: &Binned, frame: &Frame) -> Vec<f64> {
        let mut out = vec![0.0; frame.rows()];
        if let Self::Logistic(_) = self {
            self.raw(bins, frame, &mut out);
            return out;
        }
        let quick = Quick::new(self.trees().iter());
        out.par_chunks_mut(LANES * BLOCKS).enumerate().for_each(|(part, out)| {
            let mut room = Room::default();
            for (block, out) in (part * BLOCKS..).zip(out.chunks_mut(LANES)) {
                self.block(quick.as_ref(), |feature| table.lane(feature, block), &mut room, out);
            }
        });
        out
    }

    fn block<'a>(&self, quick: Option<&Quick>, lane: impl Fn(usize) -> &'a Lane, room: &mut Room, out: &mut [f64]) {
        let mut sums = [0.0; LANES];
        match quick {
            Some(quick) => quick.add(lane, room, &mut sums),
            None => walk(self.trees(), lane, &mut sums),
        }
        for (out, sum) in out.iter_mut().zip(sums) {
            *out = match self {
                Self::Forest(forest) => logit(sum / forest.trees.len().max(1) as f64),
                Self::Trees(boosted) => boosted.base + sum,
                Self::Logistic(_) => sum,
            };
        }
    }

    pub(crate) fn trees(&self) -> &[Tree] {
        match self {
            Self::Trees(boosted) => &boosted.trees,
            Self::Forest(forest) => &forest.trees,
            Self::Logistic(_) => &[],
        }
    }

    fn is_sound(&self, bins: &[Bins]) -> bool {
        match self {
            Self::Logistic(model) => model.is_sound(bins),
            Self::Trees(boosted) => {
                boosted.base.is_finite() && boosted.trees.iter().all(|tree| tree.is_sound(bins.len()))
            }
            Self::Forest(forest) => {
                !forest.trees.is_empty() && forest.trees.iter().all(|tree| tree.is_sound(bins.len()))
            }
        }
    }
}

/// Row by row, for trees with many leaves.
fn walk<'a>(trees: &[Tree], lane: impl Fn(usize) -> &'a Lane, sums: &mut [f64; LANES]) {
    for tree in trees {
        for (row, sum) in sums.iter_mut().enumerate() {
            let leaf = tree.leaf(|feature| lane(feature).get(row).copied().unwrap_or(0));
            *sum += tree.leaves.get(leaf).copied().unwrap_or(0.0);
        }
    }
}
