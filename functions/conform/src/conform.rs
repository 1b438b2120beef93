//! conform: what the ledger of ingest has and silver has not, source by source.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use carelake_aws::event::Notice;
use carelake_aws::{Done, Function, Job, Level, Metric};
use carelake_contracts::Sources;
use carelake_steps::report::RunReport;
use carelake_steps::run::{Silent, conform_all};
use carelake_steps::{Context, StepError};
use serde_json::Value;

/// Where the entries are written whose arrival begins a conform: the last thing that ingest does with a file.
const LEDGER: &str = "_carelake/ledger/ingest/";

/// The function.
#[derive(Debug, Clone, Copy)]
pub struct Conform;

impl Function for Conform {
    const STEP: &'static str = "conform";

    async fn work(&self, job: Arc<Job>, notices: Vec<Notice>) -> Vec<Done> {
        let asked: Vec<Option<Option<String>>> = notices.iter().map(|notice| source(&job, notice)).collect();
        let mut outcomes: BTreeMap<Option<String>, Result<(), StepError>> = BTreeMap::new();
        for source in asked.iter().flatten() {
            if !outcomes.contains_key(source) {
                let done = job.in_time(conform(&job, source.as_deref())).await;
                outcomes.insert(source.clone(), done);
            }
        }
        let outcome = |source: &Option<Option<String>>| {
            let done = source.as_ref().and_then(|source| outcomes.get(source));
            done.cloned().unwrap_or(Ok(()))
        };
        asked.iter().map(outcome).collect()
    }
}

/// The source that a notice is of; all of them when a request names none.
fn source(job: &Job, notice: &Notice) -> Option<Option<String>> {
    match notice {
        Notice::Request(request) => Some(request.source.clone()),
        Notice::Created(object) => match job.ledger_source(object, LEDGER) {
            Some(source) => Some(Some(source.to_owned())),
            None => {
                job.ignore("an object that is no ledger entry was ignored");
                None
            }
        },
        Notice::Other | Notice::Test => {
            job.ignore("an event that brings no file was ignored");
            None
        }
    }
}

async fn conform(job: &Job, source: Option<&str>) -> Result<(), StepError> {
    let context = Context::from(job.open(Sources::default()).await?);
    let mut report = RunReport::default();
    conform_all(&context, source, &Silent, &mut report).await?;
    if job.place.lineage.is_some() {
        touched(job, &context, source, &report.changed_tables).await?;
    }
    job.count(Metric::TablesChanged, report.changed_tables.len() as u64);
    let fields = [
        ("source", Value::from(source.unwrap_or("all"))),
        ("changed_tables", Value::from(report.changed_tables.clone())),
        ("replayed_rows", Value::from(report.replayed_rows)),
    ];
    job.log.write(Level::Info, "conformed", &fields);
    if report.failures.is_empty() {
        job.tell("changed_tables", Value::from(report.changed_tables));
        return Ok(());
    }
    Err(StepError::Invalid(report.failures.join("; ")))
}

/// What was read and written, for lineage: bronze of what feeds a table that changed.
async fn touched(job: &Job, context: &Context, source: Option<&str>, changed: &[String]) -> Result<(), StepError> {
    for table in changed {
        job.writes(table);
    }
    let (entries, _) = context.ledger.ingested_and_replaced(source).await?;
    let feeds: BTreeSet<(String, String)> = entries.into_iter().map(|entry| (entry.feed, entry.dataset)).collect();
    for (feed, dataset) in feeds {
        let contract = context.contracts.contract(&feed, &dataset);
        if let Some(contract) = contract.filter(|one| one.targets.iter().any(|to| changed.contains(&to.table))) {
            job.reads(format!("bronze.{}", contract.table()));
        }
    }
    Ok(())
}
