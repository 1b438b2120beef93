//! `carelake run` and `carelake watch`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use carelake_contracts::Sources;
use carelake_lake::{FolderLanding, Lake, LakeLock, Landing, LandingKey};
use carelake_sql::views::View;
use carelake_steps::Context;
use carelake_steps::report::RunReport;
use carelake_steps::run::{Observer, Silent};
use chrono::{DateTime, Utc};

use super::{Problem, contracts, settle, views};
use crate::cli::{Run, Watch};
use crate::console::{note, say};
use crate::progress::Bars;
use crate::table::plain;

/// Takes what is new.
pub async fn run(arguments: &Run) -> Result<ExitCode, Problem> {
    let report = once(arguments, &Bars::default()).await?;
    if arguments.json {
        say(&serde_json::to_string_pretty(&report)?);
    } else {
        show(&report);
    }
    Ok(match (report.failures.is_empty(), arguments.fail_on_reject && report.rejects() > 0) {
        (false, _) => ExitCode::from(3),
        (true, true) => ExitCode::from(1),
        (true, false) => ExitCode::SUCCESS,
    })
}

/// Runs whenever the landing folder changed, until interrupted. An interrupted run is completed by the next one.
pub async fn watch(arguments: &Watch) -> Result<ExitCode, Problem> {
    let interrupted = tokio::signal::ctrl_c();
    let watching = async {
        let mut seen = None;
        loop {
            let present = landed(&arguments.run.landing)?;
            if seen.as_ref() != Some(&present) {
                let report = once(&arguments.run, &Silent).await?;
                if !report.datasets.is_empty() || !report.failures.is_empty() {
                    show(&report);
                }
                // What failed is taken up again at the next look.
                seen = report.failures.is_empty().then_some(present);
            }
            tokio::time::sleep(Duration::from_secs(arguments.every.max(1))).await;
        }
    };
    note("watching; Ctrl-C ends");
    tokio::select! {
        _ = interrupted => Ok(ExitCode::SUCCESS),
        failed = watching => failed,
    }
}

/// Files of the landing folder with their lengths and times.
fn landed(folder: &Path) -> Result<Vec<(LandingKey, u64, DateTime<Utc>)>, Problem> {
    let landing = FolderLanding::new(folder);
    let mut files = Vec::new();
    for key in landing.list()? {
        let (bytes, modified) = landing.peek(&key)?;
        files.push((key, bytes, modified));
    }
    Ok(files)
}

async fn once(arguments: &Run, observer: &dyn Observer) -> Result<RunReport, Problem> {
    let views: Vec<View> = views(arguments.contracts.contracts.as_deref())?.views().cloned().collect();
    let (_lock, context) = locked(arguments, &views).await?;
    Ok(carelake_steps::run::run(&context, &views, workers(arguments.workers), observer).await?)
}

/// Files read at the same time.
pub fn workers(wanted: Option<usize>) -> usize {
    wanted.unwrap_or_else(|| carelake_steps::run::cores())
}

/// Name of a run that starts now.
pub fn run_id(now: DateTime<Utc>) -> String {
    format!("{}-{}", now.format("%Y%m%dT%H%M%S%.6fZ"), std::process::id())
}

/// Keeps away who must be alone on the lake while a run is under way, after what was cut short is finished.
pub async fn locked(arguments: &Run, views: &[View]) -> Result<(LakeLock, Context), Problem> {
    let folder = &arguments.place.lake;
    let wait = || note("waiting for an erasure, a rotation or maintenance to end");
    loop {
        check_landing(arguments)?;
        let lock = LakeLock::shared(folder, wait)?;
        let context = context(arguments)?;
        if settle::settled(&context).await? {
            return Ok((lock, context));
        }
        drop(lock);
        let _lock = LakeLock::exclusive(folder, wait)?;
        settle::settle(&|| self::context(arguments), views, true).await?;
    }
}

fn check_landing(arguments: &Run) -> Result<(), Problem> {
    if arguments.landing.is_dir() {
        return Ok(());
    }
    Err(Problem::new(format!(
        "{} is not a folder; make one with carelake land or carelake generate, or name it with --landing",
        arguments.landing.display()
    )))
}

/// The context of a run by these arguments.
#[expect(clippy::disallowed_methods, reason = "the command is where a run gets its time")]
pub fn context(arguments: &Run) -> Result<Context, Problem> {
    check_landing(arguments)?;
    let contracts = contracts(arguments.contracts.contracts.as_deref())?;
    let sources = sources(&arguments.landing)?;
    let lake = Lake::open(&arguments.place.lake)?;
    let now = Utc::now();
    let as_of = arguments.as_of.unwrap_or_else(|| now.date_naive());
    Ok(Context::new(lake, Arc::new(FolderLanding::new(&arguments.landing)), contracts, sources, as_of, run_id(now)))
}

/// The bindings of `sources.toml` in the landing folder.
pub fn sources(landing: &Path) -> Result<Sources, Problem> {
    let path = landing.join("sources.toml");
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(Sources::parse(&path.display().to_string(), &text)?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Sources::default()),
        Err(error) => Err(Problem::new(format!("{} cannot be read ({})", path.display(), error.kind()))),
    }
}

fn show(report: &RunReport) {
    if !report.datasets.is_empty() {
        let header = [
            "source",
            "dataset",
            "files",
            "rows in",
            "accepted",
            "rejected",
            "deduplicated",
            "MB",
            "seconds",
            "rows/s",
            "Lambda $",
        ];
        let rows = report.datasets.iter().map(|dataset| {
            vec![
                dataset.source.clone(),
                dataset.dataset.clone(),
                dataset.files.to_string(),
                dataset.rows_in.to_string(),
                dataset.accepted.to_string(),
                dataset.rejected.to_string(),
                dataset.deduplicated.to_string(),
                format!("{:.2}", dataset.bytes as f64 / 1e6),
                format!("{:.2}", dataset.seconds),
                format!("{:.0}", dataset.rows_per_second),
                format!("{:.6}", dataset.lambda_usd),
            ]
        });
        say(&plain(&header, &rows.collect::<Vec<_>>()));
    }
    let sum = |of: fn(&carelake_steps::report::DatasetReport) -> u64| report.datasets.iter().map(of).sum::<u64>();
    say(&format!(
        "{} files taken, {} known from before; {} rows in = {} accepted + {} rejected + {} deduplicated",
        sum(|d| d.files),
        report.known_files,
        sum(|d| d.rows_in),
        sum(|d| d.accepted),
        sum(|d| d.rejected),
        sum(|d| d.deduplicated)
    ));
    for stage in &report.stages {
        say(&format!("{:>8} {:7.2} s  ${:.6} on Lambda", stage.stage, stage.seconds, stage.lambda_usd));
    }
    if report.replayed_rows > 0 {
        say(&format!("{} rows that waited in quarantine have found their parent", report.replayed_rows));
    }
    for dataset in &report.datasets {
        if dataset.unreadable_files > 0 {
            note(&format!(
                "{}/{}: {} files cannot be read; see carelake quarantine list",
                dataset.source, dataset.dataset, dataset.unreadable_files
            ));
        }
        if !dataset.unknown_columns.is_empty() {
            note(&format!(
                "{}/{}: columns the contract does not know, kept in _extra: {}",
                dataset.source,
                dataset.dataset,
                dataset.unknown_columns.join(", ")
            ));
        }
    }
    let lacking: Vec<String> = report
        .datasets
        .iter()
        .filter(|dataset| !dataset.missing_columns.is_empty())
        .map(|dataset| format!("{}/{}", dataset.source, dataset.dataset))
        .collect();
    if !lacking.is_empty() {
        let shown = lacking.iter().take(6).cloned().collect::<Vec<_>>().join(", ");
        let more = lacking.len().saturating_sub(6);
        let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
        note(&format!("optional columns are missing and NULL in {shown}{rest}; --json names them"));
    }
    for (reason, files) in &report.ignored_files {
        note(&format!("{files} files ignored: {reason}"));
    }
    for failure in &report.failures {
        note(&format!("failed, a next run takes it up again: {failure}"));
    }
    if report.rejects() > 0 {
        say("every rejected row is explained by: carelake quarantine list");
    }
}
