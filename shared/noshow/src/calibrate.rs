//! Finds the curve from a learner's logit to a probability, on rows that the learner has not seen.

use serde::{Deserialize, Serialize};

use crate::exact;
use crate::learn::sigmoid::{logit, sigmoid};
use crate::learn::solve::solve;
use crate::settings::CalibrationChoice;

/// How far Platt's slope is expected to lie from 1, and its intercept from 0: with few rows, where their own errors are
/// larger than that, the learner's probabilities are trusted more than the rows.
const SLOPE_PRIOR: f64 = 0.25;
const INTERCEPT_PRIOR: f64 = 0.2;

/// A rising curve from logit to probability.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Calibrator {
    /// sigmoid(intercept + slope · logit).
    Platt {
        #[serde(with = "exact::number")]
        intercept: f64,
        #[serde(with = "exact::number")]
        slope: f64,
    },
    /// Straight lines between points.
    Isotonic {
        #[serde(with = "exact::list")]
        logits: Vec<f64>,
        #[serde(with = "exact::list")]
        probabilities: Vec<f64>,
    },
}

impl Calibrator {
    /// The learner's own probabilities.
    pub(crate) fn none() -> Self {
        Self::Platt { intercept: 0.0, slope: 1.0 }
    }

    /// Fits the curve on held-out rows in order of time.
    pub(crate) fn fit(choice: CalibrationChoice, logits: &[f64], labels: &[bool]) -> Self {
        match choice {
            CalibrationChoice::None => Self::none(),
            CalibrationChoice::Platt => platt(logits, labels),
            CalibrationChoice::Isotonic => isotonic(logits, labels),
            CalibrationChoice::Auto => {
                let half = logits.len() / 2;
                let (Some((early, late)), Some((early_labels, late_labels))) =
                    (logits.split_at_checked(half), labels.split_at_checked(half))
                else {
                    return platt(logits, labels);
                };
                let curves = (platt(early, early_labels), isotonic(early, early_labels));
                if clearly_better(&curves.1, &curves.0, late, late_labels) {
                    isotonic(logits, labels)
                } else {
                    platt(logits, labels)
                }
            }
        }
    }

    /// The probability of a logit.
    pub(crate) fn apply(&self, logit: f64) -> f64 {
        match self {
            Self::Platt { intercept, slope } => sigmoid(intercept + slope * logit),
            Self::Isotonic { logits, probabilities } => {
                let place = logits.partition_point(|x| *x < logit);
                let at = |place: usize| Some((*logits.get(place)?, *probabilities.get(place)?));
                match (place.checked_sub(1).and_then(at), at(place)) {
                    (Some((x0, y0)), Some((x1, y1))) if x1 > x0 => y0 + (y1 - y0) * (logit - x0) / (x1 - x0),
                    (_, Some((_, y))) | (Some((_, y)), None) => y,
                    (None, None) => sigmoid(logit),
                }
            }
        }
    }

    /// True when the curve rises and stays within 0 and 1: the file may hold anything.
    pub(crate) fn is_sound(&self) -> bool {
        match self {
            Self::Platt { intercept, slope } => intercept.is_finite() && slope.is_finite(),
            Self::Isotonic { logits, probabilities } => {
                logits.len() == probabilities.len()
                    && logits.is_sorted()
                    && probabilities.is_sorted()
                    && logits.iter().all(|x| x.is_finite())
                    && probabilities.iter().all(|p| (0.0..=1.0).contains(p))
            }
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Platt { .. } => "Platt",
            Self::Isotonic { .. } => "isotonic",
        }
    }
}

/// True when the first curve's log loss is lower by more than two standard errors of the difference.
fn clearly_better(first: &Calibrator, second: &Calibrator, logits: &[f64], labels: &[bool]) -> bool {
    let loss = |p: f64, label: bool| -if label { p } else { 1.0 - p }.max(1e-9).ln();
    let gains: Vec<f64> = logits
        .iter()
        .zip(labels)
        .map(|(logit, label)| loss(second.apply(*logit), *label) - loss(first.apply(*logit), *label))
        .collect();
    let n = gains.len().max(2) as f64;
    let mean = gains.iter().sum::<f64>() / n;
    let variance = gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f64>() / (n - 1.0);
    mean > 2.0 * (variance / n).sqrt()
}

fn platt(logits: &[f64], labels: &[bool]) -> Calibrator {
    let prior = Prior { intercept: INTERCEPT_PRIOR.powi(-2), slope: SLOPE_PRIOR.powi(-2) };
    match fit_line(logits, labels, &prior) {
        Some((intercept, slope)) if slope > 0.0 => Calibrator::Platt { intercept, slope },
        _ => Calibrator::none(),
    }
}

/// How strongly intercept and slope are held at 0 and 1: inverse variances.
pub(crate) struct Prior {
    pub(crate) intercept: f64,
    pub(crate) slope: f64,
}

/// Intercept and slope of the outcome's logit on a logit, by Newton's steps. None when they do not settle, as when the
/// outcomes are parted completely.
pub(crate) fn fit_line(logits: &[f64], labels: &[bool], prior: &Prior) -> Option<(f64, f64)> {
    let (mut intercept, mut slope) = (0.0, 1.0);
    for _ in 0..50 {
        let (mut g0, mut g1) = (prior.intercept * intercept, prior.slope * (slope - 1.0));
        let (mut h00, mut h01, mut h11) = (prior.intercept, 0.0, prior.slope);
        for (x, label) in logits.iter().zip(labels) {
            let p = sigmoid(intercept + slope * x);
            let (gradient, curvature) = (p - f64::from(u8::from(*label)), p * (1.0 - p));
            g0 += gradient;
            g1 += gradient * x;
            h00 += curvature;
            h01 += curvature * x;
            h11 += curvature * x * x;
        }
        let step = solve(vec![vec![h00], vec![h01, h11]], &[g0, g1])?;
        let [first, second] = step[..] else { return None };
        intercept -= first;
        slope -= second;
        if first.abs() < 1e-10 && second.abs() < 1e-10 {
            return Some((intercept, slope));
        }
        if !(intercept.abs() < 1e3 && slope.abs() < 1e3) {
            return None;
        }
    }
    None
}

/// The best rising step function (pool adjacent violators), with straight lines between the middles of its steps.
fn isotonic(logits: &[f64], labels: &[bool]) -> Calibrator {
    let mut pairs: Vec<(f64, bool)> = logits.iter().copied().zip(labels.iter().copied()).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Of each block: sum of logits, outcomes, rows.
    let mut blocks: Vec<(f64, f64, f64)> = Vec::new();
    let mut last = f64::NAN;
    for (x, label) in pairs {
        let one = (x, f64::from(u8::from(label)), 1.0);
        match blocks.last_mut() {
            Some(block) if x == last => *block = (block.0 + one.0, block.1 + one.1, block.2 + one.2),
            _ => blocks.push(one),
        }
        last = x;
        while let [.., before, block] = blocks.as_slice() {
            if before.1 * block.2 < block.1 * before.2 {
                break;
            }
            let merged = (before.0 + block.0, before.1 + block.1, before.2 + block.2);
            blocks.pop();
            blocks.pop();
            blocks.push(merged);
        }
    }
    // Half an outcome of either kind keeps probabilities away from 0 and 1.
    let all: f64 = blocks.iter().map(|block| block.2).sum();
    let edge = 0.5 / all.max(1.0);
    Calibrator::Isotonic {
        logits: blocks.iter().map(|block| block.0 / block.2).collect(),
        probabilities: blocks.iter().map(|block| (block.1 / block.2).clamp(edge, 1.0 - edge)).collect(),
    }
}

/// Slope and intercept of calibration (Cox 1958): the slope with a free intercept, the intercept with the slope at 1.
pub(crate) fn slope_and_intercept(probabilities: &[f64], labels: &[bool]) -> (Option<f64>, Option<f64>) {
    let logits: Vec<f64> = probabilities.iter().map(|p| logit(*p)).collect();
    let free = fit_line(&logits, labels, &Prior { intercept: 0.0, slope: 0.0 });
    let fixed = fit_line(&logits, labels, &Prior { intercept: 0.0, slope: 1e15 });
    (free.map(|line| line.1), fixed.map(|line| line.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(slope: f64) -> (Vec<f64>, Vec<bool>) {
        let mut random = crate::random::Random::new(3, 0);
        let logits: Vec<f64> = (0..20_000).map(|_| 6.0 * random.unit() - 4.0).collect();
        let labels = logits.iter().map(|x| random.unit() < sigmoid(0.3 + slope * x)).collect();
        (logits, labels)
    }

    #[test]
    fn platt_finds_the_line_that_outcomes_were_drawn_from() {
        let (logits, labels) = drawn(0.7);
        let Calibrator::Platt { intercept, slope } = platt(&logits, &labels) else { panic!() };
        assert!((slope - 0.7).abs() < 0.06 && (intercept - 0.3).abs() < 0.1, "{slope} {intercept}");
    }

    #[test]
    fn platt_does_not_follow_a_handful_of_rows() {
        let Calibrator::Platt { slope, .. } = platt(&[-1.0, 1.0, -2.0, 2.0], &[true, false, true, false]) else {
            panic!()
        };
        assert!(slope > 0.7, "{slope}");
    }

    #[test]
    fn isotonic_rises_and_is_true_on_average() {
        let (logits, labels) = drawn(0.5);
        let curve = isotonic(&logits, &labels);
        assert!(curve.is_sound());
        let mean = logits.iter().map(|x| curve.apply(*x)).sum::<f64>() / logits.len() as f64;
        let rate = labels.iter().filter(|label| **label).count() as f64 / labels.len() as f64;
        assert!((mean - rate).abs() < 0.01, "{mean} {rate}");
        let steps: Vec<f64> = (-50..50).map(|x| curve.apply(f64::from(x) / 10.0)).collect();
        assert!(steps.is_sorted());
    }

    #[test]
    fn pooling_by_hand() {
        let curve = isotonic(&[1.0, 2.0, 3.0, 4.0], &[false, true, false, true]);
        let Calibrator::Isotonic { logits, probabilities } = curve else { panic!() };
        assert_eq!(logits, [1.0, 2.5, 4.0]);
        assert_eq!(probabilities, [0.125, 0.5, 0.875]);
    }
}
