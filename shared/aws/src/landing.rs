//! The landing zone on S3: the exact version that an event speaks of, and the tags that say what became of it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::DateTime as SmithyTime;
use aws_sdk_s3::types::{Object, Tag, Tagging};
use carelake_lake::{ErrorKind, LakeError, Landing, LandingFile, LandingKey};
use chrono::{DateTime, TimeDelta, Utc};

use crate::event::ObjectRef;
use crate::problem::problem;
use crate::remote::Remote;

/// Tag that says what became of a file.
pub const STATUS_TAG: &str = "carelake-status";
/// Tag that says which run took it.
pub const RUN_TAG: &str = "carelake-run";

/// Metadata of a version that took the place of another: when that one arrived, in microseconds since 1970.
pub(crate) const ARRIVED: &str = "carelake-arrived";

/// What fetching a version gave.
#[derive(Debug)]
pub enum Fetch {
    /// The file.
    File(Fetched),
    /// It has more bytes than were asked for.
    Large(Remote),
    /// It is gone, or other content took its place in a bucket that keeps no versions: an event of that content is under
    /// way.
    Gone,
}

/// The landing bucket.
#[derive(Debug, Clone)]
pub struct LandingBucket {
    client: Client,
    bucket: String,
}

/// One version of one file, in a private file of this machine: the landing zone that an invocation sees.
#[derive(Debug)]
pub struct Fetched {
    key: LandingKey,
    file: File,
    bytes: u64,
    modified: DateTime<Utc>,
}

impl LandingBucket {
    /// The bucket, through that client.
    pub fn new(client: &Client, bucket: &str) -> Self {
        Self { client: client.clone(), bucket: bucket.to_owned() }
    }

    /// Its client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.bucket
    }

    /// Copies a version of at most `most` bytes into `scratch`.
    ///
    /// # Errors
    /// When S3 does not give it.
    pub async fn fetch(&self, object: &ObjectRef, scratch: &Path, most: u64) -> Result<Fetch, LakeError> {
        let context = "reading a landing file";
        let before = self.earlier_in_its_second(object).await?;
        let got = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(object.key.expose())
            .set_version_id(object.version.clone())
            .set_if_match(object.etag.as_ref().map(|etag| format!("\"{etag}\"")))
            .send()
            .await;
        let mut got = match got.map_err(|error| problem(context, &error)) {
            Ok(got) => got,
            Err(error) if matches!(error.kind, ErrorKind::NotFound | ErrorKind::Conflict) => return Ok(Fetch::Gone),
            Err(error) => return Err(error),
        };
        let modified = arrival(got.last_modified(), got.metadata(), before)?;
        let told = got.content_length().and_then(|bytes| u64::try_from(bytes).ok());
        if let Some(bytes) = told.filter(|bytes| *bytes > most) {
            return Ok(Fetch::Large(Remote::new(&self.client, object, bytes, modified, scratch)));
        }
        let io = |error: std::io::Error| LakeError::io("writing a scratch file", &error);
        let mut file = tempfile::tempfile_in(scratch).map_err(io)?;
        let (wanted, mut bytes) = (got.content_length(), 0_u64);
        while let Some(chunk) = got.body.next().await {
            let broken = |_| LakeError::new(ErrorKind::Transient, context).caused_by("the answer broke off");
            let chunk = chunk.map_err(broken)?;
            bytes = bytes.saturating_add(chunk.len() as u64);
            file.write_all(&chunk).map_err(io)?;
        }
        if wanted.is_some_and(|wanted| u64::try_from(wanted) != Ok(bytes)) {
            return Err(LakeError::new(ErrorKind::Transient, context).caused_by("the answer is cut short"));
        }
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        Ok(Fetch::File(Fetched { key: object.key.clone(), file, bytes, modified }))
    }

    /// A version that is to be read in parts; `None` when it is gone.
    ///
    /// # Errors
    /// When S3 does not say.
    pub async fn remote(&self, object: &ObjectRef, scratch: &Path) -> Result<Option<Remote>, LakeError> {
        let before = self.earlier_in_its_second(object).await?;
        let call = self.client.head_object().bucket(&self.bucket).key(object.key.expose());
        let head = call.set_version_id(object.version.clone()).send().await;
        let head = match head.map_err(|error| problem("looking at a landing file", &error)) {
            Ok(head) => head,
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let etag = head.e_tag().map(|etag| etag.trim_matches('"'));
        if object.etag.as_deref().is_some_and(|wanted| etag != Some(wanted)) {
            return Ok(None);
        }
        let modified = arrival(head.last_modified(), head.metadata(), before)?;
        let bytes = head.content_length().and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or_default();
        Ok(Some(Remote::new(&self.client, object, bytes, modified, scratch)))
    }

    /// How many older versions of the same key arrived within the same second: S3 tells times in seconds, and lists the
    /// versions of a key newest first, in pages.
    async fn earlier_in_its_second(&self, object: &ObjectRef) -> Result<i64, LakeError> {
        let Some(wanted) = &object.version else { return Ok(0) };
        let key = object.key.expose();
        let (mut second, mut earlier, mut markers) = (None, 0, (None, None));
        loop {
            let call = self.client.list_object_versions().bucket(&self.bucket).prefix(key);
            let listed = call.set_key_marker(markers.0).set_version_id_marker(markers.1).send().await;
            let page = listed.map_err(|error| problem("listing the versions of a landing file", &error))?;
            for version in page.versions() {
                let at = version.last_modified().map(SmithyTime::secs);
                if version.key() != Some(key) || (second.is_some() && second != at) {
                    return Ok(earlier);
                }
                if second.is_some() {
                    earlier += 1;
                } else if version.version_id() == Some(wanted) {
                    second = at;
                }
            }
            markers = (page.next_key_marker().map(str::to_owned), page.next_version_id_marker().map(str::to_owned));
            if page.is_truncated() != Some(true) || markers.0.is_none() {
                return Ok(earlier);
            }
        }
    }

    /// The present files under a prefix, in order, with the times of their arrival.
    ///
    /// # Errors
    /// When S3 does not list them.
    pub async fn list(&self, prefix: &str) -> Result<Vec<(ObjectRef, DateTime<Utc>)>, LakeError> {
        let mut pages = self.client.list_objects_v2().bucket(&self.bucket).prefix(prefix).into_paginator().send();
        let mut found = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| problem("listing the landing bucket", &error))?;
            let one = |object: &Object| Some((object.key()?.to_owned(), time(object.last_modified())?));
            found.extend(page.contents().iter().filter_map(one));
        }
        let files = found.into_iter().filter(|(key, _)| !key.ends_with('/') && key.contains('/'));
        let object =
            |key| ObjectRef { bucket: self.bucket.clone(), key: LandingKey::new(key), version: None, etag: None };
        Ok(files.map(|(key, arrived)| (object(key), arrived)).collect())
    }

    /// The same file with its present version, which the bucket may not keep; `None` when it is gone.
    ///
    /// # Errors
    /// When S3 does not say.
    pub async fn present(&self, object: &ObjectRef) -> Result<Option<ObjectRef>, LakeError> {
        let head = self.client.head_object().bucket(&self.bucket).key(object.key.expose()).send().await;
        match head.map_err(|error| problem("looking at a landing file", &error)) {
            Ok(head) => Ok(Some(ObjectRef {
                version: head.version_id().filter(|version| *version != "null").map(str::to_owned),
                etag: head.e_tag().map(|etag| etag.trim_matches('"').to_owned()),
                ..object.clone()
            })),
            Err(error) if error.kind == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A small text of the bucket; `None` when it is not there.
    ///
    /// # Errors
    /// When S3 does not give it.
    pub async fn text(&self, key: &str) -> Result<Option<String>, LakeError> {
        let context = format!("reading {key}");
        let got = match self.client.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(got) => got,
            Err(error) => {
                let error = problem(context, &error);
                return if error.kind == ErrorKind::NotFound { Ok(None) } else { Err(error) };
            }
        };
        let broken = |_| LakeError::new(ErrorKind::Transient, context.clone()).caused_by("the answer broke off");
        let bytes = got.body.collect().await.map_err(broken)?.into_bytes();
        let text = String::from_utf8(bytes.to_vec());
        text.map(Some).map_err(|_| LakeError::new(ErrorKind::Corrupt, context.clone()).caused_by("it is not UTF-8"))
    }

    /// Says on a version what became of it, beside the tags that it has. `run` is kept when the version has one already
    /// and `again` says that it was taken before.
    ///
    /// # Errors
    /// When S3 refuses.
    pub async fn tag(&self, object: &ObjectRef, status: &str, run: &str, again: bool) -> Result<(), LakeError> {
        let context = "tagging a landing file";
        let call = self.client.get_object_tagging().bucket(&self.bucket).key(object.key.expose());
        let got = call.set_version_id(object.version.clone()).send().await;
        let present = match got.map_err(|error| problem(context, &error)) {
            Ok(got) => got.tag_set().to_vec(),
            Err(error) if error.kind == ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let value = |name: &str| present.iter().find(|tag| tag.key() == name).map(|tag| tag.value().to_owned());
        let run = value(RUN_TAG).filter(|_| again).unwrap_or_else(|| run.to_owned());
        if value(STATUS_TAG).as_deref() == Some(status) && value(RUN_TAG).as_ref() == Some(&run) {
            return Ok(());
        }
        let invalid = |_| LakeError::new(ErrorKind::Invalid, context);
        let mut tags: Vec<Tag> =
            present.iter().filter(|tag| ![STATUS_TAG, RUN_TAG].contains(&tag.key())).cloned().collect();
        for (name, value) in [(STATUS_TAG, status), (RUN_TAG, run.as_str())] {
            tags.push(Tag::builder().key(name).value(value).build().map_err(invalid)?);
        }
        let tagging = Tagging::builder().set_tag_set(Some(tags)).build().map_err(invalid)?;
        let call = self.client.put_object_tagging().bucket(&self.bucket).key(object.key.expose()).tagging(tagging);
        match call.set_version_id(object.version.clone()).send().await.map_err(|error| problem(context, &error)) {
            Err(error) if error.kind != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// When a version arrived: what it says of itself, if it was put in the place of another, else what S3 says, and so many
/// microseconds.
fn arrival(
    modified: Option<&SmithyTime>,
    metadata: Option<&HashMap<String, String>>,
    before: i64,
) -> Result<DateTime<Utc>, LakeError> {
    let kept = metadata.and_then(|metadata| metadata.get(ARRIVED)?.parse().ok());
    if let Some(arrived) = kept.and_then(DateTime::from_timestamp_micros) {
        return Ok(arrived);
    }
    let missing = || {
        LakeError::new(ErrorKind::Transient, "reading a landing file").caused_by("the answer has no time of arrival")
    };
    Ok(time(modified).ok_or_else(missing)? + TimeDelta::microseconds(before))
}

fn time(time: Option<&SmithyTime>) -> Option<DateTime<Utc>> {
    let time = time?;
    DateTime::from_timestamp(time.secs(), time.subsec_nanos())
}

impl Fetched {
    fn only(&self, key: &LandingKey) -> Result<(), LakeError> {
        if *key == self.key { Ok(()) } else { Err(LakeError::new(ErrorKind::NotFound, "reading a landing file")) }
    }
}

impl Landing for Fetched {
    fn list(&self) -> Result<Vec<LandingKey>, LakeError> {
        Ok(vec![self.key.clone()])
    }

    fn peek(&self, key: &LandingKey) -> Result<(u64, DateTime<Utc>), LakeError> {
        self.only(key).map(|()| (self.bytes, self.modified))
    }

    fn open(&self, key: &LandingKey) -> Result<LandingFile, LakeError> {
        self.only(key)?;
        let file = self.file.try_clone().map_err(|error| LakeError::io("reading a landing file", &error))?;
        Ok(LandingFile { file, bytes: self.bytes, modified: self.modified })
    }
}
