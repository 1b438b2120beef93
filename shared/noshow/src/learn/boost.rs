//! Gradient boosting: trees that each mend what the ones before still get wrong, by the logistic loss.

use super::field::Field;
use super::grow::{Ground, Shape};
use super::pack::{Scale, Sums};
use super::quick::{LANES, Lane, Quick, Room};
use super::sigmoid::{exp_single, logit, sigmoid_single};
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

/// Rows in blocks, as boosting goes through them.
struct Rows {
    /// 1 where a row may be learnt from.
    members: Vec<Lane>,
    /// 1 where a row has the outcome.
    labels: Vec<Lane>,
    /// Sums of the trees so far.
    raw: Vec<[f64; LANES]>,
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
    let mut all = Rows::new(ground.table.rows, labels, rows, base);
    let scale = Scale::new(rows.len(), STEEPEST, 1.0);
    let shape =
        Shape { leaves: settings.leaves, depth: DEPTH, rules: rules(settings), leaf_share: settings.leaf_share };
    let features = ground.features();
    let wanted = ((features.len() as f64 * settings.column_share).round() as usize).max(1);
    let watched_rows = watch.unwrap_or_default();
    let mut stop = Stop::new(settings.patience);
    let mut watched = Watched { best: 0, raw: watched_rows.iter().map(|_| base).collect() };
    let (mut field, mut room) = (Field::default(), Room::default());
    let mut trees: Vec<Tree> = Vec::new();
    for _ in 0..most {
        let drawn = ground.draw(&features, wanted, random);
        field.start(rows.len(), drawn.iter().map(|(bundle, _)| *bundle).collect());
        all.sow(&mut field, ground, scale, settings.row_share, random);
        let choice = ground.choice(drawn, &field);
        let value = |sums: Sums| -sums.gradient / (sums.hessian + settings.l2) * settings.learning_rate;
        let tree = ground.grow(&mut field, &choice, None, scale, &shape, random, &value);
        if let Some(quick) = Quick::new(std::iter::once(&tree)) {
            for (block, raw) in all.raw.iter_mut().enumerate() {
                quick.add(|feature| ground.table.lane(feature, block), &mut room, raw);
            }
        }
        trees.push(tree);
        report();
        if watch.is_some() {
            if stop.is_best(all.log_loss(watched_rows)) {
                watched.best = trees.len();
                watched.raw.clear();
                watched.raw.extend(all.raw_of(watched_rows));
            } else if stop.is_over() {
                break;
            }
        }
    }
    (Boosted { base, trees }, watch.map(|_| watched))
}

impl Rows {
    fn new(count: usize, labels: &[bool], rows: &[u32], base: f64) -> Self {
        let blocks = count.div_ceil(LANES);
        let mut all = Self {
            members: vec![[0; LANES]; blocks],
            labels: vec![[0; LANES]; blocks],
            raw: vec![[base; LANES]; blocks],
        };
        for row in rows {
            if let Some(member) = all.members.as_flattened_mut().get_mut(*row as usize) {
                *member = 1;
            }
        }
        for (lane, label) in all.labels.as_flattened_mut().iter_mut().zip(labels) {
            *lane = u8::from(*label);
        }
        all
    }

    /// Fills a field with the share of the rows that the next tree learns from, and what they still lack.
    fn sow(&self, field: &mut Field, ground: &Ground<'_>, scale: Scale, share: f64, random: &mut Random) {
        let limit = (share * f64::from(1_u32 << 16)).round() as u32;
        let blocks = self.members.iter().zip(&self.labels).zip(&self.raw).enumerate();
        for (block, ((members, labels), raw)) in blocks {
            let mut taken = *members;
            if share < 1.0 {
                let mut bits = [[0_u8; 2]; LANES];
                random.fill(bits.as_flattened_mut());
                for (taken, bits) in taken.iter_mut().zip(bits) {
                    *taken &= u8::from(u32::from(u16::from_le_bytes(bits)) < limit);
                }
            }
            field.take(ground.bundles, block, &taken, &gradients(raw, labels, scale));
        }
    }

    fn raw_of(&self, rows: &[u32]) -> impl Iterator<Item = f64> {
        rows.iter().filter_map(|row| self.raw.as_flattened().get(*row as usize).copied())
    }

    /// Mean loss of some rows.
    fn log_loss(&self, rows: &[u32]) -> f64 {
        let (raw, labels) = (self.raw.as_flattened(), self.labels.as_flattened());
        // Factors lie between 1 and 2, so that one logarithm does for many of them.
        let of = |rows: &[u32]| {
            let mut signed = [f32::INFINITY; LANES];
            for (signed, row) in signed.iter_mut().zip(rows) {
                if let (Some(raw), Some(label)) = (raw.get(*row as usize), labels.get(*row as usize)) {
                    *signed = if *label == 1 { *raw as f32 } else { -*raw as f32 };
                }
            }
            // ln(1 + exp(-x)) without overflow.
            let (mut factors, mut missed) = ([0.0; LANES], [0.0; LANES]);
            for ((factor, missed), signed) in factors.iter_mut().zip(&mut missed).zip(&signed) {
                *factor = 1.0 + exp_single(-signed.abs());
                *missed = (-signed).max(0.0);
            }
            let (mut products, mut sums) = ([1.0; 4], [0.0; 4]);
            for (four, missed) in factors.as_chunks::<4>().0.iter().zip(missed.as_chunks::<4>().0) {
                products.iter_mut().zip(four).for_each(|(product, factor)| *product *= f64::from(*factor));
                sums.iter_mut().zip(missed).for_each(|(sum, missed)| *sum += f64::from(*missed));
            }
            sums.iter().sum::<f64>() + products.iter().product::<f64>().ln()
        };
        rows.chunks(LANES).map(of).sum::<f64>() / rows.len().max(1) as f64
    }
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

/// What each row of a block still lacks, packed. Step by step, so that the compiler takes as many rows at once as it can.
fn gradients(raw: &[f64; LANES], labels: &Lane, scale: Scale) -> [u64; LANES] {
    let (mut probabilities, mut gradients, mut hessians) = ([0.0_f32; LANES], [0_u32; LANES], [0_u32; LANES]);
    for (probability, raw) in probabilities.iter_mut().zip(raw) {
        *probability = *raw as f32;
    }
    for probability in &mut probabilities {
        *probability = sigmoid_single(*probability);
    }
    let outs = gradients.iter_mut().zip(&mut hessians);
    for (((gradient, hessian), probability), label) in outs.zip(&probabilities).zip(labels) {
        (*gradient, *hessian) = scale.whole(probability - f32::from(*label), probability * (1.0 - probability));
    }
    let mut packed = [0; LANES];
    for ((packed, gradient), hessian) in packed.iter_mut().zip(gradients).zip(hessians) {
        *packed = u64::from(gradient) << 32 | u64::from(hessian);
    }
    packed
}
