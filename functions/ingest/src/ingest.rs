//! ingest: landing objects to bronze, each by itself.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use carelake_aws::event::{Notice, ObjectRef, Request};
use carelake_aws::{Done, Fetch, Function, Job, LandingBucket, Level, Metric, all};
use carelake_contracts::{Contract, Sources};
use carelake_decode::can_be_cut;
use carelake_ingest::large::waiting;
use carelake_ingest::{Context, Ingested, StepError, covered, ingest};
use carelake_lake::{ConformEntry, IngestEntry, Status};
use chrono::{DateTime, Utc};
use futures::StreamExt;
use serde_json::Value;

use crate::landed::{Counts, day_of, every_day, listed, wanted};

/// Files that an invocation reads at the same time.
const AT_ONCE: usize = 4;
/// How often it is looked whether a file that is read in parts is in the lake.
const PAUSE: Duration = Duration::from_secs(2);

/// What became of a file.
pub(crate) enum Fate {
    /// There is no more to do here.
    Settled,
    /// It is read in parts under that name, by other invocations.
    InParts(String),
}

/// A file with which there is no more to do.
pub(crate) fn settled((): ()) -> Fate {
    Fate::Settled
}

/// The function.
#[derive(Debug, Clone, Copy)]
pub struct Ingest;

/// What every file of an invocation is taken with.
pub(crate) struct Taking {
    pub(crate) job: Arc<Job>,
    pub(crate) landing: LandingBucket,
    pub(crate) context: Context,
    counts: Counts,
}

impl Function for Ingest {
    const STEP: &'static str = "ingest";

    async fn work(&self, job: Arc<Job>, notices: Vec<Notice>) -> Vec<Done> {
        if notices.iter().all(|notice| matches!(notice, Notice::Test | Notice::Other)) {
            job.ignore("no file was named");
            return all(&notices, Ok(()));
        }
        let taking = match Taking::begin(job).await {
            Ok(taking) => taking,
            Err(error) => return all(&notices, Err(error)),
        };
        futures::stream::iter(notices).map(|notice| taking.one(notice)).buffered(AT_ONCE).collect().await
    }
}

impl Taking {
    async fn begin(job: Arc<Job>) -> Result<Self, StepError> {
        let Some(bucket) = job.place.config.landing.clone() else {
            return Err(StepError::Invalid("CARELAKE_LANDING_BUCKET is not set (where senders drop files)".to_owned()));
        };
        let landing = LandingBucket::new(&job.place.clients.s3, &bucket);
        let sources = match landing.text("sources.toml").await? {
            Some(text) => {
                Sources::parse("sources.toml", &text).map_err(|errors| StepError::Invalid(errors.to_string()))?
            }
            None => Sources::default(),
        };
        let context = job.open(sources).await?;
        Ok(Self { job, landing, context, counts: Counts::default() })
    }

    async fn one(&self, notice: Notice) -> Done {
        match notice {
            Notice::Created(object) if object.bucket == self.landing.name() => {
                self.job.in_time(self.take(&object)).await.map(drop)
            }
            Notice::Created(object) if object.bucket == self.job.place.config.lake => {
                self.job.in_time(self.wanted(&object)).await
            }
            Notice::Created(_) => {
                self.job.ignore("an event of another bucket was ignored");
                Ok(())
            }
            Notice::Other | Notice::Test => {
                self.job.ignore("an event that brings no file was ignored");
                Ok(())
            }
            Notice::Request(request) => self.requested(&request).await,
        }
    }

    /// Takes every file of a source, or of one of its datasets, or of some days. What is in the lake costs little.
    async fn requested(&self, request: &Request) -> Done {
        if request.list {
            return self.list(request).await;
        }
        let Some(source) = request.source.as_deref().filter(|source| !source.is_empty()) else {
            return Err(StepError::Invalid("the request names no source".to_owned()));
        };
        // A dataset's files may lie in folders of other names.
        let asked = |(file, arrived): &(ObjectRef, DateTime<Utc>)| match covered(&self.context, &file.key) {
            Ok((path, _)) => {
                request.dataset.as_ref().is_none_or(|dataset| *dataset == path.dataset)
                    && wanted(request, day_of(path.date, *arrived))
            }
            // A file whose path says nothing is of no day; that it is ignored is said where every day is asked for.
            Err(_) => request.dataset.is_none() && every_day(request),
        };
        let listed = self.landing.list(&format!("{source}/")).await?;
        let files: Vec<ObjectRef> = listed.into_iter().filter(asked).map(|(file, _)| file).collect();
        if request.replay {
            self.forget_rejected(source, request, &files).await?;
        }
        let one = |file: ObjectRef| async move {
            self.job
                .in_time(async {
                    match self.landing.present(&file).await? {
                        Some(present) => self.take_whole(&present).await,
                        None => Ok(()),
                    }
                })
                .await
        };
        let done: Vec<Done> = futures::stream::iter(files).map(one).buffered(AT_ONCE).collect().await;
        self.job.tell("datasets", self.counts.told());
        let (late, failed): (Vec<StepError>, Vec<StepError>) =
            done.into_iter().filter_map(Result::err).partition(Job::is_handed_back);
        failed.into_iter().chain(late).next().map_or(Ok(()), Err)
    }

    /// Says what lies in landing.
    async fn list(&self, request: &Request) -> Done {
        let prefix = request.source.as_ref().map(|source| format!("{source}/")).unwrap_or_default();
        let files = self.landing.list(&prefix).await?.into_iter().map(|(file, arrived)| (file.key, arrived));
        self.job.tell("landed", listed(&self.context, request, &files.collect::<Vec<_>>()));
        Ok(())
    }

    /// Forgets the files among these that had rejects, so that they are taken again. A request that goes on after `more`
    /// must not ask for it again.
    async fn forget_rejected(&self, source: &str, request: &Request, files: &[ObjectRef]) -> Done {
        let key = self.context.lake.key()?;
        let present: BTreeSet<String> = files.iter().map(|file| file.key.name(key)).collect();
        let (entries, _) = self.context.ledger.ingested_and_replaced(Some(source)).await?;
        let mut files = 0_u64;
        for entry in entries.iter().filter(|entry| present.contains(&entry.key)) {
            let conformed = self.context.ledger.conform_entry(entry).await?;
            if rejected(entry, conformed.as_ref(), request.rule.as_deref()) {
                self.context.ledger.forget(entry).await?;
                files += 1;
            }
        }
        self.job.tell("replayed_files", Value::from(files));
        Ok(())
    }

    /// Takes one version of one file. One that is read in parts is waited for, so that its rows are in the counts.
    async fn take_whole(&self, object: &ObjectRef) -> Done {
        while let Fate::InParts(id) = self.take(object).await? {
            while waiting(&self.context, &id).await?.is_some() {
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    /// Takes one version of one file.
    async fn take(&self, object: &ObjectRef) -> Result<Fate, StepError> {
        let (job, key) = (&self.job, &object.key);
        let (path, _) = match covered(&self.context, key) {
            Ok(covered) => covered,
            Err(reason) => return self.ignored(object, reason).await.map(settled),
        };
        let name = [("source", Value::from(path.source.clone())), ("dataset", Value::from(path.dataset.clone()))];
        let (config, cuttable) = (&job.place.config, can_be_cut(&path));
        let most = if cuttable { config.part_bytes } else { config.whole_bytes };
        let fetched = match self.landing.fetch(object, job.place.scratch(), most).await? {
            Fetch::File(fetched) => fetched,
            Fetch::Large(remote) if cuttable => return self.begin_large(object, &remote, &name).await,
            Fetch::Large(_) => return self.refuse(object, &name).await,
            Fetch::Gone => {
                job.count(Metric::FilesGone, 1);
                job.log.write(Level::Warn, "a file was gone or overwritten before it was read", &name);
                return Ok(Fate::Settled);
            }
        };
        let context = Context { landing: Arc::new(fetched), ..self.context.clone() };
        let done = match Box::pin(ingest(&context, key)).await? {
            Ingested::Taken(entry) => self.taken(object, &entry).await,
            Ingested::Known(entry) => self.known(object, &entry).await,
            Ingested::Ignored(reason) => self.ignored(object, reason).await,
        };
        done.map(settled)
    }

    fn contract(&self, entry: &IngestEntry) -> Option<&Contract> {
        self.context.contracts.contract(&entry.feed, &entry.dataset)
    }

    /// What was read and written, for lineage.
    fn touched(&self, contract: &Contract, entry: &IngestEntry) {
        self.job.reads(format!("landing.{}/{}", entry.source, entry.dataset));
        let table = contract.table();
        if entry.status == Status::Ingested {
            self.job.writes(format!("bronze.{table}"));
            if contract.has_identity() {
                self.job.writes(format!("identity.{table}"));
            }
        }
        if entry.rejected > 0 || entry.status == Status::Unreadable {
            self.job.writes(format!("quarantine.{table}"));
        }
    }

    pub(crate) async fn taken(&self, object: &ObjectRef, entry: &IngestEntry) -> Done {
        self.count(entry);
        if let Some(contract) = self.contract(entry) {
            self.touched(contract, entry);
            self.counts.add(contract, entry)?;
        }
        let fields = [
            ("source", Value::from(entry.source.clone())),
            ("dataset", Value::from(entry.dataset.clone())),
            ("file", Value::from(entry.name.clone())),
            ("rows_in", Value::from(entry.rows_in)),
            ("rejected", Value::from(entry.rejected)),
            ("seconds", Value::from(entry.seconds)),
        ];
        self.job.log.write(Level::Info, "a file was taken", &fields);
        Ok(self.landing.tag(object, status(entry), &self.job.run_id, false).await?)
    }

    pub(crate) async fn known(&self, object: &ObjectRef, entry: &IngestEntry) -> Done {
        self.job.count(Metric::FilesKnown, 1);
        if let Some(contract) = self.contract(entry) {
            self.counts.add(contract, entry)?;
        }
        Ok(self.landing.tag(object, status(entry), &self.job.run_id, true).await?)
    }

    pub(crate) async fn ignored(&self, object: &ObjectRef, reason: &'static str) -> Done {
        self.job.count(Metric::FilesIgnored, 1);
        self.job.log.write(Level::Warn, "a file was ignored", &[("reason", Value::from(reason))]);
        Ok(self.landing.tag(object, "ignored", &self.job.run_id, true).await?)
    }

    fn count(&self, entry: &IngestEntry) {
        let files = match entry.status {
            Status::Ingested => Metric::FilesIngested,
            Status::Unreadable => Metric::FilesUnreadable,
        };
        for (metric, count) in [
            (files, 1),
            (Metric::RowsIn, entry.rows_in),
            (Metric::RowsAccepted, entry.bronze_rows),
            (Metric::RowsRejected, entry.rejected),
            (Metric::BytesIn, entry.bytes),
        ] {
            self.job.count(metric, count);
        }
    }
}

/// True when rows of the file were rejected: by that rule, if one is named.
fn rejected(entry: &IngestEntry, conformed: Option<&ConformEntry>, rule: Option<&str>) -> bool {
    let Some(rule) = rule else {
        return entry.rejected > 0
            || entry.status == Status::Unreadable
            || conformed.is_some_and(|conformed| conformed.orphans > 0);
    };
    let later = conformed.and_then(|conformed| conformed.checks.get(rule));
    entry.checks.get(rule).into_iter().chain(later).any(|count| count.failed > 0)
}

fn status(entry: &IngestEntry) -> &'static str {
    match entry.status {
        Status::Ingested => "ingested",
        Status::Unreadable => "unreadable",
    }
}
