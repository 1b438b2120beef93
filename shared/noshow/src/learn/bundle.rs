//! Histograms over bundles: small columns share one byte, so that one pass over the rows serves several of them.
//!
//! The histogram of a bundle holds one cell for each combination of its columns' bins; a column's own histogram is the
//! sum over the others, exact because cells are whole numbers.

use super::Binned;

/// A histogram of one column or bundle: packed sums by bin.
pub(crate) type Cells = [u64; 256];

/// Columns that share a byte.
pub(crate) struct Bundle {
    /// The combined bin of every row.
    codes: Vec<u8>,
    /// The columns: index, bins, and what one bin weighs in the code.
    parts: Vec<(usize, usize, usize)>,
}

impl Bundle {
    /// Bundles the columns of a table: the smallest together as long as they fit.
    pub(crate) fn all(table: &Binned) -> Vec<Self> {
        let mut order: Vec<usize> = (0..table.columns.len()).collect();
        order.sort_by_key(|column| table.sizes.get(*column).copied().unwrap_or(0));
        let mut groups: Vec<Vec<(usize, usize, usize)>> = Vec::new();
        let mut weight = usize::MAX;
        for column in order {
            let size = table.sizes.get(column).copied().unwrap_or(1).max(1);
            match groups.last_mut() {
                Some(group) if weight.saturating_mul(size) <= 256 => group.push((column, size, weight)),
                _ => {
                    weight = 1;
                    groups.push(vec![(column, size, weight)]);
                }
            }
            weight *= size;
        }
        groups.into_iter().map(|parts| Self { codes: codes(table, &parts), parts }).collect()
    }

    /// The columns in it.
    pub(crate) fn columns(&self) -> impl Iterator<Item = usize> {
        self.parts.iter().map(|part| part.0)
    }

    /// The histogram of the given rows, whose packed gradients stand in the same order.
    pub(crate) fn histogram(&self, rows: &[u32], packed: &[u64]) -> Cells {
        // Two histograms in turn: adding to one cell twice in a row would wait for the first to finish.
        let (mut even, mut odd) = ([0; 256], [0; 256]);
        let (row_pairs, packed_pairs) = (rows.chunks_exact(2), packed.chunks_exact(2));
        let rest = row_pairs.remainder().iter().zip(packed_pairs.remainder());
        for (row, sums) in rest {
            self.add(&mut even, *row, *sums);
        }
        for (rows, packed) in row_pairs.zip(packed_pairs) {
            if let ([row, next], [sums, next_sums]) = (rows, packed) {
                self.add(&mut even, *row, *sums);
                self.add(&mut odd, *next, *next_sums);
            }
        }
        for (cell, other) in even.iter_mut().zip(odd) {
            *cell = cell.wrapping_add(other);
        }
        even
    }

    #[inline(always)]
    fn add(&self, cells: &mut Cells, row: u32, sums: u64) {
        let code = self.codes.get(row as usize).copied().unwrap_or(0);
        if let Some(cell) = cells.get_mut(usize::from(code)) {
            *cell = cell.wrapping_add(sums);
        }
    }

    /// A column's own histogram.
    pub(crate) fn column(&self, cells: &Cells, column: usize) -> Option<Cells> {
        if let [_] = self.parts.as_slice() {
            return Some(*cells);
        }
        let (_, size, weight) = *self.parts.iter().find(|part| part.0 == column)?;
        let mut own = [0_u64; 256];
        for cycle in cells.chunks_exact(weight * size) {
            for (cell, same) in own.iter_mut().zip(cycle.chunks_exact(weight)) {
                *cell = same.iter().fold(*cell, |sum, sums| sum.wrapping_add(*sums));
            }
        }
        Some(own)
    }
}

fn codes(table: &Binned, parts: &[(usize, usize, usize)]) -> Vec<u8> {
    let mut codes = vec![0_u8; table.rows];
    for (column, _, weight) in parts {
        let bins = table.columns.get(*column).map(Vec::as_slice).unwrap_or_default();
        let weight = u8::try_from(*weight).unwrap_or(0);
        for (code, bin) in codes.iter_mut().zip(bins) {
            *code = code.wrapping_add(bin.wrapping_mul(weight));
        }
    }
    codes
}
