//! Features as bytes: numbers cut into at most 255 bins, words numbered. Bin 0 is the missing value.

use std::collections::HashMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::quick::{LANES, Lane, MISSING};
use crate::exact;
use crate::frame::{Column, Frame};

/// Most bins of a feature besides the one for missing values.
const MOST_BINS: usize = 255;
/// Numbers from which cuts are found; more add time and little else.
const SAMPLE: usize = 50_000;

/// How one feature becomes a byte.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Bins {
    /// A number is in bin 1 plus the number of cuts below it.
    Cuts(#[serde(with = "exact::list")] Vec<f64>),
    /// A word is in the bin of its place plus one. Words not in the list count as missing.
    Words(Vec<String>),
}

impl Bins {
    /// Finds the bins of a column from the given rows.
    pub(crate) fn find(column: &Column, rows: &[usize]) -> Self {
        match column {
            Column::Numeric(values) => {
                let step = rows.len().div_ceil(SAMPLE).max(1);
                let picked = rows.iter().step_by(step).filter_map(|row| values.get(*row).copied());
                Self::Cuts(cuts(picked.filter(|value| !value.is_nan()).collect()))
            }
            Column::Categorical { codes, words } => {
                let mut counts = vec![0_u64; words.len() + 1];
                for row in rows {
                    if let Some(count) = codes.get(*row).and_then(|code| counts.get_mut(*code as usize)) {
                        *count += 1;
                    }
                }
                let seen = words.iter().zip(counts.iter().skip(1)).filter(|(_, count)| **count > 0);
                let mut seen: Vec<(&String, &u64)> = seen.collect();
                seen.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
                Self::Words(seen.into_iter().take(MOST_BINS).map(|(word, _)| word.clone()).collect())
            }
        }
    }

    /// Number of bins, that for missing values included.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Cuts(cuts) => cuts.len() + 2,
            Self::Words(words) => words.len() + 1,
        }
    }

    /// True when every bin is known to fit a byte and cuts rise: the file may hold anything.
    pub(crate) fn is_sound(&self) -> bool {
        match self {
            Self::Cuts(cuts) => cuts.len() < MOST_BINS && cuts.is_sorted_by(|a, b| a < b),
            Self::Words(words) => words.len() <= MOST_BINS,
        }
    }

    /// The bins of rows `from..from + out.len()` of a column; all missing when the column is of the other kind.
    pub(crate) fn fill(&self, column: &Prepared<'_>, from: usize, out: &mut [u8]) {
        match (self, column) {
            (Self::Cuts(cuts), Prepared::Numeric(values)) => {
                let values = values.get(from..).unwrap_or_default();
                for (bin, value) in out.iter_mut().zip(values) {
                    *bin = numeric_bin(cuts, *value);
                }
            }
            (Self::Words(_), Prepared::Coded(codes, bins)) => {
                let codes = codes.get(from..).unwrap_or_default();
                for (bin, code) in out.iter_mut().zip(codes) {
                    *bin = bins.get(*code as usize).copied().unwrap_or(0);
                }
            }
            _ => out.fill(0),
        }
    }

    /// A column made ready for [`Bins::fill`]: its own words are looked up once.
    pub(crate) fn prepare<'a>(&self, column: &'a Column) -> Prepared<'a> {
        match (self, column) {
            (Self::Words(known), Column::Categorical { codes, words }) => {
                let places: HashMap<&str, u8> =
                    known.iter().zip(1_u8..=u8::MAX).map(|(word, bin)| (word.as_str(), bin)).collect();
                let of_word = words.iter().map(|word| places.get(word.as_str()).copied().unwrap_or(0));
                Prepared::Coded(codes, std::iter::once(0).chain(of_word).collect())
            }
            (Self::Cuts(_), Column::Numeric(values)) => Prepared::Numeric(values),
            _ => Prepared::Unfit,
        }
    }
}

/// A column of a frame next to the bins of a model.
pub(crate) enum Prepared<'a> {
    Numeric(&'a [f64]),
    /// The frame's codes, and the model's bin of each code.
    Coded(&'a [u32], Vec<u8>),
    /// A column of another kind.
    Unfit,
}

/// 1 plus the number of cuts below the value; 0 for NaN. The search takes the same steps for every value, so that the
/// processor need not guess.
fn numeric_bin(cuts: &[f64], value: f64) -> u8 {
    if value.is_nan() {
        return 0;
    }
    let (mut low, mut size) = (0, cuts.len());
    while size > 0 {
        let half = size.div_ceil(2);
        let below = cuts.get(low + half - 1).is_some_and(|cut| *cut < value);
        low += if below { half } else { 0 };
        size -= half;
    }
    u8::try_from(low + 1).unwrap_or(u8::MAX)
}

/// Cuts halfway between neighbouring values: between all when they are few, else such that bins hold about equally
/// many.
fn cuts(mut values: Vec<f64>) -> Vec<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let mut distinct: Vec<(f64, usize)> = Vec::new();
    for value in values {
        match distinct.last_mut() {
            Some((last, count)) if *last == value => *count += 1,
            _ => distinct.push((value, 1)),
        }
    }
    let mut left: usize = distinct.iter().map(|(_, count)| count).sum();
    let mut bins_left = MOST_BINS - 1;
    let all = distinct.len() <= bins_left;
    let (mut cuts, mut held) = (Vec::new(), 0);
    for pair in distinct.windows(2) {
        let [(value, count), (next, _)] = pair else { continue };
        held += count;
        if all || (bins_left > 1 && held * bins_left >= left) {
            let middle = value + (next - value) / 2.0;
            // Two neighbouring floating-point numbers have nothing between them.
            cuts.push(if middle < *next { middle } else { *value });
            left -= held;
            held = 0;
            bins_left -= 1;
        }
    }
    cuts
}

/// A table of bins, one column a feature, in blocks of rows; what is left of the last block is missing.
pub(crate) struct Binned {
    pub(crate) rows: usize,
    pub(crate) columns: Vec<Vec<Lane>>,
    /// Bins of each column.
    pub(crate) sizes: Vec<usize>,
    pub(crate) categorical: Vec<bool>,
}

impl Binned {
    /// The bins of all rows.
    pub(crate) fn of(bins: &[Bins], frame: &Frame) -> Self {
        let columns = bins.par_iter().zip(frame.columns()).map(|(bins, column)| {
            let mut out = vec![[0; LANES]; frame.rows().div_ceil(LANES)];
            let column = bins.prepare(column);
            for (block, lane) in out.iter_mut().enumerate() {
                bins.fill(&column, block * LANES, lane);
            }
            out
        });
        Self {
            rows: frame.rows(),
            columns: columns.collect(),
            sizes: bins.iter().map(Bins::len).collect(),
            categorical: bins.iter().map(|bins| matches!(bins, Bins::Words(_))).collect(),
        }
    }

    /// Blocks of rows.
    pub(crate) fn blocks(&self) -> usize {
        self.rows.div_ceil(LANES)
    }

    /// A column's bins in one block of rows.
    pub(crate) fn lane(&self, column: usize, block: usize) -> &Lane {
        self.columns.get(column).and_then(|column| column.get(block)).unwrap_or(MISSING)
    }

    /// Whether the rows of a column are in more bins than one.
    pub(crate) fn varies(&self, column: usize) -> bool {
        let bins = || self.columns.get(column).into_iter().flat_map(|column| column.as_flattened()).take(self.rows);
        bins().next().is_some_and(|first| bins().any(|bin| bin != first))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_in_the_bin_of_the_cuts_below_it_and_missing_in_bin_zero() {
        let cuts = [1.0, 2.0, 5.0];
        let bin = |value| numeric_bin(&cuts, value);
        assert_eq!([bin(0.5), bin(1.0), bin(1.5), bin(2.0), bin(5.0), bin(5.1)], [1, 1, 2, 2, 3, 4]);
        assert_eq!(bin(f64::NAN), 0);
        assert_eq!(numeric_bin(&[], 7.0), 1);
    }

    #[test]
    fn few_values_are_all_told_apart_and_many_share_bins_evenly() {
        assert_eq!(cuts(vec![3.0, 1.0, 1.0, 2.0]), [1.5, 2.5]);
        let many = cuts((0..100_000).map(f64::from).collect());
        assert!(many.len() > 240 && many.len() < MOST_BINS, "{}", many.len());
        assert!(many.windows(2).all(|pair| pair[0] < pair[1]));
        let skewed = cuts((0..100_000).map(|n| f64::from((n - 50_000).max(0))).collect());
        assert!(skewed.len() > 200, "{}", skewed.len());
        let close = cuts(vec![1.0, f64::from_bits(1.0_f64.to_bits() + 1)]);
        assert_eq!(close, [1.0]);
    }

    #[test]
    fn words_not_seen_in_training_count_as_missing() {
        let column = Column::Categorical { codes: vec![1, 2, 2, 0], words: vec!["a".into(), "b".into()] };
        let bins = Bins::find(&column, &[0, 1, 2, 3]);
        assert_eq!(bins, Bins::Words(vec!["b".into(), "a".into()]));
        let other = Column::Categorical { codes: vec![1, 2, 0], words: vec!["c".into(), "a".into()] };
        let mut out = [9; 3];
        bins.fill(&bins.prepare(&other), 0, &mut out);
        assert_eq!(out, [0, 2, 0]);
    }
}
