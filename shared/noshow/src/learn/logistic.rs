//! Logistic regression with an L2 penalty, fitted by Newton's steps.
//!
//! A number is standardised, after ln(1 + x) when it is never negative and strongly skewed; where it is missing its
//! mean stands in, and a column of its own says so. A word has a column of its own; a word not seen in training has
//! none, and adds nothing.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::sigmoid::{logit, sigmoid};
use super::solve::solve;
use super::{Bins, bins::Prepared};
use crate::exact;
use crate::frame::{Column, Frame};
use crate::settings::LogisticSettings;

/// Skewness from which a number is taken as its logarithm.
const SKEWED: f64 = 2.0;
/// Parts of the rows that are summed up apart; fixed, so that sums are the same on any number of threads.
const PARTS: usize = 8;

/// How one feature enters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Term {
    /// A number: its weight per standard deviation, and that of its being missing.
    Number {
        log: bool,
        #[serde(with = "exact::number")]
        mean: f64,
        #[serde(with = "exact::number")]
        deviation: f64,
        #[serde(with = "exact::number")]
        weight: f64,
        #[serde(with = "exact::number")]
        missing: f64,
    },
    /// A word: the weight of missing, then of each known word.
    Words(#[serde(with = "exact::list")] Vec<f64>),
}

/// The fitted model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Logistic {
    #[serde(with = "exact::number")]
    pub(crate) intercept: f64,
    pub(crate) terms: Vec<Term>,
    /// False when the steps ran out first.
    pub(crate) converged: bool,
}

impl Term {
    fn prepare(column: &Column, bins: &Bins, rows: &[u32]) -> Self {
        let Column::Numeric(values) = column else { return Self::Words(vec![0.0; bins.len()]) };
        let mut known: Vec<f64> =
            rows.iter().filter_map(|row| values.get(*row as usize).copied()).filter(|x| !x.is_nan()).collect();
        let (mean, deviation) = moments(&known);
        let skewness = known.iter().map(|x| ((x - mean) / deviation).powi(3)).sum::<f64>() / known.len().max(1) as f64;
        let log = skewness > SKEWED && known.iter().all(|x| *x >= 0.0);
        known.iter_mut().for_each(|x| *x = if log { x.ln_1p() } else { *x });
        let (mean, deviation) = if log { moments(&known) } else { (mean, deviation) };
        Self::Number { log, mean, deviation, weight: 0.0, missing: 0.0 }
    }

    fn width(&self) -> usize {
        match self {
            Self::Number { .. } => 2,
            Self::Words(weights) => weights.len(),
        }
    }

    fn set(&mut self, from: &[f64]) {
        match self {
            Self::Number { weight, missing, .. } => {
                *weight = from.first().copied().unwrap_or(0.0);
                *missing = from.get(1).copied().unwrap_or(0.0);
            }
            Self::Words(weights) => weights.copy_from_slice(from),
        }
    }

    /// The place within the term and the value of a row's one entry that is not zero.
    fn entry(&self, column: &Prepared<'_>, row: usize) -> (usize, f64) {
        match (self, column) {
            (Self::Number { log, mean, deviation, .. }, Prepared::Numeric(values)) => {
                match values.get(row).copied().filter(|value| !value.is_nan()) {
                    Some(value) => (0, (if *log { value.max(0.0).ln_1p() } else { value } - mean) / deviation),
                    None => (1, 1.0),
                }
            }
            (Self::Words(_), Prepared::Coded(codes, bins)) => {
                let bin = codes.get(row).and_then(|code| bins.get(*code as usize)).copied().unwrap_or(0);
                (usize::from(bin), 1.0)
            }
            (Self::Number { .. }, _) => (1, 1.0),
            (Self::Words(_), _) => (0, 1.0),
        }
    }

    fn weight(&self, place: usize) -> f64 {
        match self {
            Self::Number { weight, missing, .. } => {
                if place == 0 {
                    *weight
                } else {
                    *missing
                }
            }
            Self::Words(weights) => weights.get(place).copied().unwrap_or(0.0),
        }
    }

    /// What a row's value adds to the logit.
    pub(crate) fn contribution(&self, column: &Prepared<'_>, row: usize) -> f64 {
        let (place, value) = self.entry(column, row);
        value * self.weight(place)
    }
}

/// Mean and standard deviation, the latter 1 when all values are the same.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    (mean, if variance > 0.0 && variance.is_finite() { variance.sqrt() } else { 1.0 })
}

/// Sums over rows: the gradient, and the rows of the Hessian's lower triangle.
struct Sums {
    gradient: Vec<f64>,
    hessian: Vec<Vec<f64>>,
}

impl Sums {
    fn new(width: usize) -> Self {
        Self { gradient: vec![0.0; width], hessian: (1..=width).map(|length| vec![0.0; length]).collect() }
    }

    /// Adds a row, whose entries stand in rising order of their place.
    fn row(&mut self, entries: &[(usize, f64)], gradient: f64, curvature: f64) {
        for (at, (place, value)) in entries.iter().enumerate() {
            if let Some(sum) = self.gradient.get_mut(*place) {
                *sum += gradient * value;
            }
            let Some(row) = self.hessian.get_mut(*place) else { continue };
            for (other, other_value) in entries.iter().take(at + 1) {
                if let Some(sum) = row.get_mut(*other) {
                    *sum += curvature * value * other_value;
                }
            }
        }
    }

    fn add(&mut self, other: &Self) {
        let rows = self.hessian.iter_mut().zip(&other.hessian);
        for (sum, value) in rows.flat_map(|(sums, values)| sums.iter_mut().zip(values)) {
            *sum += value;
        }
        self.gradient.iter_mut().zip(&other.gradient).for_each(|(sum, value)| *sum += value);
    }
}

/// Fits the model on `rows`.
pub(crate) fn fit(
    frame: &Frame,
    bins: &[Bins],
    labels: &[bool],
    rows: &[u32],
    settings: &LogisticSettings,
) -> Logistic {
    let columns: Vec<Prepared<'_>> =
        bins.iter().zip(frame.columns()).map(|(bins, column)| bins.prepare(column)).collect();
    let mut terms: Vec<Term> =
        frame.columns().par_iter().zip(bins).map(|(column, bins)| Term::prepare(column, bins, rows)).collect();
    let mut offsets = Vec::new();
    let mut width = 1;
    for term in &terms {
        offsets.push(width);
        width += term.width();
    }
    // The non-zero entries of all rows, the intercept's first.
    let stride = terms.len() + 1;
    let mut entries = vec![(0_usize, 1.0_f64); rows.len() * stride];
    entries.par_chunks_mut(stride).zip(rows).for_each(|(entries, row)| {
        for (((entry, term), column), offset) in entries.iter_mut().skip(1).zip(&terms).zip(&columns).zip(&offsets) {
            let (place, value) = term.entry(column, *row as usize);
            *entry = (offset + place, value);
        }
    });
    let positives = rows.iter().filter(|row| labels.get(**row as usize).copied().unwrap_or(false)).count();
    let mut weights = vec![0.0; width];
    if let Some(intercept) = weights.first_mut() {
        *intercept = logit(positives as f64 / rows.len().max(1) as f64);
    }
    let mut converged = false;
    for _ in 0..settings.steps {
        let sums = sum_up(&entries, stride, rows, labels, &weights, settings.l2);
        let Some(step) = solve(sums.hessian, &sums.gradient) else { break };
        weights.iter_mut().zip(&step).for_each(|(weight, step)| *weight -= step);
        if step.iter().all(|step| step.abs() < 1e-6) {
            converged = true;
            break;
        }
    }
    for (term, offset) in terms.iter_mut().zip(&offsets) {
        let width = term.width();
        term.set(weights.get(*offset..offset + width).unwrap_or_default());
    }
    Logistic { intercept: weights.first().copied().unwrap_or(0.0), terms, converged }
}

/// Gradient and Hessian of the penalised loss.
fn sum_up(entries: &[(usize, f64)], stride: usize, rows: &[u32], labels: &[bool], weights: &[f64], l2: f64) -> Sums {
    let chunk = |(entries, rows): (&[(usize, f64)], &[u32])| {
        let mut sums = Sums::new(weights.len());
        for (entries, row) in entries.chunks(stride).zip(rows) {
            let of = |(place, value): &(usize, f64)| weights.get(*place).copied().unwrap_or(0.0) * value;
            let probability = sigmoid(entries.iter().map(of).sum());
            let label = labels.get(*row as usize).copied().unwrap_or(false);
            sums.row(entries, probability - f64::from(u8::from(label)), (probability * (1.0 - probability)).max(1e-9));
        }
        sums
    };
    let size = rows.len().div_ceil(PARTS).max(1);
    let parts: Vec<Sums> = entries.par_chunks(size * stride).zip(rows.par_chunks(size)).map(chunk).collect();
    let mut sums = Sums::new(weights.len());
    parts.iter().for_each(|part| sums.add(part));
    // The intercept is not penalised; a trace keeps the matrix positive when columns repeat each other.
    for (at, (row, weight)) in sums.hessian.iter_mut().zip(weights).enumerate() {
        let penalty = if at == 0 { 0.0 } else { l2 };
        if let (Some(diagonal), Some(gradient)) = (row.last_mut(), sums.gradient.get_mut(at)) {
            *diagonal += penalty + 1e-9;
            *gradient += penalty * weight;
        }
    }
    sums
}

impl Logistic {
    /// True when terms fit the features and every number is finite: the file may hold anything.
    pub(crate) fn is_sound(&self, bins: &[Bins]) -> bool {
        let sound = |(term, bins): (&Term, &Bins)| match (term, bins) {
            (Term::Number { mean, deviation, weight, missing, .. }, Bins::Cuts(_)) => {
                [mean, deviation, weight, missing].iter().all(|x| x.is_finite()) && *deviation > 0.0
            }
            (Term::Words(weights), Bins::Words(_)) => {
                weights.len() == bins.len() && weights.iter().all(|x| x.is_finite())
            }
            _ => false,
        };
        self.intercept.is_finite() && self.terms.len() == bins.len() && self.terms.iter().zip(bins).all(sound)
    }
}
