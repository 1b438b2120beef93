//! Training: from rows to a calibrated model.
//!
//! The last days of the window are held back: on them boosting finds when to stop, and the calibration is fitted. With
//! few rows the days before are held back in turn. Then the learner is trained again on the whole window, with as many
//! trees as were best, or more where it has more rows.

mod check;
mod split;

use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;

use crate::calibrate::Calibrator;
use crate::drift::Reference;
use crate::error::ModelError;
use crate::features::FeatureSet;
use crate::frame::Frame;
use crate::learn::boost::{Boosted, boost};
use crate::learn::bundle::Bundle;
use crate::learn::forest::forest;
use crate::learn::grow::Ground;
use crate::learn::logistic;
use crate::learn::{Binned, Bins};
use crate::model::{Learner, Model, Window, pool};
use crate::random::Random;
use crate::reasons::Contributions;
use crate::settings::{Algorithm, Settings};
use split::Split;

/// Rows from which importances are summed up.
const SAMPLE: usize = 2_000;

/// Trains a model. `labels` and `days` (since 1970-01-01) are those of the frame's rows. `progress` is told the share
/// done, 0 to 1, now and then. The rows' order matters to the bytes of the model, so give them in a fixed one.
pub fn train(
    features: &FeatureSet,
    frame: &Frame,
    labels: &[Option<bool>],
    days: &[i32],
    settings: &Settings,
    progress: &(dyn Fn(f64) + Sync),
) -> Result<Model, ModelError> {
    settings.check()?;
    let labels = check::labels(features, frame, labels, days)?;
    let splits = split::by_time(&labels, days)?;
    let given = frame;
    let (frame, mut warnings) = check::drop_empty(features, given)?;
    pool(settings.threads)?.install(|| {
        let table = Table::of(&frame, &labels);
        let done = Progress { told: AtomicU64::new(0), tell: progress };
        let (mut held, mut outcomes) = (Held { raw: Vec::new(), trees: 0 }, Vec::new());
        let part = 0.5 / splits.len() as f64;
        for (split, from) in splits.iter().zip((0..).map(|place| f64::from(place) * part)) {
            let (_, of) = table.learn(&split.early, Some(&split.late), None, settings, &done.part(from, from + part));
            held.raw.extend(of.raw);
            held.trees += of.trees;
            outcomes.extend(split.late.iter().filter_map(|row| labels.get(*row as usize).copied()));
        }
        held.trees = most_apt(held.trees, &splits, table.rows());
        let calibrator = Calibrator::fit(settings.calibration, &held.raw, &outcomes);
        let all: Vec<u32> = (0..table.rows()).collect();
        let (learner, _) = table.learn(&all, None, Some(held.trees), settings, &done.part(0.5, 0.95));
        if matches!(&learner, Learner::Logistic(model) if !model.converged) {
            warnings.push("the logistic regression did not settle within its steps".to_owned());
        }
        if held.trees == 0 && settings.algorithm == Algorithm::Trees {
            warnings.push("no tree did better on the held-out days than the rate alone".to_owned());
        }
        let raw = learner.raw_of(&table.bins, &table.binned, &frame);
        let probabilities = raw.iter().map(|raw| calibrator.apply(*raw)).collect();
        let model = Model {
            features: features.clone(),
            settings: settings.clone(),
            window: Window::of(&labels, days),
            warnings,
            importances: importances(&learner, &table.bins, &frame),
            reference: Reference::of(given, probabilities),
            bins: table.bins,
            learner,
            calibrator,
        };
        progress(1.0);
        Ok(model)
    })
}

/// How many trees to grow on all rows when the partings found `trees` together. More rows carry more trees; but where rows
/// are few the number is uncertain, and the mean of the partings is the careful one: too many trees spoil the calibration.
fn most_apt(trees: usize, splits: &[Split], rows: u32) -> usize {
    let growth = match splits {
        [only] => f64::from(rows) / only.early.len().max(1) as f64,
        _ => 1.0,
    };
    (trees as f64 * growth / splits.len().max(1) as f64).round() as usize
}

/// Training rows ready for any learner.
struct Table<'a> {
    frame: &'a Frame,
    labels: &'a [bool],
    bins: Vec<Bins>,
    binned: Binned,
    bundles: Vec<Bundle>,
}

/// What a learner says of rows that it has not seen.
struct Held {
    /// Raw scores, on the logit scale.
    raw: Vec<f64>,
    /// Trees that did best.
    trees: usize,
}

impl<'a> Table<'a> {
    fn of(frame: &'a Frame, labels: &'a [bool]) -> Self {
        let all: Vec<usize> = (0..frame.rows()).collect();
        let bins: Vec<Bins> = frame.columns().par_iter().map(|column| Bins::find(column, &all)).collect();
        let binned = Binned::of(&bins, frame);
        let bundles = Bundle::all(&binned);
        Self { frame, labels, bins, binned, bundles }
    }

    fn rows(&self) -> u32 {
        u32::try_from(self.frame.rows()).unwrap_or(u32::MAX)
    }

    /// Trains on `rows`; tells what is held of `late`. `trees` is how many to boost when that is known.
    fn learn(
        &self,
        rows: &[u32],
        late: Option<&[u32]>,
        trees: Option<usize>,
        settings: &Settings,
        report: &(dyn Fn(f64) + Sync),
    ) -> (Learner, Held) {
        let ground = Ground { table: &self.binned, bundles: &self.bundles };
        let learner = match settings.algorithm {
            Algorithm::Trees => return self.boost(&ground, rows, late, trees, settings, report),
            Algorithm::Forest => {
                let (all, grown) = (settings.forest.trees as f64, AtomicU64::new(0));
                let count = || report((grown.fetch_add(1, Ordering::Relaxed) + 1) as f64 / all);
                Learner::Forest(forest(&ground, self.labels, rows, &settings.forest, settings.seed, &count))
            }
            Algorithm::Logistic => {
                Learner::Logistic(logistic::fit(self.frame, &self.bins, self.labels, rows, &settings.logistic))
            }
        };
        let raw = late.map_or_else(Vec::new, |late| {
            let all = learner.raw_of(&self.bins, &self.binned, self.frame);
            late.iter().filter_map(|row| all.get(*row as usize).copied()).collect()
        });
        (learner, Held { raw, trees: settings.forest.trees })
    }

    /// Boosts one ensemble for each bag, side by side, and averages them. Half of them are enough to find the number of
    /// trees, that which was best on average.
    fn boost(
        &self,
        ground: &Ground<'_>,
        rows: &[u32],
        late: Option<&[u32]>,
        trees: Option<usize>,
        settings: &Settings,
        report: &(dyn Fn(f64) + Sync),
    ) -> (Learner, Held) {
        let bags = if late.is_some() { settings.trees.bags.div_ceil(2) } else { settings.trees.bags };
        let most = trees.unwrap_or(settings.trees.most_trees);
        let grown = AtomicU64::new(0);
        let of_bag = |bag: usize| {
            let mut random = Random::new(settings.seed, bag as u64);
            let count = || report((grown.fetch_add(1, Ordering::Relaxed) + 1) as f64 / (most * bags).max(1) as f64);
            boost(ground, self.labels, rows, late, &settings.trees, most, &mut random, &count)
        };
        let ensembles: Vec<_> = (0..bags).into_par_iter().map(of_bag).collect();
        let mut sum = Boosted { base: 0.0, trees: Vec::new() };
        let mut held = Held { raw: vec![0.0; late.map_or(0, <[u32]>::len)], trees: 0 };
        let weight = 1.0 / bags as f64;
        for (boosted, watched) in ensembles {
            if let Some(watched) = watched {
                held.trees += watched.best;
                held.raw.iter_mut().zip(watched.raw).for_each(|(sum, raw)| *sum += raw * weight);
            }
            sum.base += boosted.base * weight;
            sum.trees.extend(boosted.trees.into_iter().map(|mut tree| {
                tree.leaves.iter_mut().for_each(|value| *value *= weight);
                tree
            }));
        }
        held.trees = (held.trees as f64 * weight).round() as usize;
        (Learner::Trees(sum), held)
    }
}

/// Hands shares of the whole on, never less than before.
struct Progress<'a> {
    /// Hundredths told so far: what a bar shows.
    told: AtomicU64,
    tell: &'a (dyn Fn(f64) + Sync),
}

impl Progress<'_> {
    fn part(&self, from: f64, to: f64) -> impl Fn(f64) + Sync + '_ {
        move |share: f64| {
            let now = from + (to - from) * share.clamp(0.0, 1.0);
            let hundredths = (now * 100.0) as u64;
            if self.told.fetch_max(hundredths, Ordering::Relaxed) < hundredths {
                (self.tell)(now);
            }
        }
    }
}

/// Mean absolute contribution of each feature over some of the training rows.
fn importances(learner: &Learner, bins: &[Bins], frame: &Frame) -> Vec<f64> {
    let contributions = Contributions::new(learner, bins, frame);
    let mut sums = vec![0.0; bins.len()];
    let rows: Vec<usize> = (0..frame.rows()).step_by(frame.rows().div_ceil(SAMPLE).max(1)).collect();
    let mut means = vec![0.0; bins.len()];
    let all: Vec<Vec<f64>> = rows.par_iter().map(|row| contributions.of(*row)).collect();
    for of_row in &all {
        means.iter_mut().zip(of_row).for_each(|(mean, value)| *mean += value / rows.len() as f64);
    }
    for of_row in &all {
        let parts = sums.iter_mut().zip(of_row).zip(&means);
        parts.for_each(|((sum, value), mean): ((&mut f64, _), _)| *sum += (value - mean).abs() / rows.len() as f64);
    }
    sums
}
