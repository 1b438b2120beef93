//! The rows that a tree learns from, while it grows: each its packed gradient and, side by side, the codes of the
//! bundles that the tree may split by.
//!
//! A leaf's rows stand together and are moved as leaves are split: so every pass reads memory from one end to the other.

use std::ops::Range;

use super::bundle::{Bundle, Cells};
use super::quick::{LANES, Lane, MISSING};

/// Bundles whose codes stand in one word.
const TOGETHER: usize = 8;

/// The codes of one row in some bundles.
type Codes = [u8; TOGETHER];

/// The rows of one tree. It can be filled again for the next.
#[derive(Default)]
pub(crate) struct Field {
    /// The bundles whose codes are there, by number.
    bundles: Vec<usize>,
    rows: usize,
    /// Rows go from one half to the other when they are parted.
    halves: [Half; 2],
    /// Where each row goes that is parted.
    to: Vec<u32>,
}

#[derive(Default)]
struct Half {
    packed: Vec<u64>,
    /// For every eight bundles, the rows' codes.
    codes: Vec<Vec<Codes>>,
}

/// Rows that stand together in a field.
#[derive(Clone)]
pub(crate) struct Stretch {
    rows: Range<usize>,
    half: usize,
}

impl Stretch {
    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }
}

impl Field {
    /// Empties it and makes room for `most` rows with the codes of `bundles`.
    pub(crate) fn start(&mut self, most: usize, bundles: Vec<usize>) {
        // The last block is written whole before it is known which of its rows are taken.
        let room = most + LANES;
        self.rows = 0;
        self.to.resize(room, 0);
        for half in &mut self.halves {
            half.packed.resize(room, 0);
            half.codes.resize_with(bundles.len().div_ceil(TOGETHER), Vec::new);
            half.codes.iter_mut().for_each(|codes| codes.resize(room, [0; TOGETHER]));
        }
        self.bundles = bundles;
    }

    /// Takes the rows of a block for which `taken` holds 1, not 0.
    pub(crate) fn take(&mut self, bundles: &[Bundle], block: usize, taken: &Lane, packed: &[u64; LANES]) {
        let [half, _] = &mut self.halves;
        sieve(packed, taken, half.packed.get_mut(self.rows..).unwrap_or_default());
        for (codes, eight) in half.codes.iter_mut().zip(self.bundles.chunks(TOGETHER)) {
            let lane = |place: usize| {
                eight.get(place).and_then(|bundle| bundles.get(*bundle)).map_or(MISSING, |bundle| bundle.lane(block))
            };
            let woven = weave([0, 1, 2, 3, 4, 5, 6, 7].map(lane));
            sieve(&woven, taken, codes.get_mut(self.rows..).unwrap_or_default());
        }
        self.rows += taken.iter().map(|take| usize::from(*take)).sum::<usize>();
    }

    /// All rows, before they are parted.
    pub(crate) fn all(&self) -> Stretch {
        Stretch { rows: 0..self.rows, half: 0 }
    }

    /// The bundles whose codes are there: a bundle's place is what histograms and partings ask for.
    pub(crate) fn bundles(&self) -> &[usize] {
        &self.bundles
    }

    fn packed(&self, of: &Stretch) -> &[u64] {
        self.halves.get(of.half).and_then(|half| half.packed.get(of.rows.clone())).unwrap_or_default()
    }

    fn codes(&self, of: &Stretch, place: usize) -> &[Codes] {
        let codes = self.halves.get(of.half).and_then(|half| half.codes.get(place / TOGETHER));
        codes.and_then(|codes| codes.get(of.rows.clone())).unwrap_or_default()
    }

    /// The packed sum over some rows.
    pub(crate) fn total(&self, of: &Stretch) -> u64 {
        self.packed(of).iter().fold(0, |sum, x| sum.wrapping_add(*x))
    }

    /// The histograms of some rows by the bundles at `places`, which rise.
    pub(crate) fn histograms(&self, of: &Stretch, places: &[usize]) -> Vec<Cells> {
        let mut cells = vec![[0_u64; 256]; places.len()];
        let mut rest = cells.as_mut_slice();
        let packed = self.packed(of);
        for of_word in places.chunk_by(|a, b| a / TOGETHER == b / TOGETHER) {
            let codes = self.codes(of, of_word.first().copied().unwrap_or(0));
            let (now, later) = rest.split_at_mut(of_word.len());
            rest = later;
            let mut at = [0; TOGETHER];
            at.iter_mut().zip(of_word).for_each(|(at, place)| *at = place % TOGETHER);
            match now.len() {
                1 => count::<1>(codes, packed, &at, now),
                2 => count::<2>(codes, packed, &at, now),
                3 => count::<3>(codes, packed, &at, now),
                4 => count::<4>(codes, packed, &at, now),
                5 => count::<5>(codes, packed, &at, now),
                6 => count::<6>(codes, packed, &at, now),
                7 => count::<7>(codes, packed, &at, now),
                _ => count::<8>(codes, packed, &at, now),
            }
        }
        cells
    }

    /// Parts some rows: first those whose code in the bundle at `place` has 1 in `sides`, then those that have 0, these
    /// from the last to the first.
    pub(crate) fn part(&mut self, of: &Stretch, place: usize, sides: &[u8; 256]) -> [Stretch; 2] {
        let mut to = std::mem::take(&mut self.to);
        let (mut left, mut right) = (0_u32, u32::try_from(of.len()).unwrap_or(u32::MAX));
        for (to, codes) in to.iter_mut().zip(self.codes(of, place)) {
            let code = codes.get(place % TOGETHER).copied().unwrap_or(0);
            let side = u32::from(sides.get(usize::from(code)).copied().unwrap_or(0));
            right -= 1 - side;
            *to = if side == 1 { left } else { right };
            left += side;
        }
        let [one, other] = &mut self.halves;
        let (from, into) = if of.half == 0 { (one, other) } else { (other, one) };
        for (from, into) in from.codes.iter().zip(&mut into.codes) {
            scatter(from, into, &to, &of.rows);
        }
        scatter(&from.packed, &mut into.packed, &to, &of.rows);
        self.to = to;
        let (middle, half) = (of.rows.start + left as usize, 1 - of.half);
        [Stretch { rows: of.rows.start..middle, half }, Stretch { rows: middle..of.rows.end, half }]
    }
}

fn scatter<T: Copy>(from: &[T], into: &mut [T], to: &[u32], rows: &Range<usize>) {
    let (Some(from), Some(into)) = (from.get(rows.clone()), into.get_mut(rows.clone())) else { return };
    for (value, to) in from.iter().zip(to) {
        if let Some(slot) = into.get_mut(*to as usize) {
            *slot = *value;
        }
    }
}

/// Writes one after the other what is taken. Every row is written and the place moved on by 1 or 0, so that the processor
/// need not guess.
fn sieve<T: Copy>(from: &[T; LANES], taken: &Lane, to: &mut [T]) {
    let mut at = 0;
    for (value, take) in from.iter().zip(taken) {
        if let Some(slot) = to.get_mut(at) {
            *slot = *value;
        }
        at += usize::from(*take);
    }
}

/// Adds rows to the histograms of some bundles of a word.
fn count<const N: usize>(rows: &[Codes], packed: &[u64], at: &[usize; TOGETHER], cells: &mut [Cells]) {
    let (Some(cells), Some(at)) = (cells.first_chunk_mut::<N>(), at.first_chunk::<N>()) else { return };
    for (codes, sums) in rows.iter().zip(packed) {
        for (cells, at) in cells.iter_mut().zip(at) {
            let code = codes.get(at % TOGETHER).copied().unwrap_or(0);
            if let Some(cell) = cells.get_mut(usize::from(code)) {
                *cell = cell.wrapping_add(*sums);
            }
        }
    }
}

/// Eight lanes as one word a row: pairs of bytes, then pairs of pairs, which the compiler does for many rows at once.
fn weave(lanes: [&Lane; TOGETHER]) -> [Codes; LANES] {
    let [a, b, c, d, e, f, g, h] = lanes;
    let twos = [[a, b], [c, d], [e, f], [g, h]].map(|[low, high]| {
        let mut out = [0_u16; LANES];
        for ((out, low), high) in out.iter_mut().zip(low).zip(high) {
            *out = u16::from(*low) | u16::from(*high) << 8;
        }
        out
    });
    let [a, b, c, d] = &twos;
    let fours = [[a, b], [c, d]].map(|[low, high]| {
        let mut out = [0_u32; LANES];
        for ((out, low), high) in out.iter_mut().zip(low).zip(high) {
            *out = u32::from(*low) | u32::from(*high) << 16;
        }
        out
    });
    let [low, high] = &fours;
    let mut out = [[0; TOGETHER]; LANES];
    for ((out, low), high) in out.iter_mut().zip(low).zip(high) {
        *out = (u64::from(*low) | u64::from(*high) << 32).to_le_bytes();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::Binned;
    use super::*;

    #[test]
    fn codes_of_eight_lanes_stand_side_by_side() {
        let lanes: Vec<Lane> = (0..8_u8).map(|lane| std::array::from_fn(|row| lane * 16 + row as u8 % 16)).collect();
        let woven = weave(std::array::from_fn(|lane| &lanes[lane]));
        for (row, codes) in woven.iter().enumerate() {
            assert_eq!(*codes, std::array::from_fn(|lane| lanes[lane][row]));
        }
    }

    #[test]
    fn parting_moves_every_row_to_its_side_with_its_gradient() {
        let table = Binned {
            rows: 130,
            columns: vec![vec![std::array::from_fn(|row| row as u8 % 5 + 1); 3], vec![[7; LANES]; 3]],
            sizes: vec![6, 255],
            categorical: vec![false; 2],
        };
        let bundles = Bundle::all(&table);
        let mut field = Field::default();
        field.start(130, vec![0]);
        for block in 0..3 {
            let taken = std::array::from_fn(|row| u8::from(block * LANES + row < 130 && row % 2 == 0));
            let packed = std::array::from_fn(|row| 1_000 * (row % 5) as u64 + block as u64);
            field.take(&bundles, block, &taken, &packed);
        }
        let all = field.all();
        assert_eq!(all.len(), 65);
        let (whole, total) = (field.histograms(&all, &[0]), field.total(&all));
        let mut sides = [0; 256];
        sides[2..4].fill(1);
        let [left, right] = field.part(&all, 0, &sides);
        assert_eq!(left.len() + right.len(), 65);
        assert_eq!(field.total(&left) + field.total(&right), total);
        let (of_left, of_right) = (field.histograms(&left, &[0]), field.histograms(&right, &[0]));
        for (code, whole) in whole[0].iter().enumerate() {
            let expected = if (2..4).contains(&code) { [*whole, 0] } else { [0, *whole] };
            assert_eq!([of_left[0][code], of_right[0][code]], expected, "{code}");
        }
        assert!(of_left[0][2] > 0 && of_right[0][5] > 0);
    }
}
