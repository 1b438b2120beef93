//! publish: marts, catalogue and views, once for all that is waiting.

use std::sync::Arc;

use carelake_aws::event::{Notice, Request, Work, requested};
use carelake_aws::{Done, Function, Job, Level, Metric, all};
use carelake_contracts::Sources;
use carelake_steps::conform::retry;
use carelake_steps::maintain::catalogue::rebuild;
use carelake_steps::marts::embedded;
use carelake_steps::noshow::published_day;
use carelake_steps::publish::publish;
use carelake_steps::run::Silent;
use carelake_steps::{Context, StepError, drift};
use serde_json::Value;

/// Where the entries are written whose arrival begins a publish: the last thing that conform does with a file.
const LEDGER: &str = "_carelake/ledger/conform/";

/// The function.
#[derive(Debug, Clone, Copy)]
pub struct Publish;

impl Function for Publish {
    const STEP: &'static str = "publish";

    async fn work(&self, job: Arc<Job>, notices: Vec<Notice>) -> Vec<Done> {
        let due = |notice: &Notice| match notice {
            Notice::Request(_) => true,
            Notice::Created(object) => job.ledger_source(object, LEDGER).is_some(),
            Notice::Other | Notice::Test => false,
        };
        if !notices.iter().any(due) {
            job.ignore("an event that brings nothing to publish was ignored");
            return all(&notices, Ok(()));
        }
        let request = requested(&notices);
        let check = request.is_some_and(|request| request.check);
        let work = async { if check { checked(&job).await } else { published(&job, request).await } };
        all(&notices, job.in_time(work).await)
    }
}

/// Tells where the catalogue is not what the definitions say, and changes nothing.
async fn checked(job: &Job) -> Result<(), StepError> {
    let context = Context::from(job.open(Sources::default()).await?);
    let found = drift(&context, &embedded()?).await?;
    let differs = found.iter().filter(|one| one.converges()).count();
    job.count(Metric::CatalogueDrift, differs as u64);
    job.log.write(Level::Info, "the catalogue was checked", &[("differs", Value::from(differs))]);
    job.tell("drift", serde_json::to_value(found).unwrap_or_default());
    Ok(())
}

async fn published(job: &Job, request: Option<&Request>) -> Result<(), StepError> {
    let mut context = Context::from(job.open(Sources::default()).await?);
    if request.is_some_and(|request| request.forward) {
        let day = published_day(&context).await?;
        let day = day.map_or(context.as_of, |day| day.max(context.as_of));
        context = context.on(day);
    }
    // One reading of the whole catalogue is cheaper than one for each of its entries.
    context.catalog.tables().await?;
    let views = embedded()?;
    if request.is_some_and(|request| request.work == Some(Work::Catalogue)) {
        let rebuilt = retry(|| rebuild(&context, &views, &Silent)).await?;
        job.log.write(
            Level::Info,
            "the catalogue was written again",
            &[("partitions", Value::from(rebuilt.partitions))],
        );
        job.tell("partitions", Value::from(rebuilt.partitions));
        return Ok(());
    }
    let changed = retry(|| publish(&context, &views, &Silent)).await?;
    for table in &changed {
        job.writes(table);
    }
    for view in views.iter().filter(|view| changed.contains(&format!("{}.{}", view.database, view.name))) {
        let tables = view.tables().unwrap_or_default();
        tables.into_iter().for_each(|(database, table)| job.reads(format!("{database}.{table}")));
    }
    job.count(Metric::TablesChanged, changed.len() as u64);
    job.log.write(Level::Info, "published", &[("changed_tables", Value::from(changed.clone()))]);
    job.tell("as_of", Value::from(context.as_of.to_string()));
    job.tell("changed_tables", Value::from(changed));
    Ok(())
}
