//! Measures of how well probabilities tell, and how true they are. Ties are exact.

/// One point of a calibration curve.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Calibrated {
    /// Mean probability of the rows in this tenth.
    pub predicted: f64,
    /// Share of them with the outcome.
    pub observed: f64,
    /// Rows.
    pub rows: u64,
}

/// Rows in falling order of probability, those of equal probability together: (probability, outcomes, rows).
pub(crate) fn steps(probabilities: &[f64], labels: &[bool]) -> Vec<(f64, u64, u64)> {
    let mut pairs: Vec<(f64, bool)> = probabilities.iter().copied().zip(labels.iter().copied()).collect();
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut steps: Vec<(f64, u64, u64)> = Vec::new();
    for (probability, label) in pairs {
        match steps.last_mut() {
            Some(step) if step.0 == probability => {
                step.1 += u64::from(label);
                step.2 += 1;
            }
            _ => steps.push((probability, u64::from(label), 1)),
        }
    }
    steps
}

/// The chance that a row with the outcome has a higher probability than one without, ties half. None without both.
pub(crate) fn auroc(steps: &[(f64, u64, u64)]) -> Option<f64> {
    let (mut above, mut pairs, mut negatives) = (0.0, 0.0, 0.0);
    for (_, positives, rows) in steps {
        let other = (rows - positives) as f64;
        pairs += other * (above + *positives as f64 / 2.0);
        above += *positives as f64;
        negatives += other;
    }
    (above > 0.0 && negatives > 0.0).then(|| pairs / (above * negatives))
}

/// Average precision: the sum over thresholds of the gain in recall times the precision.
pub(crate) fn average_precision(steps: &[(f64, u64, u64)]) -> Option<f64> {
    let all: u64 = steps.iter().map(|step| step.1).sum();
    let (mut found, mut taken, mut sum) = (0, 0, 0.0);
    for (_, positives, rows) in steps {
        found += positives;
        taken += rows;
        sum += *positives as f64 * found as f64 / taken as f64;
    }
    (all > 0).then(|| sum / all as f64)
}

/// Points (false positive rate, recall) of the ROC curve, at most about `most`.
pub(crate) fn roc(steps: &[(f64, u64, u64)], most: usize) -> Vec<(f64, f64)> {
    let positives: u64 = steps.iter().map(|step| step.1).sum();
    let negatives: u64 = steps.iter().map(|step| step.2 - step.1).sum();
    let (mut found, mut wrong, mut points) = (0, 0, vec![(0.0, 0.0)]);
    let every = steps.len().div_ceil(most.max(1)).max(1);
    for (place, (_, of_step, rows)) in steps.iter().enumerate() {
        found += of_step;
        wrong += rows - of_step;
        if (place + 1) % every == 0 || place + 1 == steps.len() {
            points.push((wrong as f64 / negatives.max(1) as f64, found as f64 / positives.max(1) as f64));
        }
    }
    points
}

/// Mean squared difference of probability and outcome.
pub(crate) fn brier(probabilities: &[f64], labels: &[bool]) -> f64 {
    mean(probabilities, labels, |p, y| (p - f64::from(u8::from(y))).powi(2))
}

/// Mean negative log-likelihood; probabilities are kept a rounding error away from 0 and 1.
pub(crate) fn log_loss(probabilities: &[f64], labels: &[bool]) -> f64 {
    mean(probabilities, labels, |p, y| -if y { p } else { 1.0 - p }.max(f64::EPSILON).ln())
}

fn mean(probabilities: &[f64], labels: &[bool], of: impl Fn(f64, bool) -> f64) -> f64 {
    let sum: f64 = probabilities.iter().zip(labels).map(|(p, y)| of(*p, *y)).sum();
    sum / probabilities.len().max(1) as f64
}

/// Rate of outcomes among the tenth of rows with the highest probabilities, over the rate of all. Rows tied at the
/// border count in part.
pub(crate) fn lift(steps: &[(f64, u64, u64)]) -> Option<f64> {
    let rows: u64 = steps.iter().map(|step| step.2).sum();
    let positives: u64 = steps.iter().map(|step| step.1).sum();
    let tenth = rows as f64 / 10.0;
    let (mut left, mut found) = (tenth, 0.0);
    for (_, of_step, of_rows) in steps {
        let part = (left / *of_rows as f64).min(1.0);
        found += part * *of_step as f64;
        left -= part * *of_rows as f64;
        if left <= 0.0 {
            break;
        }
    }
    (positives > 0).then(|| found / tenth / (positives as f64 / rows as f64))
}

/// Ten groups of equal size in rising order of probability; fewer when there are fewer rows. Ties may be parted.
pub(crate) fn calibration(probabilities: &[f64], labels: &[bool]) -> Vec<Calibrated> {
    let mut pairs: Vec<(f64, bool)> = probabilities.iter().copied().zip(labels.iter().copied()).collect();
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let groups = pairs.len().min(10);
    let bound = |group: usize| group * pairs.len() / groups.max(1);
    let of = |group: usize| {
        let rows = pairs.get(bound(group)..bound(group + 1)).unwrap_or_default();
        let n = rows.len().max(1) as f64;
        Calibrated {
            predicted: rows.iter().map(|row| row.0).sum::<f64>() / n,
            observed: rows.iter().filter(|row| row.1).count() as f64 / n,
            rows: rows.len() as u64,
        }
    };
    (0..groups).map(of).collect()
}

/// For every row its placement (DeLong 1988): for a row with the outcome, the share of rows without that lie below it;
/// for a row without, the share of rows with that lie above it; ties half.
pub(crate) fn placements(probabilities: &[f64], labels: &[bool]) -> Vec<f64> {
    let mut order: Vec<(f64, usize, bool)> =
        probabilities.iter().zip(labels).enumerate().map(|(row, (p, y))| (*p, row, *y)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let positives = labels.iter().filter(|label| **label).count() as f64;
    let negatives = labels.len() as f64 - positives;
    let mut placements = vec![0.0; labels.len()];
    let (mut positives_below, mut negatives_below) = (0.0, 0.0);
    for tied in order.chunk_by(|a, b| a.0 == b.0) {
        let here = tied.iter().filter(|row| row.2).count() as f64;
        let others = tied.len() as f64 - here;
        for (_, row, label) in tied {
            if let Some(placement) = placements.get_mut(*row) {
                *placement = if *label {
                    (negatives_below + others / 2.0) / negatives
                } else {
                    (positives - positives_below - here / 2.0) / positives
                };
            }
        }
        positives_below += here;
        negatives_below += others;
    }
    placements
}

/// Variance of an AUROC, or of the difference of two, from placements (or their differences).
pub(crate) fn delong_variance(placements: &[f64], labels: &[bool]) -> f64 {
    let variance_of = |wanted: bool| {
        let of = || placements.iter().zip(labels).filter(|(_, label)| **label == wanted).map(|(value, _)| *value);
        let n = of().count() as f64;
        let mean = of().sum::<f64>() / n.max(1.0);
        of().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0) / n.max(1.0)
    };
    variance_of(true) + variance_of(false)
}

/// Chance that a normally distributed number lies further from its mean than `z` deviations, within 1.5e-7
/// (Abramowitz and Stegun 7.1.26).
pub(crate) fn two_sided_p(z: f64) -> f64 {
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let sum = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592]
        .into_iter()
        .fold(0.0, |sum, factor| (sum + factor) * t);
    (sum * (-x * x).exp()).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measures_by_hand() {
        // Falling: 0.9 yes, 0.8 no, 0.7 yes + no, 0.2 no.
        let (p, y) = ([0.2, 0.7, 0.9, 0.7, 0.8], [false, true, true, false, false]);
        let steps = steps(&p, &y);
        // Of 6 pairs: 0.9 beats three; 0.7 beats one, ties one, loses one.
        assert_eq!(auroc(&steps), Some(4.5 / 6.0));
        // Recall grows by 1/2 at precision 1, then by 1/2 at 2/4.
        assert_eq!(average_precision(&steps), Some(0.75));
        assert!((brier(&p, &y) - (0.04 + 0.09 + 0.01 + 0.49 + 0.64) / 5.0).abs() < 1e-12);
        assert_eq!(roc(&steps, 100), [(0.0, 0.0), (0.0, 0.5), (1.0 / 3.0, 0.5), (2.0 / 3.0, 1.0), (1.0, 1.0)]);
    }

    #[test]
    fn the_mean_of_placements_is_the_auroc() {
        let (p, y) = ([0.2, 0.7, 0.9, 0.7, 0.8], [false, true, true, false, false]);
        let of = placements(&p, &y);
        let positives = (of[1] + of[2]) / 2.0;
        let negatives = (of[0] + of[3] + of[4]) / 3.0;
        assert!((positives - 0.75).abs() < 1e-12 && (negatives - 0.75).abs() < 1e-12);
    }

    #[test]
    fn lift_counts_ties_at_the_border_in_part() {
        let p = [0.9, 0.5, 0.5, 0.5, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1];
        let y: Vec<bool> = (0..20).map(|row| row < 3).collect();
        // The top tenth is the first row and one of the next three, of which two have the outcome.
        let wanted = (1.0 + 2.0 / 3.0) / 2.0 / (3.0 / 20.0);
        assert!((lift(&steps(&p, &y)).unwrap() - wanted).abs() < 1e-12);
    }

    #[test]
    fn p_values_are_those_of_the_tables() {
        for (z, p) in [(0.0, 1.0), (1.0, 0.317_310_5), (1.959_964, 0.05), (2.575_829, 0.01)] {
            assert!((two_sided_p(z) - p).abs() < 1e-6, "{z}");
        }
    }
}
