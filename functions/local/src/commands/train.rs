//! `carelake train`.

use std::process::ExitCode;

use carelake_mlflow::{Logged, Mlflow};
use carelake_noshow::{Algorithm, Costs, Evaluation, Settings};
use carelake_steps::noshow::{self, TrainReport, TrainRequest, Trained, WindowRequest};

use super::Problem;
use super::models::{Locked, figure, locked};
use super::run::workers;
use crate::cli::{Learner, Train};
use crate::console::{note, say};
use crate::progress::Bars;
use crate::table::plain;

/// Trains, measures, registers, and promotes when better.
pub async fn train(arguments: &Train) -> Result<ExitCode, Problem> {
    let settings = settings(arguments)?;
    let server = arguments.mlflow.as_deref().map(Mlflow::new).transpose();
    let server = server.map_err(|error| Problem::new(format!("--mlflow: {}", error.cause)))?;
    let lake = locked(&arguments.place, &arguments.contracts, None).await?;
    let request = TrainRequest {
        source: arguments.source.clone(),
        window: WindowRequest { train_until: arguments.train_until, evaluate_from: arguments.evaluate_from },
        settings,
        compare_learners: !arguments.only,
        code_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let trained = noshow::train(&lake.context, &lake.views, &request, &Bars::default()).await?;
    let logged = match &server {
        Some(server) => tell(&trained, server, arguments, &lake).await,
        None => None,
    };
    if arguments.json {
        say(&json(&trained.report, logged.as_ref())?);
    } else {
        show(&trained.report);
    }
    Ok(ExitCode::SUCCESS)
}

/// The learner of that name.
pub fn learner(named: Learner) -> Algorithm {
    match named {
        Learner::Logistic => Algorithm::Logistic,
        Learner::Trees => Algorithm::Trees,
        Learner::Forest => Algorithm::Forest,
    }
}

fn settings(arguments: &Train) -> Result<Settings, Problem> {
    let known = Settings::default();
    let settings = Settings {
        algorithm: learner(arguments.algorithm),
        seed: arguments.seed,
        threads: workers(arguments.threads),
        costs: Costs {
            missed_slot: arguments.cost_missed.unwrap_or(known.costs.missed_slot),
            reminder_call: arguments.cost_reminder.unwrap_or(known.costs.reminder_call),
        },
        ..known
    };
    settings.check().map_err(|error| Problem::new(error.to_string()))?;
    Ok(settings)
}

/// Tells MLflow; that it is away is said, and no failure: the model is in the lake.
async fn tell(trained: &Trained, server: &Mlflow, arguments: &Train, lake: &Locked) -> Option<Logged> {
    match noshow::track(trained, server, &arguments.mlflow_experiment, lake.now).await {
        Ok(logged) => {
            note(&format!(
                "MLflow at {}: run {}, version {} of {}",
                server.place(),
                logged.run_id,
                logged.version,
                trained.report.model
            ));
            Some(logged)
        }
        Err(error) => {
            note(&format!("not told to MLflow at {}, the model is in the lake all the same: {error}", server.place()));
            None
        }
    }
}

fn json(report: &TrainReport, logged: Option<&Logged>) -> Result<String, Problem> {
    let mut value = serde_json::to_value(report)?;
    if let (Some(object), Some(logged)) = (value.as_object_mut(), logged) {
        let told = serde_json::json!({
            "experiment_id": logged.experiment_id, "run_id": logged.run_id,
            "model_id": logged.model_id, "version": logged.version,
        });
        object.insert("mlflow".to_owned(), told);
    }
    Ok(serde_json::to_string_pretty(&value)?)
}

fn show(report: &TrainReport) {
    let days = &report.days;
    say(&format!(
        "{}: learnt from {} appointments of {} to {}, {} of them missed; measured on {} of {} to {}",
        report.source,
        report.train_rows,
        days.train_from,
        days.train_until,
        report.train_positives,
        report.evaluation.rows,
        days.evaluate_from,
        days.evaluate_until
    ));
    learners(report, &[]);
    let found = &report.evaluation;
    say(&format!(
        "at the threshold {:.3} (a reminder for {}, an empty slot for {}): recall {}, precision {}, false positive rate {}, \
         accuracy {:.4}",
        found.threshold,
        found.costs.reminder_call,
        found.costs.missed_slot,
        figure(found.recall),
        figure(found.precision),
        figure(found.false_positive_rate),
        found.accuracy
    ));
    groups(found, "missed");
    for warning in &report.warnings {
        note(warning);
    }
    say(&format!(
        "version {} of {} is {}: {}",
        report.version,
        report.model,
        if report.promoted { "the champion" } else { "kept, not promoted" },
        report.reason
    ));
    say(&format!("its card: carelake model card --source {} --version {}", report.source, report.version));
}

/// The learners side by side, the one that is kept first, then others that were measured on the same rows.
pub fn learners(report: &TrainReport, beside: &[(&str, &Evaluation)]) {
    let chosen = serde_json::to_value(report.algorithm).ok().and_then(|name| name.as_str().map(str::to_owned));
    let chosen = format!("{} (kept)", chosen.unwrap_or_default());
    let header = ["learner", "AUROC", "± 95 %", "PR-AUC", "Brier", "log loss", "slope", "lift top 10 %", "seconds"];
    let mut learners: Vec<(&str, &Evaluation)> =
        report.others.iter().map(|(name, evaluation)| (name.as_str(), evaluation)).collect();
    learners.insert(0, (&chosen, &report.evaluation));
    learners.extend(beside.iter().copied());
    let rows = learners.iter().map(|(name, found)| {
        let key = name.trim_end_matches(" (kept)");
        vec![
            (*name).to_owned(),
            figure(found.auroc),
            figure(found.auroc_margin),
            figure(found.pr_auc),
            figure(Some(found.brier)),
            figure(Some(found.log_loss)),
            figure(found.calibration_slope),
            figure(found.lift_top_decile),
            report.seconds.get(key).map(|seconds| format!("{seconds:.2}")).unwrap_or_default(),
        ]
    });
    say(&plain(&header, &rows.collect::<Vec<_>>()));
}

/// The fairness report; `rate` is the head of the outcome's rate.
pub fn groups(found: &Evaluation, rate: &str) {
    if found.groups.is_empty() {
        return;
    }
    let header = ["by", "group", "rows", rate, "predicted", "AUROC", "recall", "FPR", "slope"];
    let rows = found.groups.iter().map(|group| {
        let count = group.rows.map_or_else(|| "too few".to_owned(), |rows| rows.to_string());
        vec![
            group.by.clone(),
            group.group.clone(),
            count,
            figure(group.rate),
            figure(group.predicted),
            figure(group.auroc),
            figure(group.recall),
            figure(group.false_positive_rate),
            figure(group.calibration_slope),
        ]
    });
    say(&plain(&header, &rows.collect::<Vec<_>>()));
}
