//! A landing object that is too large to be fetched whole: read as a stream, or in part.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use carelake_lake::{ErrorKind, LakeError, Landing, LandingFile, LandingKey, Ranges};
use chrono::{DateTime, Utc};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::event::ObjectRef;
use crate::problem::problem;

/// What is being done, in errors.
const CONTEXT: &str = "reading a landing file";
/// Pieces of an answer that may wait to be read.
const WAITING: usize = 16;
/// How often a stream that breaks off is asked for again, without a byte in between.
const TRIES: u32 = 4;

/// One version of one object of the landing bucket.
#[derive(Debug, Clone)]
pub struct Remote {
    client: Client,
    object: ObjectRef,
    bytes: u64,
    modified: DateTime<Utc>,
    scratch: PathBuf,
}

impl Remote {
    /// That version, of which `bytes` and time of arrival are known.
    pub fn new(client: &Client, object: &ObjectRef, bytes: u64, modified: DateTime<Utc>, scratch: &Path) -> Self {
        Self { client: client.clone(), object: object.clone(), bytes, modified, scratch: scratch.to_owned() }
    }

    async fn get(&self, range: String) -> Result<GetObjectOutput, LakeError> {
        let call = self.client.get_object().bucket(&self.object.bucket).key(self.object.key.expose());
        let call = call.set_version_id(self.object.version.clone()).range(range);
        let tag = self.object.etag.as_ref().map(|etag| format!("\"{etag}\""));
        call.set_if_match(tag).send().await.map_err(|error| problem(CONTEXT, &error))
    }

    /// Sends the bytes from `place` on, and goes on after a break.
    async fn stream(self, mut place: u64, pieces: Sender<io::Result<Vec<u8>>>) {
        let mut tries = 0;
        while place < self.bytes {
            let before = place;
            let ended = match self.get(format!("bytes={place}-")).await {
                Ok(mut got) => {
                    let mut at = begins(&got);
                    loop {
                        match got.body.next().await {
                            Some(Ok(piece)) => {
                                let wanted = within(&piece, at, place..self.bytes);
                                (at, place) = (at + piece.len() as u64, place + wanted.len() as u64);
                                if pieces.send(Ok(wanted.to_vec())).await.is_err() {
                                    return;
                                }
                            }
                            _ => break io::ErrorKind::ConnectionReset,
                        }
                    }
                }
                Err(error) if error.kind.retryable() => io::ErrorKind::ConnectionReset,
                Err(error) if error.kind == ErrorKind::Denied => io::ErrorKind::PermissionDenied,
                Err(_) => io::ErrorKind::NotFound,
            };
            tries = if place > before { 0 } else { tries + 1 };
            if place < self.bytes && (tries >= TRIES || ended != io::ErrorKind::ConnectionReset) {
                let _ = pieces.send(Err(ended.into())).await;
                return;
            }
        }
    }
}

/// Where an answer begins in the object: HTTP lets a server answer a range with all there is.
fn begins(got: &GetObjectOutput) -> u64 {
    let range = got.content_range().and_then(|range| range.strip_prefix("bytes "));
    range.and_then(|range| range.split_once('-')).and_then(|(start, _)| start.parse().ok()).unwrap_or_default()
}

/// What of a piece that stands at `at` is wanted: bytes that are next to each other, from the start of `places` on.
fn within(piece: &[u8], at: u64, places: Range<u64>) -> &[u8] {
    let place = |of: u64| usize::try_from(of.saturating_sub(at)).unwrap_or(usize::MAX).min(piece.len());
    if at > places.start {
        return &[];
    }
    piece.get(place(places.start)..place(places.end)).unwrap_or_default()
}

#[async_trait]
impl Ranges for Remote {
    async fn read_from(&self, place: u64) -> Result<Box<dyn Read + Send>, LakeError> {
        let (sender, pieces) = channel(WAITING);
        tokio::spawn(self.clone().stream(place, sender));
        Ok(Box::new(Pieces { pieces, present: Vec::new(), at: 0 }))
    }

    async fn holding(&self, places: &[Range<u64>]) -> Result<File, LakeError> {
        let io = |error: io::Error| LakeError::io("writing a scratch file", &error);
        let file = tempfile::tempfile_in(&self.scratch).map_err(io)?;
        file.set_len(self.bytes).map_err(io)?;
        for place in places {
            let (mut at, end) = (place.start, place.end.min(self.bytes));
            if at >= end {
                continue;
            }
            let mut got = self.get(format!("bytes={at}-{}", end - 1)).await?;
            let mut place = begins(&got);
            while let Some(piece) = got.body.next().await {
                let broken = |_| LakeError::new(ErrorKind::Transient, CONTEXT).caused_by("the answer broke off");
                let piece = piece.map_err(broken)?;
                let wanted = within(&piece, place, at..end);
                file.write_all_at(wanted, at).map_err(io)?;
                (place, at) = (place + piece.len() as u64, at + wanted.len() as u64);
            }
            if at != end {
                return Err(LakeError::new(ErrorKind::Transient, CONTEXT).caused_by("the answer has another length"));
            }
        }
        Ok(file)
    }
}

/// The landing zone as it looks to whoever reads the file in parts.
impl Landing for Remote {
    fn list(&self) -> Result<Vec<LandingKey>, LakeError> {
        Ok(vec![self.object.key.clone()])
    }

    fn peek(&self, key: &LandingKey) -> Result<(u64, DateTime<Utc>), LakeError> {
        if *key == self.object.key {
            Ok((self.bytes, self.modified))
        } else {
            Err(LakeError::new(ErrorKind::NotFound, CONTEXT))
        }
    }

    fn open(&self, _: &LandingKey) -> Result<LandingFile, LakeError> {
        Err(LakeError::new(ErrorKind::Invalid, CONTEXT).caused_by("it is too large to be read whole"))
    }
}

/// The pieces of a stream as bytes.
struct Pieces {
    pieces: Receiver<io::Result<Vec<u8>>>,
    present: Vec<u8>,
    at: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.present.len() {
            match self.pieces.blocking_recv() {
                None => return Ok(0),
                Some(piece) => (self.present, self.at) = (piece?, 0),
            }
        }
        let rest = self.present.get(self.at..).unwrap_or_default();
        let read = rest.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..read), rest.get(..read)) {
            to.copy_from_slice(from);
        }
        self.at += read;
        Ok(read)
    }
}
