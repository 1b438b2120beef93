//! The card in Markdown.

use std::fmt::Write;

use super::facts;
use crate::evaluate::Comparison;
use crate::file::ModelFile;

/// The card in Markdown. `comparison` is that with the champion, if there was one.
pub fn markdown(file: &ModelFile, comparison: Option<&Comparison>) -> String {
    let mut out = String::new();
    // Writing to a string does not fail.
    let _ = write(&mut out, file, comparison);
    out
}

fn write(out: &mut String, file: &ModelFile, comparison: Option<&Comparison>) -> std::fmt::Result {
    let model = &file.model;
    writeln!(out, "# {}\n", cell(&file.header.about.name))?;
    writeln!(out, "**Intended use.** {}\n\n**Not for.** {}\n", model.features.intended_use, model.features.not_for)?;
    if let Some(caution) = &model.features.caution {
        writeln!(out, "**Caution.** {caution}\n")?;
    }
    writeln!(out, "## How it was made\n\n| | |\n|---|---|")?;
    for (name, words) in facts::making(file) {
        writeln!(out, "| {name} | {} |", cell(&words))?;
    }
    if !model.warnings.is_empty() {
        writeln!(out, "\nWarnings:\n")?;
        model.warnings.iter().try_for_each(|warning| writeln!(out, "- {warning}"))?;
    }
    if let Some(evaluation) = &file.header.evaluation {
        writeln!(out, "\n## How good it is\n\n{}\n", facts::evaluated(file, evaluation))?;
        writeln!(out, "| measure | value | meaning |\n|---|---|---|")?;
        for (name, value, meaning) in facts::figures(evaluation) {
            writeln!(out, "| {name} | {value} | {meaning} |")?;
        }
        writeln!(out, "\n{}\n", facts::threshold(&model.features, evaluation))?;
        if let Some(baseline) = &file.header.baseline {
            writeln!(
                out,
                "| {} |\n|{}",
                facts::BESIDE_COLUMNS.join(" | "),
                "---|".repeat(facts::BESIDE_COLUMNS.len())
            )?;
            for row in facts::beside(evaluation, baseline) {
                writeln!(out, "| {} |", row.join(" | "))?;
            }
            writeln!(out)?;
        }
        writeln!(out, "| tenth | rows | mean probability | observed rate |\n|---|---|---|---|")?;
        for (place, tenth) in evaluation.calibration.iter().enumerate() {
            let (predicted, observed) = (facts::percent(tenth.predicted), facts::percent(tenth.observed));
            writeln!(out, "| {} | {} | {predicted} | {observed} |", place + 1, facts::count(tenth.rows))?;
        }
        if !evaluation.groups.is_empty() {
            writeln!(out, "\n## By group\n\n{}\n", facts::hidden())?;
            writeln!(out, "| {} |\n|{}", facts::GROUP_COLUMNS.join(" | "), "---|".repeat(facts::GROUP_COLUMNS.len()))?;
            for group in &evaluation.groups {
                let cells: Vec<String> = facts::group(group).iter().map(|words| cell(words)).collect();
                writeln!(out, "| {} |", cells.join(" | "))?;
            }
        }
    }
    if let Some(comparison) = comparison {
        writeln!(out, "\n## Against the champion\n\n{}", facts::compared(comparison))?;
    }
    writeln!(out, "\n## What it reads\n\n| feature | importance | meaning |\n|---|---|---|")?;
    for (name, importance) in model.importances() {
        let meaning = model.features.features.iter().find(|feature| feature.name == name);
        writeln!(
            out,
            "| {name} | {importance:.3} | {} |",
            meaning.map_or_else(String::new, |of| cell(&of.description))
        )?;
    }
    writeln!(out, "\nImportance is the mean absolute contribution of a feature to the logit of a training row.\n")?;
    writeln!(out, "## Limits\n")?;
    facts::LIMITS.iter().try_for_each(|limit| writeln!(out, "- {limit}"))
}

/// Text that does not end a cell or begin markup of its own.
fn cell(words: &str) -> String {
    words.replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;").replace(['\n', '\r'], " ")
}
