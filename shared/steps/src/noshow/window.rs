//! Which days are learnt from, and which the model is measured on.

use std::collections::BTreeSet;

use arrow::datatypes::Date32Type;
use chrono::{Days as Duration, NaiveDate};
use serde::Serialize;

use crate::error::StepError;

/// Share of the days with outcomes that the model is measured on, when nobody says which.
const EVALUATED: f64 = 0.2;

/// What the caller says of the days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WindowRequest {
    /// Last day to learn from.
    pub train_until: Option<NaiveDate>,
    /// First day to measure on.
    pub evaluate_from: Option<NaiveDate>,
}

/// The two windows, with their rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Days {
    /// First day that is learnt from.
    pub train_from: NaiveDate,
    /// Last day that is learnt from.
    pub train_until: NaiveDate,
    /// First day that is measured.
    pub evaluate_from: NaiveDate,
    /// Last day that is measured.
    pub evaluate_until: NaiveDate,
    /// Rows that are learnt from.
    #[serde(skip)]
    pub train: Vec<usize>,
    /// Rows that are measured.
    #[serde(skip)]
    pub evaluate: Vec<usize>,
}

fn invalid<T>(text: String) -> Result<T, StepError> {
    Err(StepError::Invalid(text))
}

/// Splits rows by their days (since 1970-01-01): later days never teach about earlier ones.
///
/// # Errors
/// When a window is empty, or the windows overlap.
pub fn split(days: &[i32], request: &WindowRequest) -> Result<Days, StepError> {
    let known: BTreeSet<NaiveDate> = days.iter().filter_map(|day| Date32Type::to_naive_date_opt(*day)).collect();
    let known: Vec<NaiveDate> = known.into_iter().collect();
    let (Some(first), Some(last)) = (known.first().copied(), known.last().copied()) else {
        return invalid("there is no appointment with a known outcome".to_owned());
    };
    let (train_until, evaluate_from) = match (request.train_until, request.evaluate_from) {
        (Some(until), Some(from)) if from <= until => {
            return invalid(format!(
                "the evaluation from {from} would measure days up to {until} that are learnt from"
            ));
        }
        (Some(until), Some(from)) => (until, from),
        (Some(until), None) => (until, until.checked_add_days(Duration::new(1)).unwrap_or(until)),
        (None, Some(from)) => (from.checked_sub_days(Duration::new(1)).unwrap_or(from), from),
        (None, None) => {
            let measured = ((known.len() as f64 * EVALUATED).ceil() as usize).max(1);
            let from = known.get(known.len().saturating_sub(measured)).copied().unwrap_or(last);
            (from.checked_sub_days(Duration::new(1)).unwrap_or(from), from)
        }
    };
    let rows = |wanted: &dyn Fn(NaiveDate) -> bool| -> Vec<usize> {
        let dated = days.iter().enumerate().filter_map(|(row, day)| Some((row, Date32Type::to_naive_date_opt(*day)?)));
        dated.filter(|(_, day)| wanted(*day)).map(|(row, _)| row).collect()
    };
    let (train, evaluate) = (rows(&|day| day <= train_until), rows(&|day| day >= evaluate_from));
    let has = format!("outcomes are known of {first} to {last}");
    if train.is_empty() {
        return invalid(format!("no outcome is known up to {train_until}: nothing to learn from; {has}"));
    }
    if evaluate.is_empty() {
        return invalid(format!("no outcome is known from {evaluate_from}: nothing to measure on; {has}"));
    }
    let end = |until: NaiveDate| known.iter().rev().find(|day| **day <= until).copied().unwrap_or(until);
    let start = |from: NaiveDate| known.iter().find(|day| **day >= from).copied().unwrap_or(from);
    Ok(Days {
        train_from: first,
        train_until: end(train_until),
        evaluate_from: start(evaluate_from),
        evaluate_until: last,
        train,
        evaluate,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_last_fifth_of_the_days_is_measured_whatever_their_rows() {
        let days: Vec<i32> = (0..10).flat_map(|day| std::iter::repeat_n(day, if day == 9 { 50 } else { 1 })).collect();
        let split = split(&days, &WindowRequest::default()).unwrap();
        assert_eq!((split.train.len(), split.evaluate.len()), (8, 51));
        assert_eq!((split.train_until, split.evaluate_from), (day("1970-01-08"), day("1970-01-09")));
    }

    #[test]
    fn no_day_is_learnt_from_and_measured() {
        let days = [0, 1, 2, 3];
        let (until, from) = (Some(day("1970-01-02")), Some(day("1970-01-02")));
        let of = |train_until, evaluate_from| split(&days, &WindowRequest { train_until, evaluate_from });
        assert!(of(until, from).unwrap_err().to_string().contains("learnt from"));
        assert_eq!(of(until, None).unwrap().evaluate, [2, 3]);
        assert_eq!(of(None, from).unwrap().train, [0]);
        assert_eq!(of(until, Some(day("1970-01-04"))).unwrap().evaluate, [3]);
    }

    #[test]
    fn an_empty_window_says_which_days_there_are() {
        let request = |until: &str| WindowRequest { train_until: Some(day(until)), evaluate_from: None };
        let early = split(&[5, 6], &request("1970-01-01")).unwrap_err().to_string();
        assert!(early.contains("nothing to learn from; outcomes are known of 1970-01-06 to 1970-01-07"), "{early}");
        let late = split(&[5, 6], &request("1970-02-01")).unwrap_err().to_string();
        assert!(late.contains("nothing to measure on"), "{late}");
        assert!(split(&[], &WindowRequest::default()).is_err());
    }
}
