//! `carelake publish`: gold and the catalogue, and where the catalogue is not what the definitions say.

use std::process::ExitCode;
use std::sync::Arc;

use carelake_contracts::Sources;
use carelake_lake::{Drift, Lake, Nowhere};
use carelake_sql::views::View;
use carelake_steps::conform::retry;
use carelake_steps::run::Observer;
use carelake_steps::{Context, drift};

use super::models::locked;
use super::{Problem, contracts, views};
use crate::cli::Publish;
use crate::console::say;
use crate::progress::Bars;
use crate::table::plain;

/// Publishes, or checks.
pub async fn publish(arguments: &Publish) -> Result<ExitCode, Problem> {
    if arguments.check {
        return check(arguments).await;
    }
    let locked = locked(&arguments.place, &arguments.contracts, arguments.as_of).await?;
    let (context, views) = (&locked.context, &locked.views);
    let bars = Bars::default();
    bars.begin("publish", views.len() as u64);
    let published = retry(|| carelake_steps::publish::publish(context, views, &bars)).await;
    bars.end();
    let changed = published?;
    changed.iter().for_each(|table| say(table));
    say(&format!("{} tables changed; gold is as of {}", changed.len(), context.as_of));
    Ok(ExitCode::SUCCESS)
}

async fn check(arguments: &Publish) -> Result<ExitCode, Problem> {
    let overlay = arguments.contracts.contracts.as_deref();
    let views: Vec<View> = views(overlay)?.views().cloned().collect();
    let lake = Lake::open_existing(&arguments.place.lake)?;
    let day = chrono::NaiveDate::default();
    let context = Context::new(lake, Arc::new(Nowhere), contracts(overlay)?, Sources::default(), day, String::new());
    let found = drift(&context, &views).await?;
    let differs = found.iter().filter(|one| one.converges()).count();
    if arguments.json {
        for one in &found {
            say(&serde_json::to_string(one)?);
        }
    } else {
        let row = |one: &Drift| vec![one.name.clone(), one.kind.to_string()];
        if !found.is_empty() {
            say(&plain(&["entry", "difference"], &found.iter().map(row).collect::<Vec<_>>()));
        }
        say(&match differs {
            0 => "the catalogue is what the definitions say".to_owned(),
            _ => format!("{differs} entries differ from the definitions; carelake publish mends them"),
        });
    }
    Ok(if differs == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
