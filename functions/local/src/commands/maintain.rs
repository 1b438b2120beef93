//! `carelake maintain`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use carelake_contracts::Sources;
use carelake_lake::{FolderLanding, Lake, LakeLock};
use carelake_sql::views::View;
use carelake_steps::Context;
use carelake_steps::maintain::erase::Nowhere;
use carelake_steps::maintain::upkeep::{Policy, Removed, UpkeepReport, arrange, expire_landing, remove};
use chrono::{DateTime, Utc};

use super::{Problem, contracts, erase, run, settle, views};
use crate::cli::Maintain;
use crate::console::{note, say};
use crate::progress::Bars;
use crate::table::plain;

/// Keeps the lake in shape: rewrites beside runs, then removes while nobody else is at work.
pub async fn maintain(arguments: &Maintain) -> Result<ExitCode, Problem> {
    let views: Vec<View> = views(arguments.contracts.contracts.as_deref())?.views().cloned().collect();
    let folder = &arguments.place.lake;
    Lake::open_existing(folder)?;
    let wait = || note("waiting for a run to end");
    let context = {
        let lock = LakeLock::shared(folder, wait)?;
        let context = context(arguments)?;
        if settle::settled(&context).await? {
            (lock, context)
        } else {
            drop(lock);
            let _lock = LakeLock::exclusive(folder, wait)?;
            settle::settle(&|| self::context(arguments), &views, false).await?;
            (LakeLock::shared(folder, wait)?, self::context(arguments)?)
        }
    };
    let (shared, context) = context;
    let policy = Policy {
        now: erase::now(),
        keep_versions: arguments.keep_versions_for,
        keep_reports: arguments.keep_reports_for,
        dry_run: arguments.dry_run,
    };
    let bars = Bars::default();
    let mut report =
        UpkeepReport { run_id: context.run_id.clone(), dry_run: policy.dry_run, ..UpkeepReport::default() };
    let rewritten = arrange(&context, &views, &policy, &bars, &mut report).await?;
    drop(shared);
    let _lock = LakeLock::exclusive(folder, wait)?;
    // The time after the rewrites: what they replaced may go as well.
    let policy = Policy { now: erase::now(), ..policy };
    let context = settle::settle(&|| self::context(arguments), &views, false).await?;
    remove(&context, &policy, &rewritten, &bars, &mut report).await?;
    if let (Some(landing), Some(keep)) = (&arguments.landing, arguments.keep_landing_for) {
        let context = in_landing(context, landing)?;
        let cutoff = policy.now.checked_sub_signed(keep).unwrap_or(DateTime::<Utc>::MIN_UTC);
        expire_landing(&context, cutoff, policy.dry_run, &mut report).await?;
    }
    report.close();
    if arguments.json {
        say(&serde_json::to_string_pretty(&report)?);
    } else {
        show(&report);
    }
    Ok(ExitCode::SUCCESS)
}

fn context(arguments: &Maintain) -> Result<Context, Problem> {
    let lake = Lake::open(&arguments.place.lake)?;
    let contracts = contracts(arguments.contracts.contracts.as_deref())?;
    let now = erase::now();
    Ok(Context::new(lake, Arc::new(Nowhere), contracts, Sources::default(), now.date_naive(), run::run_id(now)))
}

/// The same context with the landing folder.
fn in_landing(mut context: Context, landing: &Path) -> Result<Context, Problem> {
    if !landing.is_dir() {
        return Err(Problem::new(format!("{} is not a folder", landing.display())));
    }
    context.base.sources = Arc::new(run::sources(landing)?);
    context.base.landing = Arc::new(FolderLanding::new(landing));
    Ok(context)
}

fn megabytes(removed: Removed) -> String {
    format!("{:.2}", removed.bytes as f64 / 1e6)
}

fn show(report: &UpkeepReport) {
    if !report.tables.is_empty() {
        let header = ["table", "files", "MB", "now files", "now MB", "versions removed", "files removed", "MB removed"];
        let rows = report.tables.iter().map(|(table, done)| {
            vec![
                table.clone(),
                done.rewritten.count.to_string(),
                megabytes(done.rewritten),
                done.written.count.to_string(),
                megabytes(done.written),
                done.expired_versions.to_string(),
                done.expired.count.to_string(),
                megabytes(done.expired),
            ]
        });
        say(&plain(&header, &rows.collect::<Vec<_>>()));
    }
    let did = if report.dry_run { "would be" } else { "were" };
    for (what, removed) in [
        ("objects that no entry of the ledger names", report.objects),
        ("entries of files that the ledger does not know", report.entries),
        ("half-written files", report.leftovers),
        ("reports of runs", report.reports),
        ("landing files that are in the lake", report.landing),
    ] {
        if removed.count > 0 {
            say(&format!("{} {what}, {} MB, {did} removed", removed.count, megabytes(removed)));
        }
    }
    if report.large_files > 0 {
        say(&format!("{} large files that were begun and never finished {did} forgotten", report.large_files));
    }
    for table in &report.left {
        note(&format!("{table} kept changing and was left as it is; run it again"));
    }
    if *report == (UpkeepReport { run_id: report.run_id.clone(), dry_run: report.dry_run, ..UpkeepReport::default() }) {
        say("there is nothing to do");
    }
}
