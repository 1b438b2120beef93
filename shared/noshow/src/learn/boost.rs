//! Gradient boosting: trees that each mend what the ones before still get wrong, by the logistic loss.

use rayon::prelude::*;

use super::Binned;
use super::bundle::Bundle;
use super::grow::{Ground, Grown, Shape};
use super::pack::Scale;
use super::sigmoid::{logit, sigmoid};
use super::split::Rules;
use super::tree::Tree;
use crate::random::Random;
use crate::settings::TreeSettings;

/// Greatest depth of a boosted tree; its leaves limit it before.
const DEPTH: usize = 32;
/// Second derivative of the logistic loss at most.
const STEEPEST: f64 = 0.25;

/// A sum of trees on the logit scale.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Boosted {
    /// Added to every sum: the logit of the training rate.
    #[serde(with = "crate::exact::number")]
    pub(crate) base: f64,
    pub(crate) trees: Vec<Tree>,
}

/// What boosting found out about rows that it did not learn from.
pub(crate) struct Watched {
    /// Number of trees with the least loss.
    pub(crate) best: usize,
    /// Sums of the watched rows with that many trees.
    pub(crate) raw: Vec<f64>,
}

/// Boosts trees on `rows`. With `watch`, stops when the loss of those rows has not fallen for `patience` trees, and
/// tells what was best; without, grows `most` trees. `report` is called after each.
pub(crate) fn boost(
    ground: &Ground<'_>,
    labels: &[bool],
    rows: &[u32],
    watch: Option<&[u32]>,
    settings: &TreeSettings,
    most: usize,
    random: &mut Random,
    report: &dyn Fn(),
) -> (Boosted, Option<Watched>) {
    let positives = rows.iter().filter(|row| labels.get(**row as usize).copied().unwrap_or(false)).count();
    let base = logit(positives as f64 / rows.len().max(1) as f64);
    let mut raw = vec![base; ground.table.rows];
    let mut packed = vec![0_u64; ground.table.rows];
    let scale = Scale::new(rows.len(), STEEPEST, 1.0);
    let shape = Shape { leaves: settings.leaves, depth: DEPTH, rules: rules(settings), anew: false };
    let watched_rows = watch.unwrap_or_default();
    let mut stop = Stop::new(settings.patience);
    let mut watched = Watched { best: 0, raw: watched_rows.iter().map(|_| base).collect() };
    let mut trees = Vec::new();
    for _ in 0..most {
        gradients(labels, &raw, scale, &mut packed);
        let (seen, mut others) = draw(rows, settings.row_share, random);
        others.extend(watched_rows);
        let usable = columns(ground.table.columns.len(), settings.column_share, random);
        let value = |sums: super::pack::Sums| -sums.gradient / (sums.hessian + settings.l2) * settings.learning_rate;
        let grown = ground.grow(seen, others, &packed, scale, &shape, &mut || usable.clone(), &value);
        add(&grown, &mut raw);
        trees.push(grown.tree);
        report();
        if watch.is_some() {
            let loss = log_loss(labels, &raw, watched_rows);
            if stop.is_best(loss) {
                watched.best = trees.len();
                watched.raw = watched_rows.iter().filter_map(|row| raw.get(*row as usize).copied()).collect();
            } else if stop.is_over() {
                break;
            }
        }
    }
    (Boosted { base, trees }, watch.map(|_| watched))
}

/// Ends boosting when nothing has become better for a while.
struct Stop {
    least: f64,
    since: usize,
    patience: usize,
}

impl Stop {
    fn new(patience: usize) -> Self {
        Self { least: f64::INFINITY, since: 0, patience }
    }

    fn is_best(&mut self, loss: f64) -> bool {
        self.since += 1;
        if loss < self.least {
            self.least = loss;
            self.since = 0;
        }
        self.since == 0
    }

    fn is_over(&self) -> bool {
        self.since >= self.patience
    }
}

fn rules(settings: &TreeSettings) -> Rules {
    Rules {
        min_child_weight: settings.min_child_weight,
        l2: settings.l2,
        category_smoothing: settings.category_smoothing,
        category_l2: settings.category_l2,
    }
}

/// The tables that all trees of a training run share.
pub(crate) fn bundles(table: &Binned) -> Vec<Bundle> {
    Bundle::all(table)
}

fn gradients(labels: &[bool], raw: &[f64], scale: Scale, packed: &mut [u64]) {
    const CHUNK: usize = 4_096;
    let chunks = packed.par_chunks_mut(CHUNK).zip(raw.par_chunks(CHUNK)).zip(labels.par_chunks(CHUNK));
    chunks.for_each(|((packed, raw), labels)| {
        for ((packed, raw), label) in packed.iter_mut().zip(raw).zip(labels) {
            let probability = sigmoid(*raw);
            *packed = scale.pack(probability - f64::from(u8::from(*label)), probability * (1.0 - probability));
        }
    });
}

/// Parts the rows into those that a tree learns from and the rest.
fn draw(rows: &[u32], share: f64, random: &mut Random) -> (Vec<u32>, Vec<u32>) {
    if share >= 1.0 {
        return (rows.to_vec(), Vec::new());
    }
    let limit = (share * f64::from(u32::MAX)) as u32;
    let (mut seen, mut others) = (vec![0; rows.len() + 1], vec![0; rows.len() + 1]);
    let (mut at, mut other_at) = (0, 0);
    for row in rows {
        let take = usize::from(random.bits() < limit);
        if let (Some(seen), Some(other)) = (seen.get_mut(at), others.get_mut(other_at)) {
            *seen = *row;
            *other = *row;
        }
        at += take;
        other_at += 1 - take;
    }
    seen.truncate(at);
    others.truncate(other_at);
    (seen, others)
}

/// Draws the features that a tree may split by, one at least.
fn columns(count: usize, share: f64, random: &mut Random) -> Vec<bool> {
    let wanted = ((count as f64 * share).round() as usize).max(1);
    let mut usable = vec![false; count];
    for column in random.sample(count, wanted) {
        if let Some(slot) = usable.get_mut(column) {
            *slot = true;
        }
    }
    usable
}

fn add(grown: &Grown, raw: &mut [f64]) {
    for (leaf, value) in grown.rows.iter().zip(&grown.tree.leaves) {
        for row in leaf.iter().flatten() {
            if let Some(sum) = raw.get_mut(*row as usize) {
                *sum += value;
            }
        }
    }
}

fn log_loss(labels: &[bool], raw: &[f64], rows: &[u32]) -> f64 {
    // Factors lie between 1 and 2, so that one logarithm does for many of them.
    let of = |rows: &[u32]| {
        let (mut sum, mut product) = (0.0, 1.0);
        for row in rows {
            if let (Some(raw), Some(label)) = (raw.get(*row as usize), labels.get(*row as usize)) {
                let signed = if *label { *raw } else { -raw };
                // ln(1 + exp(-x)) without overflow.
                product *= 1.0 + super::sigmoid::exp(-signed.abs());
                sum += (-signed).max(0.0);
            }
        }
        sum + product.ln()
    };
    rows.chunks(64).map(of).sum::<f64>() / rows.len().max(1) as f64
}
