//! conform: bronze → the canonical silver tables.
//!
//! For each target of a dataset's contract the mapping SQL is run over the new files; rows whose parent is missing wait
//! in quarantine; the rest is merged with what the table holds and the touched partitions are replaced in one Delta
//! commit. The result depends only on the set of ingested files, never on the order or the number of runs. On a commit
//! conflict the whole step runs again.

mod checks;
mod deletions;
mod lineage;
mod merge;
mod orphans;
mod period;
mod relations;
mod repeated;
mod scope;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use carelake_contracts::{Contract, Table, Target};
use carelake_lake::{CheckCount, ConformEntry, IngestEntry};
use carelake_tables::{OpenTable, Write};
use datafusion::prelude::SessionContext;

use crate::context::Context;
use crate::error::StepError;
use crate::roles::FeedRoles;

pub use checks::{TableCheck, joined_checks};
pub use lineage::origins;
pub use relations::session;

/// Attempts at a step that loses against other writers.
const ATTEMPTS: u32 = 25;

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

/// Conforms `batch`: files of one source and dataset that are in the ledger. `known` are the files conformed before.
///
/// # Errors
/// When storage fails, a mapping query is wrong, or rows would be lost.
pub async fn conform(
    context: &Context,
    contract: &Contract,
    source: &str,
    batch: &[IngestEntry],
    known: &BTreeMap<String, ConformEntry>,
) -> Result<Conformed, StepError> {
    certain(context, contract, source).await?;
    retry(|| once(context, contract, source, batch, known)).await
}

/// Where persons of the source were erased, a dataset whose rows are known by their parents' keys is taken only if its
/// mapping passes on the keys that its contract says: ingest left rows out by those.
async fn certain(context: &Context, contract: &Contract, source: &str) -> Result<(), StepError> {
    let by_parents = !context.contracts.roles(contract).belongs.is_empty();
    if by_parents && context.erased.rows(context, contract, source).await?.is_some() {
        FeedRoles::of(&context.contracts, &contract.feed).await?;
    }
    Ok(())
}

/// Runs a step again while other writers are faster.
///
/// # Errors
/// Those of the step.
pub async fn retry<T, F: Future<Output = Result<T, StepError>>>(step: impl Fn() -> F) -> Result<T, StepError> {
    let mut attempt = 0;
    loop {
        match step().await {
            Err(error) if error.overtaken() && attempt < ATTEMPTS => {
                attempt += 1;
                tokio::time::sleep(Duration::from_millis(20 * u64::from(attempt))).await;
            }
            done => return done,
        }
    }
}

/// A target with its new rows, before anything is written.
struct Prepared<'a> {
    target: &'a Target,
    table: &'a Table,
    current: Option<OpenTable>,
    scope: scope::Scope,
    session: SessionContext,
    mapped: relations::Mapped,
}

async fn once(
    context: &Context,
    contract: &Contract,
    source: &str,
    batch: &[IngestEntry],
    known: &BTreeMap<String, ConformEntry>,
) -> Result<Conformed, StepError> {
    let start = Instant::now();
    // Tables are opened before the ledger is read: a file that another run conforms from here on makes the commit fail,
    // and one that it conformed earlier is in the ledger.
    let mut opened = Vec::with_capacity(contract.targets.len());
    for target in &contract.targets {
        opened.push((target, context.tables.open(&target.table, None).await?));
    }
    let ledger = context.ledger.ingested_of(source, &contract.dataset).await?;
    let mut orphans = orphans::Orphans::default();
    let mut deletions = deletions::Deletions::default();
    let mut ready = Vec::with_capacity(opened.len());
    for (target, current) in opened {
        let mut prepared = prepare(context, contract, source, target, current, batch, &ledger, &mut orphans).await?;
        deletions.count(&prepared.mapped).await?;
        deletions.add_earlier(context, contract, source, batch, known, &mut prepared).await?;
        ready.push(prepared);
    }
    let mapping = mapping_fingerprint(context, contract);
    let settled = |entry: &IngestEntry| {
        known
            .get(&entry.name)
            .is_some_and(|before| before.mapping == mapping && before.orphans == orphans.rows_of(&entry.order()))
    };
    let mut conformed = Conformed::default();
    // Files looked at again whose orphans are still orphans leave the tables as they are.
    if !batch.iter().all(settled) {
        for prepared in ready {
            let table = prepared.target.table.clone();
            if commit(context, contract, source, prepared).await? {
                conformed.changed.push(table);
            }
        }
    }
    orphans.write(context, &ledger).await?;
    if orphans.outdated(context).await? {
        // A parent arrived between reading it and recording the orphans: they may not be orphans any more.
        return Err(carelake_lake::LakeError::new(carelake_lake::ErrorKind::Conflict, "checking references").into());
    }
    let seconds = start.elapsed().as_secs_f64() / (batch.len().max(1) as f64);
    for entry in batch.iter().chain(orphans.replayed(&ledger, batch)) {
        let record = ConformEntry {
            mapping: mapping.clone(),
            orphans: orphans.rows_of(&entry.order()),
            deletions: deletions.of(&entry.order()),
            orphans_tag: orphans.tag_of(&entry.order()),
            parents: orphans.parents().clone(),
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

/// Maps the files of a target and sets its orphans aside.
async fn prepare<'a>(
    context: &'a Context,
    contract: &Contract,
    source: &str,
    target: &'a Target,
    current: Option<OpenTable>,
    batch: &[IngestEntry],
    ledger: &[IngestEntry],
    orphans: &mut orphans::Orphans,
) -> Result<Prepared<'a>, StepError> {
    let Some(table) = context.contracts.tables.get(&target.table) else {
        let text = format!("{} targets {}, which is not a table", contract.name(), target.table);
        return Err(StepError::Invalid(text));
    };
    let scope = scope::Scope::new(target.load, batch, ledger);
    orphans.consider(&scope.inputs);
    let session = session(context)?;
    relations::register(context, &session, contract, source, &scope.inputs).await?;
    let mapped = relations::mapped(&session, target, table, contract, source).await?;
    let rows = orphans.set_aside(context, &session, contract, target, source, mapped.rows).await?;
    let mapped = relations::Mapped { rows, ..mapped };
    Ok(Prepared { target, table, current, scope, session, mapped })
}

/// Brings one target up to date; true when it has a new version.
async fn commit(
    context: &Context,
    contract: &Contract,
    source: &str,
    prepared: Prepared<'_>,
) -> Result<bool, StepError> {
    let Prepared { target, table, current, scope, session, mapped } = prepared;
    let existing = match &current {
        Some(open) => Some(merge::existing(&session, context.tables.provider(open).await?, table, source)?),
        None => None,
    };
    let merge = merge::Merge {
        session: &session,
        lake: &context.lake,
        table,
        load: target.load,
        scope: &scope,
        key: match &table.record {
            Some(record) if mapped.by_record => std::slice::from_ref(record),
            _ => &table.key,
        },
        latest: contract.latest_by.is_some() && table.has_column("updated_at"),
        source,
    };
    let Some(merged) = merge.run(mapped.rows, existing).await? else { return Ok(false) };
    let write = Write {
        plan: merged.plan,
        session: session.state(),
        predicate: merged.replaces,
        clustered: false,
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
