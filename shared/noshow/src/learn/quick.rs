//! Scores many rows by many small trees, after QuickScorer (Lucchese et al. 2015).
//!
//! A tree has at most 16 leaves, numbered from left to right. A row starts with all leaves possible; each node whose
//! test sends the row to the right rules out the leaves to its left; the first leaf that is left is the row's. No step
//! depends on the one before, so that the compiler does it for many rows at once.

use super::tree::{Child, Test, Tree, child};

/// Rows that are scored together.
pub(crate) const LANES: usize = 64;
/// Leaves that fit.
pub(crate) const LEAVES: usize = 16;

/// One byte a row.
pub(crate) type Lane = [u8; LANES];

enum Sort {
    /// Goes right when `bin - shift` (wrapping) is above `most`.
    Above { shift: u8, most: u8 },
    /// Goes right when the table holds 255 for the bin.
    Table(Box<[u8; 256]>),
}

struct Check {
    feature: usize,
    sort: Sort,
    /// Leaves that a row keeps which goes right; the low and the high eight.
    low: u8,
    high: u8,
}

struct QuickTree {
    checks: Vec<Check>,
    values: [f64; LEAVES],
}

/// Trees made ready for scoring.
pub(crate) struct Quick(Vec<QuickTree>);

impl Quick {
    /// None when a tree has more leaves than fit.
    pub(crate) fn new<'a>(trees: impl Iterator<Item = &'a Tree>) -> Option<Self> {
        trees.map(quick).collect::<Option<Vec<_>>>().map(Self)
    }

    /// Adds the trees' values for one block of rows, whose bins stand in `bins`, a lane for each feature.
    pub(crate) fn add(&self, bins: &[Lane], sums: &mut [f64; LANES]) {
        const MISSING: &Lane = &[0; LANES];
        for tree in &self.0 {
            let (mut low, mut high) = ([u8::MAX; LANES], [u8::MAX; LANES]);
            for check in &tree.checks {
                let lane = bins.get(check.feature).unwrap_or(MISSING);
                match &check.sort {
                    Sort::Above { shift, most } => above(lane, *shift, *most, check, &mut low, &mut high),
                    Sort::Table(table) => by_table(lane, table, check, &mut low, &mut high),
                }
            }
            for ((sum, low), high) in sums.iter_mut().zip(low).zip(high) {
                let leaf = u16::from_le_bytes([low, high]).trailing_zeros() as usize;
                *sum += tree.values.get(leaf % LEAVES).copied().unwrap_or(0.0);
            }
        }
    }
}

#[inline(always)]
fn above(lane: &Lane, shift: u8, most: u8, check: &Check, low: &mut Lane, high: &mut Lane) {
    for ((bin, low), high) in lane.iter().zip(low).zip(high) {
        let stays = if bin.wrapping_sub(shift) <= most { u8::MAX } else { 0 };
        *low &= stays | check.low;
        *high &= stays | check.high;
    }
}

#[inline(always)]
fn by_table(lane: &Lane, table: &[u8; 256], check: &Check, low: &mut Lane, high: &mut Lane) {
    let mut stays = [0_u8; LANES];
    for (stays, bin) in stays.iter_mut().zip(lane) {
        *stays = table.get(usize::from(*bin)).copied().unwrap_or(0);
    }
    for ((stays, low), high) in stays.iter().zip(low).zip(high) {
        *low &= stays | check.low;
        *high &= stays | check.high;
    }
}

fn quick(tree: &Tree) -> Option<QuickTree> {
    if tree.leaves.len() > LEAVES {
        return None;
    }
    let mut built = QuickTree { checks: Vec::new(), values: [0.0; LEAVES] };
    let mut placed = 0;
    let root = if tree.nodes.is_empty() { -1 } else { 0 };
    place(tree, root, &mut placed, &mut built)?;
    Some(built)
}

/// Numbers the leaves under a child from left to right.
fn place(tree: &Tree, number: i32, placed: &mut usize, built: &mut QuickTree) -> Option<()> {
    match child(number) {
        Child::Leaf(leaf) => {
            *built.values.get_mut(*placed)? = *tree.leaves.get(leaf)?;
            *placed += 1;
        }
        Child::Node(at) => {
            let node = tree.nodes.get(at)?;
            let first = *placed;
            place(tree, node.left, placed, built)?;
            let left = (first..*placed).fold(0_u16, |mask, leaf| mask | 1 << leaf);
            let [low, high] = (!left).to_le_bytes();
            built.checks.push(Check { feature: usize::from(node.feature), sort: sort(&node.test), low, high });
            place(tree, node.right, placed, built)?;
        }
    }
    Some(())
}

fn sort(test: &Test) -> Sort {
    match test {
        Test::UpTo { most, missing: true } => Sort::Above { shift: 0, most: *most },
        // Bin 0 becomes 255, and `most` is below it.
        Test::UpTo { most, missing: false } if *most > 0 && *most < u8::MAX => Sort::Above { shift: 1, most: most - 1 },
        test => Sort::Table(Box::new(test.table().map(|left| if left == 1 { u8::MAX } else { 0 }))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tree::{BinSet, Node};
    use super::*;

    /// A tree that splits leaf after leaf as the numbers say.
    fn tree(splits: &[(u8, u8, u8, bool)]) -> Tree {
        let mut tree = Tree { nodes: Vec::new(), leaves: vec![0.5], weights: vec![1.0] };
        let mut hooks: Vec<Option<(usize, bool)>> = vec![None];
        for (at, (pick, most, sort, missing)) in splits.iter().enumerate() {
            let leaf = usize::from(*pick) % hooks.len();
            let mut set = BinSet::default();
            (0..=u8::MAX).filter(|bin| bin.wrapping_mul(*most | 1) > 100).for_each(|bin| set.insert(bin));
            let test = if *sort < 80 { Test::In(set) } else { Test::UpTo { most: *most, missing: *missing } };
            let hook = hooks.swap_remove(leaf);
            if let Some((parent, left)) = hook {
                let node = &mut tree.nodes[parent];
                *(if left { &mut node.left } else { &mut node.right }) = at as i32;
            }
            tree.nodes.push(Node { feature: u16::from(sort % 3), test, left: 0, right: 0 });
            hooks.extend([Some((at, true)), Some((at, false))]);
        }
        for (leaf, (parent, left)) in hooks.iter().flatten().enumerate() {
            let node = &mut tree.nodes[*parent];
            *(if *left { &mut node.left } else { &mut node.right }) = -1 - leaf as i32;
        }
        tree.leaves = (0..hooks.len()).map(|leaf| leaf as f64 * 1.5 - 3.0).collect();
        tree.weights = (0..hooks.len()).map(|leaf| leaf as f64 + 1.0).collect();
        tree
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn scores_are_those_of_walking_down_and_paths_add_up(
            splits in proptest::collection::vec(any::<(u8, u8, u8, bool)>(), 0..LEAVES),
            rows in proptest::collection::vec(any::<[u8; 3]>(), LANES),
        ) {
            let tree = tree(&splits);
            prop_assert!(tree.is_sound(3));
            let lanes: Vec<Lane> = (0..3).map(|feature| std::array::from_fn(|row| rows[row][feature])).collect();
            let mut sums = [0.0; LANES];
            Quick::new([&tree].into_iter()).unwrap().add(&lanes, &mut sums);
            let (mean, paths) = tree.paths();
            for (row, sum) in rows.iter().zip(sums) {
                let leaf = tree.leaf(|feature| row[feature]);
                prop_assert_eq!(sum, tree.leaves[leaf]);
                let steps: f64 = paths[leaf].iter().map(|(_, step)| step).sum();
                prop_assert!((mean + steps - sum).abs() < 1e-9);
            }
        }
    }
}
