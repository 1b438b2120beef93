//! erase: takes a person out of landing, every layer and every old version.
//!
//! The record of the erasure is written first and holds no identifier. From then on no run lets the person in, and what
//! follows can be done again from any point: landing files are rewritten, objects of bronze, identity and quarantine are
//! made anew without the person's rows, the tables of silver are computed again from them, then gold; at last every old
//! version of those tables is removed, data and log, and every earlier version of objects where the store keeps them. The receipt comes last. Nobody else may change the lake meanwhile.

mod landing;
mod objects;
mod survey;
mod tables;

use std::collections::BTreeSet;
use std::sync::Arc;

use carelake_contracts::Contract;
use carelake_lake::{Erasure, Erasures, LandingKey, Layout, Receipt, Versions};
use carelake_privacy::Phi;
use carelake_sql::views::View;
use chrono::{DateTime, Utc};

use crate::context::Context;
use crate::erased::{ErasedRows, Persons};
use crate::error::StepError;
use crate::ingest::large;
use crate::maintain::verify::{self, Words};
use crate::roles::FeedRoles;
use crate::run::{Observer, run};

pub use carelake_lake::Nowhere;
pub use survey::survey;

/// Who is to be erased.
#[derive(Debug, Clone)]
pub struct Request {
    /// The sender whose patients they are.
    pub source: String,
    /// Their identifiers, as that sender writes them.
    pub ids: Vec<Phi<String>>,
    /// True when landing files are to be rewritten too.
    pub landing: bool,
    /// Why.
    pub reason: Option<String>,
    /// When it was asked for.
    pub started: DateTime<Utc>,
}

/// What a survey found.
#[derive(Debug)]
pub enum Survey {
    /// Something of the persons.
    Found {
        /// The record with which the erasure begins.
        erasure: Box<Erasure>,
        /// Landing files that hold an identifier and that carelake cannot rewrite or rename.
        by_hand: Vec<LandingKey>,
    },
    /// Nothing, as they were erased before.
    Done(Vec<Receipt>),
    /// Nothing of the persons at these places in the list of identifiers, from 1, is or was at the source.
    Unknown(Vec<usize>),
}

/// An erasure at work.
struct Work<'a> {
    context: &'a Context,
    erasure: Erasure,
    persons: Arc<Persons>,
    roles: FeedRoles,
}

impl<'a> Work<'a> {
    async fn new(context: &'a Context, erasure: Erasure) -> Result<Self, StepError> {
        let mut persons = Persons::none(&erasure.source, Erasures::new(&context.lake).fingerprints().await?);
        persons.add(&erasure);
        let roles = FeedRoles::of(&context.contracts, &erasure.feed).await?;
        Ok(Self { context, erasure, persons: Arc::new(persons), roles })
    }

    fn rows_of(&self, dataset: &str) -> ErasedRows {
        ErasedRows::new(self.persons.clone(), self.roles.datasets.get(dataset).cloned().unwrap_or_default())
    }

    fn pseudonyms(&self) -> BTreeSet<String> {
        self.erasure.pending.as_ref().map(|pending| pending.pseudonyms.clone()).unwrap_or_default()
    }

    /// Datasets in which something of the persons was found.
    fn datasets(&self) -> BTreeSet<String> {
        self.erasure.pending.as_ref().map(|pending| pending.datasets.clone()).unwrap_or_default()
    }

    /// Contracts of those datasets.
    fn contracts(&self) -> Vec<&'a Contract> {
        let datasets = self.datasets();
        let known = |contract: &&Contract| contract.feed == self.erasure.feed && datasets.contains(&contract.dataset);
        self.context.contracts.contracts.values().filter(known).collect()
    }
}

/// Begins an erasure: from here on the persons are kept out.
///
/// # Errors
/// When the record cannot be written.
pub async fn begin(context: &Context, erasure: &Erasure) -> Result<(), StepError> {
    Ok(Erasures::new(&context.lake).record(erasure).await?)
}

/// Finishes an erasure that was begun, from wherever it stands. `now` gives the time that the receipt says.
///
/// # Errors
/// When storage fails, or the lake cannot be computed again without the persons. What was done stays done; the next call
/// goes on.
pub async fn finish(
    context: &Context,
    erasure: Erasure,
    views: &[View],
    workers: usize,
    observer: &dyn Observer,
    past: &dyn Versions,
    now: &(dyn Fn() -> DateTime<Utc> + Sync),
) -> Result<Receipt, StepError> {
    let erasures = Erasures::new(&context.lake);
    let Some(pending) = erasure.pending.clone() else { return receipt(&erasures, erasure).await };
    // A part of a large file that was read before may hold the persons.
    large::restart(context).await?;
    let mut work = Work::new(context, erasure).await?;
    if work.erasure.landing {
        landing::rewrite(&work).await?;
    }
    objects::clear(&mut work).await?;
    tables::leave_out(&work).await?;
    let inner = landing::only(context, &work.erasure);
    let inner = inner.on(pending.as_of.parse().unwrap_or(context.as_of));
    let report = run(&inner, views, workers, observer).await?;
    if let Some(failure) = report.failures.first() {
        return Err(StepError::Invalid(format!("the erasure is not finished, run it again: {failure}")));
    }
    tables::purge(&mut work).await?;
    let receipts = |path: &str| path.starts_with("_carelake/erasures/");
    verify::absent(context, Words::new(&pending.pseudonyms), "rows of an erased person", &receipts).await?;
    let mut erasure = work.erasure;
    erasure.removed.object_versions = past.purge(erasure.landing.then_some(erasure.source.as_str())).await?;
    erasure.finished = Some(now());
    erasure.pending = None;
    erasures.record(&erasure).await?;
    receipt(&erasures, erasure).await
}

async fn receipt(erasures: &Erasures, erasure: Erasure) -> Result<Receipt, StepError> {
    let receipt = Receipt {
        erasure: erasure.id,
        source: erasure.source,
        persons: erasure.persons.len() as u64,
        fingerprints: erasure.persons,
        reason: erasure.reason,
        started: erasure.started,
        finished: erasure.finished,
        landing: erasure.landing,
        removed: erasure.removed,
        sha256: String::new(),
    };
    Ok(erasures.write_receipt(receipt).await?)
}

/// The day as of which gold was computed last.
pub(crate) async fn published_day(context: &Context) -> Result<String, StepError> {
    let published = context.lake.get_json::<serde_json::Value>(Layout::published()).await?;
    let day = published.and_then(|published| Some(published.get("as_of")?.as_str()?.to_owned()));
    Ok(day.unwrap_or_else(|| context.as_of.to_string()))
}
