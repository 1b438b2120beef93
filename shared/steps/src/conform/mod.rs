//! conform: bronze → the canonical silver tables.
//!
//! For each target of a dataset's contract the mapping SQL is run over the new files; rows whose parent is missing wait
//! in quarantine; the rest is merged with what the table holds and the touched partitions are replaced in one Delta
//! commit. The result depends only on the set of ingested files, never on the order or the number of runs. On a commit
//! conflict the whole step runs again.

mod checks;
mod merge;
mod orphans;
mod relations;
mod scope;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use carelake_contracts::{Contract, Table, Target};
use carelake_lake::{CheckCount, ConformEntry, IngestEntry, Write};

use crate::context::Context;
use crate::error::StepError;

pub use checks::{TableCheck, joined_checks};
pub use relations::session;

/// Attempts at a step that loses against other writers.
const ATTEMPTS: u32 = 12;

/// What conform did with a batch of files of one source and dataset.
#[derive(Debug, Default)]
pub struct Conformed {
    /// Tables that have a new version.
    pub changed: Vec<String>,
    /// Entries written, by file name.
    pub entries: BTreeMap<String, ConformEntry>,
}

/// Hash of all that decides what conform makes of a dataset's bronze.
pub fn mapping_fingerprint(context: &Context, contract: &Contract) -> String {
    let tables = contract.targets.iter().filter_map(|target| context.contracts.tables.get(&target.table));
    let shapes: Vec<String> = tables.map(Table::fingerprint).collect();
    format!("{}-{}", contract.mapping_fingerprint(), shapes.join("-"))
}

/// Conforms `batch`: files of one source and dataset that are in the ledger.
///
/// # Errors
/// When storage fails, a mapping query is wrong, or rows would be lost.
pub async fn conform(
    context: &Context,
    contract: &Contract,
    source: &str,
    batch: &[IngestEntry],
) -> Result<Conformed, StepError> {
    let mut attempt = 0;
    loop {
        match once(context, contract, source, batch).await {
            Err(error) if error.conflict() && attempt < ATTEMPTS => {
                attempt += 1;
                tokio::time::sleep(Duration::from_millis(20 * u64::from(attempt))).await;
            }
            done => return done,
        }
    }
}

async fn once(
    context: &Context,
    contract: &Contract,
    source: &str,
    batch: &[IngestEntry],
) -> Result<Conformed, StepError> {
    let start = Instant::now();
    let ledger = context.ledger.ingested_of(source, &contract.dataset).await?;
    let mut orphans = orphans::Orphans::default();
    let mut conformed = Conformed::default();
    for target in &contract.targets {
        let Some(table) = context.contracts.tables.get(&target.table) else {
            return Err(StepError::Invalid(format!(
                "{} targets {}, which is not a table",
                contract.name(),
                target.table
            )));
        };
        if apply(context, contract, source, target, table, batch, &ledger, &mut orphans).await? {
            conformed.changed.push(target.table.clone());
        }
    }
    orphans.write(context, &ledger).await?;
    if orphans.outdated(context).await? {
        // A parent arrived between reading it and recording the orphans: they may not be orphans any more.
        return Err(carelake_lake::LakeError::new(carelake_lake::ErrorKind::Conflict, "checking references").into());
    }
    let mapping = mapping_fingerprint(context, contract);
    let seconds = start.elapsed().as_secs_f64() / (batch.len().max(1) as f64);
    for entry in batch.iter().chain(orphans.replayed(&ledger, batch)) {
        let record = ConformEntry {
            mapping: mapping.clone(),
            orphans: orphans.rows_of(&entry.order()),
            checks: orphans.checks_of(&entry.order()),
            seconds,
        };
        if record.orphans > entry.bronze_rows {
            let text =
                format!("{}: {} orphans in a file of {} rows", contract.name(), record.orphans, entry.bronze_rows);
            return Err(StepError::Conservation(text));
        }
        context.ledger.record_conform(entry, &record).await?;
        conformed.entries.insert(entry.name.clone(), record);
    }
    Ok(conformed)
}

/// Brings one target up to date; true when it has a new version.
#[allow(clippy::too_many_arguments)]
async fn apply(
    context: &Context,
    contract: &Contract,
    source: &str,
    target: &Target,
    table: &Table,
    batch: &[IngestEntry],
    ledger: &[IngestEntry],
    orphans: &mut orphans::Orphans,
) -> Result<bool, StepError> {
    let scope = scope::Scope::new(target.load, batch, ledger);
    orphans.consider(&scope.inputs);
    let session = relations::session(context)?;
    relations::register(context, &session, contract, source, &scope.inputs).await?;
    let mapped = relations::mapped(&session, target, table, contract, source).await?;
    let mapped = orphans.set_aside(context, &session, contract, target, source, mapped).await?;
    let current = context.tables.open(&target.table, None).await?;
    let existing = match &current {
        Some(delta) => Some(merge::existing(&session, context.tables.provider(delta).await?, table, source)?),
        None => None,
    };
    let latest_by = contract.latest_by.as_deref().filter(|_| table.has_column("updated_at"));
    let Some(merged) =
        merge::merge(&session, table, target.load, &scope, mapped, existing, latest_by.is_some(), source).await?
    else {
        return Ok(false);
    };
    let write = Write {
        plan: merged.plan,
        session: session.state(),
        predicate: merged.replaces,
        partition_by: table.partition_by.clone(),
        description: table.description.clone(),
        run_id: context.run_id.clone(),
    };
    context.tables.write(&target.table, current, write).await?;
    Ok(true)
}

/// Sums of check counts over files.
pub fn add_checks(total: &mut BTreeMap<String, CheckCount>, part: &BTreeMap<String, CheckCount>) {
    for (id, count) in part {
        let sum = total.entry(id.clone()).or_default();
        sum.checked += count.checked;
        sum.failed += count.failed;
    }
}
