//! The part of the command line that changes what a lake keeps: erasure, maintenance, rotation of the key.

use std::path::PathBuf;

use chrono::{NaiveDate, TimeDelta};
use clap::Args;

use super::{Contracts, InLake};

/// Arguments of `erase`.
#[derive(Debug, Args)]
pub struct Erase {
    #[command(flatten)]
    pub place: InLake,
    /// Sender whose patients they are
    #[arg(long)]
    pub source: String,
    /// Identifier of a patient, as the sender writes it; it may stay in the shell's history: see --patient-file
    #[arg(long = "patient")]
    pub patients: Vec<String>,
    /// File with an identifier a line; - reads standard input
    #[arg(long)]
    pub patient_file: Option<PathBuf>,
    /// Landing folder, whose files are rewritten without the patients; left as it is if absent
    #[arg(long)]
    pub landing: Option<PathBuf>,
    /// Why; kept in the receipt for ever
    #[arg(long)]
    pub reason: Option<String>,
    /// Show what would be removed and remove nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Remove it; without this nothing is removed
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub contracts: Contracts,
}

/// Arguments of `publish`.
#[derive(Debug, Args)]
pub struct Publish {
    #[command(flatten)]
    pub place: InLake,
    /// Change nothing; show where the catalogue is not what the definitions say, and end with 1 if it is not
    #[arg(long)]
    pub check: bool,
    /// Print the differences as JSON, one a line
    #[arg(long, requires = "check")]
    pub json: bool,
    /// Day as of which ages and the like are reckoned; that of gold if absent
    #[arg(long, value_name = "DAY")]
    pub as_of: Option<NaiveDate>,
    #[command(flatten)]
    pub contracts: Contracts,
}

/// Arguments of `maintain`.
#[derive(Debug, Args)]
pub struct Maintain {
    #[command(flatten)]
    pub place: InLake,
    /// How long a table can still be read as it was before a change: 30d, 12h, 45m, 0s. Time travel to before is refused;
    /// longer than your longest query, as one that reads a version when it is removed fails
    #[arg(long, value_name = "TIME", default_value = "30d", value_parser = span)]
    pub keep_versions_for: TimeDelta,
    /// How long reports of runs are kept
    #[arg(long, value_name = "TIME", default_value = "365d", value_parser = span)]
    pub keep_reports_for: TimeDelta,
    /// Landing folder of which files that are in the lake are removed after --keep-landing-for
    #[arg(long, value_name = "FOLDER", requires = "keep_landing_for")]
    pub landing: Option<PathBuf>,
    /// How long files stay in landing after they arrived, if their rows are in the lake; others stay. What is gone cannot be
    /// replayed, nor rewritten when a person is erased
    #[arg(long, value_name = "TIME", requires = "landing", value_parser = span)]
    pub keep_landing_for: Option<TimeDelta>,
    /// Show what would be done and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Print the report as JSON
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub contracts: Contracts,
}

/// Arguments of `rotate-key`.
#[derive(Debug, Args)]
pub struct RotateKey {
    #[command(flatten)]
    pub place: InLake,
    /// Folder in which files arrive: those that are still there are known under the new key as well
    #[arg(long, default_value = "landing")]
    pub landing: PathBuf,
    /// Show what would be done and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do it; without this nothing is done
    #[arg(long)]
    pub yes: bool,
    #[command(flatten)]
    pub contracts: Contracts,
}

fn span(text: &str) -> Result<TimeDelta, String> {
    let parsed = text.char_indices().last().and_then(|(at, unit)| {
        let number: i64 = text.get(..at)?.parse().ok()?;
        match unit {
            'd' => TimeDelta::try_days(number),
            'h' => TimeDelta::try_hours(number),
            'm' => TimeDelta::try_minutes(number),
            's' => TimeDelta::try_seconds(number),
            _ => None,
        }
    });
    let known = parsed.filter(|span| *span >= TimeDelta::zero());
    known.ok_or_else(|| "give a number and d, h, m or s, such as 30d".to_owned())
}

/// `export`
#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    pub place: InLake,
    /// The profile: safe-harbor removes the 18 identifiers of the HIPAA Privacy Rule
    #[arg(long)]
    pub profile: String,
    /// Empty folder to write: a Parquet file a table, and manifest.json
    #[arg(long)]
    pub out: PathBuf,
    /// Only rows of this sender
    #[arg(long)]
    pub source: Option<String>,
    /// Write nothing, and only look for what identifies persons in a folder that was exported
    #[arg(long)]
    pub scan: bool,
    #[command(flatten)]
    pub contracts: Contracts,
}
