//! publish: marts, catalogue and views, once for all that is waiting.

use std::sync::Arc;

use carelake_contracts::Sources;
use carelake_steps::StepError;
use carelake_steps::conform::retry;
use carelake_steps::maintain::catalogue::rebuild;
use carelake_steps::noshow::published_day;
use carelake_steps::publish::publish;
use carelake_steps::run::Silent;
use serde_json::Value;

use crate::event::{Notice, Request, Work, requested};
use crate::job::{Done, Job};
use crate::log::Level;
use crate::metrics::Metric;
use crate::runtime::Function;

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
            Notice::Created(object) => super::ledger_source(&job, object, LEDGER).is_some(),
            Notice::Other | Notice::Test => false,
        };
        if !notices.iter().any(due) {
            job.ignore("an event that brings nothing to publish was ignored");
            return super::all(&notices, Ok(()));
        }
        super::all(&notices, job.in_time(published(&job, requested(&notices))).await)
    }
}

async fn published(job: &Job, request: Option<&Request>) -> Result<(), StepError> {
    let mut context = job.open(Sources::default()).await?;
    if request.is_some_and(|request| request.forward) {
        let day = published_day(&context).await?;
        context.as_of = day.map_or(context.as_of, |day| day.max(context.as_of));
    }
    // One reading of the whole catalogue is cheaper than one for each of its entries.
    context.catalog.tables().await?;
    let views = super::views()?;
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
