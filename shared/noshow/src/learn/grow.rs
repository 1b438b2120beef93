//! Grows one tree, best leaf first.

use super::Binned;
use super::bundle::{Bundle, Cells, Part};
use super::field::{Field, Stretch};
use super::pack::{Scale, Sums};
use super::split::{Rules, Split, by_category, by_threshold};
use super::tree::{Node, Tree};
use crate::random::Random;

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
    /// Share of the choice's features that may split a leaf, drawn for each.
    pub(crate) leaf_share: f64,
}

/// Features that may split a leaf: they lie in some bundles, at these places of the field.
#[derive(Clone, Default)]
pub(crate) struct Choice<'a> {
    places: Vec<usize>,
    of_place: Vec<(&'a Bundle, Vec<&'a Part>)>,
}

/// A leaf while the tree grows.
struct Leaf {
    /// Its rows in the field.
    rows: Stretch,
    /// Histograms by the bundles of the choice.
    cells: Vec<Cells>,
    total: u64,
    depth: usize,
    /// Node above, and whether to its left.
    parent: Option<(usize, bool)>,
    split: Option<Found>,
}

/// A leaf's best split, and where the field tells its sides.
#[derive(Clone, Copy)]
struct Found {
    split: Split,
    place: usize,
}

impl<'a> Ground<'a> {
    /// The features that vary, rising.
    pub(crate) fn features(&self) -> Vec<usize> {
        let mut features: Vec<usize> =
            self.bundles.iter().flat_map(|bundle| bundle.parts().iter().map(|part| part.column)).collect();
        features.sort_unstable();
        features
    }

    /// Draws `wanted` of `features`; sorted by bundle.
    pub(crate) fn draw(&self, features: &[usize], wanted: usize, random: &mut Random) -> Vec<(usize, Vec<&'a Part>)> {
        let drawn: Vec<usize> =
            random.sample(features.len(), wanted).into_iter().filter_map(|at| features.get(at).copied()).collect();
        let parts = |bundle: &'a Bundle| -> Vec<&'a Part> {
            bundle.parts().iter().filter(|part| drawn.contains(&part.column)).collect()
        };
        self.bundles.iter().map(parts).enumerate().filter(|(_, parts)| !parts.is_empty()).collect()
    }

    /// Where drawn features lie in the field.
    pub(crate) fn choice(&self, drawn: Vec<(usize, Vec<&'a Part>)>, field: &Field) -> Choice<'a> {
        let mut choice = Choice::default();
        for (bundle, parts) in drawn {
            let place = field.bundles().iter().position(|there| *there == bundle);
            if let (Some(place), Some(bundle)) = (place, self.bundles.get(bundle)) {
                choice.places.push(place);
                choice.of_place.push((bundle, parts));
            }
        }
        choice
    }

    /// Grows a tree from the rows of the field. With `anew` every leaf below the root has a choice of its own, of
    /// so many features; without it, all split by `choice`. `value` is a leaf's value by its sums.
    pub(crate) fn grow(
        &self,
        field: &mut Field,
        choice: &Choice<'a>,
        anew: Option<usize>,
        scale: Scale,
        shape: &Shape,
        random: &mut Random,
        value: &dyn Fn(Sums) -> f64,
    ) -> Tree {
        let (features, rows) = (self.features(), field.all());
        let (cells, total) = (field.histograms(&rows, &choice.places), field.total(&rows));
        let mut root = Leaf { rows, cells, total, depth: 0, parent: None, split: None };
        root.split = self.best_split(&root, choice, scale, shape, random);
        let mut leaves = vec![root];
        let mut nodes: Vec<Node> = Vec::new();
        while leaves.len() < shape.leaves {
            let gains = leaves.iter().enumerate().filter_map(|(at, leaf)| leaf.split.map(|found| (at, found)));
            let Some((at, found)) = gains.reduce(|a, b| if b.1.split.gain > a.1.split.gain { b } else { a }) else {
                break;
            };
            let leaf = leaves.swap_remove(at);
            let node = nodes.len();
            hang(&mut nodes, leaf.parent, i32::try_from(node).unwrap_or(0));
            let feature = u16::try_from(found.split.feature).unwrap_or(0);
            nodes.push(Node { feature, test: found.split.test, left: 0, right: 0 });
            let last = leaves.len() + 2 >= shape.leaves;
            let goes_on = !last && leaf.depth + 1 < shape.depth;
            let inherits = (goes_on && anew.is_none()).then_some(choice);
            for mut leaf in self.divide(field, leaf, &found, node, inherits) {
                if goes_on {
                    if let Some(wanted) = anew {
                        let own = self.choice(self.draw(&features, wanted, random), field);
                        leaf.cells = field.histograms(&leaf.rows, &own.places);
                        leaf.split = self.best_split(&leaf, &own, scale, shape, random);
                        leaf.cells = Vec::new();
                    } else {
                        leaf.split = self.best_split(&leaf, choice, scale, shape, random);
                    }
                }
                leaves.push(leaf);
            }
        }
        let mut tree = Tree::default();
        for (number, leaf) in (0_i32..).zip(leaves) {
            hang(&mut nodes, leaf.parent, -1 - number);
            tree.leaves.push(value(scale.unpack(leaf.total)));
            tree.weights.push(leaf.rows.len() as f64);
        }
        tree.nodes = nodes;
        tree
    }

    /// The two leaves under a split. Where they inherit the choice, the smaller one's histograms are counted; the
    /// other's are what is left.
    fn divide(
        &self,
        field: &mut Field,
        leaf: Leaf,
        found: &Found,
        node: usize,
        inherits: Option<&Choice<'_>>,
    ) -> [Leaf; 2] {
        let [left, right] = field.part(&leaf.rows, found.place, &self.sides(field, found));
        let left_is_smaller = left.len() <= right.len();
        let smaller = if left_is_smaller { &left } else { &right };
        let total = field.total(smaller);
        let rest = leaf.total.wrapping_sub(total);
        let cells = inherits.map_or_else(Vec::new, |choice| field.histograms(smaller, &choice.places));
        let mut rest_cells = if inherits.is_some() { leaf.cells } else { Vec::new() };
        for (rest, cells) in rest_cells.iter_mut().zip(&cells) {
            for (rest, cell) in rest.iter_mut().zip(cells) {
                *rest = rest.wrapping_sub(*cell);
            }
        }
        let depth = leaf.depth + 1;
        let of = |rows, (total, cells), is_left| Leaf {
            rows,
            cells,
            total,
            depth,
            parent: Some((node, is_left)),
            split: None,
        };
        let (smaller, larger) = ((total, cells), (rest, rest_cells));
        let (of_left, of_right) = if left_is_smaller { (smaller, larger) } else { (larger, smaller) };
        [of(left, of_left, true), of(right, of_right, false)]
    }

    /// For every code of the split's bundle 1 if it goes left, else 0.
    fn sides(&self, field: &Field, found: &Found) -> [u8; 256] {
        let mut sides = [0; 256];
        let bundle = field.bundles().get(found.place).and_then(|bundle| self.bundles.get(*bundle));
        let parts = bundle.map(Bundle::parts).unwrap_or_default();
        if let Some(part) = parts.iter().find(|part| part.column == found.split.feature) {
            for (side, code) in sides.iter_mut().zip(0..=u8::MAX) {
                *side = u8::from(found.split.test.left(part.bin(code)));
            }
        }
        sides
    }

    fn best_split(
        &self,
        leaf: &Leaf,
        choice: &Choice<'_>,
        scale: Scale,
        shape: &Shape,
        random: &mut Random,
    ) -> Option<Found> {
        let total = scale.unpack(leaf.total);
        if leaf.depth >= shape.depth || total.hessian < 2.0 * shape.rules.min_child_weight {
            return None;
        }
        let all: usize = choice.of_place.iter().map(|(_, parts)| parts.len()).sum();
        let wanted = ((all as f64 * shape.leaf_share).round() as usize).max(1);
        let drawn = if wanted < all { random.sample(all, wanted) } else { (0..all).collect() };
        let (mut drawn, mut number) = (drawn.into_iter().peekable(), 0..);
        let mut best: Option<Found> = None;
        let mut own = [0; 256];
        for (((bundle, parts), place), cells) in choice.of_place.iter().zip(&choice.places).zip(&leaf.cells) {
            for part in parts {
                if drawn.next_if(|next| number.next() == Some(*next)).is_none() {
                    continue;
                }
                let feature = part.column;
                let own = part.histogram(bundle, cells, &mut own);
                let size = self.table.sizes.get(feature).copied().unwrap_or(0);
                let categorical = self.table.categorical.get(feature).copied().unwrap_or(false);
                let found = if categorical { by_category } else { by_threshold }(own, size, total, scale, &shape.rules);
                if let Some((gain, test)) = found
                    && gain > 1e-9
                    && best.is_none_or(|best| better((gain, feature), &best.split))
                {
                    best = Some(Found { split: Split { gain, feature, test }, place: *place });
                }
            }
        }
        best
    }
}

fn hang(nodes: &mut [Node], parent: Option<(usize, bool)>, number: i32) {
    if let Some((parent, is_left)) = parent
        && let Some(node) = nodes.get_mut(parent)
    {
        *(if is_left { &mut node.left } else { &mut node.right }) = number;
    }
}

/// More gain, or the same by an earlier feature: the order of looking does not matter.
fn better((gain, feature): (f64, usize), than: &Split) -> bool {
    gain > than.gain || (gain == than.gain && feature < than.feature)
}
