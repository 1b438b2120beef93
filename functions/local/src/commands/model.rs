//! `carelake model`.

use std::process::ExitCode;

use carelake_lake::{Lake, ModelVersion, Registry};
use carelake_noshow::{Comparison, ModelFile, card};
use carelake_steps::noshow::{load, model_name, model_source};
use carelake_steps::risk;

use super::models::{figure, locked};
use super::train::groups;
use super::{Problem, models};
use crate::cli::{Contracts, InLake, ModelCommand, Which};
use crate::console::{note, print, say};
use crate::table::plain;

/// Features named in `model show`.
const SHOWN: usize = 10;

/// Lists, shows, promotes, prints the card.
pub async fn dispatch(command: &ModelCommand) -> Result<ExitCode, Problem> {
    match command {
        ModelCommand::List { place, json } => list(place, *json).await?,
        ModelCommand::Show { which, json } => show(which, *json).await?,
        ModelCommand::Promote { place, source, target, version } => {
            promote(place, source.as_deref(), target.as_deref(), *version).await?;
        }
        ModelCommand::Card { which, html, out } => {
            let (version, file) = find(which).await?;
            let comparison: Option<Comparison> =
                version.about.get("comparison").and_then(|value| serde_json::from_value(value.clone()).ok());
            let text =
                if *html { card::html(&file, comparison.as_ref()) } else { card::markdown(&file, comparison.as_ref()) };
            match out {
                Some(path) => {
                    let failed = |error: std::io::Error| {
                        Problem::new(format!("{} cannot be written ({})", path.display(), error.kind()))
                    };
                    std::fs::write(path, text).map_err(failed)?;
                    note(&format!("written to {}", path.display()));
                }
                None => print(&text),
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn registry(place: &InLake) -> Result<Registry, Problem> {
    Ok(Registry::new(&Lake::open_existing(&place.lake)?))
}

async fn list(place: &InLake, json: bool) -> Result<(), Problem> {
    let registry = registry(place)?;
    let (mut rows, mut versions) = (Vec::new(), Vec::new());
    for name in registry.names().await? {
        let champion = registry.champion(&name).await?.map(|champion| champion.version);
        for version in registry.versions(&name).await? {
            rows.push(row(&version, champion));
            let mut value = serde_json::to_value(&version)?;
            if let Some(object) = value.as_object_mut() {
                object.insert("champion".to_owned(), (champion == Some(version.version)).into());
            }
            versions.push(value);
        }
    }
    if json {
        say(&serde_json::to_string_pretty(&versions)?);
    } else if rows.is_empty() {
        say("no models yet; train one with carelake train --source S");
    } else {
        let header = [
            "model",
            "source",
            "version",
            "champion",
            "learner",
            "learnt until",
            "measured",
            "AUROC",
            "Brier",
            "slope",
            "run",
        ];
        say(&plain(&header, &rows));
    }
    Ok(())
}

fn row(version: &ModelVersion, champion: Option<u32>) -> Vec<String> {
    let text = |path: &str| version.about.pointer(path).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    let number = |path: &str| figure(version.about.pointer(path).and_then(serde_json::Value::as_f64));
    vec![
        version.name.clone(),
        text("/source"),
        version.version.to_string(),
        if champion == Some(version.version) { "yes".to_owned() } else { String::new() },
        text("/algorithm"),
        text("/days/train_until"),
        format!("{} to {}", text("/days/evaluate_from"), text("/days/evaluate_until")),
        number("/auroc"),
        number("/brier"),
        number("/calibration_slope"),
        version.run_id.clone(),
    ]
}

/// The registry's name of the model asked for; `None` when neither is said.
fn named(source: Option<&str>, target: Option<&str>) -> Result<Option<String>, Problem> {
    Ok(match (source, target) {
        (source, Some(target)) => Some(risk::model_name(target, source)?),
        (Some(source), None) => Some(model_name(source)),
        (None, None) => None,
    })
}

/// The version asked for, with its file.
async fn find(which: &Which) -> Result<(ModelVersion, ModelFile), Problem> {
    let registry = registry(&which.place)?;
    let name = match named(which.source.as_deref(), which.target.as_deref())? {
        Some(name) => name,
        None => match registry.names().await?.as_slice() {
            [name] => name.clone(),
            [] => return Err(Problem::new("the lake has no models; train one with carelake train --source S")),
            several => {
                let sources: Vec<&str> = several.iter().filter_map(|name| model_source(name)).collect();
                if sources.len() < several.len() {
                    let all = several.join(", ");
                    return Err(Problem::new(format!(
                        "say which model with --source, and --target for a disease: {all}"
                    )));
                }
                return Err(Problem::new(format!("say whose model with --source: {}", sources.join(", "))));
            }
        },
    };
    let wanted = match which.version {
        Some(version) => version,
        None => {
            let champion = registry.champion(&name).await?.ok_or_else(|| {
                Problem::new(format!("{name} has no champion; name a version with --version, see carelake model list"))
            })?;
            champion.version
        }
    };
    let version = registry
        .version(&name, wanted)
        .await?
        .ok_or_else(|| Problem::new(format!("{name} has no version {wanted}; see carelake model list")))?;
    let file = load(&registry, &version).await?;
    Ok((version, file))
}

async fn show(which: &Which, json: bool) -> Result<(), Problem> {
    let (version, file) = find(which).await?;
    if json {
        let value = serde_json::json!({
            "version": version, "header": file.header, "settings": file.model.settings, "window": file.model.window,
            "importances": file.model.importances(), "warnings": file.model.warnings,
        });
        say(&serde_json::to_string_pretty(&value)?);
        return Ok(());
    }
    let window = &file.model.window;
    say(&format!("{} version {}, {} bytes, SHA-256 {}", version.name, version.version, version.bytes, version.sha256));
    let of_risk = risk::is_risk(&version.name);
    let (rows, hit) = if of_risk { ("patients", "diagnosed") } else { ("appointments", "missed") };
    say(&format!(
        "learnt from {} {rows} of {} to {}, {} of them {hit}; code {}",
        window.rows, window.first_day, window.last_day, window.positives, file.header.about.code_version
    ));
    if let (Some(found), Some((first, last))) = (&file.header.evaluation, &file.header.evaluated) {
        say(&format!(
            "measured on {} of {first} to {last}: AUROC {}, PR-AUC {}, Brier {:.4}, calibration slope {}",
            found.rows,
            figure(found.auroc),
            figure(found.pr_auc),
            found.brier,
            figure(found.calibration_slope)
        ));
        groups(found, hit);
    }
    let rows = file.model.importances().into_iter().take(SHOWN);
    let rows: Vec<_> = rows.map(|(name, share)| vec![name, format!("{share:.4}")]).collect();
    say(&plain(&["feature", "mean contribution to the logit"], &rows));
    Ok(())
}

async fn promote(place: &InLake, source: Option<&str>, target: Option<&str>, version: u32) -> Result<(), Problem> {
    let lake = locked(place, &Contracts { contracts: None }, None).await?;
    let registry = Registry::new(&lake.context.lake);
    let name = named(source, target)?.ok_or_else(|| Problem::new("say whose model with --source"))?;
    let found = registry.version(&name, version).await?;
    let found =
        found.ok_or_else(|| Problem::new(format!("{name} has no version {version}; see carelake model list")))?;
    // A model that cannot be used is not promoted.
    let file = load(&registry, &found).await?;
    let features = match target {
        Some(target) => risk::features(target)?,
        None => carelake_steps::noshow::features()?,
    };
    file.check_schema(&features).map_err(|error| Problem::new(error.to_string()))?;
    registry.promote(&found, &lake.context.run_id, "promoted by hand").await?;
    say(&format!(
        "version {version} of {name} is the champion: AUROC {}",
        models::figure(file.header.evaluation.as_ref().and_then(|found| found.auroc))
    ));
    Ok(())
}
