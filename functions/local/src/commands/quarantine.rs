//! `carelake quarantine`: what was rejected, and why; and taking files again.

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;

use carelake_lake::{Catalog, FolderCatalog, FolderLanding, Lake, Landing, Ledger};
use carelake_sql::session::LakeSession;
use carelake_sql::views::View;
use datafusion::arrow::array::AsArray;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::functions_aggregate::expr_fn::count_distinct;
use datafusion::functions_nested::expr_fn::make_array;
use datafusion::logical_expr::{Expr, cast as cast_to, lit};
use datafusion::prelude::{DataFrame, ident};

use super::{Problem, run, views};
use crate::cli::{InLake, Quarantine, Run};
use crate::console::{print, say};
use crate::table::{Format, plain, show as render};

/// Runs a subcommand.
pub async fn dispatch(command: &Quarantine) -> Result<ExitCode, Problem> {
    match command {
        Quarantine::List { place, source } => list(place, source.as_deref()).await,
        Quarantine::Show { place, rule, limit, landing, format } => {
            show(place, rule, *limit, landing.as_deref(), *format).await
        }
        Quarantine::Replay { run, source, dataset } => replay(run, source.as_deref(), dataset.as_deref()).await,
    }
}

/// All of quarantine in one relation; `None` when there are no tables yet.
async fn everything(lake: &Lake, session: &LakeSession) -> Result<Option<DataFrame>, Problem> {
    let mut all: Option<DataFrame> = None;
    for table in FolderCatalog::new(lake).tables().await?.iter().filter(|table| table.database == "quarantine") {
        if lake.list(&table.location).await?.is_empty() {
            continue;
        }
        let rows = session.table(&format!("{}.{}", table.database, table.name)).await?;
        all = Some(match all {
            Some(all) => all.union(rows)?,
            None => rows,
        });
    }
    // What an overwritten file held has been answered by its new version.
    let (_, overwritten) = Ledger::new(lake).current().await?;
    let gone: Vec<Expr> = overwritten.into_iter().map(lit).collect();
    Ok(match all {
        Some(all) if !gone.is_empty() => Some(all.filter(ident("_order").in_list(gone, true))?),
        all => all,
    })
}

async fn list(place: &InLake, source: Option<&str>) -> Result<ExitCode, Problem> {
    let lake = Lake::open_existing(&place.lake)?;
    let session = LakeSession::open(&lake, &FolderCatalog::new(&lake), None).await?;
    let Some(all) = everything(&lake, &session).await? else {
        say("quarantine is empty");
        return Ok(ExitCode::SUCCESS);
    };
    let all = match source {
        Some(source) => all.filter(ident("source").eq(lit(source)))?,
        None => all,
    };
    let keys = ["source", "rule", "severity", "reason"].map(ident).to_vec();
    let rows = all.aggregate(
        keys,
        vec![count_distinct(make_array(vec![ident("_order"), cast_to(ident("_row"), DataType::Utf8)])).alias("rows")],
    )?;
    let rows = rows.sort(vec![
        ident("severity").sort(true, false),
        ident("source").sort(true, false),
        ident("rule").sort(true, false),
    ])?;
    let names: Vec<String> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
    print(&render(&rows.collect().await?, &names, Format::Table)?);
    say("details: carelake quarantine show RULE; warnings are counted in full by carelake dq");
    Ok(ExitCode::SUCCESS)
}

async fn show(
    place: &InLake,
    rule: &str,
    limit: usize,
    landing: Option<&Path>,
    format: Format,
) -> Result<ExitCode, Problem> {
    let lake = Lake::open_existing(&place.lake)?;
    let session = LakeSession::open(&lake, &FolderCatalog::new(&lake), None).await?;
    let Some(all) = everything(&lake, &session).await? else {
        crate::console::note("quarantine is empty");
        return Ok(ExitCode::SUCCESS);
    };
    let columns =
        ["source", "ingest_date", "_order", "_row", "column", "rule", "severity", "reason", "value", "record"]
            .map(ident);
    let matching = datafusion::functions::string::expr_fn::starts_with(ident("rule"), lit(rule));
    let rows = all.filter(matching)?.select(columns.to_vec())?;
    let order = ["source", "_order", "_row", "rule"].map(|name| ident(name).sort(true, false)).to_vec();
    let rows = rows.sort(order)?.limit(0, Some(limit))?;
    let names: Vec<String> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
    let batches = rows.collect().await?;
    print(&render(&batches, &names, format)?);
    if let Some(landing) = landing {
        let files = files_by_place(&lake, landing).await?;
        let mut named = Vec::new();
        for batch in &batches {
            let orders = cast(batch.column(2), &DataType::Utf8).map_err(datafusion::error::DataFusionError::from)?;
            for order in orders.as_string::<i32>().iter().flatten() {
                let place = order.split('/').nth(1).unwrap_or_default();
                let file = files.get(place).cloned().unwrap_or_else(|| "no longer in landing".to_owned());
                if !named.contains(&vec![order.to_owned(), file.clone()]) {
                    named.push(vec![order.to_owned(), file]);
                }
            }
        }
        say(&plain(&["_order", "landing file"], &named));
    }
    Ok(ExitCode::SUCCESS)
}

/// Landing files by their place in the order of files.
async fn files_by_place(lake: &Lake, landing: &Path) -> Result<HashMap<String, String>, Problem> {
    let keys = FolderLanding::new(landing).list()?;
    let lake_key = lake.key()?;
    let names: HashMap<String, String> =
        keys.into_iter().map(|key| (key.name(lake_key), key.expose().to_owned())).collect();
    let entries = Ledger::new(lake).ingested().await?;
    let placed = entries.iter().filter_map(|entry| Some((entry.place().to_owned(), names.get(&entry.key)?.clone())));
    Ok(placed.collect())
}

async fn replay(arguments: &Run, source: Option<&str>, dataset: Option<&str>) -> Result<ExitCode, Problem> {
    let views: Vec<View> = views(arguments.contracts.contracts.as_deref())?.views().cloned().collect();
    let (lock, context) = run::locked(arguments, &views).await?;
    let lake_key = context.lake.key()?;
    let present: Vec<String> = context.landing.list()?.iter().map(|key| key.name(lake_key)).collect();
    let (mut files, mut gone) = (0, 0);
    for entry in context.ledger.ingested().await? {
        if source.is_some_and(|source| source != entry.source)
            || dataset.is_some_and(|dataset| dataset != entry.dataset)
        {
            continue;
        }
        let waiting = context.ledger.conform_entry(&entry).await?.is_some_and(|conformed| conformed.orphans > 0);
        if entry.rejected == 0 && !waiting && entry.status == carelake_lake::Status::Ingested {
            continue;
        }
        if present.contains(&entry.key) {
            context.ledger.forget(&entry).await?;
            files += 1;
        } else {
            gone += 1;
        }
    }
    drop(lock);
    if gone > 0 {
        say(&format!("{gone} files with rejects are no longer in landing and stay as they are"));
    }
    say(&format!("{files} files are taken again"));
    run::run(arguments).await
}
