//! A landing file that is too large to be had whole: its bytes from some place on, or a part of them.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use async_trait::async_trait;

use crate::error::LakeError;
use crate::landing::LandingFile;

/// One version of one large file.
#[async_trait]
pub trait Ranges: Send + Sync {
    /// Its bytes from a place to the end. The reader blocks.
    ///
    /// # Errors
    /// When it is gone or cannot be read.
    async fn read_from(&self, place: u64) -> Result<Box<dyn Read + Send>, LakeError>;

    /// A file of the same length in which at least those bytes stand where they stand in it.
    ///
    /// # Errors
    /// When it is gone or cannot be read.
    async fn holding(&self, places: &[Range<u64>]) -> Result<File, LakeError>;
}

#[async_trait]
impl Ranges for LandingFile {
    async fn read_from(&self, place: u64) -> Result<Box<dyn Read + Send>, LakeError> {
        Ok(Box::new(From { file: clone(&self.file)?, place }))
    }

    async fn holding(&self, _: &[Range<u64>]) -> Result<File, LakeError> {
        clone(&self.file)
    }
}

fn clone(file: &File) -> Result<File, LakeError> {
    file.try_clone().map_err(|error| LakeError::io("reading a landing file", &error))
}

/// A file from a place on.
struct From {
    file: File,
    place: u64,
}

impl Read for From {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.place)?;
        self.place += read as u64;
        Ok(read)
    }
}
