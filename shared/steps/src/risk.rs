//! risk: learns whose record led to the first diagnosis of a disease, beside patients without it, and measures that on
//! later index dates beside age and gender alone.
//!
//! The rows are those of gold.disease_risk_features: one a patient, so the split by index date parts the patients too.
//! Invariants: features are strictly before the index date, by the SQL of the mart; a target has models of its own name.

use std::collections::BTreeMap;
use std::time::Instant;

use carelake_noshow::{Algorithm, Baseline, FeatureSet, ModelFile, SMALL_GROUP, Settings};
use carelake_sql::session::LakeSession;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, lit};
use datafusion::prelude::{DataFrame, ident};
use serde::Serialize;

use crate::context::Context;
use crate::error::{QueryError, StepError};
use crate::learning::{Material, Task, TrainReport, lap, learn};
use crate::noshow::mart::texts;
use crate::noshow::window::WindowRequest;
use crate::noshow::{groups, unfit};
use crate::run::Observer;

const MART: &str = "gold.disease_risk_features";
const FEATURES: &str = include_str!("../../noshow/features/disease_risk.toml");
const PREFIX: &str = "risk_";
/// The column of the days by which rows are split.
const DAY: &str = "index_date";
/// Columns that are read beside features and label.
const BESIDE: [&str; 6] = ["source", "patient_id", DAY, "age", "gender", "race"];
/// By what the report divides, beside age.
const BY: [(&str, &str); 2] = [("gender", "gender"), ("race", "race")];
/// What a model is measured beside.
const KNOWN_ALONE: [&str; 2] = ["age", "gender"];
/// The source of a model of several.
pub const ALL_SOURCES: &str = "all sources";

/// What is to be trained.
#[derive(Debug, Clone)]
pub struct RiskRequest {
    /// The disease: a cohort of codes.named_cohorts.
    pub target: String,
    /// Whose patients; those of every source when absent.
    pub source: Option<String>,
    /// Which index dates teach, and which measure.
    pub window: WindowRequest,
    /// How; `algorithm` names the learner whose model is registered.
    pub settings: Settings,
    /// True when the other learners are trained and measured too, for comparison.
    pub compare_learners: bool,
    /// The version of the code.
    pub code_version: String,
}

/// What training did.
#[derive(Debug, Clone, Serialize)]
pub struct RiskReport {
    /// The disease.
    pub target: String,
    /// Patients with a first diagnosis that count.
    pub cases: u64,
    /// Patients without one that count.
    pub controls: u64,
    /// Patients who are left out, by the reason that the mart gives.
    pub excluded: BTreeMap<String, u64>,
    /// Share of the measured patients who were diagnosed.
    pub prevalence: f64,
    /// What age and gender alone tell of the same patients.
    pub baseline: Baseline,
    /// What every reader is warned of.
    pub caution: Option<String>,
    /// The training.
    #[serde(flatten)]
    pub training: TrainReport,
}

/// A trained model with its report and its file.
#[derive(Debug, Clone)]
pub struct TrainedRisk {
    /// What was done.
    pub report: RiskReport,
    /// The model file.
    pub file: ModelFile,
}

/// The feature list of a disease-risk model.
///
/// # Errors
/// When the file that ships with carelake is damaged.
pub fn features(target: &str) -> Result<FeatureSet, StepError> {
    let mut list = FeatureSet::parse(FEATURES).map_err(unfit)?;
    for words in [&mut list.outcome, &mut list.intended_use, &mut list.not_for] {
        *words = words.replace("{disease}", target);
    }
    Ok(list)
}

/// The registry's name of a target's model, of one source or of all.
///
/// # Errors
/// When the target cannot be part of a name.
pub fn model_name(target: &str, source: Option<&str>) -> Result<String, StepError> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if target.is_empty() || !target.chars().all(fits) {
        return Err(StepError::Invalid(
            "the name of a cohort that is to be learnt has small letters, digits and underscores alone".to_owned(),
        ));
    }
    // A source has no dot in its name, so two models never share one.
    Ok(source.map_or_else(|| format!("{PREFIX}{target}"), |source| format!("{PREFIX}{target}.{source}")))
}

/// True for the registry's name of a disease-risk model.
pub fn is_risk(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// Trains, measures, registers, and promotes when better.
///
/// # Errors
/// When there is nothing to learn from or to measure on, one outcome alone, or storage fails. The champion stays as it was.
pub async fn train(
    context: &Context,
    request: &RiskRequest,
    observer: &dyn Observer,
) -> Result<TrainedRisk, StepError> {
    let mut clock = Instant::now();
    let (target, source) = (request.target.as_str(), request.source.as_deref());
    let (features, name) = (features(target)?, model_name(target, source)?);
    let rows = of_target(context, target, source).await?;
    let excluded = excluded(&rows).await?;
    let batches = counted(&rows, &features).map_err(failed)?.collect().await.map_err(failed)?;
    if batches.iter().all(|batch| batch.num_rows() == 0) {
        return Err(StepError::Invalid(format!("every patient is left out for {target}: {}", listed(&excluded))));
    }
    let alone = features.only(&KNOWN_ALONE);
    let groupings = groups::groupings(&batches, "age", &BY);
    let material = Material::of(&features, &batches, DAY, groupings, &request.window)?;
    let simple = Material::of(&alone, &batches, DAY, Vec::new(), &request.window)?;
    let (cases, controls) = material.outcomes_of_all();
    let read_seconds = lap(&mut clock);
    let settings = Settings { algorithm: Algorithm::Logistic, ..request.settings.clone() };
    let model = simple.learn(&alone, &settings, &crate::run::Silent)?;
    let baseline = Baseline {
        knows: "age and gender alone".to_owned(),
        evaluation: simple.measure(&model, request.settings.threads)?,
    };
    let task = Task {
        features: &features,
        name: &name,
        source: source.unwrap_or(ALL_SOURCES),
        settings: &request.settings,
        compare_learners: request.compare_learners,
        code_version: &request.code_version,
        baseline: Some(baseline.clone()),
        notes: excluded.iter().map(|(reason, count)| format!("left out, {reason}: {}", at_least(*count))).collect(),
        warnings: Vec::new(),
        read_seconds,
    };
    let trained = learn(context, task, material, observer).await?;
    let mut training = trained.report;
    if training.evaluation.auroc <= baseline.evaluation.auroc {
        training.warnings.push("the model ranks no better than age and gender alone".to_owned());
    }
    let measured = &training.evaluation;
    let report = RiskReport {
        target: target.to_owned(),
        cases,
        controls,
        excluded,
        prevalence: measured.positives as f64 / measured.rows.max(1) as f64,
        baseline,
        caution: features.caution.clone(),
        training,
    };
    Ok(TrainedRisk { report, file: trained.file })
}

fn failed(error: DataFusionError) -> StepError {
    StepError::query(format!("reading {MART}"), &error)
}

/// A number of patients that may be shown to anybody.
fn at_least(count: u64) -> String {
    if count < SMALL_GROUP { format!("fewer than {SMALL_GROUP} patients") } else { format!("{count} patients") }
}

fn listed(excluded: &BTreeMap<String, u64>) -> String {
    excluded.iter().map(|(reason, count)| format!("{reason} {count}")).collect::<Vec<_>>().join(", ")
}

/// The patients of a target, those who are left out too.
async fn of_target(context: &Context, target: &str, source: Option<&str>) -> Result<DataFrame, StepError> {
    if context.tables.open(MART, None).await?.is_none() {
        return Err(StepError::Invalid(format!(
            "the lake has no {MART} yet; take the landing files in with carelake run"
        )));
    }
    let session = LakeSession::open(&context.lake, context.catalog.as_ref(), None).await.map_err(failed)?;
    let all = session.table(MART).await.map_err(failed)?;
    let all = match source {
        Some(source) => all.filter(ident("source").eq(lit(source))).map_err(failed)?,
        None => all,
    };
    let cohorts = all.clone().select(vec![ident("cohort")]).and_then(DataFrame::distinct).map_err(failed)?;
    let mut known: Vec<String> =
        texts(&cohorts.collect().await.map_err(failed)?, "cohort").into_iter().flatten().collect();
    known.sort_unstable();
    if !known.iter().any(|cohort| cohort == target) {
        let has =
            if known.is_empty() { "no cohort has any".to_owned() } else { format!("there are {}", known.join(", ")) };
        let whose = source.map_or_else(String::new, |source| format!(" of {source}"));
        return Err(StepError::Invalid(format!(
            "no patient{whose} has a diagnosis of {target}: {has}. Cohorts are named in codes.named_cohorts"
        )));
    }
    all.filter(ident("cohort").eq(lit(target))).map_err(failed)
}

/// How many patients are left out, by reason.
async fn excluded(rows: &DataFrame) -> Result<BTreeMap<String, u64>, StepError> {
    let reasons = rows.clone().select(vec![ident("exclusion")]).map_err(failed)?.collect().await.map_err(failed)?;
    let mut counts = BTreeMap::new();
    for reason in texts(&reasons, "exclusion").into_iter().flatten() {
        *counts.entry(reason).or_insert(0) += 1;
    }
    Ok(counts)
}

/// The patients who count, by index date.
fn counted(rows: &DataFrame, features: &FeatureSet) -> Result<DataFrame, DataFusionError> {
    let mut names: Vec<&str> = BESIDE.to_vec();
    let wanted = features.features.iter().map(|feature| feature.name.as_str()).chain([features.label.as_str()]);
    for name in wanted {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let order = [DAY, "source", "patient_id"].map(|name| ident(name).sort(true, false)).to_vec();
    let columns: Vec<Expr> = names.into_iter().map(ident).collect();
    rows.clone().filter(ident("exclusion").is_null())?.select(columns)?.sort(order)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn models_of_targets_and_sources_have_names_of_their_own() {
        let names = [("diabetes", None), ("diabetes", Some("north")), ("hypertension", None)];
        let names: Vec<String> = names.iter().map(|(target, source)| model_name(target, *source).unwrap()).collect();
        assert_eq!(names, ["risk_diabetes", "risk_diabetes.north", "risk_hypertension"]);
        assert!(names.iter().all(|name| crate::noshow::model_source(name).is_none()));
        assert!(model_name("../x", None).is_err());
    }

    #[test]
    fn the_list_names_the_disease_and_warns_of_synthetic_data() {
        let list = features("diabetes").unwrap();
        assert_eq!(list.outcome, "first diagnosis of diabetes");
        assert!(!list.intended_use.contains('{') && list.caution.unwrap().contains("unfit for care"));
    }

    #[test]
    fn small_numbers_are_not_told() {
        assert_eq!([10, 11].map(at_least), ["fewer than 11 patients", "11 patients"]);
    }
}
