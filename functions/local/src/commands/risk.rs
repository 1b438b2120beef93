//! `carelake risk`.

use std::process::ExitCode;

use carelake_noshow::Settings;
use carelake_steps::noshow::WindowRequest;
use carelake_steps::risk::{self, RiskReport, RiskRequest};

use super::Problem;
use super::models::{figure, locked};
use super::run::workers;
use super::train::{groups, learner, learners};
use crate::cli::Risk;
use crate::console::{note, say};
use crate::progress::Bars;
use crate::table::plain;

/// Trains, measures beside age and gender alone, registers, and promotes when better.
pub async fn risk(arguments: &Risk) -> Result<ExitCode, Problem> {
    let settings = Settings {
        algorithm: learner(arguments.algorithm),
        seed: arguments.seed,
        threads: workers(arguments.threads),
        ..Settings::default()
    };
    let lake = locked(&arguments.place, &arguments.contracts, None).await?;
    let request = RiskRequest {
        target: arguments.target.clone(),
        source: arguments.source.clone(),
        window: WindowRequest { train_until: arguments.train_until, evaluate_from: arguments.evaluate_from },
        settings,
        compare_learners: !arguments.only,
        code_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let trained = risk::train(&lake.context, &request, &Bars::default()).await?;
    if arguments.json {
        say(&serde_json::to_string_pretty(&trained.report)?);
    } else {
        show(&trained.report, arguments.source.as_deref());
    }
    Ok(ExitCode::SUCCESS)
}

fn show(report: &RiskReport, source: Option<&str>) {
    let (training, target) = (&report.training, &report.target);
    let (days, found) = (&training.days, &training.evaluation);
    let out: Vec<String> = report.excluded.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
    let out = if out.is_empty() { "nobody".to_owned() } else { out.join(", ") };
    say(&format!(
        "{target}, {}: {} patients diagnosed, {} not; left out: {out}",
        training.source, report.cases, report.controls
    ));
    say(&format!(
        "learnt from {} patients of {} to {}, {} of them diagnosed; measured on {} of {} to {}, {} of them diagnosed",
        training.train_rows,
        days.train_from,
        days.train_until,
        training.train_positives,
        found.rows,
        days.evaluate_from,
        days.evaluate_until,
        found.positives
    ));
    learners(training, &[(report.baseline.knows.as_str(), &report.baseline.evaluation)]);
    say(&format!(
        "saying {:.4} of everybody, the share of the diagnosed, has an AUROC of 0.5, a PR-AUC of {:.4}, a Brier score of {:.4}",
        report.prevalence,
        report.prevalence,
        report.prevalence * (1.0 - report.prevalence)
    ));
    let curve = found
        .calibration
        .iter()
        .map(|part| vec![part.rows.to_string(), figure(Some(part.predicted)), figure(Some(part.observed))]);
    say(&plain(&["patients by probability", "predicted", "diagnosed"], &curve.collect::<Vec<_>>()));
    groups(found, "diagnosed");
    for warning in &training.warnings {
        note(warning);
    }
    if let Some(caution) = &report.caution {
        note(caution);
    }
    say(&format!(
        "version {} of {} is {}: {}",
        training.version,
        training.model,
        if training.promoted { "the champion" } else { "kept, not promoted" },
        training.reason
    ));
    let whose = source.map_or_else(String::new, |source| format!(" --source {source}"));
    say(&format!("its card: carelake model card --target {target}{whose} --version {}", training.version));
}
