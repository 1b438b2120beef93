//! The command line.

mod models;
mod serve;
mod upkeep;

use std::path::PathBuf;

use chrono::{DateTime, NaiveDate, Utc};
use clap::{Args, Parser, Subcommand};

use crate::table::Format;

pub use models::{Learner, ModelCommand, Risk, Score, Train, Which};
pub use serve::{Report, Serve};
pub use upkeep::{Erase, Export, Maintain, Publish, RotateKey};

/// A healthcare lakehouse on a folder: files from hospitals become validated bronze, conformed silver and gold views.
#[derive(Debug, Parser)]
#[command(
    name = "carelake",
    version,
    arg_required_else_help = true,
    after_help = "Start with:\n  carelake generate --patients 500 --seed 1 --out landing\n  carelake run --landing landing --lake lake\n  carelake sql --lake lake \"select * from gold.department_treatment_summary\""
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take every landing file not yet in the lake: ingest, conform, publish
    Run(Run),
    /// Run again and again as files arrive, until Ctrl-C
    Watch(Watch),
    /// Copy files into the landing folder under the right path
    Land(Land),
    /// Query the lake in Athena's dialect
    Sql(Sql),
    /// Run a prepared query, such as get_patient_history
    Call(Call),
    /// Answer Athena's clients on this machine: PyAthena, awswrangler, boto3, BI tools
    Serve(Serve),
    /// Write a site of plots and tables that a browser shows without a server
    Report(Report),
    /// List tables and views
    Tables(InLake),
    /// Show the columns of a table or view
    Describe(Describe),
    /// Clinical measures: definition, version, source, exclusions
    Measures {
        /// What to do with them.
        #[command(subcommand)]
        command: Measures,
    },
    /// Show the versions of a table
    History(Describe),
    /// What was rejected, and why
    Quarantine {
        /// What to do with it.
        #[command(subcommand)]
        command: Quarantine,
    },
    /// Every data-quality check with numerator, denominator, threshold and status
    Dq(Dq),
    /// Compute gold and the catalogue from silver as it is, or show with --check where the catalogue differs from the definitions
    Publish(Publish),
    /// Write rows for others, de-identified as a profile says, and prove it on what was written
    Export(Export),
    /// Remove patients from landing, every layer and every old version, with a receipt
    Erase(Erase),
    /// Put small files together, and remove old versions, left-over files and old reports
    Maintain(Maintain),
    /// Give the lake a new secret key, and every person another pseudonym
    RotateKey(RotateKey),
    /// Contracts: the data files that describe each feed
    Contract {
        /// What to do with them.
        #[command(subcommand)]
        command: Contract,
    },
    /// Train the no-show model of a source, measure it on later days, keep it, promote it when it is better
    Train(Train),
    /// Give every upcoming appointment the probability that it is missed, with reasons
    Score(Score),
    /// Train a disease-risk baseline: who is diagnosed, told from the record before, beside age and gender alone
    Risk(Risk),
    /// Models: versions, figures, the champion, the model card
    Model {
        /// What to do with them.
        #[command(subcommand)]
        command: ModelCommand,
    },
    /// Write a synthetic hospital's files, with planted errors of known counts
    Generate(Generate),
}

/// Where the lake is.
#[derive(Debug, Args)]
pub struct InLake {
    /// The lake's folder
    #[arg(long, default_value = "lake")]
    pub lake: PathBuf,
}

/// Which contracts are used.
#[derive(Debug, Args)]
pub struct Contracts {
    /// Folder with contracts of one's own (feeds/, silver/, codes/, gold/), on top of those that ship with carelake
    #[arg(long)]
    pub contracts: Option<PathBuf>,
}

/// Subcommands of `measures`.
#[derive(Debug, Subcommand)]
pub enum Measures {
    /// List the clinical measures
    List(Contracts),
    /// Explain one: definition, grain, version, source, exclusions, columns
    Explain(Explain),
}

/// Arguments of `measures explain`.
#[derive(Debug, Args)]
pub struct Explain {
    /// Name of the measure, such as readmission_30d
    pub name: String,
    #[command(flatten)]
    pub contracts: Contracts,
    /// Print the SQL as well
    #[arg(long)]
    pub sql: bool,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// Folder in which files arrive: <source>/<dataset>/[<date>/]<file>; a sources.toml in it binds senders to feeds
    #[arg(long, default_value = "landing")]
    pub landing: PathBuf,
    #[command(flatten)]
    pub place: InLake,
    #[command(flatten)]
    pub contracts: Contracts,
    /// Day as of which ages are reckoned; today if absent
    #[arg(long)]
    pub as_of: Option<NaiveDate>,
    /// Files read at the same time; as many as there are cores if absent
    #[arg(long)]
    pub workers: Option<usize>,
    /// Exit with 1 when a row was rejected
    #[arg(long)]
    pub fail_on_reject: bool,
    /// Print the closing report as JSON
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `watch`.
#[derive(Debug, Args)]
pub struct Watch {
    #[command(flatten)]
    pub run: Run,
    /// Seconds between two looks at the landing folder
    #[arg(long, default_value_t = 2)]
    pub every: u64,
}

/// Arguments of `land`.
#[derive(Debug, Args)]
pub struct Land {
    /// Who sends the files
    pub source: String,
    /// Which dataset they are
    pub dataset: String,
    /// The files
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// The landing folder
    #[arg(long, default_value = "landing")]
    pub landing: PathBuf,
    /// Day the files are for
    #[arg(long)]
    pub date: Option<String>,
    /// Feed the source sends, if it is not the feed of the source's own name; kept in sources.toml
    #[arg(long)]
    pub feed: Option<String>,
}

/// Arguments of `sql`.
#[derive(Debug, Args)]
pub struct Sql {
    #[command(flatten)]
    pub place: InLake,
    /// The query; names without a database are in gold
    #[arg(allow_hyphen_values = true)]
    pub query: String,
    /// Read silver and gold tables as they were at this moment (RFC 3339, or yyyy-mm-dd for the end of that day)
    #[arg(long, value_parser = moment)]
    pub as_of: Option<DateTime<Utc>>,
    /// How results are shown
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Run the query so many times and show how long planning and running took, instead of its rows
    #[arg(long, value_name = "RUNS")]
    pub timing: Option<usize>,
}

/// Arguments of `call`.
#[derive(Debug, Args)]
pub struct Call {
    #[command(flatten)]
    pub place: InLake,
    /// Name of the prepared query
    pub name: String,
    /// A value for each of its parameters
    pub values: Vec<String>,
    /// How results are shown
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    #[command(flatten)]
    pub contracts: Contracts,
}

/// Arguments of `describe` and `history`.
#[derive(Debug, Args)]
pub struct Describe {
    #[command(flatten)]
    pub place: InLake,
    /// database.table
    pub table: String,
}

/// Subcommands of `quarantine`.
#[derive(Debug, Subcommand)]
pub enum Quarantine {
    /// Rejected rows and warnings by source, dataset and rule
    List {
        #[command(flatten)]
        place: InLake,
        /// Only this sender
        #[arg(long)]
        source: Option<String>,
    },
    /// The rows that broke a rule: where they stand, why, masked values
    Show {
        #[command(flatten)]
        place: InLake,
        /// The rule's id, or its beginning: clinic.patients
        rule: String,
        /// Rows shown, at most
        #[arg(long, default_value_t = 100)]
        limit: usize,
        /// Landing folder, to name the files
        #[arg(long)]
        landing: Option<PathBuf>,
        /// How results are shown
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
    },
    /// Take the files that have rejects again, after a contract or the landing files were mended
    Replay {
        #[command(flatten)]
        run: Run,
        /// Only this sender
        #[arg(long)]
        source: Option<String>,
        /// Only this dataset
        #[arg(long)]
        dataset: Option<String>,
    },
}

/// Arguments of `dq`.
#[derive(Debug, Args)]
pub struct Dq {
    #[command(flatten)]
    pub place: InLake,
    #[command(flatten)]
    pub contracts: Contracts,
    /// Only checks that fail
    #[arg(long)]
    pub failing: bool,
    /// How results are shown
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
}

/// Subcommands of `contract`.
#[derive(Debug, Subcommand)]
pub enum Contract {
    /// Check every contract; with --against, also that no change breaks what is there
    Check {
        #[command(flatten)]
        contracts: Contracts,
        /// Folder with the earlier contracts
        #[arg(long)]
        against: Option<PathBuf>,
    },
    /// List feeds and datasets
    List(Contracts),
    /// Show a contract: columns, rules, targets
    Show {
        #[command(flatten)]
        contracts: Contracts,
        /// feed.dataset
        name: String,
    },
    /// Draft a contract from a sample file
    New {
        /// The sample: CSV, JSON, NDJSON or Parquet, compressed or not
        #[arg(long)]
        from: PathBuf,
        /// feed.dataset of the new contract
        #[arg(long, default_value = "new_feed.new_dataset")]
        name: String,
        /// Folder in which to write it; printed if absent
        #[arg(long)]
        out: Option<PathBuf>,
    },
}

/// Arguments of `generate`.
#[derive(Debug, Args)]
pub struct Generate {
    /// Patients of the hospital
    #[arg(long, default_value_t = 1_000)]
    pub patients: usize,
    /// The same seed gives the same files
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Landing folder to write
    #[arg(long, default_value = "landing")]
    pub out: PathBuf,
    /// The generated hospital's today
    #[arg(long, default_value = "2025-06-30")]
    pub as_of: NaiveDate,
    /// Plant no errors
    #[arg(long)]
    pub clean: bool,
}

fn moment(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(moment) = DateTime::parse_from_rfc3339(text) {
        return Ok(moment.with_timezone(&Utc));
    }
    let end_of_day = text.parse::<NaiveDate>().ok().and_then(|day| day.and_hms_opt(23, 59, 59));
    end_of_day
        .map(|moment| moment.and_utc())
        .ok_or_else(|| "give a moment such as 2025-06-30T12:00:00Z, or a day such as 2025-06-30".to_owned())
}
