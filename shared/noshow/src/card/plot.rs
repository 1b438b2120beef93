//! The plots of the card.

use std::fmt::Write;

use super::facts::{count, percent};
use super::svg::{HALF, Plot, WIDE, escape};
use crate::evaluate::{Evaluation, GroupReport};

/// Features that are shown.
const BARS: usize = 15;

/// The ROC curve, chance, and the threshold's place on it.
pub(super) fn roc(of: &Evaluation) -> String {
    let mut plot = Plot::new(HALF, "ROC curve", ("false positive rate", 1.0), ("recall", 1.0), (true, true));
    plot.line("ideal", [(0.0, 0.0), (1.0, 1.0)].into_iter());
    plot.line("curve", of.roc.iter().copied());
    if let (Some(wrong), Some(found)) = (of.false_positive_rate, of.recall) {
        let words =
            format!("threshold {:.3}: recall {}, false positive rate {}", of.threshold, percent(found), percent(wrong));
        plot.point(wrong, found, &words);
        let (x, y) = (plot.x(wrong) + 9.0, plot.y(found) + 14.0);
        plot.add(format_args!("<text class=\"note\" x=\"{x:.1}\" y=\"{y:.1}\">threshold {:.2}</text>", of.threshold));
    }
    if let Some(auroc) = of.auroc {
        let (x, y) = (plot.x(1.0) - 6.0, plot.y(0.06));
        plot.add(format_args!(
            "<text class=\"figure\" text-anchor=\"end\" x=\"{x:.1}\" y=\"{y:.1}\">AUROC {auroc:.3}</text>"
        ));
    }
    plot.done()
}

/// Mean probability against observed rate, by tenths.
pub(super) fn calibration(of: &Evaluation) -> String {
    let most = of.calibration.iter().map(|tenth| tenth.predicted.max(tenth.observed)).fold(0.1, f64::max);
    let most = (most * 5.0).ceil() / 5.0;
    let mut plot =
        Plot::new(HALF, "Calibration curve", ("mean probability", most), ("observed rate", most), (true, true));
    plot.line("ideal", [(0.0, 0.0), (most, most)].into_iter());
    plot.line("curve", of.calibration.iter().map(|tenth| (tenth.predicted, tenth.observed)));
    for tenth in &of.calibration {
        let words = format!(
            "{} rows: {} expected, {} observed",
            count(tenth.rows),
            percent(tenth.predicted),
            percent(tenth.observed)
        );
        plot.point(tenth.predicted, tenth.observed, &words);
    }
    if let Some(slope) = of.calibration_slope {
        let (x, y) = (plot.x(most) - 6.0, plot.y(most * 0.06));
        plot.add(format_args!(
            "<text class=\"figure\" text-anchor=\"end\" x=\"{x:.1}\" y=\"{y:.1}\">slope {slope:.2}</text>"
        ));
    }
    plot.done()
}

/// How many rows have which probability, with the outcome and without.
pub(super) fn scores(of: &Evaluation) -> String {
    let most = of.scores.iter().map(|(without, with)| without + with).max().unwrap_or(1).max(1);
    let most = round_up(most) as f64;
    let last = of.scores.iter().rposition(|(without, with)| without + with > 0).unwrap_or(0) + 1;
    let width = 1.0 / of.scores.len().max(1) as f64;
    let right = (last as f64 * width * 5.0).ceil() / 5.0;
    let mut plot = Plot::new(WIDE, "Probabilities", ("probability", right), ("rows", most), (true, false));
    for (place, (without, with)) in of.scores.iter().enumerate().take(last) {
        let from = place as f64 * width;
        let words = format!(
            "{} to {}: {} rows, {} with the outcome",
            percent(from),
            percent(from + width),
            count(without + with),
            count(*with)
        );
        plot.bar("with", (from, from + width), (0.0, *with as f64), &words);
        plot.bar("without", (from, from + width), (*with as f64, (without + with) as f64), &words);
    }
    let (x, top, bottom) = (plot.x(of.threshold), plot.y(most), plot.y(0.0));
    plot.add(format_args!("<line class=\"mark\" x1=\"{x:.1}\" y1=\"{top:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\"/>"));
    plot.add(format_args!("<text class=\"note\" x=\"{:.1}\" y=\"{:.1}\">threshold</text>", x + 5.0, top + 10.0));
    plot.done()
}

/// The next number that four steps divide evenly into round ones.
fn round_up(value: u64) -> u64 {
    let mut unit = 4;
    while unit * 25 < value {
        unit *= 10;
    }
    value.div_ceil(unit) * unit
}

/// The features that contribute most.
pub(super) fn importances(of: &[(String, f64)]) -> String {
    let most = of.first().map_or(1.0, |first| first.1).max(1e-12);
    let bars = of.iter().filter(|(_, value)| *value > 0.0).take(BARS);
    let rows: Vec<(String, f64, String)> =
        bars.map(|(name, value)| (name.replace('_', " "), value / most, format!("{value:.3}"))).collect();
    bars_across("Importance of features", &rows)
}

/// The AUROC of every group that is shown; the line is that of all.
pub(super) fn groups(of: &[GroupReport]) -> String {
    let name = |group: &GroupReport| format!("{}: {}", group.by.replace('_', " "), group.group);
    let rows: Vec<(String, f64, String)> = of
        .iter()
        .filter_map(|group| group.auroc.map(|auroc| (name(group), 2.0 * (auroc - 0.5).max(0.0), format!("{auroc:.3}"))))
        .collect();
    bars_across("AUROC by group", &rows)
}

/// Named bars from left to right, of lengths 0 to 1.
fn bars_across(title: &str, rows: &[(String, f64, String)]) -> String {
    const STEP: f64 = 22.0;
    const NAMES: f64 = 210.0;
    const LONGEST: f64 = 360.0;
    let (width, height) = (NAMES + LONGEST + 70.0, STEP * rows.len() as f64 + 8.0);
    let mut out = format!("<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">", escape(title));
    for (place, (name, length, value)) in rows.iter().enumerate() {
        let (top, long) = (4.0 + STEP * place as f64, (LONGEST * length.clamp(0.0, 1.0)).max(1.0));
        let (name, base, end) = (escape(name), top + 14.0, NAMES + LONGEST * length.clamp(0.0, 1.0) + 8.0);
        // Writing to a string does not fail.
        let _ = write!(
            out,
            "<text class=\"label\" text-anchor=\"end\" x=\"{:.1}\" y=\"{base:.1}\">{name}</text><rect class=\"bar\" x=\"{NAMES}\" y=\"{:.1}\" width=\"{long:.1}\" height=\"14\" rx=\"2\"/><text class=\"tick\" x=\"{end:.1}\" y=\"{base:.1}\">{value}</text>",
            NAMES - 8.0,
            top + 3.0
        );
    }
    out.push_str("</svg>");
    out
}
