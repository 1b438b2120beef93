//! `carelake rotate-key`, and the end of a rotation that was cut short.

use std::process::ExitCode;
use std::sync::Arc;

use carelake_lake::{FolderLanding, Lake, LakeLock, Rotation, RotationReceipt, Rotations};
use carelake_sql::views::View;
use carelake_steps::Context;
use carelake_steps::maintain::rotate::{self, NewKey, Outlook};

use super::{Problem, contracts, erase, run, settle, views};
use crate::cli::RotateKey;
use crate::console::{note, say};
use crate::progress::Bars;
use crate::table::plain;

/// Gives the lake a new key.
pub async fn rotate_key(arguments: &RotateKey) -> Result<ExitCode, Problem> {
    if !arguments.landing.is_dir() {
        return Err(Problem::new(format!(
            "{} is not a folder; name it with --landing. A file that a rotation does not find there counts as new when it \
             comes again; for a lake without landing, give an empty folder",
            arguments.landing.display()
        )));
    }
    let views: Vec<View> = views(arguments.contracts.contracts.as_deref())?.views().cloned().collect();
    let folder = &arguments.place.lake;
    Lake::open_existing(folder)?;
    let _lock = LakeLock::exclusive(folder, || note("waiting for a run to end"))?;
    let begun = context(arguments)?;
    if let Some(rotation) = Rotations::new(&begun.lake).unfinished().await? {
        if !arguments.yes {
            let text = "a rotation was cut short; add --yes to finish it, or let the next carelake run do so";
            return Err(Problem::new(text));
        }
        note("finishing a rotation of the key that was cut short");
        return show(&complete(&begun, rotation, &views).await?);
    }
    let context = settle::settle(&|| context(arguments), &views, true).await?;
    plan(&rotate::outlook(&context, &views).await?);
    if arguments.dry_run {
        return Ok(ExitCode::SUCCESS);
    }
    if !arguments.yes {
        return Err(Problem::new("nothing was changed; add --yes to rotate the key"));
    }
    let key = Rotations::new(&context.lake).make_key()?;
    let rotation = rotate::begin(&context, &key, erase::now(), &views, run::workers(None), &Bars::default()).await?;
    show(&complete(&context, rotation, &views).await?)
}

fn context(arguments: &RotateKey) -> Result<Context, Problem> {
    let lake = Lake::open(&arguments.place.lake)?;
    let contracts = contracts(arguments.contracts.contracts.as_deref())?;
    let landing = Arc::new(FolderLanding::new(&arguments.landing));
    let (sources, now) = (run::sources(&arguments.landing)?, erase::now());
    Ok(Context::new(lake, landing, contracts, sources, now.date_naive(), run::run_id(now)))
}

fn plan(outlook: &Outlook) {
    let rows = outlook.rows.iter().map(|(table, rows)| vec![table.clone(), rows.to_string()]);
    let shown = plain(&["computed again", "rows"], &rows.collect::<Vec<_>>());
    note(&format!("{} files get new names and pseudonyms\n{shown}", outlook.files));
    if outlook.gone_from_landing > 0 {
        note(&format!(
            "{} of the files are not in landing any more: they stay in the lake, and one that comes again counts as new",
            outlook.gone_from_landing
        ));
    }
    note(
        "earlier versions of the tables are removed, and exports of pseudonyms made until now fit to nothing any more",
    );
}

/// Finishes a rotation that was begun. The caller holds the lake's exclusive lock.
pub async fn complete(context: &Context, rotation: Rotation, views: &[View]) -> Result<RotationReceipt, Problem> {
    let rotations = Rotations::new(&context.lake);
    let switch = || rotations.switch();
    let next = NewKey { key: rotations.next_key()?, switch: &switch };
    let workers = run::workers(None);
    Ok(rotate::finish(context, rotation, &next, views, workers, &Bars::default(), &erase::now).await?)
}

fn show(receipt: &RotationReceipt) -> Result<ExitCode, Problem> {
    say(&serde_json::to_string_pretty(receipt)?);
    Ok(ExitCode::SUCCESS)
}
