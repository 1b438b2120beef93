//! ingest: landing objects to bronze, each by itself.

use std::sync::Arc;

use carelake_aws::event::{Notice, ObjectRef, Request};
use carelake_aws::{Done, Fetch, Function, Job, LandingBucket, Level, Metric, all};
use carelake_contracts::{LandingPath, Sources};
use carelake_decode::can_be_cut;
use carelake_ingest::{Context, Ingested, StepError, covered, ingest};
use carelake_lake::{IngestEntry, Status};
use futures::StreamExt;
use serde_json::Value;

/// Files that an invocation reads at the same time.
const AT_ONCE: usize = 4;

/// The function.
#[derive(Debug, Clone, Copy)]
pub struct Ingest;

/// What every file of an invocation is taken with.
pub(crate) struct Taking {
    pub(crate) job: Arc<Job>,
    pub(crate) landing: LandingBucket,
    pub(crate) context: Context,
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
        Ok(Self { job, landing, context })
    }

    async fn one(&self, notice: Notice) -> Done {
        match notice {
            Notice::Created(object) if object.bucket == self.landing.name() => {
                self.job.in_time(self.take(&object)).await
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

    /// Takes every file of a source, or of one of its datasets, or of one day. What is in the lake costs little.
    async fn requested(&self, request: &Request) -> Done {
        let Some(source) = request.source.as_deref().filter(|source| !source.is_empty()) else {
            return Err(StepError::Invalid("the request names no source".to_owned()));
        };
        let mut prefix = format!("{source}/");
        if let Some(dataset) = &request.dataset {
            prefix.push_str(&format!("{dataset}/"));
        }
        let of_day = |file: &ObjectRef| match request.partition {
            Some(day) => LandingPath::parse(file.key.expose()).is_ok_and(|path| path.date == Some(day)),
            None => true,
        };
        let wanted = self.landing.list(&prefix).await?.into_iter().filter(of_day);
        let one = |file: ObjectRef| async move {
            self.job
                .in_time(async {
                    match self.landing.present(&file).await? {
                        Some(present) => self.take(&present).await,
                        None => Ok(()),
                    }
                })
                .await
        };
        let done: Vec<Done> = futures::stream::iter(wanted).map(one).buffered(AT_ONCE).collect().await;
        let (late, failed): (Vec<StepError>, Vec<StepError>) =
            done.into_iter().filter_map(Result::err).partition(Job::is_handed_back);
        failed.into_iter().chain(late).next().map_or(Ok(()), Err)
    }

    /// Takes one version of one file.
    async fn take(&self, object: &ObjectRef) -> Done {
        let (job, key) = (&self.job, &object.key);
        let (path, _) = match covered(&self.context, key) {
            Ok(covered) => covered,
            Err(reason) => return self.ignored(object, reason).await,
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
                return Ok(());
            }
        };
        let context = Context { landing: Arc::new(fetched), ..self.context.clone() };
        match Box::pin(ingest(&context, key)).await? {
            Ingested::Taken(entry) => self.taken(object, &entry).await,
            Ingested::Known(entry) => self.known(object, &entry).await,
            Ingested::Ignored(reason) => self.ignored(object, reason).await,
        }
    }

    pub(crate) async fn taken(&self, object: &ObjectRef, entry: &IngestEntry) -> Done {
        self.count(entry);
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

fn status(entry: &IngestEntry) -> &'static str {
    match entry.status {
        Status::Ingested => "ingested",
        Status::Unreadable => "unreadable",
    }
}
