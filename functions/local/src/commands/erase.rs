//! `carelake erase`, and the end of an erasure that was cut short.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use carelake_contracts::Sources;
use carelake_lake::{Erasure, FolderLanding, Lake, LakeLock, Landing, NoVersions, Receipt};
use carelake_privacy::Phi;
use carelake_sql::views::View;
use carelake_steps::Context;
use carelake_steps::maintain::erase::{self, Nowhere, Request, Survey};
use chrono::{DateTime, Utc};

use super::{Problem, contracts, run, settle, views};
use crate::cli::Erase;
use crate::console::{note, say};
use crate::progress::Bars;
use crate::table::plain;

/// The time.
#[expect(clippy::disallowed_methods, reason = "the command is where upkeep gets its time")]
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Removes patients.
pub async fn erase(arguments: &Erase) -> Result<ExitCode, Problem> {
    let ids = identifiers(arguments)?;
    let views = all_views(arguments)?;
    Lake::open_existing(&arguments.place.lake)?;
    let _lock = LakeLock::exclusive(&arguments.place.lake, || note("waiting for a run to end"))?;
    let context = settle::settle(&|| context(arguments), &views, arguments.landing.is_some()).await?;
    let request = Request {
        source: arguments.source.clone(),
        landing: arguments.landing.is_some(),
        reason: arguments.reason.clone(),
        started: now(),
        ids,
    };
    match erase::survey(&context, &request).await? {
        Survey::Unknown(places) => Err(unknown(&places, request.ids.len(), &request.source)),
        Survey::Done(receipts) => {
            note("nothing of them is left: they were erased before");
            receipts.iter().try_for_each(show)?;
            Ok(ExitCode::SUCCESS)
        }
        Survey::Found { erasure, by_hand } => {
            plan(&erasure);
            for key in &by_hand {
                note(&format!("to be mended by hand, as its name or text holds an identifier: {}", key.expose()));
            }
            if !request.landing {
                note("landing is left as it is: the files there still hold them. No run takes them in again");
            }
            if arguments.dry_run {
                return Ok(ExitCode::SUCCESS);
            }
            if !arguments.yes {
                return Err(Problem::new("nothing was removed; add --yes to remove it for good"));
            }
            erase::begin(&context, &erasure).await?;
            show(&complete(&context, *erasure, &views).await?)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn unknown(places: &[usize], given: usize, source: &str) -> Problem {
    if given == 1 {
        return Problem::new(format!("{source} has no patient of that identifier; nothing was removed"));
    }
    let places: Vec<String> = places.iter().map(usize::to_string).collect();
    let places = places.join(", ");
    Problem::new(format!("{source} has no patient of the identifiers number {places} of {given}; nothing was removed"))
}

/// What was asked for, each once.
fn identifiers(arguments: &Erase) -> Result<Vec<Phi<String>>, Problem> {
    let mut ids: BTreeSet<String> = arguments.patients.iter().cloned().collect();
    if let Some(path) = &arguments.patient_file {
        let mut text = String::new();
        let read = if path == Path::new("-") {
            std::io::stdin().read_to_string(&mut text)
        } else {
            std::fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text))
        };
        read.map_err(|error| Problem::new(format!("{} cannot be read ({})", path.display(), error.kind())))?;
        ids.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
    }
    if ids.is_empty() {
        return Err(Problem::new("say who: --patient ID, or --patient-file FILE with an identifier a line"));
    }
    Ok(ids.into_iter().map(Phi::new).collect())
}

fn all_views(arguments: &Erase) -> Result<Vec<View>, Problem> {
    Ok(views(arguments.contracts.contracts.as_deref())?.views().cloned().collect())
}

fn context(arguments: &Erase) -> Result<Context, Problem> {
    let (landing, sources): (Arc<dyn Landing>, Sources) = match &arguments.landing {
        Some(folder) if folder.is_dir() => (Arc::new(FolderLanding::new(folder)), run::sources(folder)?),
        Some(folder) => return Err(Problem::new(format!("{} is not a folder", folder.display()))),
        None => (Arc::new(Nowhere), Sources::default()),
    };
    let lake = Lake::open(&arguments.place.lake)?;
    let contracts = contracts(arguments.contracts.contracts.as_deref())?;
    let now = now();
    Ok(Context::new(lake, landing, contracts, sources, now.date_naive(), run::run_id(now)))
}

fn plan(erasure: &Erasure) {
    let rows = erasure.removed.rows.iter().map(|(table, rows)| vec![table.clone(), rows.to_string()]);
    let shown = plain(&["where", "rows"], &rows.collect::<Vec<_>>());
    note(&format!("{} patients of {}:\n{shown}", erasure.persons.len(), erasure.source));
}

fn show(receipt: &Receipt) -> Result<(), Problem> {
    say(&serde_json::to_string_pretty(receipt)?);
    Ok(())
}

/// Finishes an erasure that was begun.
pub async fn complete(context: &Context, erasure: Erasure, views: &[View]) -> Result<Receipt, Problem> {
    Ok(erase::finish(context, erasure, views, run::workers(None), &Bars::default(), &NoVersions, &now).await?)
}
