//! What train, score and model share: the lake, its lock, its day.

use std::sync::Arc;

use carelake_contracts::Sources;
use carelake_lake::{Lake, LakeLock};
use carelake_sql::views::View;
use carelake_steps::Context;
use carelake_steps::maintain::erase::Nowhere;
use carelake_steps::noshow;
use chrono::{DateTime, NaiveDate, Utc};

use super::{Problem, contracts, run, settle, views};
use crate::cli::{Contracts, InLake};
use crate::console::note;

/// A lake on which nobody works who must be alone.
pub struct Locked {
    _lock: LakeLock,
    /// The context of the step.
    pub context: Context,
    /// The definitions of gold.
    pub views: Vec<View>,
    /// When the command began.
    pub now: DateTime<Utc>,
}

/// Opens a lake and keeps away who must be alone on it, after what was cut short is finished. Without a day it is that of gold.
#[expect(clippy::disallowed_methods, reason = "the command is where a step gets its time")]
pub async fn locked(place: &InLake, overlay: &Contracts, as_of: Option<NaiveDate>) -> Result<Locked, Problem> {
    let (folder, overlay) = (&place.lake, overlay.contracts.as_deref());
    let views: Vec<View> = views(overlay)?.views().cloned().collect();
    let wait = || note("waiting for an erasure, a rotation or maintenance to end");
    let now = Utc::now();
    // A folder that is no lake is refused, not made one.
    Lake::open_existing(folder)?;
    let open = || -> Result<Context, Problem> {
        let (lake, contracts) = (Lake::open(folder)?, contracts(overlay)?);
        let (landing, sources) = (Arc::new(Nowhere), Sources::default());
        Ok(Context::new(lake, landing, contracts, sources, now.date_naive(), run::run_id(now)))
    };
    loop {
        let lock = LakeLock::shared(folder, wait)?;
        let context = open()?;
        if settle::settled(&context).await? {
            let day = match as_of {
                Some(day) => Some(day),
                None => noshow::published_day(&context).await?,
            };
            let day = day.ok_or_else(|| {
                Problem::new("gold was never computed in this lake; take the landing files in with carelake run")
            })?;
            let context = context.on(day);
            return Ok(Locked { _lock: lock, context, views, now });
        }
        drop(lock);
        let _lock = LakeLock::exclusive(folder, wait)?;
        settle::settle(&open, &views, false).await?;
    }
}

/// A figure with four digits, or nothing.
pub fn figure(value: Option<f64>) -> String {
    value.map(|value| format!("{value:.4}")).unwrap_or_default()
}
