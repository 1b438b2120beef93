//! What is checked before training, and what is left out.

use std::borrow::Cow;

use crate::error::{ErrorKind, ModelError};
use crate::features::FeatureSet;
use crate::frame::{Column, Frame};
use crate::model::{Window, check_frame};

/// Least rows of either outcome.
const LEAST: usize = 20;

/// The outcomes, once everything fits together.
pub(super) fn labels(
    features: &FeatureSet,
    frame: &Frame,
    labels: &[Option<bool>],
    days: &[i32],
) -> Result<Vec<bool>, ModelError> {
    check_frame(features, frame)?;
    if frame.rows() != labels.len() || frame.rows() != days.len() {
        return Err(ModelError::new(ErrorKind::Columns, "features, outcomes and days of different lengths"));
    }
    if u32::try_from(frame.rows()).is_err() {
        return Err(ModelError::new(ErrorKind::Columns, "more rows than can be numbered; take a shorter window"));
    }
    if labels.is_empty() {
        return Err(ModelError::new(ErrorKind::EmptyWindow, format!("{} has no outcome in it", features.label)));
    }
    let known: Vec<bool> = labels.iter().copied().flatten().collect();
    if known.len() < labels.len() {
        let unknown = labels.len() - known.len();
        return Err(ModelError::new(ErrorKind::UnknownOutcome, format!("{unknown} of {} rows", labels.len())));
    }
    let positives = known.iter().filter(|label| **label).count();
    let negatives = known.len() - positives;
    if positives == 0 || negatives == 0 {
        let (count, label) = (known.len(), &features.label);
        return Err(ModelError::new(ErrorKind::OneClass, format!("{label} is {} in all {count} rows", positives > 0)));
    }
    if positives.min(negatives) < LEAST {
        let context = format!("{positives} rows with the outcome and {negatives} without; {LEAST} of each are needed");
        return Err(ModelError::new(ErrorKind::TooFewRows, context));
    }
    Ok(known)
}

/// The frame with every feature blanked that holds the same in all rows, and a warning for each.
pub(super) fn drop_empty<'a>(
    features: &FeatureSet,
    frame: &'a Frame,
) -> Result<(Cow<'a, Frame>, Vec<String>), ModelError> {
    let states: Vec<State> = frame.columns().iter().map(State::of).collect();
    let warnings: Vec<String> = features
        .features
        .iter()
        .zip(&states)
        .filter_map(|(feature, state)| match state {
            State::Empty => Some(format!("{} has no value in the training window and is not used", feature.name)),
            State::Constant => {
                Some(format!("{} is the same in the whole training window and is not used", feature.name))
            }
            State::Varies => None,
        })
        .collect();
    if warnings.len() == states.len() {
        return Err(ModelError::new(ErrorKind::NoSignal, format!("{} features", states.len())));
    }
    if warnings.is_empty() {
        return Ok((Cow::Borrowed(frame), warnings));
    }
    let blank = |(column, state): (&Column, &State)| match (column, state) {
        (column, State::Varies) => column.clone(),
        (Column::Numeric(values), _) => Column::Numeric(vec![0.0; values.len()]),
        (Column::Categorical { codes, .. }, _) => {
            Column::Categorical { codes: vec![0; codes.len()], words: Vec::new() }
        }
    };
    let columns = frame.columns().iter().zip(&states).map(blank).collect();
    Ok((Cow::Owned(Frame::new(columns)?), warnings))
}

/// What a column holds.
enum State {
    Empty,
    Constant,
    Varies,
}

impl State {
    fn of(column: &Column) -> Self {
        match column {
            Column::Numeric(values) => {
                Self::from(values.iter().map(|value| (!value.is_nan()).then(|| value.to_bits())))
            }
            Column::Categorical { codes, .. } => {
                Self::from(codes.iter().map(|code| (*code > 0).then_some(u64::from(*code))))
            }
        }
    }

    fn from(mut values: impl Iterator<Item = Option<u64>>) -> Self {
        let first = values.next().flatten();
        if values.any(|value| value != first) {
            Self::Varies
        } else if first.is_none() {
            Self::Empty
        } else {
            Self::Constant
        }
    }
}

impl Window {
    pub(super) fn of(labels: &[bool], days: &[i32]) -> Self {
        let day = |day: Option<&i32>| day.map_or_else(String::new, |day| crate::day::iso(*day));
        Self {
            first_day: day(days.iter().min()),
            last_day: day(days.iter().max()),
            rows: labels.len() as u64,
            positives: labels.iter().filter(|label| **label).count() as u64,
        }
    }
}
