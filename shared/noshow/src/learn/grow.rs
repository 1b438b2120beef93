//! Grows one tree, best leaf first.

use rayon::prelude::*;

use super::Binned;
use super::bundle::{Bundle, Cells};
use super::pack::{Scale, Sums};
use super::split::{Rules, Split, by_category, by_threshold};
use super::tree::{Node, Tree};

/// Rows from which it pays to use more than one thread.
const WORTH_THREADS: usize = 2_000;

/// A table ready for growing trees on it.
pub(crate) struct Ground<'a> {
    pub(crate) table: &'a Binned,
    pub(crate) bundles: &'a [Bundle],
}

/// How a tree is to be grown.
pub(crate) struct Shape {
    pub(crate) leaves: usize,
    pub(crate) depth: usize,
    pub(crate) rules: Rules,
    /// True when every leaf may be split by a few features of its own: then these are counted, for each leaf anew.
    pub(crate) anew: bool,
}

/// A leaf while the tree grows.
struct Leaf {
    /// Rows that the tree learns from.
    rows: Vec<u32>,
    /// Rows that are only sorted into leaves.
    others: Vec<u32>,
    /// Histograms of the bundles; None where no feature is usable.
    cells: Vec<Option<Cells>>,
    total: u64,
    depth: usize,
    /// Node above, and whether to its left.
    parent: Option<(usize, bool)>,
    split: Option<Split>,
}

/// A grown tree, and the rows of each leaf: those learnt from, then the others.
pub(crate) struct Grown {
    pub(crate) tree: Tree,
    pub(crate) rows: Vec<[Vec<u32>; 2]>,
}

impl Ground<'_> {
    /// Grows a tree from `rows` with their packed gradients `packed` (by row number). `usable` tells which features
    /// may split a leaf; `value` the value of a leaf by its sums.
    pub(crate) fn grow(
        &self,
        rows: Vec<u32>,
        others: Vec<u32>,
        packed: &[u64],
        scale: Scale,
        shape: &Shape,
        usable: &mut dyn FnMut() -> Vec<bool>,
        value: &dyn Fn(Sums) -> f64,
    ) -> Grown {
        let total = rows.iter().filter_map(|row| packed.get(*row as usize)).fold(0_u64, |sum, x| sum.wrapping_add(*x));
        let may = usable();
        let cells = self.histograms(&rows, packed, &may);
        let mut root = Leaf { rows, others, cells, total, depth: 0, parent: None, split: None };
        root.split = self.best_split(&root, scale, shape, &may);
        let mut leaves = vec![root];
        let mut nodes: Vec<Node> = Vec::new();
        while leaves.len() < shape.leaves {
            let gains = leaves.iter().enumerate().filter_map(|(at, leaf)| leaf.split.map(|split| (at, split)));
            let Some((at, split)) = gains.reduce(|a, b| if b.1.gain > a.1.gain { b } else { a }) else { break };
            let leaf = leaves.swap_remove(at);
            let node = nodes.len();
            self.hang(&mut nodes, leaf.parent, i32::try_from(node).unwrap_or(0));
            let feature = u16::try_from(split.feature).unwrap_or(0);
            nodes.push(Node { feature, test: split.test, left: 0, right: 0 });
            let last = leaves.len() + 2 >= shape.leaves;
            let (left, right) =
                self.divide(leaf, &split, node, packed, (!last && !shape.anew).then_some(may.as_slice()));
            for mut leaf in [left, right] {
                if !last && leaf.depth < shape.depth {
                    let may = usable();
                    if shape.anew {
                        leaf.cells = self.histograms(&leaf.rows, packed, &may);
                    }
                    leaf.split = self.best_split(&leaf, scale, shape, &may);
                }
                leaves.push(leaf);
            }
        }
        let mut tree = Tree::default();
        let mut rows = Vec::new();
        for (number, leaf) in (0_i32..).zip(leaves) {
            self.hang(&mut nodes, leaf.parent, -1 - number);
            let sums = scale.unpack(leaf.total);
            tree.leaves.push(value(sums));
            tree.weights.push(leaf.rows.len() as f64);
            rows.push([leaf.rows, leaf.others]);
        }
        tree.nodes = nodes;
        Grown { tree, rows }
    }

    fn hang(&self, nodes: &mut [Node], parent: Option<(usize, bool)>, number: i32) {
        if let Some((parent, is_left)) = parent
            && let Some(node) = nodes.get_mut(parent)
        {
            *(if is_left { &mut node.left } else { &mut node.right }) = number;
        }
    }

    /// Histograms of the bundles with a usable feature.
    fn histograms(&self, rows: &[u32], packed: &[u64], usable: &[bool]) -> Vec<Option<Cells>> {
        let gathered: Vec<u64> = rows.iter().map(|row| packed.get(*row as usize).copied().unwrap_or(0)).collect();
        let of = |bundle: &Bundle| {
            let may = bundle.columns().any(|column| usable.get(column).copied().unwrap_or(false));
            may.then(|| bundle.histogram(rows, &gathered))
        };
        if rows.len() < WORTH_THREADS {
            return self.bundles.iter().map(of).collect();
        }
        self.bundles.par_iter().map(of).collect()
    }

    /// The two leaves under a split. Where features are `usable`, the smaller one's histograms are counted; the other's
    /// are what is left.
    fn divide(&self, leaf: Leaf, split: &Split, node: usize, packed: &[u64], usable: Option<&[bool]>) -> (Leaf, Leaf) {
        let bins = self.table.columns.get(split.feature).map(Vec::as_slice).unwrap_or_default();
        let sides = split.test.table();
        let (left_rows, right_rows) = part(&leaf.rows, bins, &sides);
        let (left_others, right_others) = part(&leaf.others, bins, &sides);
        let left_is_smaller = left_rows.len() <= right_rows.len();
        let smaller = if left_is_smaller { &left_rows } else { &right_rows };
        let total =
            smaller.iter().filter_map(|row| packed.get(*row as usize)).fold(0_u64, |sum, x| sum.wrapping_add(*x));
        let rest = leaf.total.wrapping_sub(total);
        let (cells, mut rest_cells) = match usable {
            Some(usable) => (self.histograms(smaller, packed, usable), leaf.cells),
            None => (Vec::new(), Vec::new()),
        };
        for (rest, cells) in rest_cells.iter_mut().flatten().zip(cells.iter().flatten()) {
            for (rest, cell) in rest.iter_mut().zip(cells) {
                *rest = rest.wrapping_sub(*cell);
            }
        }
        let ((left_total, left_cells), (right_total, right_cells)) =
            if left_is_smaller { ((total, cells), (rest, rest_cells)) } else { ((rest, rest_cells), (total, cells)) };
        let depth = leaf.depth + 1;
        let of = |rows, others, total, cells, is_left| Leaf {
            rows,
            others,
            cells,
            total,
            depth,
            parent: Some((node, is_left)),
            split: None,
        };
        (
            of(left_rows, left_others, left_total, left_cells, true),
            of(right_rows, right_others, right_total, right_cells, false),
        )
    }

    fn best_split(&self, leaf: &Leaf, scale: Scale, shape: &Shape, usable: &[bool]) -> Option<Split> {
        let total = scale.unpack(leaf.total);
        if leaf.depth >= shape.depth || total.hessian < 2.0 * shape.rules.min_child_weight {
            return None;
        }
        let in_bundle = |(bundle, cells): (&Bundle, &Option<Cells>)| {
            let cells = cells.as_ref()?;
            let mut best: Option<Split> = None;
            for feature in bundle.columns().filter(|feature| usable.get(*feature).copied().unwrap_or(false)) {
                let Some(own) = bundle.column(cells, feature) else { continue };
                let size = self.table.sizes.get(feature).copied().unwrap_or(0);
                let categorical = self.table.categorical.get(feature).copied().unwrap_or(false);
                let found =
                    if categorical { by_category } else { by_threshold }(&own, size, total, scale, &shape.rules);
                if let Some((gain, test)) = found
                    && gain > 1e-9
                    && best.is_none_or(|best| better((gain, feature), &best))
                {
                    best = Some(Split { gain, feature, test });
                }
            }
            best
        };
        let splits = self.bundles.iter().zip(&leaf.cells).filter_map(in_bundle);
        splits.reduce(|a, b| if better((b.gain, b.feature), &a) { b } else { a })
    }
}

/// More gain, or the same by an earlier feature: the order of looking does not matter.
fn better((gain, feature): (f64, usize), than: &Split) -> bool {
    gain > than.gain || (gain == than.gain && feature < than.feature)
}

/// Parts rows by side, keeping their order. It writes every row to both sides and moves on in one, so that the
/// processor need not guess the side.
fn part(rows: &[u32], bins: &[u8], sides: &[u8; 256]) -> (Vec<u32>, Vec<u32>) {
    let (mut left, mut right) = (vec![0; rows.len() + 1], vec![0; rows.len() + 1]);
    let (mut lefts, mut rights) = (0, 0);
    for row in rows {
        let bin = bins.get(*row as usize).copied().unwrap_or(0);
        let side = usize::from(sides.get(usize::from(bin)).copied().unwrap_or(0));
        if let Some(slot) = left.get_mut(lefts) {
            *slot = *row;
        }
        if let Some(slot) = right.get_mut(rights) {
            *slot = *row;
        }
        lefts += side;
        rights += 1 - side;
    }
    left.truncate(lefts);
    right.truncate(rights);
    (left, right)
}
