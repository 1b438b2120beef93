//! A random forest: deep trees on rows drawn with repetition, each split by a few features drawn anew; their mean rate.

use rayon::prelude::*;

use super::field::Field;
use super::grow::{Ground, Shape};
use super::pack::{Scale, Sums};
use super::quick::LANES;
use super::split::Rules;
use super::tree::Tree;
use crate::random::Random;
use crate::settings::ForestSettings;

/// Trees whose mean is the probability.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Forest {
    pub(crate) trees: Vec<Tree>,
}

/// Grows a forest on `rows`, the trees side by side, each from a stream of its own. Splits are by variance, which for a
/// yes-or-no outcome is the Gini index.
pub(crate) fn forest(
    ground: &Ground<'_>,
    labels: &[bool],
    rows: &[u32],
    settings: &ForestSettings,
    seed: u64,
    report: &(dyn Fn() + Sync),
) -> Forest {
    let features = ground.features();
    let wanted = (ground.table.columns.len() as f64).sqrt().ceil() as usize;
    let min_leaf = settings.min_leaf as f64;
    let shape = Shape {
        leaves: 1 << settings.depth,
        depth: settings.depth,
        rules: Rules { min_child_weight: min_leaf, l2: 0.0, category_smoothing: min_leaf, category_l2: 0.0 },
        leaf_share: 1.0,
    };
    let scale = Scale::new(rows.len(), 1.0, 1.0);
    let grow = |field: &mut Field, number: usize| {
        let mut random = Random::new(seed, number as u64);
        let counts = repeat(ground.table.rows, rows, &mut random);
        field.start(rows.len(), (0..ground.bundles.len()).collect());
        for (block, (counts, labels)) in counts.chunks(LANES).zip(labels.chunks(LANES)).enumerate() {
            let (mut taken, mut packed) = ([0; LANES], [0; LANES]);
            for (((taken, packed), count), label) in taken.iter_mut().zip(&mut packed).zip(counts).zip(labels) {
                // The counts add up to the number of rows, so that the sums fit whatever a row's count is.
                let weight = f64::from(*count);
                *taken = u8::from(*count > 0);
                *packed = scale.pack(if *label { -weight } else { 0.0 }, weight);
            }
            field.take(ground.bundles, block, &taken, &packed);
        }
        let choice = ground.choice(ground.draw(&features, wanted, &mut random), field);
        let value = |sums: Sums| if sums.hessian > 0.0 { (-sums.gradient / sums.hessian).clamp(0.0, 1.0) } else { 0.0 };
        let tree = ground.grow(field, &choice, Some(wanted), scale, &shape, &mut random, &value);
        report();
        tree
    };
    Forest { trees: (0..settings.trees).into_par_iter().map_init(Field::default, grow).collect() }
}

/// How often each row of the table is drawn.
fn repeat(all: usize, rows: &[u32], random: &mut Random) -> Vec<u32> {
    let mut counts = vec![0_u32; all];
    for _ in rows {
        let drawn = rows.get(random.below(rows.len())).copied().unwrap_or(0);
        if let Some(count) = counts.get_mut(drawn as usize) {
            *count += 1;
        }
    }
    counts
}
