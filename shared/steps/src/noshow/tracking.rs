//! Telling MLflow of a trained model.

use carelake_mlflow::{Artifact, Column, DataSet, Logged, Mlflow, MlflowError, Run};
use carelake_noshow::{Evaluation, Kind, ModelError, card};
use chrono::{DateTime, Utc};

use super::Trained;
use crate::learning::word;

/// Logs run, model and files; the version gets the alias `champion` when it was promoted. Rows of patients are not sent.
///
/// # Errors
/// When the server is away or refuses.
pub async fn track(
    trained: &Trained,
    server: &Mlflow,
    experiment: &str,
    now: DateTime<Utc>,
) -> Result<Logged, MlflowError> {
    let run = run(trained, experiment, now).map_err(|error| MlflowError {
        context: "preparing the files".to_owned(),
        cause: error.to_string(),
        code: String::new(),
        retryable: false,
    })?;
    server.log(&run).await
}

fn run(trained: &Trained, experiment: &str, now: DateTime<Utc>) -> Result<Run, ModelError> {
    let (report, file) = (&trained.report, &trained.file);
    let (header, comparison) = (&file.header, report.comparison.as_ref());
    let model = file.to_bytes()?;
    let figures = serde_json::to_vec_pretty(report).unwrap_or_default();
    let files = [
        ("model.bin", model),
        ("evaluation.json", figures),
        ("card.md", card::markdown(file, comparison).into_bytes()),
        ("card.html", card::html(file, comparison).into_bytes()),
    ];
    let kind = |kind: Kind| match kind {
        Kind::Numeric => "double",
        Kind::Categorical => "string",
        Kind::Boolean => "boolean",
    };
    let params = [
        ("algorithm", word(report.algorithm)),
        ("seed", report.seed.to_string()),
        ("source", report.source.clone()),
        ("train_from", report.days.train_from.to_string()),
        ("train_until", report.days.train_until.to_string()),
        ("evaluate_from", report.days.evaluate_from.to_string()),
        ("evaluate_until", report.days.evaluate_until.to_string()),
        ("cost_missed", report.evaluation.costs.missed_slot.to_string()),
        ("cost_reminder", report.evaluation.costs.reminder_call.to_string()),
        ("schema_hash", header.schema_hash.clone()),
        ("features", file.model.features.features.len().to_string()),
    ];
    let tags = [
        ("carelake.version", report.version.to_string()),
        ("carelake.run_id", report.run_id.clone()),
        ("carelake.sha256", report.sha256.clone()),
        ("carelake.code_version", header.about.code_version.clone()),
    ];
    let owned = |(key, value): (&str, String)| (key.to_owned(), value);
    Ok(Run {
        experiment: experiment.to_owned(),
        name: format!("{}-{}", report.model, report.version),
        time_ms: now.timestamp_millis(),
        time: now.format("%Y-%m-%d %H:%M:%S%.6f").to_string(),
        params: params.map(owned).to_vec(),
        metrics: metrics(&report.evaluation),
        tags: tags.map(owned).to_vec(),
        data: DataSet {
            name: format!("{}_appointments", report.source),
            digest: header.about.data_fingerprint.clone(),
            source: "gold.appointment_features".to_owned(),
        },
        model: report.model.clone(),
        code_version: header.about.code_version.clone(),
        model_path: "model.bin".to_owned(),
        inputs: file
            .model
            .features
            .features
            .iter()
            .map(|feature| Column { name: feature.name.clone(), kind: kind(feature.kind) })
            .collect(),
        output: "no_show_probability".to_owned(),
        artifacts: files.into_iter().map(|(path, bytes)| Artifact { path: path.to_owned(), bytes }).collect(),
        alias: report.promoted.then(|| "champion".to_owned()),
    })
}

fn metrics(found: &Evaluation) -> Vec<(String, f64)> {
    let all = [
        ("rows", Some(found.rows as f64)),
        ("positives", Some(found.positives as f64)),
        ("auroc", found.auroc),
        ("pr_auc", found.pr_auc),
        ("brier", Some(found.brier)),
        ("log_loss", Some(found.log_loss)),
        ("calibration_slope", found.calibration_slope),
        ("calibration_intercept", found.calibration_intercept),
        ("threshold", Some(found.threshold)),
        ("recall", found.recall),
        ("precision", found.precision),
        ("false_positive_rate", found.false_positive_rate),
        ("accuracy", Some(found.accuracy)),
        ("lift_top_decile", found.lift_top_decile),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}
