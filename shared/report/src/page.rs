//! A page of the site.

use std::fmt::Write;

use crate::chart::{Point, bars, lines};

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Its file.
    pub file: String,
    /// Its title.
    pub title: String,
    /// What it shows, in a sentence.
    pub lead: String,
    /// Its figures.
    pub figures: Vec<Figure>,
}

/// A plot or table.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Its title.
    pub title: String,
    /// What is shown.
    pub about: String,
    /// What is drawn.
    pub shape: Shape,
}

/// What a figure draws.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// A bar for each point.
    Bars(Vec<Point>),
    /// A line for each series.
    Lines(Vec<Point>),
    /// Rows of texts.
    Table {
        /// Names of the columns.
        names: Vec<String>,
        /// The rows.
        rows: Vec<Vec<String>>,
    },
    /// Pages of the site or beside it, with what is said of them.
    Links(Vec<(String, String, String)>),
}

const STYLE: &str = include_str!("report.css");

/// A page as HTML that needs nothing else. `all` are the pages of the site, `foot` stands at the end.
pub fn html(page: &Page, all: &[(String, String)], foot: &str) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>{} · carelake</title>\n<style>\n{STYLE}</style></head>\n<body>\n<nav>",
        escape(&page.title)
    );
    for (file, title) in all {
        let here = if *file == page.file { " aria-current=\"page\"" } else { "" };
        let _ = write!(out, "<a href=\"{}\"{here}>{}</a>", escape(file), escape(title));
    }
    let _ =
        write!(out, "</nav>\n<main>\n<h1>{}</h1>\n<p class=\"lead\">{}</p>\n", escape(&page.title), escape(&page.lead));
    for figure in &page.figures {
        let _ = write!(
            out,
            "<section>\n<h2>{}</h2>\n<p>{}</p>\n{}\n</section>\n",
            escape(&figure.title),
            escape(&figure.about),
            drawn(figure)
        );
    }
    let _ = write!(out, "</main>\n<footer>{}</footer>\n</body>\n</html>\n", escape(foot));
    out
}

fn drawn(figure: &Figure) -> String {
    let nothing = "<p class=\"none\">Nothing to show.</p>".to_owned();
    match &figure.shape {
        Shape::Bars(points) | Shape::Lines(points) if points.is_empty() => nothing,
        Shape::Table { rows, .. } if rows.is_empty() => nothing,
        Shape::Links(links) if links.is_empty() => nothing,
        Shape::Bars(points) => format!("<figure>{}</figure>", bars(&figure.title, points)),
        Shape::Lines(points) => format!("<figure>{}</figure>", lines(&figure.title, points)),
        Shape::Table { names, rows } => table(names, rows),
        Shape::Links(links) => {
            let item = |(file, title, about): &(String, String, String)| {
                format!("<li><a href=\"{}\">{}</a> {}</li>", escape(file), escape(title), escape(about))
            };
            format!("<ul>{}</ul>", links.iter().map(item).collect::<String>())
        }
    }
}

fn table(names: &[String], rows: &[Vec<String>]) -> String {
    let numeric: Vec<bool> = (0..names.len())
        .map(|index| {
            let cells = rows.iter().filter_map(|row| row.get(index)).filter(|cell| !cell.is_empty());
            cells.clone().count() > 0 && cells.clone().all(|cell| cell.parse::<f64>().is_ok())
        })
        .collect();
    let class = |index: usize| if numeric.get(index) == Some(&true) { " class=\"number\"" } else { "" };
    let mut out = "<div class=\"scroll\"><table><thead><tr>".to_owned();
    for (index, name) in names.iter().enumerate() {
        let _ = write!(out, "<th{}>{}</th>", class(index), escape(&name.replace('_', " ")));
    }
    out.push_str("</tr></thead><tbody>");
    for row in rows {
        out.push_str("<tr>");
        for (index, cell) in row.iter().enumerate() {
            let _ = write!(out, "<td{}>{}</td>", class(index), escape(cell));
        }
        out.push_str("</tr>");
    }
    out + "</tbody></table></div>"
}

/// A text that is no markup.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
