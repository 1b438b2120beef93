//! maintain, when a person is to be erased: from landing, every layer, every version, and every earlier object.
//!
//! Who is meant stands in an object of identity, one identifier a line: a request is kept by whoever sends it and by queues,
//! and names nobody.

use std::collections::HashSet;
use std::sync::Arc;

use carelake_aws::event::Request;
use carelake_aws::{Job, LandingBucket, LandingZone, Level, Past};
use carelake_contracts::Sources;
use carelake_lake::{Erasure, Erasures, LakeError, Receipt};
use carelake_privacy::Phi;
use carelake_steps::maintain::erase::{self, Survey, begin, finish};
use carelake_steps::marts::embedded;
use carelake_steps::run::Silent;
use carelake_steps::{Context, StepError};
use chrono::Utc;
use serde_json::{Value, json};

/// Where lists of identifiers are put.
const LISTS: &str = "identity/_erase";

/// Erases who is listed, or finishes what was begun.
pub async fn erased(job: &Job, request: &Request) -> Result<(), StepError> {
    job.alone().await?;
    let context = context(job).await?;
    for begun in Erasures::new(&context.lake).unfinished().await? {
        job.log.write(Level::Info, "an erasure that was begun goes on", &[("erasure", Value::from(begun.id.clone()))]);
        let receipt = complete(job, &context, begun).await?;
        tell(job, &receipt)?;
    }
    let Some(list) = &request.persons else { return Ok(()) };
    let source = request.source.clone().filter(|source| !source.is_empty());
    let source = source.ok_or_else(|| StepError::Invalid("the request names no source".to_owned()))?;
    let path = format!("{LISTS}/{list}.txt");
    let Some(text) = context.lake.get_bytes(&path).await? else {
        // It goes when all is done: the same request may have been sent again.
        job.tell("erased", Value::from("the list is not there: it was done, or never put"));
        return Ok(());
    };
    let asked = erase::Request {
        source,
        ids: identifiers(&String::from_utf8_lossy(&text)),
        landing: request.landing.unwrap_or(true),
        reason: request.reason.clone(),
        started: job.now,
    };
    let given = asked.ids.len();
    match erase::survey(&context, &asked).await? {
        Survey::Unknown(places) => {
            let places: Vec<String> = places.iter().map(usize::to_string).collect();
            let text = format!(
                "{} has no patient of the identifiers number {} of {given}; nothing was removed",
                asked.source,
                places.join(", ")
            );
            return Err(StepError::Invalid(text));
        }
        Survey::Done(receipts) => receipts.iter().try_for_each(|receipt| tell(job, receipt))?,
        Survey::Found { erasure, by_hand } => {
            job.tell("found", json!(erasure.removed.rows));
            job.tell("files_to_mend_by_hand", Value::from(by_hand.len()));
            if request.dry_run {
                return Ok(());
            }
            job.still_alone().await?;
            begin(&context, &erasure).await?;
            tell(job, &complete(job, &context, *erasure).await?)?;
        }
    }
    remove_list(job, &context, &path).await
}

/// The lake and the whole landing zone, while nobody else is at work.
async fn context(job: &Job) -> Result<Context, StepError> {
    let place = &job.place;
    let Some(bucket) = &place.config.landing else {
        return Err(StepError::Invalid("CARELAKE_LANDING_BUCKET is not set (where senders drop files)".to_owned()));
    };
    let bucket = LandingBucket::new(&place.clients.s3, bucket);
    let sources = match bucket.text("sources.toml").await? {
        Some(text) => Sources::parse("sources.toml", &text).map_err(|errors| StepError::Invalid(errors.to_string()))?,
        None => Sources::default(),
    };
    Ok(job.open_alone(Arc::new(LandingZone::new(&bucket, place.scratch())), sources).await?.into())
}

fn past(job: &Job) -> Past {
    let config = &job.place.config;
    let mut buckets = vec![config.lake.clone()];
    if config.identity != config.lake {
        buckets.push(config.identity.clone());
    }
    Past::new(&job.place.clients.s3, buckets, config.landing.clone())
}

#[expect(clippy::disallowed_methods, reason = "a receipt says when the erasure was done")]
async fn complete(job: &Job, context: &Context, erasure: Erasure) -> Result<Receipt, StepError> {
    let views = embedded()?;
    finish(context, erasure, &views, 1, &Silent, &past(job), &Utc::now).await
}

/// The list names persons: it goes with all of its versions.
async fn remove_list(job: &Job, context: &Context, path: &str) -> Result<(), StepError> {
    context.lake.delete(path).await?;
    let config = &job.place.config;
    Past::new(&job.place.clients.s3, Vec::new(), None).purge_under(&config.identity, path).await?;
    Ok(())
}

/// The identifiers of a list, each once, in its order: an unknown one is told by its place.
fn identifiers(text: &str) -> Vec<Phi<String>> {
    let mut seen = HashSet::new();
    let ids = text.lines().map(str::trim).filter(|line| !line.is_empty() && seen.insert(*line));
    ids.map(|id| Phi::new(id.to_owned())).collect()
}

fn tell(job: &Job, receipt: &Receipt) -> Result<(), StepError> {
    let text = serde_json::to_value(receipt)
        .map_err(|error| LakeError::new(carelake_lake::ErrorKind::Invalid, "writing a receipt").caused_by(error))?;
    job.tell("receipt", text);
    Ok(())
}
