//! Rows with a planted signal, for the tests.
#![allow(dead_code, clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use carelake_noshow::{Algorithm, Column, FeatureSet, Frame, Model, Settings, train};

pub const FEATURES: &str = r#"
name = "visits"
version = 1
label = "missed"
outcome = "missed visit"
intended_use = "Helping people to come."
not_for = "Denying care."

[[feature]]
name = "lead"
kind = "numeric"
description = "Days from booking to visit."
unit = "days"
up = "booked {value} days ahead"
down = "booked only {value} days ahead"
missing = "day of booking not known"

[[feature]]
name = "place"
kind = "categorical"
description = "Part of the city."
up = "comes from {value}"
down = "comes from {value}"

[[feature]]
name = "reminded"
kind = "boolean"
description = "A reminder was sent."
up = "reminder sent: {value}"
down = "reminder sent: {value}"

[[feature]]
name = "noise"
kind = "numeric"
description = "Nothing."
up = "noise"
down = "noise"
"#;

/// Numbers that look random and are the same everywhere.
pub struct Noise(pub u64);

impl Noise {
    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

#[derive(Clone)]
pub struct Rows {
    pub features: FeatureSet,
    pub frame: Frame,
    pub labels: Vec<Option<bool>>,
    pub days: Vec<i32>,
    /// The probabilities that labels were drawn from.
    pub truth: Vec<f64>,
}

/// Rows over a hundred days: missed more often with a long lead, from some places, without a reminder.
pub fn rows(count: usize, seed: u64) -> Rows {
    let mut noise = Noise(seed);
    let (mut lead, mut place, mut reminded, mut nothing) = (vec![], vec![], vec![], vec![]);
    let (mut labels, mut truth) = (vec![], vec![]);
    for _ in 0..count {
        let days = if noise.unit() < 0.1 { f64::NAN } else { (noise.unit() * 60.0).floor() };
        let from = (noise.unit() * 20.0) as u32;
        let told = noise.unit() < 0.5;
        let mut logit = -1.6 + if days.is_nan() { 0.8 } else { 0.9 * (days / 20.0 - 1.0) };
        logit += 0.5 * (f64::from(from * 7 % 20) / 10.0 - 1.0) - if told { 0.7 } else { 0.0 };
        let probability = 1.0 / (1.0 + (-logit).exp());
        lead.push(days);
        place.push(from + 1);
        reminded.push(f64::from(u8::from(told)));
        nothing.push(noise.unit());
        labels.push(Some(noise.unit() < probability));
        truth.push(probability);
    }
    let words = (0..20).map(|n| format!("place {n}")).collect();
    let columns = vec![
        Column::Numeric(lead),
        Column::Categorical { codes: place, words },
        Column::Numeric(reminded),
        Column::Numeric(nothing),
    ];
    Rows {
        features: FeatureSet::parse(FEATURES).unwrap(),
        frame: Frame::new(columns).unwrap(),
        labels,
        days: (0..count).map(|row| i32::try_from(row * 100 / count).unwrap() + 16_000).collect(),
        truth,
    }
}

pub fn settings(algorithm: Algorithm) -> Settings {
    let mut settings = Settings { algorithm, ..Settings::default() };
    settings.trees.most_trees = 60;
    settings.trees.column_share = 0.75;
    settings.trees.learning_rate = 0.1;
    settings.forest.trees = 40;
    settings.forest.depth = 6;
    settings
}

pub fn learn(rows: &Rows, settings: &Settings) -> Model {
    train(&rows.features, &rows.frame, &rows.labels, &rows.days, settings, &|_| ()).unwrap()
}

pub fn known(rows: &Rows) -> Vec<bool> {
    rows.labels.iter().map(|label| label.unwrap()).collect()
}
