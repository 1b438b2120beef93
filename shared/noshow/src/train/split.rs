//! Parts the training window by time.

use std::collections::BTreeMap;

use crate::error::{ErrorKind, ModelError};

/// Share of the rows to hold back.
const SHARE: f64 = 0.2;
/// Least rows of either outcome in each part.
const LEAST: u64 = 10;

/// The rows of a training window before a day, and from it on.
pub(super) struct Split {
    pub(super) early: Vec<u32>,
    /// In order of time.
    pub(super) late: Vec<u32>,
}

/// Holds the last days back: whole days, as many as hold a fifth of the rows and enough of either outcome.
pub(super) fn by_time(labels: &[bool], days: &[i32]) -> Result<Split, ModelError> {
    let mut of_day: BTreeMap<i32, [u64; 2]> = BTreeMap::new();
    for (day, label) in days.iter().zip(labels) {
        let [without, with] = of_day.entry(*day).or_default();
        *(if *label { with } else { without }) += 1;
    }
    let all = totals(of_day.values());
    let wanted = SHARE * labels.len() as f64;
    let mut late = [0; 2];
    let mut cut = None;
    for (day, counts) in of_day.iter().rev() {
        late = totals([&late, counts].into_iter());
        let enough = late.iter().all(|count| *count >= LEAST) && late.iter().sum::<u64>() as f64 >= wanted;
        if enough {
            cut = Some(*day);
            break;
        }
    }
    let early_is_enough = all.iter().zip(late).all(|(all, late)| all - late >= LEAST);
    let Some(cut) = cut.filter(|_| early_is_enough) else {
        let context = format!(
            "{} days; the last ones are held back, and both parts need {LEAST} rows of each outcome",
            of_day.len()
        );
        return Err(ModelError::new(ErrorKind::TooFewRows, context));
    };
    let mut parts = Split { early: Vec::new(), late: Vec::new() };
    for (row, day) in (0_u32..).zip(days) {
        if *day < cut { &mut parts.early } else { &mut parts.late }.push(row);
    }
    parts.late.sort_by_key(|row| days.get(*row as usize));
    Ok(parts)
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
        let split = by_time(&labels, &days).unwrap();
        assert_eq!((split.early.len(), split.late.len()), (800, 200));
        assert!(split.late.iter().all(|row| *row >= 800));
    }

    #[test]
    fn a_single_day_cannot_be_parted() {
        let labels: Vec<bool> = (0..1_000).map(|row| row % 4 == 0).collect();
        assert_eq!(by_time(&labels, &[7; 1_000]).err().map(|error| error.kind), Some(ErrorKind::TooFewRows));
    }
}
