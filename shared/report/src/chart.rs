//! Bars and lines as SVG in the page. Colours come from the page's style.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::page::escape;

/// A value of a figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The line it is of; empty in bars.
    pub series: String,
    /// What it is of.
    pub label: String,
    /// How much.
    pub value: f64,
}

const WIDTH: f64 = 860.0;
const LABELS: f64 = 240.0;
const BAR: f64 = 24.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 70.0;
const BOTTOM: f64 = 40.0;
const TOP: f64 = 12.0;
/// Lines that have a colour of their own.
pub(crate) const COLOURS: usize = 8;

/// Bars beside their labels, longest value as wide as the plot.
pub fn bars(title: &str, points: &[Point]) -> String {
    let most = points.iter().map(|point| point.value).fold(0.0, f64::max);
    let height = BAR * points.len() as f64 + 8.0;
    let mut out = opened(title, height);
    for (index, point) in points.iter().enumerate() {
        let top = BAR * index as f64 + 4.0;
        let room = WIDTH - LABELS - 110.0;
        let width = if most > 0.0 { room * (point.value / most).clamp(0.0, 1.0) } else { 0.0 };
        let _ = write!(
            out,
            "<text class=\"label\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>\
             <rect class=\"bar\" x=\"{LABELS}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>\
             <text class=\"value\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            LABELS - 8.0,
            top + 15.0,
            escape(&cut(&point.label, 36)),
            BAR - 6.0,
            LABELS + width + 6.0,
            top + 15.0,
            number(point.value)
        );
    }
    out.push_str("</svg>");
    out
}

/// A line for each series over the labels, in the labels' order.
pub fn lines(title: &str, points: &[Point]) -> String {
    let mut labels: Vec<&str> = points.iter().map(|point| point.label.as_str()).collect();
    labels.sort_unstable();
    labels.dedup();
    let places: BTreeMap<&str, usize> = labels.iter().enumerate().map(|(place, label)| (*label, place)).collect();
    let most = points.iter().map(|point| point.value).fold(0.0, f64::max);
    let last = labels.len().saturating_sub(1).max(1) as f64;
    let x = |label: &str| LEFT + (WIDTH - LEFT - 20.0) * places.get(label).copied().unwrap_or_default() as f64 / last;
    let y = |value: f64| {
        let share = if most > 0.0 { (value / most).clamp(0.0, 1.0) } else { 0.0 };
        HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * share
    };
    let mut series: BTreeMap<&str, Vec<&Point>> = BTreeMap::new();
    for point in points {
        series.entry(&point.series).or_default().push(point);
    }
    let key = HEIGHT + 20.0 * series.len().div_ceil(4) as f64;
    let mut out = opened(title, key);
    for step in 0..=4 {
        let value = most * f64::from(step) / 4.0;
        let _ = write!(
            out,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{1:.1}\" y2=\"{1:.1}\"/>\
             <text class=\"tick\" text-anchor=\"end\" x=\"{2:.1}\" y=\"{3:.1}\">{4}</text>",
            WIDTH - 20.0,
            y(value),
            LEFT - 8.0,
            y(value) + 4.0,
            number(value)
        );
    }
    for label in [labels.first(), labels.get(labels.len() / 2), labels.last()].into_iter().flatten() {
        let _ = write!(
            out,
            "<text class=\"tick\" text-anchor=\"middle\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            x(label).clamp(LEFT + 30.0, WIDTH - 50.0),
            HEIGHT - BOTTOM + 20.0,
            escape(label)
        );
    }
    for (index, (name, mut points)) in series.into_iter().enumerate() {
        points.sort_by(|one, other| one.label.cmp(&other.label));
        let colour = index % COLOURS;
        let path: Vec<String> =
            points.iter().map(|point| format!("{:.1},{:.1}", x(&point.label), y(point.value))).collect();
        let _ = write!(out, "<polyline class=\"line c{colour}\" points=\"{}\"/>", path.join(" "));
        if let [only] = points.as_slice() {
            let _ = write!(
                out,
                "<circle class=\"dot c{colour}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"/>",
                x(&only.label),
                y(only.value)
            );
        }
        let (across, down) = (LEFT + 190.0 * (index % 4) as f64, HEIGHT + 12.0 + 20.0 * (index / 4) as f64);
        let _ = write!(
            out,
            "<line class=\"line c{colour}\" x1=\"{across:.1}\" x2=\"{:.1}\" y1=\"{down:.1}\" y2=\"{down:.1}\"/>\
             <text class=\"tick\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
            across + 18.0,
            across + 24.0,
            down + 4.0,
            escape(&cut(name, 24))
        );
    }
    out.push_str("</svg>");
    out
}

fn opened(title: &str, height: f64) -> String {
    format!("<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"{}\">", escape(title))
}

fn cut(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    text.chars().take(letters - 1).chain(['…']).collect()
}

/// A number with its thousands apart; small ones with two digits after the point.
pub fn number(value: f64) -> String {
    let text = if value.abs() < 100.0 && value.fract() != 0.0 { format!("{value:.2}") } else { format!("{value:.0}") };
    let (whole, rest) = text.find('.').map_or((text.as_str(), ""), |point| text.split_at(point));
    let mut out = String::new();
    for (index, digit) in whole.chars().enumerate() {
        let left = whole.len() - index;
        if index > 0 && left.is_multiple_of(3) && !out.ends_with('-') {
            out.push(' ');
        }
        out.push(digit);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(series: &str, label: &str, value: f64) -> Point {
        Point { series: series.to_owned(), label: label.to_owned(), value }
    }

    #[test]
    fn numbers_are_easy_to_read() {
        for (value, text) in [(0.0, "0"), (1.5, "1.50"), (999.0, "999"), (1234567.0, "1 234 567"), (-1234.0, "-1 234")]
        {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn bars_are_as_long_as_their_values_and_labels_are_no_markup() {
        let drawn = bars("t", &[point("", "<script>", 10.0), point("", "b", 5.0)]);
        assert!(drawn.contains("&lt;script&gt;") && !drawn.contains("<script>"));
        assert!(drawn.contains("width=\"510.0\"") && drawn.contains("width=\"255.0\""), "{drawn}");
    }

    #[test]
    fn a_line_is_drawn_for_each_series_and_nothing_for_nothing() {
        let drawn = lines("t", &[point("a", "2024-01", 1.0), point("a", "2024-02", 2.0), point("b", "2024-02", 3.0)]);
        assert_eq!(drawn.matches("<polyline").count(), 2);
        assert!(!drawn.contains("NaN") && !lines("t", &[]).contains("NaN"));
    }
}
