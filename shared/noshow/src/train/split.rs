//! Parts the training window by time.

use std::collections::BTreeMap;

use crate::error::{ErrorKind, ModelError};

/// Share of the rows to hold back.
const SHARE: f64 = 0.2;
/// Least rows of either outcome in each part.
const LEAST: u64 = 10;
/// Held-out rows from which one parting is enough to calibrate on.
const ENOUGH: usize = 8_000;
/// Most partings.
const MOST: usize = 3;

/// The rows of a training window before some days, and those of these days.
pub(super) struct Split {
    pub(super) early: Vec<u32>,
    /// In order of time.
    pub(super) late: Vec<u32>,
}

/// Partings of the window, the earliest first. The last one holds back the last days: whole days, as many as hold a
/// fifth of the rows and enough of either outcome. While held-out rows are few, the days before are held back in turn,
/// from a learner that knows only what came before them.
pub(super) fn by_time(labels: &[bool], days: &[i32]) -> Result<Vec<Split>, ModelError> {
    let mut of_day: BTreeMap<i32, [u64; 2]> = BTreeMap::new();
    for (day, label) in days.iter().zip(labels) {
        let [without, with] = of_day.entry(*day).or_default();
        *(if *label { with } else { without }) += 1;
    }
    let mut splits: Vec<Split> = Vec::new();
    let mut end = i32::MAX;
    while splits.len() < MOST && splits.iter().map(|split| split.late.len()).sum::<usize>() < ENOUGH {
        let Some(cut) = cut(&of_day, end, SHARE * labels.len() as f64) else { break };
        splits.insert(0, part(days, cut, end));
        end = cut;
    }
    if splits.is_empty() {
        let context = format!(
            "{} days; the last ones are held back, and both parts need {LEAST} rows of each outcome",
            of_day.len()
        );
        return Err(ModelError::new(ErrorKind::TooFewRows, context));
    }
    Ok(splits)
}

/// The day from which to hold back what is before `end`. None when too little would be left on either side.
fn cut(of_day: &BTreeMap<i32, [u64; 2]>, end: i32, wanted: f64) -> Option<i32> {
    let enough = |counts: [u64; 2]| counts.iter().all(|count| *count >= LEAST);
    let mut late = [0; 2];
    let (day, _) = of_day.range(..end).rev().find(|(_, counts)| {
        late = totals([&late, *counts].into_iter());
        enough(late) && late.iter().sum::<u64>() as f64 >= wanted
    })?;
    let early = totals(of_day.range(..*day).map(|(_, counts)| counts));
    (enough(early) && early.iter().sum::<u64>() as f64 >= wanted).then_some(*day)
}

fn part(days: &[i32], cut: i32, end: i32) -> Split {
    let mut parts = Split { early: Vec::new(), late: Vec::new() };
    for (row, day) in (0_u32..).zip(days).filter(|(_, day)| **day < end) {
        if *day < cut { &mut parts.early } else { &mut parts.late }.push(row);
    }
    parts.late.sort_by_key(|row| days.get(*row as usize));
    parts
}

fn totals<'a>(counts: impl Iterator<Item = &'a [u64; 2]>) -> [u64; 2] {
    counts.fold([0, 0], |sum, count| [sum[0] + count[0], sum[1] + count[1]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_days_at_the_end_are_held_back() {
        let days: Vec<i32> = (0..1_000).map(|row| row / 100).collect();
        let labels: Vec<bool> = (0..1_000).map(|row| row % 4 == 0).collect();
        let splits = by_time(&labels, &days).unwrap();
        let sizes: Vec<(usize, usize)> = splits.iter().map(|split| (split.early.len(), split.late.len())).collect();
        assert_eq!(sizes, [(400, 200), (600, 200), (800, 200)]);
        for split in &splits {
            let first = split.late.iter().min();
            assert!(split.early.iter().all(|row| Some(row) < first));
        }
    }

    #[test]
    fn one_parting_is_enough_when_there_are_many_rows() {
        let days: Vec<i32> = (0..60_000).map(|row| row / 1_000).collect();
        let labels: Vec<bool> = (0..60_000).map(|row| row % 4 == 0).collect();
        assert_eq!(by_time(&labels, &days).unwrap().len(), 1);
    }

    #[test]
    fn a_single_day_cannot_be_parted() {
        let labels: Vec<bool> = (0..1_000).map(|row| row % 4 == 0).collect();
        assert_eq!(by_time(&labels, &[7; 1_000]).err().map(|error| error.kind), Some(ErrorKind::TooFewRows));
    }
}
