//! The best split of a leaf by one feature's histogram.

use super::bundle::Cells;
use super::pack::{Scale, Sums};
use super::tree::{BinSet, Test};

/// What holds for all splits of a tree.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) min_child_weight: f64,
    pub(crate) l2: f64,
    pub(crate) category_smoothing: f64,
    pub(crate) category_l2: f64,
}

/// A split and what it gains.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Split {
    pub(crate) gain: f64,
    pub(crate) feature: usize,
    pub(crate) test: Test,
}

/// The best split by thresholds. Missing values go where they gain most; where the leaf has none, with the heavier side.
pub(crate) fn by_threshold(
    cells: &Cells,
    size: usize,
    total: Sums,
    scale: Scale,
    rules: &Rules,
) -> Option<(f64, Test)> {
    let unsplit = total.gain(rules.l2);
    let packed_missing = cells.first().copied().unwrap_or(0);
    let missing = scale.unpack(packed_missing);
    let mut best: Option<(f64, Test)> = None;
    let (mut packed, mut last) = (0_u64, 0_u64);
    for (bin, cell) in (0..=u8::MAX).zip(cells.iter().take(size)).skip(1) {
        packed = packed.wrapping_add(*cell);
        // An empty bin splits as the one before.
        if packed == last {
            continue;
        }
        last = packed;
        let low = scale.unpack(packed);
        let mut consider = |left: Sums, goes_left: bool| {
            let right = total.less(left);
            if left.hessian < rules.min_child_weight || right.hessian < rules.min_child_weight {
                return;
            }
            let gain = left.gain_beside(right, rules.l2) - unsplit;
            if best.is_none_or(|(most, _)| gain > most) {
                best = Some((gain, Test::UpTo { most: bin, missing: goes_left }));
            }
        };
        if packed_missing == 0 {
            consider(low, low.hessian * 2.0 >= total.hessian);
        } else {
            consider(low, false);
            consider(low.plus(missing), true);
        }
    }
    best
}

/// The best split by categories: they are ordered by gradient over second derivative, smoothed, and cut once (Fisher
/// 1958: the best of all subsets for a convex loss). Missing is a category like the others; what the leaf lacks goes
/// with the heavier side.
pub(crate) fn by_category(cells: &Cells, size: usize, total: Sums, scale: Scale, rules: &Rules) -> Option<(f64, Test)> {
    let l2 = rules.l2 + rules.category_l2;
    let unsplit = total.gain(rules.l2);
    let mut order: Vec<(f64, u8, Sums)> = (0..=u8::MAX)
        .zip(cells.iter().take(size))
        .map(|(bin, cell)| (bin, scale.unpack(*cell)))
        .filter(|(_, sums)| sums.hessian > 0.0)
        .map(|(bin, sums)| (sums.gradient / (sums.hessian + rules.category_smoothing), bin, sums))
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut left = Sums::default();
    let mut best: Option<(f64, usize, Sums)> = None;
    for (place, (_, _, sums)) in order.iter().enumerate() {
        left = left.plus(*sums);
        let right = total.less(left);
        if left.hessian < rules.min_child_weight || right.hessian < rules.min_child_weight {
            continue;
        }
        let gain = left.gain_beside(right, l2) - unsplit;
        if best.is_none_or(|(most, _, _)| gain > most) {
            best = Some((gain, place, left));
        }
    }
    let (gain, place, left) = best?;
    let mut present = [false; 256];
    let mut set = BinSet::default();
    for (at, (_, bin, _)) in order.iter().enumerate() {
        if let Some(slot) = present.get_mut(usize::from(*bin)) {
            *slot = true;
        }
        if at <= place {
            set.insert(*bin);
        }
    }
    if left.hessian * 2.0 >= total.hessian {
        (0..=u8::MAX).zip(present).filter(|(_, present)| !present).for_each(|(bin, _)| set.insert(bin));
    }
    Some((gain, Test::In(set)))
}
