//! A whole run: every landing file not yet in the ledger goes through ingest and conform, then gold is published.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use carelake_contracts::{Contract, RuleKind};
use carelake_lake::{ConformEntry, IngestEntry, LandingKey, Layout};
use carelake_sql::views::View;
use futures::StreamExt;

use crate::conform::{self, Conformed};
use crate::context::Context;
use crate::error::StepError;
use crate::ingest::{Ingested, forget_replaced, ingest};
use crate::publish::publish;
use crate::report::{DatasetReport, Pricing, RunReport, StageReport};

/// Hears how far a run is.
pub trait Observer: Send + Sync {
    /// A stage of `total` pieces begins.
    fn begin(&self, stage: &str, total: u64);
    /// A piece is done; `what` names it without telling anything of a person.
    fn advance(&self, what: &str);
    /// The stage is done.
    fn end(&self);
}

/// An observer that does not listen.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Observer for Silent {
    fn begin(&self, _: &str, _: u64) {}
    fn advance(&self, _: &str) {}
    fn end(&self) {}
}

/// Cores of this machine.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}

type Group = (String, String);

/// Runs every step.
///
/// # Errors
/// When the lake or the landing zone cannot be read at all. What fails for one file or dataset is in the report's
/// `failures`, and the others go on.
pub async fn run(
    context: &Context,
    views: &[View],
    workers: usize,
    observer: &dyn Observer,
) -> Result<RunReport, StepError> {
    let pricing = Pricing::embedded()?;
    let mut report =
        RunReport { run_id: context.run_id.clone(), as_of: context.as_of.to_string(), ..RunReport::default() };
    let mut clock = Instant::now();
    let mut stage = |report: &mut RunReport, name: &str| {
        let seconds = clock.elapsed().as_secs_f64();
        report.stages.push(StageReport { stage: name.to_owned(), seconds, lambda_usd: pricing.usd(seconds, 1) });
        clock = Instant::now();
    };
    // A landing zone may name a file twice.
    let keys: Vec<LandingKey> = context.landing.list()?.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
    let taken = ingest_all(context, &keys, workers, observer, &mut report).await?;
    stage(&mut report, "ingest");
    let conformed = conform_all(context, None, observer, &mut report).await?;
    stage(&mut report, "conform");
    observer.begin("publish", views.len() as u64);
    let published = conform::retry(|| publish(context, views, observer)).await;
    observer.end();
    match published {
        Ok(changed) => report.changed_tables.extend(changed),
        Err(error) => report.failures.push(error.to_string()),
    }
    stage(&mut report, "publish");
    report.datasets = by_dataset(&taken, &conformed, pricing)?;
    context.lake.put_json(&Layout::report(&context.run_id), &report).await?;
    Ok(report)
}

async fn ingest_all(
    context: &Context,
    keys: &[LandingKey],
    workers: usize,
    observer: &dyn Observer,
    report: &mut RunReport,
) -> Result<Vec<IngestEntry>, StepError> {
    observer.begin("ingest", keys.len() as u64);
    let mut work = futures::stream::iter(keys).map(|key| ingest(context, key)).buffer_unordered(workers.max(1));
    let mut taken = Vec::new();
    while let Some(done) = work.next().await {
        match done {
            Ok(Ingested::Taken(entry)) => {
                observer.advance(&format!("{}/{}", entry.source, entry.dataset));
                taken.push(*entry);
            }
            Ok(Ingested::Known(_)) => {
                observer.advance("");
                report.known_files += 1;
            }
            Ok(Ingested::Ignored(reason)) => {
                observer.advance("");
                *report.ignored_files.entry(reason.to_owned()).or_default() += 1;
            }
            Err(error) => report.failures.push(error.to_string()),
        }
    }
    observer.end();
    taken.sort_by_cached_key(|entry| (entry.source.clone(), entry.dataset.clone(), entry.order()));
    Ok(taken)
}

/// Conforms what is in the ledger and not conformed by the present mapping, parents before children: of one source, or
/// of all.
///
/// # Errors
/// When the lake cannot be read at all. What fails for one dataset is in the report's `failures`.
pub async fn conform_all(
    context: &Context,
    source: Option<&str>,
    observer: &dyn Observer,
    report: &mut RunReport,
) -> Result<BTreeMap<String, ConformEntry>, StepError> {
    let mut files: BTreeMap<Group, Vec<IngestEntry>> = BTreeMap::new();
    let (ingested, replaced) = context.ledger.ingested_and_replaced(source).await?;
    if let Err(error) = forget_replaced(context, &replaced).await {
        report.failures.push(error.to_string());
    }
    let mut known: BTreeMap<String, ConformEntry> =
        context.ledger.conform_entries(&ingested).await?.into_iter().collect();
    for entry in ingested {
        files.entry((entry.source.clone(), entry.dataset.clone())).or_default().push(entry);
    }
    let mut ranked: BTreeMap<usize, Vec<(&Group, &Contract)>> = BTreeMap::new();
    for (group, entries) in &files {
        let feed = entries.last().map(|entry| entry.feed.as_str()).unwrap_or_default();
        if let Some(contract) = context.contracts.contract(feed, &group.1) {
            ranked.entry(rank(context, contract, 0)).or_default().push((group, contract));
        }
    }
    let tags = context.lake.tags("quarantine").await?;
    observer.begin("conform", files.len() as u64);
    let mut changed: BTreeSet<String> = BTreeSet::new();
    for (group, contract) in ranked.values().flatten() {
        let entries = files.get(*group).map(Vec::as_slice).unwrap_or_default();
        let batch = pending(context, contract, entries, &known, &tags).await?;
        if !batch.is_empty() {
            match conform::conform(context, contract, &group.0, &batch, &known).await {
                Ok(Conformed { changed: tables, entries: done }) => {
                    changed.extend(tables);
                    report.replayed_rows += replayed(&known, &done);
                    known.extend(done);
                }
                Err(error) => report.failures.push(format!("{}/{}: {error}", group.0, group.1)),
            }
        }
        observer.advance(&format!("{}/{}", group.0, group.1));
    }
    for (group, contract) in ranked.values().flatten() {
        if let Err(error) = conform::retry(|| conform::joined_checks(context, contract, &group.0)).await {
            report.failures.push(format!("{}/{}: {error}", group.0, group.1));
        }
    }
    observer.end();
    report.changed_tables = changed.into_iter().collect();
    Ok(known)
}

/// Rows that waited for a parent before and do not any more.
fn replayed(before: &BTreeMap<String, ConformEntry>, after: &BTreeMap<String, ConformEntry>) -> u64 {
    let found = |(name, now): (&String, &ConformEntry)| {
        before.get(name).map_or(0, |entry| entry.orphans.saturating_sub(now.orphans))
    };
    after.iter().map(found).sum()
}

/// Files to conform: new ones, all of them when the mapping changed, those with orphans whose parents changed, and those
/// whose orphans are not as they were recorded.
async fn pending(
    context: &Context,
    contract: &Contract,
    entries: &[IngestEntry],
    known: &BTreeMap<String, ConformEntry>,
    tags: &BTreeMap<String, String>,
) -> Result<Vec<IngestEntry>, StepError> {
    let mapping = conform::mapping_fingerprint(context, contract);
    let conformed = |entry: &IngestEntry| known.get(&entry.name);
    if entries.iter().filter_map(conformed).any(|before| before.mapping != mapping) {
        return Ok(entries.to_vec());
    }
    let waits = |before: &ConformEntry| before.orphans > 0 || before.checks.values().any(|check| check.failed > 0);
    let parents: BTreeSet<&String> = entries
        .iter()
        .filter_map(conformed)
        .filter(|before| waits(before))
        .flat_map(|before| before.parents.keys())
        .collect();
    let versions = context.tables.versions(parents.into_iter().map(String::as_str)).await?;
    let moved =
        |before: &ConformEntry| before.parents.iter().any(|(parent, version)| versions.get(parent) != Some(version));
    let foreign =
        |entry: &IngestEntry, before: &ConformEntry| tags.get(&entry.orphans_object()) != before.orphans_tag.as_ref();
    let due = |entry: &&IngestEntry| {
        conformed(entry).is_none_or(|before| waits(before) && moved(before) || foreign(entry, before))
    };
    Ok(entries.iter().filter(due).cloned().collect())
}

/// 0 for a dataset without parents, else one more than the highest of its parents' datasets.
fn rank(context: &Context, contract: &Contract, depth: usize) -> usize {
    if depth > 8 {
        return 0;
    }
    let parents = contract.rules.iter().filter_map(|rule| match &rule.kind {
        RuleKind::Reference { parent, .. } => Some(parent),
        _ => None,
    });
    let above = parents.flat_map(|parent| {
        let same_feed = context
            .contracts
            .contracts
            .values()
            .filter(|other| other.feed == contract.feed && other.dataset != contract.dataset);
        same_feed.filter(move |other| other.targets.iter().any(|target| &target.table == parent))
    });
    above.map(|other| rank(context, other, depth + 1) + 1).max().unwrap_or(0)
}

fn by_dataset(
    taken: &[IngestEntry],
    conformed: &BTreeMap<String, ConformEntry>,
    pricing: Pricing,
) -> Result<Vec<DatasetReport>, StepError> {
    let mut datasets: BTreeMap<Group, DatasetReport> = BTreeMap::new();
    for entry in taken {
        let dataset = datasets.entry((entry.source.clone(), entry.dataset.clone())).or_default();
        dataset.add(entry, conformed.get(&entry.name))?;
    }
    let mut reports: Vec<DatasetReport> = datasets.into_values().collect();
    for report in &mut reports {
        report.close(pricing.usd(report.seconds, 2 * report.files));
    }
    Ok(reports)
}
