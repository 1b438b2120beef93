//! `carelake rotate-key`.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use carelake_lake::rotation::{self, RotationReceipt};
use carelake_lake::{FolderLanding, Lake, LakeLock};
use carelake_sql::views::View;
use carelake_steps::Context;
use carelake_steps::maintain::rotate;
use chrono::{DateTime, Utc};

use super::{Problem, contracts, erase, run, views};
use crate::cli::RotateKey;
use crate::console::{note, say};
use crate::progress::Bars;

#[expect(clippy::disallowed_methods, reason = "the command is where a rotation gets its time")]
fn now() -> DateTime<Utc> {
    Utc::now()
}

/// Builds the lake anew under a new key and puts it in place.
pub async fn rotate_key(arguments: &RotateKey) -> Result<ExitCode, Problem> {
    let folder = &arguments.place.lake;
    let overlay = arguments.contracts.contracts.as_deref();
    let views: Vec<View> = views(overlay)?.views().cloned().collect();
    Lake::open_existing(folder)?;
    let _lock = LakeLock::exclusive(folder, || note("waiting for a run to end"))?;
    let started = now();
    let context = context(arguments, started)?;
    erase::finish_all(&context, &views, true).await?;
    let missing = rotate::missing(&context).await?;
    if missing > 0 && !arguments.carry_missing {
        return Err(Problem::new(format!(
            "{missing} files of the lake are not in {}; name the right folder, or add --carry-missing: delivered \
             again, such files count as new ones",
            arguments.landing.display()
        )));
    }
    rotation::discard(folder)?;
    let fresh = fresh(folder)?;
    let rotated = rotate::rotate(&context, &fresh, &views, run::workers(None), &Bars::default()).await?;
    let receipt = RotationReceipt {
        rotation: context.run_id.clone(),
        started,
        finished: now(),
        files: rotated.files,
        carried: rotated.carried,
        persons: rotated.persons,
        rows: rotated.rows,
    };
    rotation::swap(folder, &receipt)?;
    say(&serde_json::to_string_pretty(&receipt)?);
    note("the old key is gone; earlier versions of the tables are gone with it. Back up the new key");
    Ok(ExitCode::SUCCESS)
}

fn context(arguments: &RotateKey, started: DateTime<Utc>) -> Result<Context, Problem> {
    if !arguments.landing.is_dir() {
        return Err(Problem::new(format!("{} is not a folder", arguments.landing.display())));
    }
    let lake = Lake::open(&arguments.place.lake)?;
    let contracts = contracts(arguments.contracts.contracts.as_deref())?;
    let sources = run::sources(&arguments.landing)?;
    let landing = Arc::new(FolderLanding::new(&arguments.landing));
    Ok(Context::new(lake, landing, contracts, sources, started.date_naive(), run::run_id(started)))
}

/// An empty lake with a new key, which keeps out whom the old one keeps out.
fn fresh(folder: &Path) -> Result<Lake, Problem> {
    let shadow = rotation::shadow(folder);
    let fresh = Lake::open(&shadow)?;
    rotation::keep_erasures(folder)?;
    Ok(fresh)
}
