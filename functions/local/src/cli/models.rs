//! The part of the command line that is about models: of missed appointments, and of diseases.

use std::path::PathBuf;

use chrono::NaiveDate;
use clap::{Args, Subcommand, ValueEnum};

use super::{Contracts, InLake};

/// Arguments of `train`.
#[derive(Debug, Args)]
#[command(after_help = "\
Learns from gold.appointment_features, so take the landing files in first. Days up to --train-until teach; days from
--evaluate-from measure, and never teach. Without either, the last fifth of the days measures. The version is kept in
the lake for good; it takes the place of the champion only when it does better on the same days.

Examples:
  carelake train --lake lake --source scheduling
  carelake train --lake lake --source noshow_vitoria --train-until 2016-05-18 --json
  carelake train --lake lake --source scheduling --cost-missed 120 --cost-reminder 3")]
pub struct Train {
    #[command(flatten)]
    pub place: InLake,
    /// Whose appointments to learn from
    #[arg(long)]
    pub source: String,
    /// Last day to learn from
    #[arg(long, value_name = "DAY")]
    pub train_until: Option<NaiveDate>,
    /// First day to measure on; the day after --train-until if absent
    #[arg(long, value_name = "DAY")]
    pub evaluate_from: Option<NaiveDate>,
    /// The learner whose model is kept
    #[arg(long, value_enum, default_value_t = Learner::Trees)]
    pub algorithm: Learner,
    /// Train that learner alone, without the others for comparison
    #[arg(long)]
    pub only: bool,
    /// The same rows and seed give the same file
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Threads; as many as there are cores if absent. They change the time alone
    #[arg(long)]
    pub threads: Option<usize>,
    /// What a slot that stays empty costs, in any currency
    #[arg(long, value_name = "COST")]
    pub cost_missed: Option<f64>,
    /// What a reminder call costs, in the same currency; the threshold is this over the cost of an empty slot
    #[arg(long, value_name = "COST")]
    pub cost_reminder: Option<f64>,
    /// Tell this MLflow server too, such as http://127.0.0.1:5000; training succeeds without it
    #[arg(long, value_name = "ADDRESS")]
    pub mlflow: Option<String>,
    /// Experiment of the MLflow server
    #[arg(long, value_name = "NAME", default_value = "carelake")]
    pub mlflow_experiment: String,
    /// Print all figures as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub contracts: Contracts,
}

/// Arguments of `risk`.
#[derive(Debug, Args)]
#[command(after_help = "\
Learns from gold.disease_risk_features, so take the landing files in first. A patient who was diagnosed counts with what
was known before the day of the first diagnosis; a patient who was not, with what was known before the day of somebody
else's. Index dates up to --train-until teach, those from --evaluate-from measure; without either, the last fifth of the
dates measures. A patient is in one of the two, never in both. The figures stand beside those of age and gender alone.

It is a baseline for research: on synthetic data the figures say nothing about patients, and no model of it is fit for
care.

Examples:
  carelake risk --lake lake --target diabetes
  carelake risk --lake lake --target hypertension --source synthea --algorithm logistic
  carelake model card --lake lake --target diabetes --html --out card.html
  carelake sql \"select cohort, exclusion, count(*) from disease_risk_features group by 1, 2\"")]
pub struct Risk {
    #[command(flatten)]
    pub place: InLake,
    /// The disease: a cohort of codes.named_cohorts, such as diabetes or hypertension
    #[arg(long, value_name = "COHORT")]
    pub target: String,
    /// Whose patients to learn from; those of every source together if absent
    #[arg(long)]
    pub source: Option<String>,
    /// Last index date to learn from
    #[arg(long, value_name = "DAY")]
    pub train_until: Option<NaiveDate>,
    /// First index date to measure on; the day after --train-until if absent
    #[arg(long, value_name = "DAY")]
    pub evaluate_from: Option<NaiveDate>,
    /// The learner whose model is kept
    #[arg(long, value_enum, default_value_t = Learner::Logistic)]
    pub algorithm: Learner,
    /// Train that learner alone, without the others for comparison
    #[arg(long)]
    pub only: bool,
    /// The same rows and seed give the same file
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Threads; as many as there are cores if absent. They change the time alone
    #[arg(long)]
    pub threads: Option<usize>,
    /// Print all figures as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub contracts: Contracts,
}

/// Learners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Learner {
    /// Regularised logistic regression
    Logistic,
    /// Gradient-boosted trees
    Trees,
    /// Random forest, for comparison
    Forest,
}

/// Arguments of `score`.
#[derive(Debug, Args)]
#[command(after_help = "\
Scores every appointment that was booked by the as-of day, is dated after it and was not cancelled then, with what was
known on that day, and replaces that day's rows of gold.appointment_predictions in one commit.

Then look at:
  carelake sql \"select * from gold.no_show_risk_by_day order by expected_no_shows desc limit 10\"
  carelake sql \"select * from gold.overbooking_candidates\"
  carelake sql \"select * from gold.model_performance\"    once outcomes have come in")]
pub struct Score {
    #[command(flatten)]
    pub place: InLake,
    /// The day; the day gold was computed for if absent
    #[arg(long, value_name = "DAY")]
    pub as_of: Option<NaiveDate>,
    /// Whose appointments; every source with a model if absent
    #[arg(long)]
    pub source: Option<String>,
    /// Threads; as many as there are cores if absent
    #[arg(long)]
    pub threads: Option<usize>,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub contracts: Contracts,
}

/// Which version of a model.
#[derive(Debug, Args)]
pub struct Which {
    #[command(flatten)]
    pub place: InLake,
    /// Whose model; the lake's only one if absent
    #[arg(long)]
    pub source: Option<String>,
    /// A disease-risk model, of that disease: diabetes. Without --source the one of every source together
    #[arg(long, value_name = "COHORT")]
    pub target: Option<String>,
    /// Which version; the champion if absent
    #[arg(long)]
    pub version: Option<u32>,
}

/// Subcommands of `model`.
#[derive(Debug, Subcommand)]
pub enum ModelCommand {
    /// Every version of every model, with its figures; the champion is marked
    List {
        #[command(flatten)]
        place: InLake,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// A version: windows, figures, groups, strongest features
    Show {
        #[command(flatten)]
        which: Which,
        /// Print as JSON
        #[arg(long)]
        json: bool,
    },
    /// Make a version the champion, whatever the comparison said; also the way back to an earlier one
    Promote {
        #[command(flatten)]
        place: InLake,
        /// Whose model
        #[arg(long, required_unless_present = "target")]
        source: Option<String>,
        /// A disease-risk model, of that disease
        #[arg(long, value_name = "COHORT")]
        target: Option<String>,
        /// Which version
        #[arg(long)]
        version: u32,
    },
    /// The model card: purpose, limits, figures, groups, plots
    Card {
        #[command(flatten)]
        which: Which,
        /// One HTML page with plots instead of Markdown
        #[arg(long)]
        html: bool,
        /// File to write; printed if absent
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}
