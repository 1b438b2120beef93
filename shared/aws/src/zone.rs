//! The whole landing bucket as a landing zone, for who rewrites files: an erasure. Its functions block.

use std::fs::File;
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};

use aws_sdk_s3::primitives::ByteStream;
use carelake_lake::{ErrorKind, LakeError, Landing, LandingFile, LandingKey};
use chrono::{DateTime, Utc};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::event::ObjectRef;
use crate::landing::{ARRIVED, Fetch, LandingBucket};
use crate::problem::problem;

/// The landing bucket, through a runtime of several threads.
#[derive(Debug, Clone)]
pub struct LandingZone {
    bucket: LandingBucket,
    scratch: PathBuf,
}

impl LandingZone {
    /// The zone in that bucket; files are fetched into `scratch`.
    pub fn new(bucket: &LandingBucket, scratch: &Path) -> Self {
        Self { bucket: bucket.clone(), scratch: scratch.to_owned() }
    }

    async fn present(&self, key: &LandingKey) -> Result<ObjectRef, LakeError> {
        let object = ObjectRef { bucket: self.bucket.name().to_owned(), key: key.clone(), version: None, etag: None };
        self.bucket.present(&object).await?.ok_or_else(gone)
    }

    async fn put(&self, key: &LandingKey, content: File, modified: DateTime<Utc>) -> Result<(), LakeError> {
        let context = "rewriting a landing file";
        let bytes = content.metadata().map_err(|error| LakeError::io(context, &error))?.len();
        let body = ByteStream::read_from().file(tokio::fs::File::from_std(content)).build().await;
        let body = body.map_err(|_| LakeError::new(ErrorKind::Transient, context).caused_by("it cannot be read"))?;
        let client = self.bucket.client();
        let call = client.put_object().bucket(self.bucket.name()).key(key.expose());
        let call = call.metadata(ARRIVED, modified.timestamp_micros().to_string());
        let length = i64::try_from(bytes).unwrap_or(i64::MAX);
        call.content_length(length).body(body).send().await.map(drop).map_err(|error| problem(context, &error))
    }
}

fn gone() -> LakeError {
    LakeError::new(ErrorKind::NotFound, "reading a landing file")
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    block_in_place(|| Handle::current().block_on(work))
}

impl Landing for LandingZone {
    fn list(&self) -> Result<Vec<LandingKey>, LakeError> {
        Ok(wait(self.bucket.list(""))?.into_iter().map(|(object, _)| object.key).collect())
    }

    fn peek(&self, key: &LandingKey) -> Result<(u64, DateTime<Utc>), LakeError> {
        wait(async {
            let remote = self.bucket.remote(&self.present(key).await?, &self.scratch).await?;
            remote.ok_or_else(gone)?.peek(key)
        })
    }

    fn open(&self, key: &LandingKey) -> Result<LandingFile, LakeError> {
        wait(async {
            match self.bucket.fetch(&self.present(key).await?, &self.scratch, u64::MAX).await? {
                Fetch::File(fetched) => fetched.open(key),
                Fetch::Large(_) | Fetch::Gone => Err(gone()),
            }
        })
    }

    fn rewrite(&self, key: &LandingKey, content: &mut File, modified: DateTime<Utc>) -> Result<(), LakeError> {
        let io = |error: std::io::Error| LakeError::io("rewriting a landing file", &error);
        content.seek(SeekFrom::Start(0)).map_err(io)?;
        wait(self.put(key, content.try_clone().map_err(io)?, modified))
    }
}
