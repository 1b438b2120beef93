//! ingest of files that are too large for one invocation: cut, read in parts that fan out through a queue, put together.
//!
//! What asks for a part is an object of the lake: the bucket tells the queue of it, as it does of entries of the ledger.

use std::sync::Arc;

use carelake_aws::event::ObjectRef;
use carelake_aws::{Done, Level, Metric, Remote};
use carelake_ingest::large::{Worked, forget, go_on, open, waiting, wanted};
use carelake_ingest::{Context, StepError};
use carelake_lake::{ErrorKind, LakeError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ingest::{Fate, Taking, settled};

/// Which version of an object a large file is.
#[derive(Serialize, Deserialize)]
struct Mark {
    bucket: String,
    version: Option<String>,
    etag: Option<String>,
}

impl Taking {
    /// Cuts a large file and asks for its first parts.
    pub(crate) async fn begin_large(
        &self,
        object: &ObjectRef,
        remote: &Remote,
        name: &[(&'static str, Value)],
    ) -> Result<Fate, StepError> {
        let mark = Mark { bucket: object.bucket.clone(), version: object.version.clone(), etag: object.etag.clone() };
        let mark = serde_json::to_string(&mark).map_err(|error| StepError::Invalid(error.to_string()))?;
        let (every, time) = (self.job.place.config.part_bytes, self.job.time());
        let worked = open(&self.seeing(remote), &object.key, remote, Some(mark), every, &time).await?;
        if let Worked::Cut { parts, .. } = &worked {
            let fields = [name, &[("parts", Value::from(*parts))]].concat();
            self.job.log.write(Level::Info, "a large file was cut", &fields);
        }
        self.done(object, worked).await
    }

    /// Does what an object of the lake asks for.
    pub(crate) async fn wanted(&self, asked: &ObjectRef) -> Done {
        let Some((id, part)) = wanted(asked.key.expose()) else {
            self.job.ignore("an object of the lake that asks for nothing was ignored");
            return Ok(());
        };
        let Some(note) = waiting(&self.context, id).await? else {
            self.job.ignore("a part of a file that is done was asked for");
            return Ok(forget(&self.context, id).await?);
        };
        let unclear = || LakeError::new(ErrorKind::Corrupt, "reading which file a part is of");
        let mark: Mark = serde_json::from_str(note.mark.as_deref().unwrap_or_default())
            .map_err(|error| unclear().caused_by(error))?;
        let object = ObjectRef { bucket: mark.bucket, key: note.key(), version: mark.version, etag: mark.etag };
        let Some(remote) = self.landing.remote(&object, self.job.place.scratch()).await? else {
            self.job.count(Metric::FilesGone, 1);
            self.job.log.write(Level::Warn, "a large file was gone before all of it was read", &[]);
            return Ok(forget(&self.context, id).await?);
        };
        let (every, time) = (self.job.place.config.part_bytes, self.job.time());
        let worked = Box::pin(go_on(&self.seeing(&remote), id, part, &remote, every, &time)).await?;
        self.done(&object, worked).await.map(drop)
    }

    async fn done(&self, object: &ObjectRef, worked: Worked) -> Result<Fate, StepError> {
        let done = match worked {
            Worked::Cut { id, .. } => {
                self.job.count(Metric::FilesCut, 1);
                self.landing.tag(object, "reading", &self.job.run_id, false).await?;
                return Ok(Fate::InParts(id));
            }
            Worked::Part => {
                self.job.count(Metric::PartsRead, 1);
                Ok(())
            }
            Worked::Later(id) => {
                self.job.count(Metric::HandedBack, 1);
                return Ok(Fate::InParts(id));
            }
            Worked::Taken(entry) => self.taken(object, &entry).await,
            Worked::Known(entry) => self.known(object, &entry).await,
            Worked::Ignored(reason) => self.ignored(object, reason).await,
            Worked::Gone => Ok(()),
        };
        done.map(settled)
    }

    /// A file that cannot be cut and is too large to be read at once. It ends among the dead letters, where somebody
    /// sees it.
    pub(crate) async fn refuse(&self, object: &ObjectRef, name: &[(&'static str, Value)]) -> Result<Fate, StepError> {
        self.job.count(Metric::FilesTooLarge, 1);
        let most = self.job.place.config.whole_bytes >> 20;
        let text = format!(
            "a file that cannot be read in parts, being compressed or one JSON array, is larger than {most} MB: send it \
             as CSV, NDJSON or Parquet without compression, or in smaller files, or raise CARELAKE_WHOLE_MB"
        );
        self.job.log.write(
            Level::Error,
            "a file was refused",
            &[name, &[("problem", Value::from(text.clone()))]].concat(),
        );
        self.landing.tag(object, "too-large", &self.job.run_id, false).await?;
        Err(StepError::Invalid(text))
    }

    fn seeing(&self, remote: &Remote) -> Context {
        Context { landing: Arc::new(remote.clone()), ..self.context.clone() }
    }
}
