//! The end of erasures and rotations that were cut short.

use carelake_lake::{Erasures, Rotations};
use carelake_sql::views::View;
use carelake_steps::Context;

use super::{Problem, erase, rotate_key};
use crate::console::note;

/// True when nothing was cut short.
pub async fn settled(context: &Context) -> Result<bool, Problem> {
    let erasures = Erasures::new(&context.lake).unfinished().await?;
    Ok(erasures.is_empty() && Rotations::new(&context.lake).unfinished().await?.is_none())
}

/// Finishes what was cut short, and opens the lake: with its new key, if it has one now. `landing` says whether the
/// context has the landing folder. The caller holds the lake's exclusive lock.
pub async fn settle(
    open: &(dyn Fn() -> Result<Context, Problem> + Sync),
    views: &[View],
    landing: bool,
) -> Result<Context, Problem> {
    let context = open()?;
    if let Some(rotation) = Rotations::new(&context.lake).unfinished().await? {
        note("finishing a rotation of the key that was cut short");
        rotate_key::complete(&context, rotation, views).await?;
    }
    let context = open()?;
    for erasure in Erasures::new(&context.lake).unfinished().await? {
        if erasure.landing && erasure.pending.is_some() && !landing {
            return Err(Problem::new("an erasure was cut short before landing was done; give --landing to finish it"));
        }
        note("finishing an erasure that was cut short");
        erase::complete(&context, erasure, views).await?;
    }
    Ok(context)
}
