//! Scores many rows by many small trees, after QuickScorer (Lucchese et al. 2015).
//!
//! A tree has at most 16 leaves, numbered from left to right. A row starts with all leaves possible; each node whose
//! test sends the row to the right rules out the leaves to its left; the first leaf that is left is the row's. No step
//! depends on the one before, so that the compiler does it for many rows at once.

use std::collections::HashMap;

use super::tree::{Child, Test, Tree, child};

/// Rows that are scored together.
pub(crate) const LANES: usize = 64;
/// Leaves that fit.
pub(crate) const LEAVES: usize = 16;
/// Trees whose values are added at once.
const TOGETHER: usize = 4;

/// One byte a row.
pub(crate) type Lane = [u8; LANES];

/// A lane of zeros: missing in every row.
pub(crate) const MISSING: &Lane = &[0; LANES];

/// Sends a row right when `bin - shift` (wrapping) is above `most`.
struct Above {
    feature: usize,
    shift: u8,
    most: u8,
    keeps: Keeps,
}

/// Sends a row right by what was found out of the set's bins for the whole block.
struct BySet {
    set: usize,
    keeps: Keeps,
}

/// Leaves that a row keeps which goes right, and which of the two eights they rule out any of.
#[derive(Clone, Copy)]
enum Keeps {
    /// Of leaves 0 to 7; all of the others.
    Low(u8),
    /// Of leaves 8 to 15; all of the others.
    High(u8),
    /// Of either.
    Both(u8, u8),
}

struct QuickTree {
    above: Vec<Above>,
    by_set: Vec<BySet>,
    values: [f64; LEAVES],
}

/// The bins of a feature that stay left.
struct Set {
    feature: usize,
    bins: SetBins,
}

enum SetBins {
    /// These, or all but these.
    Few { bins: Vec<u8>, all_but: bool },
    /// Those with 255 in the table.
    Many(Box<[u8; 256]>),
}

/// Bins up to which comparing with each is quicker than looking them up.
const FEW: usize = 8;

/// Trees made ready for scoring.
#[derive(Default)]
pub(crate) struct Quick {
    trees: Vec<QuickTree>,
    /// The sets, each once however many trees ask for it.
    sets: Vec<Set>,
    known: HashMap<(u16, Test), usize>,
}

/// Room for what a block of rows needs; made once for many blocks.
#[derive(Default)]
pub(crate) struct Room(Vec<Lane>);

impl Quick {
    /// None when a tree has more leaves than fit.
    pub(crate) fn new<'a>(trees: impl Iterator<Item = &'a Tree>) -> Option<Self> {
        let mut quick = Self::default();
        for tree in trees {
            quick.take(tree)?;
        }
        Some(quick)
    }

    /// Adds the trees' values for one block of rows; `bins` gives the lane of a feature.
    pub(crate) fn add<'a>(&self, bins: impl Fn(usize) -> &'a Lane, room: &mut Room, sums: &mut [f64; LANES]) {
        room.0.resize(self.sets.len(), [0; LANES]);
        for (stays, set) in room.0.iter_mut().zip(&self.sets) {
            set.bins.hold(bins(set.feature), stays);
        }
        let (whole, rest) = self.trees.as_chunks::<TOGETHER>();
        for trees in whole {
            let [a, b, c, d] = trees;
            let of = |tree: &QuickTree| tree.leaves(&bins, &room.0);
            let leaves = of(a).into_iter().zip(of(b)).zip(of(c)).zip(of(d));
            for (sum, (((at_a, at_b), at_c), at_d)) in sums.iter_mut().zip(leaves) {
                *sum += (a.value(at_a) + b.value(at_b)) + (c.value(at_c) + d.value(at_d));
            }
        }
        for tree in rest {
            for (sum, leaf) in sums.iter_mut().zip(tree.leaves(&bins, &room.0)) {
                *sum += tree.value(leaf);
            }
        }
    }

    fn take(&mut self, tree: &Tree) -> Option<()> {
        if tree.leaves.len() > LEAVES {
            return None;
        }
        let mut built = QuickTree { above: Vec::new(), by_set: Vec::new(), values: [0.0; LEAVES] };
        let mut placed = 0;
        let root = if tree.nodes.is_empty() { -1 } else { 0 };
        self.place(tree, root, &mut placed, &mut built)?;
        self.trees.push(built);
        Some(())
    }

    /// Numbers the leaves under a child from left to right.
    fn place(&mut self, tree: &Tree, number: i32, placed: &mut usize, built: &mut QuickTree) -> Option<()> {
        match child(number) {
            Child::Leaf(leaf) => {
                *built.values.get_mut(*placed)? = *tree.leaves.get(leaf)?;
                *placed += 1;
            }
            Child::Node(at) => {
                let node = tree.nodes.get(at)?;
                let first = *placed;
                self.place(tree, node.left, placed, built)?;
                let left = (first..*placed).fold(0_u16, |mask, leaf| mask | 1 << leaf);
                let keeps = match (!left).to_le_bytes() {
                    [low, u8::MAX] => Keeps::Low(low),
                    [u8::MAX, high] => Keeps::High(high),
                    [low, high] => Keeps::Both(low, high),
                };
                let feature = usize::from(node.feature);
                match node.test {
                    Test::UpTo { most, missing: true } => built.above.push(Above { feature, shift: 0, most, keeps }),
                    // Bin 0 becomes 255, and `most` is below it.
                    Test::UpTo { most, missing: false } if most > 0 && most < u8::MAX => {
                        built.above.push(Above { feature, shift: 1, most: most - 1, keeps });
                    }
                    test => {
                        let next = self.sets.len();
                        let set = *self.known.entry((node.feature, test)).or_insert(next);
                        if set == next {
                            self.sets.push(Set { feature, bins: SetBins::of(&test) });
                        }
                        built.by_set.push(BySet { set, keeps });
                    }
                }
                self.place(tree, node.right, placed, built)?;
            }
        }
        Some(())
    }
}

impl SetBins {
    fn of(test: &Test) -> Self {
        let all_but = (0..=u8::MAX).filter(|bin| test.left(*bin)).count() > 128;
        let bins: Vec<u8> = (0..=u8::MAX).filter(|bin| test.left(*bin) != all_but).collect();
        if bins.len() <= FEW {
            return Self::Few { bins, all_but };
        }
        Self::Many(Box::new(test.table().map(|left| if left == 1 { u8::MAX } else { 0 })))
    }

    /// 255 for every row whose bin is in the set, else 0.
    fn hold(&self, lane: &Lane, stays: &mut Lane) {
        match self {
            Self::Few { bins, all_but } => {
                stays.fill(if *all_but { u8::MAX } else { 0 });
                for one in bins {
                    for (stays, bin) in stays.iter_mut().zip(lane) {
                        *stays ^= if bin == one { u8::MAX } else { 0 };
                    }
                }
            }
            Self::Many(table) => {
                for (stays, bin) in stays.iter_mut().zip(lane) {
                    *stays = table.get(usize::from(*bin)).copied().unwrap_or(0);
                }
            }
        }
    }
}

impl QuickTree {
    #[inline(always)]
    fn value(&self, leaf: u8) -> f64 {
        self.values.get(usize::from(leaf) % LEAVES).copied().unwrap_or(0.0)
    }

    /// The leaf of every row.
    #[inline(always)]
    fn leaves<'a>(&self, bins: &impl Fn(usize) -> &'a Lane, sets: &[Lane]) -> Lane {
        let (mut low, mut high) = ([u8::MAX; LANES], [u8::MAX; LANES]);
        for check in &self.above {
            let (lane, shift, most) = (bins(check.feature), check.shift, check.most);
            let stays = |bin: u8| if bin.wrapping_sub(shift) <= most { u8::MAX } else { 0 };
            rule_out(lane, check.keeps, stays, &mut low, &mut high);
        }
        for check in &self.by_set {
            rule_out(sets.get(check.set).unwrap_or(MISSING), check.keeps, |stays| stays, &mut low, &mut high);
        }
        let mut leaves = [0; LANES];
        for ((leaf, low), high) in leaves.iter_mut().zip(low).zip(high) {
            let (left, offset) = if low == 0 { (high, 8) } else { (low, 0) };
            // The lowest bit alone; its place is put together from the three halves it can lie in.
            let one = left & left.wrapping_neg();
            *leaf = offset | (one & 0xaa).min(1) | (one & 0xcc).min(2) | (one & 0xf0).min(4);
        }
        leaves
    }
}

#[inline(always)]
fn rule_out(lane: &Lane, keeps: Keeps, stays: impl Fn(u8) -> u8, low: &mut Lane, high: &mut Lane) {
    match keeps {
        Keeps::Low(keeps) => low.iter_mut().zip(lane).for_each(|(low, bin)| *low &= stays(*bin) | keeps),
        Keeps::High(keeps) => high.iter_mut().zip(lane).for_each(|(high, bin)| *high &= stays(*bin) | keeps),
        Keeps::Both(keeps, keeps_high) => {
            for ((low, high), bin) in low.iter_mut().zip(high).zip(lane) {
                let stays = stays(*bin);
                *low &= stays | keeps;
                *high &= stays | keeps_high;
            }
        }
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
            let goes_left = |bin: &u8| match sort {
                0..30 => bin.wrapping_mul(*most | 1) > 100,
                30..55 => bin % 64 == most % 64,
                _ => bin % 64 != most % 64,
            };
            (0..=u8::MAX).filter(goes_left).for_each(|bin| set.insert(bin));
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
            Quick::new(std::iter::repeat_n(&tree, 5)).unwrap().add(|feature| &lanes[feature], &mut Room::default(), &mut sums);
            let (mean, paths) = tree.paths();
            for (row, sum) in rows.iter().zip(sums) {
                let leaf = tree.leaf(|feature| row[feature]);
                prop_assert_eq!(sum, 5.0 * tree.leaves[leaf]);
                let steps: f64 = paths[leaf].iter().map(|(_, step)| step).sum();
                prop_assert!((mean + steps - tree.leaves[leaf]).abs() < 1e-9);
            }
        }
    }
}
