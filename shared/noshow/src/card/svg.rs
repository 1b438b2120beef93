//! A plot's frame: axes, grid and the way from values to places. Colours come from the page's style.

use std::fmt::Write;

/// Width and height of a plot in its own units; it grows with the page.
pub(super) type Size = (f64, f64);
pub(super) const HALF: Size = (420.0, 320.0);
pub(super) const WIDE: Size = (860.0, 280.0);
const LEFT: f64 = 62.0;
const RIGHT: f64 = 22.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 46.0;

/// A plot over 0..`x_most` and 0..`y_most`.
pub(super) struct Plot {
    out: String,
    size: Size,
    x_most: f64,
    y_most: f64,
}

impl Plot {
    /// An empty plot with axes and grid; `title` is read out by screen readers.
    pub(super) fn new(size: Size, title: &str, x: (&str, f64), y: (&str, f64), as_percent: (bool, bool)) -> Self {
        let out = format!("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">", size.0, size.1, escape(title));
        let (width, height) = size;
        let mut plot = Self { out, size, x_most: x.1, y_most: y.1 };
        let (left, bottom) = (plot.x(0.0), plot.y(0.0));
        for step in 0..=4 {
            let share = f64::from(step) / 4.0;
            let (across, up) = (plot.x(share * x.1), plot.y(share * y.1));
            plot.add(format_args!(
                "<line class=\"grid\" x1=\"{left:.1}\" y1=\"{up:.1}\" x2=\"{:.1}\" y2=\"{up:.1}\"/>",
                width - RIGHT
            ));
            plot.add(format_args!(
                "<text class=\"tick\" text-anchor=\"end\" x=\"{:.1}\" y=\"{:.1}\">{}</text>",
                left - 7.0,
                up + 4.0,
                tick(share * y.1, as_percent.1)
            ));
            plot.add(format_args!(
                "<text class=\"tick\" text-anchor=\"middle\" x=\"{across:.1}\" y=\"{:.1}\">{}</text>",
                bottom + 17.0,
                tick(share * x.1, as_percent.0)
            ));
        }
        let middle = (left + width - RIGHT) / 2.0;
        plot.add(format_args!(
            "<text class=\"axis\" text-anchor=\"middle\" x=\"{middle:.1}\" y=\"{:.1}\">{}</text>",
            height - 8.0,
            escape(x.0)
        ));
        plot.add(format_args!(
            "<text class=\"axis\" text-anchor=\"middle\" transform=\"translate(12 {:.1}) rotate(-90)\">{}</text>",
            (TOP + bottom) / 2.0,
            escape(y.0)
        ));
        plot
    }

    /// Where a value stands across.
    pub(super) fn x(&self, value: f64) -> f64 {
        LEFT + (self.size.0 - LEFT - RIGHT) * (value / self.x_most).clamp(0.0, 1.0)
    }

    /// Where a value stands upwards.
    pub(super) fn y(&self, value: f64) -> f64 {
        self.size.1 - BOTTOM - (self.size.1 - TOP - BOTTOM) * (value / self.y_most).clamp(0.0, 1.0)
    }

    /// Adds an element.
    pub(super) fn add(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.out.write_fmt(element);
    }

    /// A line through points.
    pub(super) fn line(&mut self, class: &str, points: impl Iterator<Item = (f64, f64)>) {
        let places: Vec<String> = points.map(|(x, y)| format!("{:.1},{:.1}", self.x(x), self.y(y))).collect();
        self.add(format_args!("<polyline class=\"{class}\" points=\"{}\"/>", places.join(" ")));
    }

    /// A point with a text that shows on hovering.
    pub(super) fn point(&mut self, x: f64, y: f64, text: &str) {
        let (x, y) = (self.x(x), self.y(y));
        let text = escape(text);
        self.add(format_args!(
            "<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"><title>{text}</title></circle>"
        ));
    }

    /// A bar between two places across, from one value up to another.
    pub(super) fn bar(&mut self, class: &str, across: (f64, f64), up: (f64, f64), text: &str) {
        let (left, right, top, bottom) = (self.x(across.0), self.x(across.1), self.y(up.1), self.y(up.0));
        let (width, height, text) = ((right - left - 1.5).max(0.5), (bottom - top).max(0.0), escape(text));
        self.add(format_args!(
            "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"><title>{text}</title></rect>"
        ));
    }

    pub(super) fn done(mut self) -> String {
        self.out.push_str("</svg>");
        self.out
    }
}

fn tick(value: f64, as_percent: bool) -> String {
    if as_percent {
        format!("{:.0} %", 100.0 * value)
    } else if value == 0.0 || value >= 10.0 {
        super::facts::count(value.round() as u64)
    } else {
        format!("{value:.2}")
    }
}

/// Text that begins no markup.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
