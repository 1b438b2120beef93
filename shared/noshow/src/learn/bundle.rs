//! Histograms over bundles: small columns share one byte, so that one pass over the rows serves several of them.
//!
//! The histogram of a bundle holds one cell for each combination of its columns' bins; a column's own histogram is the
//! sum over the others, exact because cells are whole numbers.

use super::Binned;
use super::quick::{LANES, Lane, MISSING};

/// A histogram of one column or bundle: packed sums by bin.
pub(crate) type Cells = [u64; 256];

/// Columns that share a byte.
pub(crate) struct Bundle {
    /// The combined bin of every row, in blocks of rows.
    codes: Vec<Lane>,
    parts: Vec<Part>,
}

/// A column in a bundle.
pub(crate) struct Part {
    pub(crate) column: usize,
    size: usize,
    /// What one bin weighs in the code.
    weight: usize,
}

impl Bundle {
    /// Bundles the columns of a table that vary: the smallest together as long as they fit.
    pub(crate) fn all(table: &Binned) -> Vec<Self> {
        let mut order: Vec<usize> = (0..table.columns.len()).filter(|column| table.varies(*column)).collect();
        order.sort_by_key(|column| table.sizes.get(*column).copied().unwrap_or(0));
        let mut groups: Vec<Vec<Part>> = Vec::new();
        let mut weight = usize::MAX;
        for column in order {
            let size = table.sizes.get(column).copied().unwrap_or(1).max(1);
            match groups.last_mut() {
                Some(group) if weight.saturating_mul(size) <= 256 => group.push(Part { column, size, weight }),
                _ => {
                    weight = 1;
                    groups.push(vec![Part { column, size, weight }]);
                }
            }
            weight *= size;
        }
        groups.into_iter().map(|parts| Self { codes: codes(table, &parts), parts }).collect()
    }

    /// The columns in it.
    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The combined bins of one block of rows.
    pub(crate) fn lane(&self, block: usize) -> &Lane {
        self.codes.get(block).unwrap_or(MISSING)
    }
}

impl Part {
    /// The column's own histogram, summed up in `own` where the bundle holds more columns.
    pub(crate) fn histogram<'a>(&self, bundle: &Bundle, cells: &'a Cells, own: &'a mut Cells) -> &'a Cells {
        if let [_] = bundle.parts.as_slice() {
            return cells;
        }
        own.fill(0);
        for cycle in cells.chunks_exact(self.weight * self.size) {
            for (cell, same) in own.iter_mut().zip(cycle.chunks_exact(self.weight)) {
                *cell = same.iter().fold(*cell, |sum, sums| sum.wrapping_add(*sums));
            }
        }
        own
    }

    /// The column's bin in a code of the bundle.
    pub(crate) fn bin(&self, code: u8) -> u8 {
        u8::try_from(usize::from(code) / self.weight % self.size).unwrap_or(0)
    }
}

fn codes(table: &Binned, parts: &[Part]) -> Vec<Lane> {
    let mut codes = vec![[0_u8; LANES]; table.blocks()];
    for part in parts {
        let bins = table.columns.get(part.column).map(Vec::as_slice).unwrap_or_default();
        let weight = u8::try_from(part.weight).unwrap_or(0);
        for (code, bin) in codes.as_flattened_mut().iter_mut().zip(bins.as_flattened()) {
            *code = code.wrapping_add(bin.wrapping_mul(weight));
        }
    }
    codes
}
