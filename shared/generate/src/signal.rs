//! The no-show signal: the logistic model from which outcomes are drawn, and how well it can be found.
//!
//! A past appointment is missed with probability `1 / (1 + exp(-x))`, where `x` is the sum of
//!
//! | term | coefficient |
//! |---|---|
//! | intercept | −2.65 |
//! | lead time: ln(1 + days from booking to appointment) | +0.5 |
//! | booked for the same day | −0.75 |
//! | earlier appointments: (missed + 0.4) / (kept + missed + 2) − 0.2 | +2.4 |
//! | earlier appointments: each missed one, at most three | +0.12 |
//! | age 0–17 / 18–34 / 35–49 / 50–64 / 65 and more | +0.1 / +0.45 / +0.15 / −0.15 / −0.4 |
//! | reminder sent (only for lead times of two days and more) | −0.45 |
//! | Monday / Friday / Saturday | +0.12 / +0.1 / +0.25 |
//! | before 9:00 / from 16:00 | +0.2 / +0.12 |
//! | specialty −0.35 … +0.4; a public clinic | +0.3 |
//! | neighbourhood (or city) | −0.25 … +0.25 |
//! | no insurance, or receives a scholarship | +0.3 |
//! | chronic disease known | −0.15 |
//! | the patient's hidden propensity | normal, mean 0, deviation 0.1 |
//!
//! About a fifth of the appointments are missed. A model that knew every term would reach an AUROC of
//! about 0.75. The hidden propensity is small beside what a patient's history shows, so that knowing it
//! adds less than 0.005: a good model can come near the true probabilities. The manifest's `signals`
//! state the exact figures of the data written.

use chrono::{Datelike, NaiveDate, Weekday};

use crate::manifest::Signal;
use crate::random::Random;

/// Deviation of the hidden propensity.
const PROPENSITY_DEVIATION: f64 = 0.1;

/// What is known about an appointment when it takes place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Circumstances {
    pub(crate) lead_days: i64,
    pub(crate) age: i32,
    pub(crate) reminded: bool,
    pub(crate) day: NaiveDate,
    pub(crate) hour: Option<u32>,
    pub(crate) setting: f64,
    pub(crate) place: f64,
    pub(crate) poor: bool,
    pub(crate) chronic: bool,
}

/// A patient's hidden propensity and earlier outcomes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attendance {
    propensity: f64,
    kept: u32,
    missed: u32,
}

impl Attendance {
    /// A patient without a history.
    pub(crate) fn new(random: &mut Random) -> Self {
        Self { propensity: random.normal(0.0, PROPENSITY_DEVIATION), kept: 0, missed: 0 }
    }

    /// Draws the outcome of an appointment, true when missed, and remembers it.
    pub(crate) fn attend(&mut self, at: &Circumstances, random: &mut Random, strength: &mut Strength) -> bool {
        let observable = at.score() + self.score();
        let probability = logistic(observable + self.propensity);
        let missed = random.chance(probability);
        strength.record(at.day, probability, logistic(observable), missed);
        if missed {
            self.missed += 1;
        } else {
            self.kept += 1;
        }
        missed
    }

    fn score(&self) -> f64 {
        let (kept, missed) = (f64::from(self.kept), f64::from(self.missed));
        2.4 * ((missed + 0.4) / (kept + missed + 2.0) - 0.2) + 0.12 * missed.min(3.0)
    }
}

impl Circumstances {
    fn score(&self) -> f64 {
        let mut score = -2.65 + 0.5 * (1.0 + self.lead_days.max(0) as f64).ln();
        if self.lead_days <= 0 {
            score -= 0.75;
        }
        score += match self.age {
            ..=17 => 0.1,
            18..=34 => 0.45,
            35..=49 => 0.15,
            50..=64 => -0.15,
            _ => -0.4,
        };
        if self.reminded && self.lead_days >= 2 {
            score -= 0.45;
        }
        score += match self.day.weekday() {
            Weekday::Mon => 0.12,
            Weekday::Fri => 0.1,
            Weekday::Sat => 0.25,
            _ => 0.0,
        };
        score += match self.hour {
            Some(..9) => 0.2,
            Some(16..) => 0.12,
            _ => 0.0,
        };
        if self.poor {
            score += 0.3;
        }
        if self.chronic {
            score -= 0.15;
        }
        score + self.setting + self.place
    }
}

/// The effect of the neighbourhood or city with this number: spread over −0.25 … +0.25.
pub(crate) fn place_effect(number: usize) -> f64 {
    (number * 37 % 101) as f64 / 200.0 - 0.25
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Outcomes by probability, from which the AUROC follows; its size does not grow.
#[derive(Debug)]
pub(crate) struct Strength {
    all: Curve,
    observable: Curve,
    late_from: NaiveDate,
    late_all: Curve,
    late_observable: Curve,
}

impl Strength {
    /// Of a feed whose history's last fifth begins on that day.
    pub(crate) fn new(late_from: NaiveDate) -> Self {
        let [all, observable, late_all, late_observable] = std::array::from_fn(|_| Curve::new());
        Self { all, observable, late_from, late_all, late_observable }
    }

    fn record(&mut self, day: NaiveDate, probability: f64, observable: f64, missed: bool) {
        self.all.record(probability, missed);
        self.observable.record(observable, missed);
        if day >= self.late_from {
            self.late_all.record(probability, missed);
            self.late_observable.record(observable, missed);
        }
    }

    /// The entry of the manifest.
    pub(crate) fn signal(&self, source: &str, dataset: &str) -> Signal {
        let (missed, kept) = self.all.totals();
        let late = self.late_all.totals();
        Signal {
            source: source.to_owned(),
            dataset: dataset.to_owned(),
            outcomes: missed + kept,
            missed,
            best_auroc: self.all.auroc(),
            observable_auroc: self.observable.auroc(),
            late_from: self.late_from,
            late_outcomes: late.0 + late.1,
            late_best_auroc: self.late_all.auroc(),
            late_observable_auroc: self.late_observable.auroc(),
        }
    }
}

/// Missed and kept appointments per thousandth of probability.
#[derive(Debug)]
struct Curve(Vec<(u64, u64)>);

impl Curve {
    fn new() -> Self {
        Self(vec![(0, 0); 1_000])
    }

    fn record(&mut self, probability: f64, missed: bool) {
        let bin = ((probability * 1_000.0) as usize).min(self.0.len() - 1);
        if let Some(counts) = self.0.get_mut(bin) {
            if missed {
                counts.0 += 1;
            } else {
                counts.1 += 1;
            }
        }
    }

    fn totals(&self) -> (u64, u64) {
        self.0.iter().fold((0, 0), |sum, bin| (sum.0 + bin.0, sum.1 + bin.1))
    }

    /// The chance that a missed appointment has a higher probability than a kept one, ties half,
    /// to four decimals; 0.5 when there is nothing to compare.
    fn auroc(&self) -> f64 {
        let (missed, kept) = self.totals();
        if missed == 0 || kept == 0 {
            return 0.5;
        }
        let (mut pairs, mut below) = (0.0, 0.0);
        for &(missed, kept) in &self.0 {
            pairs += missed as f64 * (below + kept as f64 / 2.0);
            below += kept as f64;
        }
        let auroc = pairs / (missed as f64 * kept as f64);
        (auroc * 10_000.0).round() / 10_000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perfect_ranking_has_an_auroc_of_one_and_ties_one_half() {
        let mut curve = Curve::new();
        curve.record(0.9, true);
        curve.record(0.1, false);
        assert_eq!(curve.auroc(), 1.0);
        let mut ties = Curve::new();
        ties.record(0.5, true);
        ties.record(0.5, false);
        assert_eq!(ties.auroc(), 0.5);
        assert_eq!(Curve::new().auroc(), 0.5);
    }

    #[test]
    fn longer_waiting_and_a_history_of_misses_raise_the_risk() {
        let soon = Circumstances {
            lead_days: 1,
            age: 40,
            reminded: false,
            day: NaiveDate::from_ymd_opt(2025, 6, 3).unwrap_or_default(),
            hour: Some(10),
            setting: 0.0,
            place: 0.0,
            poor: false,
            chronic: false,
        };
        let late = Circumstances { lead_days: 30, ..soon };
        assert!(late.score() > soon.score());
        assert!(Circumstances { reminded: true, ..late }.score() < late.score());
        let kept = Attendance { propensity: 0.0, kept: 5, missed: 0 };
        let missed = Attendance { kept: 0, missed: 5, ..kept };
        assert!(missed.score() > kept.score());
    }
}
