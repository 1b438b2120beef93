//! `carelake export`: rows of the lake for others, as a profile says, and the proof on what left.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use carelake_contracts::Sources;
use carelake_lake::{FolderLanding, Lake};
use carelake_privacy::Profile;
use carelake_steps::share::{Finding, MANIFEST, export as write, scan};
use carelake_steps::{Context, noshow};

use super::{Problem, contracts};
use crate::cli::Export;
use crate::console::say;
use crate::table::plain;

/// Exports, or scans what was exported.
pub async fn export(arguments: &Export) -> Result<ExitCode, Problem> {
    let profile = Profile::named(&arguments.profile).map_err(Problem::new)?;
    let lake = Lake::open_existing(&arguments.place.lake)?;
    let landing = Arc::new(FolderLanding::new(&arguments.place.lake));
    let contracts = contracts(arguments.contracts.contracts.as_deref())?;
    let day = chrono::NaiveDate::default();
    let mut context = Context::new(lake, landing, contracts, Sources::default(), day, String::new());
    let day = noshow::published_day(&context).await?;
    context.base.as_of = day.ok_or_else(|| {
        Problem::new("gold was never computed in this lake; take the landing files in with carelake run")
    })?;
    let folder = &arguments.out;
    if arguments.scan {
        let findings = scan(&context, &profile, folder).await?;
        return Ok(judged(&findings, folder));
    }
    let io = |error: std::io::Error| Problem::new(format!("{}: {}", folder.display(), error.kind()));
    fs::create_dir_all(folder).map_err(io)?;
    if fs::read_dir(folder).map_err(io)?.next().is_some() {
        return Err(Problem::new(format!("{} is not empty; name a folder of its own", folder.display())));
    }
    let exported = write(&context, &profile, folder, arguments.source.as_deref()).await?;
    fs::write(folder.join(MANIFEST), serde_json::to_vec_pretty(&exported)?).map_err(io)?;
    let rows: Vec<Vec<String>> = exported
        .tables
        .iter()
        .map(|(name, table)| {
            vec![name.clone(), table.rows.to_string(), table.columns.join(", "), table.left_out.join(", ")]
        })
        .collect();
    say(&plain(&["table", "rows", "columns", "left out"], &rows));
    Ok(judged(&exported.findings, folder))
}

fn judged(findings: &[Finding], folder: &Path) -> ExitCode {
    if findings.is_empty() {
        say(&format!("the scan of {} found nothing that identifies a person", folder.display()));
        return ExitCode::SUCCESS;
    }
    let cells = |one: &Finding| vec![one.table.clone(), one.column.clone(), one.what.clone(), one.rows.to_string()];
    say(&plain(&["table", "column", "found", "rows"], &findings.iter().map(cells).collect::<Vec<_>>()));
    say("do not share this folder: mend the profile or the contract that let it through, and export again");
    ExitCode::FAILURE
}
