//! A tree over bins.

use serde::{Deserialize, Serialize};

use crate::exact;

/// A set of bins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub(crate) struct BinSet(pub(crate) [u64; 4]);

impl BinSet {
    pub(crate) fn insert(&mut self, bin: u8) {
        if let Some(word) = self.0.get_mut(usize::from(bin / 64)) {
            *word |= 1 << (bin % 64);
        }
    }

    pub(crate) fn holds(&self, bin: u8) -> bool {
        self.0.get(usize::from(bin / 64)).is_some_and(|word| word >> (bin % 64) & 1 == 1)
    }
}

/// Which rows go left at a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Test {
    /// Bins 1 to `most`; bin 0, the missing values, if `missing`.
    UpTo { most: u8, missing: bool },
    /// The bins of the set.
    In(BinSet),
}

impl Test {
    pub(crate) fn left(&self, bin: u8) -> bool {
        match self {
            Self::UpTo { most, missing } => {
                if bin == 0 {
                    *missing
                } else {
                    bin <= *most
                }
            }
            Self::In(set) => set.holds(bin),
        }
    }

    /// For every bin 1 if it goes left, else 0.
    pub(crate) fn table(&self) -> [u8; 256] {
        let mut table = [0; 256];
        for (bin, side) in (0..=u8::MAX).zip(table.iter_mut()) {
            *side = u8::from(self.left(bin));
        }
        table
    }
}

/// A node that splits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Node {
    pub(crate) feature: u16,
    pub(crate) test: Test,
    /// The node or leaf to the left: 0 and more is a node, below 0 leaf `-1 - n`.
    pub(crate) left: i32,
    pub(crate) right: i32,
}

/// A tree. Children of a node stand after it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Tree {
    pub(crate) nodes: Vec<Node>,
    /// Values of the leaves, at least one.
    #[serde(with = "exact::list")]
    pub(crate) leaves: Vec<f64>,
    /// Weight of the training rows in each leaf.
    #[serde(with = "exact::list")]
    pub(crate) weights: Vec<f64>,
}

/// What a child's number points at.
pub(crate) enum Child {
    Node(usize),
    Leaf(usize),
}

pub(crate) fn child(number: i32) -> Child {
    usize::try_from(number).map_or_else(|_| Child::Leaf(number.unsigned_abs() as usize - 1), Child::Node)
}

impl Tree {
    /// The leaf of a row, whose bins `bin` tells.
    pub(crate) fn leaf(&self, bin: impl Fn(usize) -> u8) -> usize {
        let mut at = 0;
        while let Some(node) = self.nodes.get(at) {
            let goes_left = node.test.left(bin(usize::from(node.feature)));
            match child(if goes_left { node.left } else { node.right }) {
                Child::Node(next) => at = next,
                Child::Leaf(leaf) => return leaf,
            }
        }
        0
    }

    /// True when children stand after their parents, every node and leaf has one parent, and features exist: the file
    /// may hold anything.
    pub(crate) fn is_sound(&self, features: usize) -> bool {
        let (nodes, leaves) = (self.nodes.len(), self.leaves.len());
        if leaves != nodes + 1 || self.weights.len() != leaves || self.leaves.iter().any(|value| !value.is_finite()) {
            return false;
        }
        let (mut node_seen, mut leaf_seen) = (vec![false; nodes], vec![false; leaves]);
        for (at, node) in self.nodes.iter().enumerate() {
            if usize::from(node.feature) >= features {
                return false;
            }
            for number in [node.left, node.right] {
                let seen = match child(number) {
                    Child::Node(next) if next > at => node_seen.get_mut(next),
                    Child::Node(_) => None,
                    Child::Leaf(leaf) => leaf_seen.get_mut(leaf),
                };
                match seen {
                    Some(seen) if !*seen => *seen = true,
                    _ => return false,
                }
            }
        }
        node_seen.iter().skip(1).all(|seen| *seen) && (nodes == 0 || leaf_seen.iter().all(|seen| *seen))
    }

    /// For every leaf, how much each feature on its path moves the value from the mean of the tree: the mean of a node
    /// is that of its leaves by weight, and each step from a node to its child is owed to the node's feature (Saabas
    /// 2014). The mean of the tree and the steps add up to the leaf's value.
    pub(crate) fn paths(&self) -> (f64, Vec<Vec<(u16, f64)>>) {
        let mut means = vec![(0.0, 0.0); self.nodes.len()];
        let leaf_mean = |leaf: usize| {
            (self.leaves.get(leaf).copied().unwrap_or(0.0), self.weights.get(leaf).copied().unwrap_or(0.0))
        };
        for (at, node) in self.nodes.iter().enumerate().rev() {
            let of = |number| match child(number) {
                Child::Node(next) => means.get(next).copied().unwrap_or((0.0, 0.0)),
                Child::Leaf(leaf) => leaf_mean(leaf),
            };
            let ((left, left_weight), (right, right_weight)) = (of(node.left), of(node.right));
            let weight: f64 = left_weight + right_weight;
            let mean =
                if weight > 0.0 { (left * left_weight + right * right_weight) / weight } else { 0.5 * (left + right) };
            if let Some(slot) = means.get_mut(at) {
                *slot = (mean, weight);
            }
        }
        let base = means.first().map_or_else(|| leaf_mean(0).0, |mean| mean.0);
        let mut leaves = vec![Vec::new(); self.leaves.len()];
        let mut open = if self.nodes.is_empty() { Vec::new() } else { vec![(0_usize, Vec::new())] };
        while let Some((at, path)) = open.pop() {
            let (Some(node), Some((mean, _))) = (self.nodes.get(at), means.get(at)) else { continue };
            for number in [node.left, node.right] {
                let step = |value: f64| {
                    let mut path: Vec<(u16, f64)> = path.clone();
                    match path.iter_mut().find(|(feature, _)| *feature == node.feature) {
                        Some((_, sum)) => *sum += value - mean,
                        None => path.push((node.feature, value - mean)),
                    }
                    path
                };
                match child(number) {
                    Child::Node(next) => open.push((next, step(means.get(next).map_or(0.0, |mean| mean.0)))),
                    Child::Leaf(leaf) => {
                        if let Some(slot) = leaves.get_mut(leaf) {
                            *slot = step(leaf_mean(leaf).0);
                        }
                    }
                }
            }
        }
        (base, leaves)
    }
}
