//! Learning from dated rows with a yes-or-no outcome: split by time, trained, measured on later days, registered, and
//! promoted when better. What the outcome is, the caller knows.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use arrow::array::RecordBatch;
use carelake_lake::{ModelVersion, Registry};
use carelake_noshow::{
    About, Algorithm, Baseline, Column, Comparison, Evaluation, FeatureSet, Frame, Grouping, Model, ModelFile,
    Settings, Verdict, compare, days, labels,
};
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::context::Context;
use crate::error::StepError;
use crate::noshow::groups;
use crate::noshow::window::{Days, WindowRequest, split};
use crate::noshow::{load, unfit};
use crate::run::Observer;

/// Steps of the progress of one learner.
const SHARES: u64 = 100;

/// What is to be learnt, and under which name it is kept.
pub struct Task<'a> {
    /// The features.
    pub features: &'a FeatureSet,
    /// The model's name in the registry.
    pub name: &'a str,
    /// Whose rows.
    pub source: &'a str,
    /// How; `algorithm` names the learner whose model is registered.
    pub settings: &'a Settings,
    /// True when the other learners are trained and measured too, for comparison.
    pub compare_learners: bool,
    /// The version of the code.
    pub code_version: &'a str,
    /// What a simpler model does on the same rows.
    pub baseline: Option<Baseline>,
    /// What the card shall say of the rows.
    pub notes: Vec<String>,
    /// What the report alone shall say.
    pub warnings: Vec<String>,
    /// Seconds that reading took.
    pub read_seconds: f64,
}

/// What training did.
#[derive(Debug, Clone, Serialize)]
pub struct TrainReport {
    /// Identifies the run.
    pub run_id: String,
    /// Whose rows.
    pub source: String,
    /// The model's name in the registry.
    pub model: String,
    /// The version registered.
    pub version: u32,
    /// SHA-256 of the model file.
    pub sha256: String,
    /// The day as of which features and outcomes are known.
    pub as_of: String,
    /// The learner of the version.
    pub algorithm: Algorithm,
    /// The seed.
    pub seed: u64,
    /// The days.
    #[serde(flatten)]
    pub days: Days,
    /// Rows learnt from.
    pub train_rows: u64,
    /// Those of them with the outcome.
    pub train_positives: u64,
    /// The measurement on the later days.
    pub evaluation: Evaluation,
    /// The same of the other learners.
    pub others: BTreeMap<String, Evaluation>,
    /// The comparison with the champion on the same rows.
    pub comparison: Option<Comparison>,
    /// The champion of before.
    pub champion_before: Option<u32>,
    /// True when the version is the champion now.
    pub promoted: bool,
    /// Why it is, or is not.
    pub reason: String,
    /// How much each feature contributes, strongest first.
    pub importances: Vec<(String, f64)>,
    /// What should be known besides.
    pub warnings: Vec<String>,
    /// Seconds by learner, and for reading.
    pub seconds: BTreeMap<String, f64>,
}

/// A trained model with its report and its file.
#[derive(Debug, Clone)]
pub struct Trained {
    /// What was done.
    pub report: TrainReport,
    /// The registered version.
    pub version: ModelVersion,
    /// The model file.
    pub file: ModelFile,
}

/// Rows with outcomes, ready to be learnt from.
pub struct Material {
    frame: Frame,
    labels: Vec<bool>,
    days: Vec<i32>,
    persons: Vec<u64>,
    groupings: Vec<Grouping>,
    /// Which rows teach, and which measure.
    pub split: Days,
}

/// Trains, measures, registers, and promotes when better.
///
/// # Errors
/// When nothing can be learnt, or storage fails. The champion stays as it was.
pub async fn learn(
    context: &Context,
    task: Task<'_>,
    material: Material,
    observer: &dyn Observer,
) -> Result<Trained, StepError> {
    let mut clock = Instant::now();
    let mut seconds = BTreeMap::from([("read".to_owned(), task.read_seconds)]);
    let chosen = task.settings.algorithm;
    let others = [Algorithm::Logistic, Algorithm::Forest, Algorithm::Trees].into_iter().filter(|one| *one != chosen);
    let learners: Vec<Algorithm> = others.filter(|_| task.compare_learners).chain(std::iter::once(chosen)).collect();
    observer.begin("train", SHARES * learners.len() as u64);
    let mut measured = BTreeMap::new();
    let mut last = None;
    for algorithm in learners {
        let settings = Settings { algorithm, ..task.settings.clone() };
        let model = material.learn(task.features, &settings, observer)?;
        let evaluation = material.measure(&model, settings.threads)?;
        seconds.insert(word(algorithm), lap(&mut clock));
        measured.insert(word(algorithm), evaluation);
        last = Some(model);
    }
    observer.end();
    let (Some(mut model), Some(evaluation)) = (last, measured.remove(&word(chosen))) else {
        return Err(StepError::Invalid("no learner was chosen".to_owned()));
    };
    model.warnings.extend(task.notes.iter().cloned());
    let mut warnings = task.warnings.clone();
    warnings.extend(model.warnings.iter().cloned());
    let registry = Registry::new(&context.lake);
    let contest = contest(&registry, &task, &material, &model, &evaluation).await?;
    let file = material.file(&task, model, &evaluation);
    let bytes = file.to_bytes().map_err(unfit)?;
    let about = about(&file, &material.split, &contest)?;
    let version = registry.register(task.name, &bytes, &context.run_id, about).await?;
    if contest.promote {
        registry.promote(&version, &context.run_id, &contest.reason).await?;
    }
    let report = TrainReport {
        run_id: context.run_id.clone(),
        source: task.source.to_owned(),
        model: task.name.to_owned(),
        version: version.version,
        sha256: version.sha256.clone(),
        as_of: context.as_of.to_string(),
        algorithm: chosen,
        seed: task.settings.seed,
        train_rows: file.model.window.rows,
        train_positives: file.model.window.positives,
        days: material.split,
        evaluation,
        others: measured,
        comparison: contest.comparison,
        champion_before: contest.champion,
        promoted: contest.promote,
        reason: contest.reason,
        importances: file.model.importances(),
        warnings,
        seconds,
    };
    Ok(Trained { report, version, file })
}

/// Seconds since the clock was read last.
pub fn lap(clock: &mut Instant) -> f64 {
    let seconds = clock.elapsed().as_secs_f64();
    *clock = Instant::now();
    seconds
}

/// The learner's name as it is written.
pub fn word(algorithm: Algorithm) -> String {
    match algorithm {
        Algorithm::Logistic => "logistic",
        Algorithm::Trees => "trees",
        Algorithm::Forest => "forest",
    }
    .to_owned()
}

fn select<T: Copy>(all: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().filter_map(|row| all.get(*row).copied()).collect()
}

impl Material {
    /// The rows of batches with their labels; `dated` is the column of their days, by which they are split.
    ///
    /// # Errors
    /// When a column is missing, or a window is empty.
    pub fn of(
        features: &FeatureSet,
        batches: &[RecordBatch],
        dated: &str,
        groupings: Vec<Grouping>,
        window: &WindowRequest,
    ) -> Result<Self, StepError> {
        let days = days(dated, batches).map_err(unfit)?;
        let split = split(&days, window)?;
        Ok(Self {
            frame: Frame::from_batches(features, batches).map_err(unfit)?,
            labels: labels(features, batches)
                .map_err(unfit)?
                .into_iter()
                .map(|label| label.unwrap_or_default())
                .collect(),
            days,
            persons: groups::persons(batches),
            groupings,
            split,
        })
    }

    /// Rows with the outcome, and without.
    pub fn outcomes_of_all(&self) -> (u64, u64) {
        let with = self.labels.iter().filter(|label| **label).count();
        (with as u64, (self.labels.len() - with) as u64)
    }

    /// A model of the training rows.
    ///
    /// # Errors
    /// When nothing can be learnt from them.
    pub fn learn(
        &self,
        features: &FeatureSet,
        settings: &Settings,
        observer: &dyn Observer,
    ) -> Result<Model, StepError> {
        let rows = &self.split.train;
        let labels: Vec<Option<bool>> = select(&self.labels, rows).into_iter().map(Some).collect();
        let told = AtomicU64::new(0);
        let what = word(settings.algorithm);
        let progress = |share: f64| {
            let reached = (share.clamp(0.0, 1.0) * SHARES as f64) as u64;
            for _ in told.fetch_max(reached, Ordering::Relaxed)..reached {
                observer.advance(&what);
            }
        };
        let frame = self.frame.take(rows);
        let model = carelake_noshow::train(features, &frame, &labels, &select(&self.days, rows), settings, &progress);
        let model = model.map_err(unfit)?;
        progress(1.0);
        Ok(model)
    }

    fn scores(&self, model: &Model, threads: usize) -> Result<Vec<f64>, StepError> {
        model.score(&self.frame.take(&self.split.evaluate), threads).map_err(unfit)
    }

    fn outcomes(&self) -> Vec<bool> {
        select(&self.labels, &self.split.evaluate)
    }

    /// How good it is on the later rows.
    ///
    /// # Errors
    /// When it does not fit them.
    pub fn measure(&self, model: &Model, threads: usize) -> Result<Evaluation, StepError> {
        let rows = &self.split.evaluate;
        let groupings: Vec<Grouping> = self.groupings.iter().map(|grouping| groups::take(grouping, rows)).collect();
        let persons = select(&self.persons, rows);
        let scores = self.scores(model, threads)?;
        Evaluation::of(&scores, &self.outcomes(), &model.settings.costs, Some(&persons), &groupings).map_err(unfit)
    }

    fn file(&self, task: &Task<'_>, model: Model, evaluation: &Evaluation) -> ModelFile {
        let about = About {
            name: task.name.to_owned(),
            source: task.source.to_owned(),
            code_version: task.code_version.to_owned(),
            data_fingerprint: self.fingerprint(task.features),
        };
        // The comparison depends on the champion of the day, and the same data must give the same bytes: it is not in it.
        let mut file = ModelFile::new(about, model);
        file.header.evaluated = Some((self.split.evaluate_from.to_string(), self.split.evaluate_until.to_string()));
        file.header.evaluation = Some(evaluation.clone());
        file.header.baseline = task.baseline.clone();
        file
    }

    /// Hash of days, labels and features of the rows learnt from.
    fn fingerprint(&self, features: &FeatureSet) -> String {
        let mut hash = Sha256::new();
        for row in &self.split.train {
            let (day, label) = (self.days.get(*row), self.labels.get(*row));
            hash.update(day.copied().unwrap_or_default().to_le_bytes());
            hash.update([u8::from(label.copied().unwrap_or_default())]);
        }
        for (feature, column) in features.features.iter().zip(self.frame.columns()) {
            hash.update(feature.name.as_bytes());
            for row in &self.split.train {
                match column {
                    Column::Numeric(values) => {
                        hash.update(values.get(*row).copied().unwrap_or(f64::NAN).to_bits().to_le_bytes());
                    }
                    Column::Categorical { codes, words } => {
                        let code = codes.get(*row).copied().unwrap_or_default() as usize;
                        let text = code.checked_sub(1).and_then(|place| words.get(place));
                        hash.update(text.map(String::as_str).unwrap_or_default().as_bytes());
                        hash.update([0]);
                    }
                }
            }
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The outcome of the contest with the champion.
struct Contest {
    champion: Option<u32>,
    comparison: Option<Comparison>,
    promote: bool,
    reason: String,
}

async fn contest(
    registry: &Registry,
    task: &Task<'_>,
    material: &Material,
    model: &Model,
    evaluation: &Evaluation,
) -> Result<Contest, StepError> {
    let (name, features, threads) = (task.name, task.features, task.settings.threads);
    let Some(champion) = registry.champion(name).await? else {
        let rate = evaluation.positives as f64 / evaluation.rows.max(1) as f64;
        let guessing = rate * (1.0 - rate);
        let promote = evaluation.brier < guessing && evaluation.auroc.is_some_and(|auroc| auroc > 0.5);
        let reason = if promote {
            "the first model, and better than guessing the rate".to_owned()
        } else {
            format!("no better than guessing the rate: Brier score {:.4} against {guessing:.4}", evaluation.brier)
        };
        return Ok(Contest { champion: None, comparison: None, promote, reason });
    };
    let alone = |reason: String| Contest { champion: Some(champion.version), comparison: None, promote: true, reason };
    let Some(version) = registry.version(name, champion.version).await? else {
        return Ok(alone(format!("version {}, the champion, is not in the registry any more", champion.version)));
    };
    let before = match load(registry, &version).await {
        Ok(file) => file,
        Err(StepError::Lake(error)) if error.kind.retryable() => return Err(error.into()),
        Err(error) => return Ok(alone(format!("the champion cannot be used: {error}"))),
    };
    if before.check_schema(features).is_err() {
        return Ok(alone(format!("version {}, the champion, is of another feature list", champion.version)));
    }
    let (old, new) = (material.scores(&before.model, threads)?, material.scores(model, threads)?);
    let comparison = compare(&old, &new, &material.outcomes()).map_err(unfit)?;
    Ok(Contest {
        champion: Some(champion.version),
        promote: comparison.verdict == Verdict::Promote,
        reason: comparison.reason.clone(),
        comparison: Some(comparison),
    })
}

/// What the registry keeps beside the file, so that a list of versions needs no file.
fn about(file: &ModelFile, days: &Days, contest: &Contest) -> Result<serde_json::Value, StepError> {
    let evaluation = file.header.evaluation.as_ref();
    let figure = |of: fn(&Evaluation) -> Option<f64>| evaluation.and_then(of);
    let json = serde_json::json!({
        "source": file.header.about.source,
        "algorithm": word(file.model.settings.algorithm),
        "seed": file.model.settings.seed,
        "schema_hash": file.header.schema_hash,
        "code_version": file.header.about.code_version,
        "data_fingerprint": file.header.about.data_fingerprint,
        "days": days,
        "rows": file.model.window.rows,
        "auroc": figure(|found| found.auroc),
        "pr_auc": figure(|found| found.pr_auc),
        "brier": figure(|found| Some(found.brier)),
        "log_loss": figure(|found| Some(found.log_loss)),
        "calibration_slope": figure(|found| found.calibration_slope),
        "comparison": contest.comparison,
        "champion_before": contest.champion,
        "reason": contest.reason,
    });
    Ok(json)
}
