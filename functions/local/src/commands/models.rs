//! What train, score and model share: the lake, its lock, its day.

use std::sync::Arc;

use carelake_contracts::Sources;
use carelake_lake::{Erasures, Lake, LakeLock};
use carelake_sql::views::View;
use carelake_steps::Context;
use carelake_steps::maintain::erase::Nowhere;
use carelake_steps::noshow;
use chrono::{DateTime, NaiveDate, Utc};

use super::{Problem, contracts, erase, run, views};
use crate::cli::{Contracts, InLake};
use crate::console::note;

/// A lake that no erasure is at work on.
pub struct Locked {
    _lock: LakeLock,
    /// The context of the step.
    pub context: Context,
    /// The definitions of gold.
    pub views: Vec<View>,
    /// When the command began.
    pub now: DateTime<Utc>,
}

/// Opens a lake and keeps erasures away, after those that were cut short are finished. Without a day it is that of gold.
#[expect(clippy::disallowed_methods, reason = "the command is where a step gets its time")]
pub async fn locked(place: &InLake, overlay: &Contracts, as_of: Option<NaiveDate>) -> Result<Locked, Problem> {
    let (folder, overlay) = (&place.lake, overlay.contracts.as_deref());
    let views: Vec<View> = views(overlay)?.views().cloned().collect();
    let wait = || note("waiting for an erasure to end");
    let now = Utc::now();
    // A folder that is no lake is refused, not made one.
    Lake::open_existing(folder)?;
    loop {
        let lock = LakeLock::shared(folder, wait)?;
        let (lake, contracts) = (Lake::open(folder)?, contracts(overlay)?);
        let (landing, sources) = (Arc::new(Nowhere), Sources::default());
        let mut context = Context::new(lake, landing, contracts, sources, now.date_naive(), run::run_id(now));
        if Erasures::new(&context.lake).unfinished().await?.is_empty() {
            let day = match as_of {
                Some(day) => Some(day),
                None => noshow::published_day(&context).await?,
            };
            context.as_of = day.ok_or_else(|| {
                Problem::new("gold was never computed in this lake; take the landing files in with carelake run")
            })?;
            return Ok(Locked { _lock: lock, context, views, now });
        }
        drop(lock);
        let _lock = LakeLock::exclusive(folder, wait)?;
        erase::finish_all(&context, &views, false).await?;
    }
}

/// A figure with four digits, or nothing.
pub fn figure(value: Option<f64>) -> String {
    value.map(|value| format!("{value:.4}")).unwrap_or_default()
}
