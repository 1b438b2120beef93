//! Planted errors as data: which rule must find them, and how a good row is turned into a bad one.

use crate::manifest::{Outcome, Step};
use crate::random::Random;

/// One kind of error of a dataset.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    /// Id of the rule that must find it, without `<feed>.<dataset>.`.
    pub(crate) rule: &'static str,
    pub(crate) step: Step,
    pub(crate) outcome: Outcome,
    pub(crate) change: Change,
}

/// How a copy of a good row, under a new key, becomes a bad one.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    /// A column takes a value.
    Set(&'static str, &'static str),
    /// A date or timestamp column takes the value of another one, some days earlier.
    DaysBefore(&'static str, &'static str, u64),
    /// The row comes again under the same key, with another value in a column.
    SameKey(&'static str, &'static str),
    /// The row comes again unchanged.
    Repeat,
    /// The row comes again under the same key, half an hour older in a timestamp column.
    Older(&'static str),
    /// The last field is missing.
    Short,
    /// There is one field too many.
    Long,
    /// A column holds a byte that is not UTF-8.
    Encoding(&'static str),
}

impl Fault {
    /// A row that ingest must reject.
    pub(crate) const fn reject(rule: &'static str, change: Change) -> Self {
        Self::new(rule, Step::Ingest, Outcome::Rejected, change)
    }

    /// A row that conform must reject: its parent does not exist.
    pub(crate) const fn orphan(rule: &'static str, change: Change) -> Self {
        Self::new(rule, Step::Conform, Outcome::Rejected, change)
    }

    /// A row that ingest must count and keep.
    pub(crate) const fn warn(rule: &'static str, change: Change) -> Self {
        Self::new(rule, Step::Ingest, Outcome::Warned, change)
    }

    /// A row that conform must count and keep.
    pub(crate) const fn warn_at_conform(rule: &'static str, change: Change) -> Self {
        Self::new(rule, Step::Conform, Outcome::Warned, change)
    }

    /// A row that ingest must drop in favour of another of the same key.
    pub(crate) const fn dedupe(rule: &'static str, change: Change) -> Self {
        Self::new(rule, Step::Ingest, Outcome::Deduplicated, change)
    }

    const fn new(rule: &'static str, step: Step, outcome: Outcome, change: Change) -> Self {
        Self { rule, step, outcome, change }
    }
}

/// How many errors of one kind a file of `rows` good rows gets: one in 500, at least one.
pub(crate) fn planted(rows: u64) -> u64 {
    rows.div_ceil(500).max(1)
}

/// The errors still to be planted into a file, spread evenly over its rows.
#[derive(Debug)]
pub(crate) struct Deck {
    faults: Vec<Fault>,
    rows_left: u64,
}

impl Deck {
    /// A shuffled deck for a file of about `rows` good rows.
    pub(crate) fn new(faults: &[Fault], rows: u64, random: &mut Random) -> Self {
        let copies = planted(rows);
        let mut all: Vec<Fault> = faults.iter().flat_map(|fault| (0..copies).map(move |_| *fault)).collect();
        random.shuffle(&mut all);
        Self { faults: all, rows_left: rows.max(1) }
    }

    /// The errors to plant after the next good row.
    pub(crate) fn due(&mut self, random: &mut Random) -> Vec<Fault> {
        let waiting = self.faults.len() as u64;
        let whole = waiting / self.rows_left;
        let part = waiting % self.rows_left;
        let extra = u64::from(random.below(self.rows_left) < part);
        self.rows_left = (self.rows_left - 1).max(1);
        let keep = usize::try_from(waiting - (whole + extra).min(waiting)).unwrap_or(0);
        self.faults.split_off(keep)
    }

    /// The errors left when the rows were fewer than foreseen.
    pub(crate) fn rest(&mut self) -> Vec<Fault> {
        std::mem::take(&mut self.faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAULTS: [Fault; 2] = [Fault::reject("a", Change::Short), Fault::warn("b", Change::Long)];

    #[test]
    fn every_error_is_planted_by_the_last_row() {
        for rows in [1, 3, 10, 1_000, 5_001] {
            let mut random = Random::new(1, 1);
            let mut deck = Deck::new(&FAULTS, rows, &mut random);
            let drawn: usize = (0..rows).map(|_| deck.due(&mut random).len()).sum();
            assert_eq!(drawn as u64, 2 * planted(rows));
            assert!(deck.rest().is_empty());
        }
    }

    #[test]
    fn a_file_shorter_than_foreseen_leaves_the_rest() {
        let mut random = Random::new(1, 1);
        let mut deck = Deck::new(&FAULTS, 10_000, &mut random);
        let drawn: usize = (0..100).map(|_| deck.due(&mut random).len()).sum();
        assert_eq!(drawn + deck.rest().len(), 40);
    }
}
