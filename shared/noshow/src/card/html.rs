//! The card as one HTML page: no script, nothing from outside, light and dark.

use std::fmt::{Result, Write};

use super::svg::escape;
use super::{facts, plot};
use crate::evaluate::{Comparison, Evaluation};
use crate::file::ModelFile;

const STYLE: &str = include_str!("card.css");

/// The card as one HTML page with plots; it needs nothing from outside. `comparison` is that with the champion, if there
/// was one.
pub fn html(file: &ModelFile, comparison: Option<&Comparison>) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = page(&mut out, file, comparison);
    out
}

fn page(out: &mut String, file: &ModelFile, comparison: Option<&Comparison>) -> Result {
    let (model, name) = (&file.model, escape(&file.header.about.name));
    writeln!(out, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">")?;
    writeln!(out, "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">")?;
    // Nothing may be fetched, and nothing may run.
    writeln!(
        out,
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
    )?;
    writeln!(out, "<title>Model card: {name}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>")?;
    writeln!(
        out,
        "<h1>{name}</h1>\n<p class=\"lead\">Model card: probability of a {}</p>",
        escape(&model.features.outcome)
    )?;
    writeln!(
        out,
        "<div class=\"uses\"><div><h3>Intended use</h3><p>{}</p></div>",
        escape(&model.features.intended_use)
    )?;
    writeln!(out, "<div class=\"not\"><h3>Not for</h3><p>{}</p></div></div>", escape(&model.features.not_for))?;
    if let Some(caution) = &model.features.caution {
        writeln!(out, "<p><strong>Caution.</strong> {}</p>", escape(caution))?;
    }
    if let Some(evaluation) = &file.header.evaluation {
        quality(out, file, evaluation)?;
    } else {
        writeln!(out, "<p>This model was not evaluated.</p>")?;
    }
    if let Some(comparison) = comparison {
        writeln!(out, "<h2>Against the champion</h2>\n<p>{}</p>", escape(&facts::compared(comparison)))?;
    }
    features(out, file)?;
    writeln!(out, "<h2>How it was made</h2>\n<div class=\"scroll\"><table class=\"facts\">")?;
    for (name, words) in facts::making(file) {
        writeln!(out, "<tr><td>{name}</td><td>{}</td></tr>", escape(&words))?;
    }
    writeln!(out, "</table></div>")?;
    list(out, "Warnings", model.warnings.iter().map(String::as_str))?;
    list(out, "Limits", facts::LIMITS.into_iter())?;
    writeln!(out, "</main>\n</body>\n</html>")
}

fn quality(out: &mut String, file: &ModelFile, of: &Evaluation) -> Result {
    writeln!(out, "<h2>How good it is</h2>\n<p>{}</p>\n<div class=\"tiles\">", escape(&facts::evaluated(file, of)))?;
    let figures = facts::figures(of);
    for (name, value, _) in figures.iter().filter(|figure| TILES.contains(&figure.0)) {
        let value = value.split(' ').next().unwrap_or_default();
        writeln!(out, "<div><b>{value}</b><span>{name}</span></div>")?;
    }
    writeln!(out, "</div>\n<div class=\"plots\">")?;
    figure(
        out,
        "",
        "ROC",
        &plot::roc(of),
        "Every threshold's recall against its false positive rate; the dashed line is chance.",
    )?;
    figure(
        out,
        "",
        "Calibration",
        &plot::calibration(of),
        "Tenths of the rows by probability; on the dashed line probabilities are true.",
    )?;
    writeln!(out, "</div>")?;
    let key = "<span class=\"key with\" style=\"background: var(--main)\"></span>with the outcome<span class=\"key\" style=\"background: var(--other)\"></span>without";
    figure(out, "wide", "Probabilities", &plot::scores(of), key)?;
    writeln!(out, "<p></p>\n<div class=\"scroll\"><table>")?;
    for (name, value, meaning) in &figures {
        writeln!(out, "<tr><td>{name}</td><td class=\"number\">{value}</td><td class=\"meaning\">{meaning}</td></tr>")?;
    }
    writeln!(out, "</table></div>\n<p>{}</p>", escape(&facts::threshold(&file.model.features, of)))?;
    if let Some(baseline) = &file.header.baseline {
        writeln!(out, "<div class=\"scroll\"><table><tr>")?;
        heads(out, &facts::BESIDE_COLUMNS)?;
        for [name, rest @ ..] in facts::beside(of, baseline) {
            write!(out, "<tr><td>{}</td>", escape(&name))?;
            rest.iter().try_for_each(|cell| write!(out, "<td class=\"number\">{cell}</td>"))?;
            writeln!(out, "</tr>")?;
        }
        writeln!(out, "</table></div>")?;
    }
    if of.groups.is_empty() {
        return Ok(());
    }
    writeln!(out, "<h2>By group</h2>\n<p>{}</p>\n<div class=\"scroll\"><table><tr>", escape(&facts::hidden()))?;
    heads(out, &facts::GROUP_COLUMNS)?;
    for group in &of.groups {
        let [name, rest @ ..] = facts::group(group);
        write!(out, "<tr><td>{}</td>", escape(&name))?;
        rest.iter().try_for_each(|cell| write!(out, "<td class=\"number\">{}</td>", escape(cell)))?;
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</table></div>")?;
    figure(
        out,
        "wide",
        "AUROC by group",
        &plot::groups(&of.groups),
        "A bar of no length stands for 0.5, which is chance; a full one for 1.",
    )
}

/// The heads of a table whose first column is words.
fn heads(out: &mut String, heads: &[&str]) -> Result {
    for (place, head) in heads.iter().enumerate() {
        writeln!(out, "<th{}>{head}</th>", if place == 0 { "" } else { " class=\"number\"" })?;
    }
    writeln!(out, "</tr>")
}

/// The figures that stand out.
const TILES: [&str; 5] = ["AUROC", "PR-AUC", "Brier score", "Calibration slope", "Lift, top tenth"];

fn features(out: &mut String, file: &ModelFile) -> Result {
    let importances = file.model.importances();
    writeln!(out, "<h2>What it reads</h2>")?;
    let words = "Mean absolute contribution to the logit of a training row.";
    figure(out, "wide", "Importance", &plot::importances(&importances), words)?;
    writeln!(out, "<p></p>\n<div class=\"scroll\"><table>")?;
    for (name, importance) in &importances {
        let feature = file.model.features.features.iter().find(|feature| feature.name == *name);
        let meaning = feature.map_or_else(String::new, |feature| escape(&feature.description));
        write!(out, "<tr><td>{}</td><td class=\"number\">{importance:.3}</td>", escape(&name.replace('_', " ")))?;
        writeln!(out, "<td class=\"meaning\">{meaning}</td></tr>")?;
    }
    writeln!(out, "</table></div>")
}

fn figure(out: &mut String, class: &str, title: &str, svg: &str, caption: &str) -> Result {
    writeln!(out, "<figure class=\"{class}\"><h3>{title}</h3>{svg}<figcaption>{caption}</figcaption></figure>")
}

fn list<'a>(out: &mut String, title: &str, mut words: impl Iterator<Item = &'a str>) -> Result {
    let Some(first) = words.next() else { return Ok(()) };
    writeln!(out, "<h2>{title}</h2>\n<ul>\n<li>{}</li>", escape(first))?;
    words.try_for_each(|word| writeln!(out, "<li>{}</li>", escape(word)))?;
    writeln!(out, "</ul>")
}
