//! Landing files that are in the lake for long enough.

use carelake_lake::{IngestEntry, LandingKey, Status};
use chrono::{DateTime, Utc};

use super::{Removed, UpkeepReport};
use crate::context::Context;
use crate::error::StepError;
use crate::ingest::covered;

/// Removes landing files that arrived before `cutoff` and whose rows are in silver. A file that could not be read, that no
/// contract covers, or that was written to after it was taken, stays. Nobody else may take files meanwhile.
///
/// # Errors
/// When storage fails; what is left is removed by the next call.
pub async fn expire_landing(
    context: &Context,
    cutoff: DateTime<Utc>,
    dry_run: bool,
    report: &mut UpkeepReport,
) -> Result<(), StepError> {
    let mut removed = Removed::default();
    for key in context.landing.list()? {
        let (bytes, modified) = context.landing.peek(&key)?;
        if modified >= cutoff || !taken(context, &key, (bytes, modified)).await? {
            continue;
        }
        if !dry_run {
            context.landing.remove(&key)?;
        }
        removed.add(bytes);
    }
    report.landing = removed;
    Ok(())
}

async fn taken(context: &Context, key: &LandingKey, file: (u64, DateTime<Utc>)) -> Result<bool, StepError> {
    let Ok((path, contract)) = covered(context, key) else { return Ok(false) };
    let name = key.name(context.lake.key()?);
    let (versions, _) = context.ledger.versions(&path.source, &path.dataset, &name).await?;
    let same = |entry: &&IngestEntry| (entry.bytes, entry.modified) == file && entry.contract == contract.fingerprint();
    let Some(entry) = versions.last().filter(same).filter(|entry| entry.status == Status::Ingested) else {
        return Ok(false);
    };
    Ok(context.ledger.conform_entry(entry).await?.is_some())
}
