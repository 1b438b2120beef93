//! A random forest: deep trees on rows drawn with repetition, each split by a few features drawn anew; their mean rate.

use super::grow::{Ground, Shape};
use super::pack::{Scale, Sums};
use super::split::Rules;
use super::tree::Tree;
use crate::random::Random;
use crate::settings::ForestSettings;

/// Trees whose mean is the probability.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Forest {
    pub(crate) trees: Vec<Tree>,
}

/// Grows a forest on `rows`. Splits are by variance, which for a yes-or-no outcome is the Gini index.
pub(crate) fn forest(
    ground: &Ground<'_>,
    labels: &[bool],
    rows: &[u32],
    settings: &ForestSettings,
    random: &mut Random,
    report: &dyn Fn(usize),
) -> Forest {
    let count = ground.table.columns.len();
    let wanted = (count as f64).sqrt().ceil() as usize;
    let min_leaf = settings.min_leaf as f64;
    let shape = Shape {
        leaves: 1 << settings.depth,
        depth: settings.depth,
        rules: Rules { min_child_weight: min_leaf, l2: 0.0, category_smoothing: min_leaf, category_l2: 0.0 },
        anew: true,
    };
    let mut trees = Vec::new();
    for number in 0..settings.trees {
        let counts = repeat(ground.table.rows, rows, random);
        let most = counts.iter().copied().max().unwrap_or(1).max(1);
        let scale = Scale::new(rows.len(), 1.0, 1.0);
        // The counts add up to the number of rows, so that the sums fit whatever a row's count is.
        let packed: Vec<u64> = counts
            .iter()
            .zip(labels)
            .map(|(count, label)| {
                let weight = f64::from((*count).min(most));
                scale.pack(if *label { -weight } else { 0.0 }, weight)
            })
            .collect();
        let seen: Vec<u32> =
            rows.iter().copied().filter(|row| counts.get(*row as usize).is_some_and(|count| *count > 0)).collect();
        let mut usable = || {
            let mut usable = vec![false; count];
            random.sample(count, wanted).into_iter().for_each(|column| {
                if let Some(slot) = usable.get_mut(column) {
                    *slot = true;
                }
            });
            usable
        };
        let value = |sums: Sums| if sums.hessian > 0.0 { (-sums.gradient / sums.hessian).clamp(0.0, 1.0) } else { 0.0 };
        trees.push(ground.grow(seen, Vec::new(), &packed, scale, &shape, &mut usable, &value).tree);
        report(number + 1);
    }
    Forest { trees }
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
