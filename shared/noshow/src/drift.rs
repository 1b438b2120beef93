//! Drift: how far the rows of today are from those of training, by the population stability index (PSI).

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::error::ModelError;
use crate::frame::{Column, Frame};
use crate::learn::Bins;
use crate::model::Model;

/// Words that are told apart; the rest are one group.
const WORDS: usize = 20;
/// Stands for an empty group, so that no logarithm is infinite: half a row.
const HALF: f64 = 0.5;

/// How far is too far: below 0.1 none, below 0.25 moderate, else major.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Alarm {
    /// Below 0.1.
    None,
    /// From 0.1.
    Moderate,
    /// From 0.25.
    Major,
}

impl Alarm {
    /// The level of an index.
    pub fn of(psi: f64) -> Self {
        if psi >= 0.25 {
            Self::Major
        } else if psi >= 0.1 {
            Self::Moderate
        } else {
            Self::None
        }
    }

    /// The word that tables hold.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Moderate => "moderate",
            Self::Major => "major",
        }
    }
}

/// The drift of one feature, or of the score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureDrift {
    /// The feature's name; `score` for the probabilities.
    pub feature: String,
    /// The index: the sum over groups of (new share − old share) · ln(new share / old share).
    pub psi: f64,
    /// Its level.
    pub alarm: Alarm,
}

/// The drift of all features and of the score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drift {
    /// Rows compared.
    pub rows: u64,
    /// The score, then the features in order of the list. Empty when there are no rows.
    pub features: Vec<FeatureDrift>,
    /// The highest level.
    pub alarm: Alarm,
}

/// How the values of training fell into groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Groups {
    by: Bins,
    /// Rows of each group, the missing first.
    counts: Vec<u64>,
}

/// What training looked like, kept in the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reference {
    features: Vec<Groups>,
    score: Groups,
}

impl Reference {
    /// Sums up training rows and their probabilities.
    pub(crate) fn of(frame: &Frame, probabilities: Vec<f64>) -> Self {
        Self {
            features: frame.columns().par_iter().map(Groups::of).collect(),
            score: Groups::of(&Column::Numeric(probabilities)),
        }
    }

    pub(crate) fn is_sound(&self, bins: &[Bins]) -> bool {
        let sound = |groups: &Groups| {
            groups.by.is_sound()
                && groups.counts.len() == groups.by.len()
                && groups.counts.iter().try_fold(0_u64, |sum, count| sum.checked_add(*count)).is_some()
        };
        self.features.len() == bins.len() && self.features.iter().all(sound) && sound(&self.score)
    }
}

impl Groups {
    fn of(column: &Column) -> Self {
        let by = match column {
            Column::Numeric(values) => Bins::Cuts(deciles(values)),
            Column::Categorical { .. } => {
                let rows: Vec<usize> = (0..column.len()).collect();
                match Bins::find(column, &rows) {
                    Bins::Words(words) => Bins::Words(words.into_iter().take(WORDS).collect()),
                    cuts => cuts,
                }
            }
        };
        Self { counts: count(&by, column), by }
    }

    /// The index of rows that fell into the groups so.
    fn psi(&self, now: &[u64]) -> f64 {
        let (before_all, now_all): (u64, u64) = (self.counts.iter().sum(), now.iter().sum());
        let share = |count: u64, all: u64| (count as f64).max(HALF) / (all as f64).max(1.0);
        let groups = self.counts.iter().zip(now).filter(|(before, now)| **before + **now > 0);
        groups
            .map(|(before, now)| {
                let (before, now) = (share(*before, before_all), share(*now, now_all));
                (now - before) * (now / before).ln()
            })
            .sum()
    }
}

/// Cuts between the tenths of the values; fewer when values repeat.
fn deciles(values: &[f64]) -> Vec<f64> {
    let mut known: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    let (mut cuts, mut from, all) = (Vec::new(), 0, known.len());
    // Each tenth is looked for among the values above the one before: sooner done than sorting them all.
    for at in (1..10).map(|tenth| all * tenth / 10) {
        let Some(rest) = known.get_mut(from..).filter(|rest| at - from < rest.len()) else { break };
        cuts.push(*rest.select_nth_unstable_by(at - from, f64::total_cmp).1);
        from = at;
    }
    cuts.dedup();
    // A cut belongs to the group below it: at the greatest value there is nothing above.
    let greatest = known.into_iter().max_by(f64::total_cmp);
    cuts.retain(|cut| greatest.is_some_and(|greatest| *cut < greatest));
    cuts
}

fn count(by: &Bins, column: &Column) -> Vec<u64> {
    let mut bins = vec![0; column.len()];
    by.fill(&by.prepare(column), 0, &mut bins);
    let mut counts = vec![0; by.len()];
    for bin in bins {
        if let Some(count) = counts.get_mut(usize::from(bin)) {
            *count += 1;
        }
    }
    counts
}

/// How rows fell into the groups of training, counted batch by batch.
#[derive(Debug, Clone, Default)]
pub struct DriftCounts {
    rows: u64,
    score: Vec<u64>,
    features: Vec<Vec<u64>>,
}

impl DriftCounts {
    /// Counts rows and their probabilities.
    pub fn add(&mut self, model: &Model, frame: &Frame, probabilities: &[f64]) -> Result<(), ModelError> {
        model.check_frame(frame)?;
        self.rows += frame.rows() as u64;
        let reference = &model.reference;
        add(&mut self.score, count(&reference.score.by, &Column::Numeric(probabilities.to_vec())));
        self.features.resize(reference.features.len(), Vec::new());
        for ((sums, groups), column) in self.features.iter_mut().zip(&reference.features).zip(frame.columns()) {
            add(sums, count(&groups.by, column));
        }
        Ok(())
    }

    /// Compares what was counted with what the model was trained on.
    pub fn drift(&self, model: &Model) -> Drift {
        if self.rows == 0 {
            return Drift { rows: 0, features: Vec::new(), alarm: Alarm::None };
        }
        let of = |name: &str, groups: &Groups, now: &[u64]| {
            let psi = groups.psi(now);
            FeatureDrift { feature: name.to_owned(), psi, alarm: Alarm::of(psi) }
        };
        let mut features = vec![of("score", &model.reference.score, &self.score)];
        let names = model.features.features.iter().map(|feature| feature.name.as_str());
        let known = names.zip(&model.reference.features).zip(&self.features);
        features.extend(known.map(|((name, groups), now)| of(name, groups, now)));
        let alarm = features.iter().map(|drift| drift.alarm).max().unwrap_or(Alarm::None);
        Drift { rows: self.rows, features, alarm }
    }
}

fn add(sums: &mut Vec<u64>, counts: Vec<u64>) {
    sums.resize(counts.len(), 0);
    sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
}

impl Drift {
    /// Compares rows and their probabilities with what the model was trained on.
    pub fn between(model: &Model, frame: &Frame, probabilities: &[f64]) -> Result<Self, ModelError> {
        let mut counts = DriftCounts::default();
        counts.add(model, frame, probabilities)?;
        Ok(counts.drift(model))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_by_hand() {
        let groups = Groups { by: Bins::Cuts(vec![0.5]), counts: vec![0, 50, 50] };
        let now = Column::Numeric((0..100).map(|row| f64::from(u8::from(row < 75))).collect());
        let wanted = (0.25_f64 - 0.5) * (0.25_f64 / 0.5).ln() + (0.75_f64 - 0.5) * (0.75_f64 / 0.5).ln();
        assert!((groups.psi(&count(&groups.by, &now)) - wanted).abs() < 1e-12);
        assert_eq!(Alarm::of(wanted), Alarm::Major);
    }

    #[test]
    fn the_same_rows_do_not_drift_and_a_new_word_does() {
        let words = |word: &str| Column::Categorical { codes: vec![1; 100], words: vec![word.to_owned()] };
        let groups = Groups::of(&words("a"));
        assert_eq!(groups.psi(&count(&groups.by, &words("a"))), 0.0);
        assert!(groups.psi(&count(&groups.by, &words("b"))) > 1.0);
        let numbers = Column::Numeric((0..1_000).map(f64::from).collect());
        assert_eq!(Groups::of(&numbers).psi(&Groups::of(&numbers).counts), 0.0);
        assert_eq!(Groups::of(&numbers).counts, [0, 101, 100, 100, 100, 100, 100, 100, 100, 100, 99]);
    }
}
