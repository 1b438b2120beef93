//! Earlier versions of objects, removed for good: a person who was erased is in them.

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::types::{Delete, ObjectIdentifier};
use carelake_lake::{ErrorKind, LakeError, Versions};

use crate::problem::problem;

/// Versions that S3 removes at once.
const BATCH: usize = 1_000;

/// The past of the buckets of a lake and of its landing zone.
#[derive(Debug, Clone)]
pub struct Past {
    client: Client,
    buckets: Vec<String>,
    landing: Option<String>,
}

impl Past {
    /// That of those buckets, all of it, and that of a source in the landing bucket.
    pub fn new(client: &Client, buckets: Vec<String>, landing: Option<String>) -> Self {
        Self { client: client.clone(), buckets, landing }
    }

    /// Removes the past of what stands under a prefix of a bucket.
    ///
    /// # Errors
    /// When S3 refuses.
    pub async fn purge_under(&self, bucket: &str, prefix: &str) -> Result<u64, LakeError> {
        let context = format!("listing the versions in {bucket}");
        let call = self.client.list_object_versions().bucket(bucket).prefix(prefix);
        let (mut removed, mut next) = (0, (None, None));
        loop {
            let call = call.clone().set_key_marker(next.0.take()).set_version_id_marker(next.1.take());
            let page = call.send().await.map_err(|error| problem(context.clone(), &error))?;
            // A marker that is the latest stands for an object that was deleted, and hides nothing once the rest is gone.
            let old = page.versions().iter().filter(|version| version.is_latest() != Some(true));
            let old = old.map(|version| (version.key(), version.version_id()));
            let markers = page.delete_markers().iter().map(|marker| (marker.key(), marker.version_id()));
            let gone: Vec<(String, String)> =
                old.chain(markers).filter_map(|(key, version)| Some((key?.to_owned(), version?.to_owned()))).collect();
            removed += gone.len() as u64;
            for batch in gone.chunks(BATCH) {
                self.delete(bucket, batch).await?;
            }
            if page.is_truncated() != Some(true) {
                return Ok(removed);
            }
            next = (page.next_key_marker().map(str::to_owned), page.next_version_id_marker().map(str::to_owned));
        }
    }

    async fn delete(&self, bucket: &str, gone: &[(String, String)]) -> Result<(), LakeError> {
        let context = format!("removing versions in {bucket}");
        let invalid = |error| LakeError::new(ErrorKind::Invalid, context.clone()).caused_by(error);
        let mut objects = Vec::with_capacity(gone.len());
        for (key, version) in gone {
            objects.push(ObjectIdentifier::builder().key(key).version_id(version).build().map_err(invalid)?);
        }
        let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build().map_err(invalid)?;
        let sent = self.client.delete_objects().bucket(bucket).delete(delete).send().await;
        let answer = sent.map_err(|error| problem(context.clone(), &error))?;
        match answer.errors().first() {
            None => Ok(()),
            Some(error) => {
                let code = error.code().unwrap_or("no reason given");
                let kind = crate::problem::kind(Some(code), None);
                Err(LakeError::new(kind, context).caused_by(code))
            }
        }
    }
}

#[async_trait]
impl Versions for Past {
    async fn purge(&self, source: Option<&str>) -> Result<u64, LakeError> {
        let mut removed = 0;
        for bucket in &self.buckets {
            removed += self.purge_under(bucket, "").await?;
        }
        if let (Some(landing), Some(source)) = (&self.landing, source) {
            removed += self.purge_under(landing, &format!("{source}/")).await?;
        }
        Ok(removed)
    }
}
