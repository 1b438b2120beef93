//! Objects of the lake as files: reading one, replacing one.

use std::fs::File;
use std::io::{Read, Seek, Write};

use futures::TryStreamExt;
use object_store::path::Path as ObjectPath;
use object_store::{GetResultPayload, ObjectStoreExt, PutPayload};

use crate::error::LakeError;
use crate::store::Lake;

/// Part size of an upload, in bytes.
const PART: u64 = 16 << 20;

impl Lake {
    /// An object as a file to read; `None` when it is not there.
    ///
    /// # Errors
    /// When the store does not give it.
    pub async fn read_file(&self, path: &str) -> Result<Option<File>, LakeError> {
        let context = || format!("reading {path}");
        let found = match self.store().get(&ObjectPath::from(path)).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(LakeError::store(context(), &error)),
        };
        if let GetResultPayload::File(file, _) = found.payload {
            return Ok(Some(file));
        }
        let mut copy = self.scratch_file()?;
        let mut parts = found.into_stream();
        while let Some(part) = parts.try_next().await.map_err(|error| LakeError::store(context(), &error))? {
            copy.write_all(&part).map_err(|error| LakeError::io(context(), &error))?;
        }
        copy.rewind().map_err(|error| LakeError::io(context(), &error))?;
        Ok(Some(copy))
    }

    /// Puts a file in the place of an object, in one move: a reader sees the old object or the new one.
    ///
    /// # Errors
    /// When the store cannot take it.
    pub async fn replace(&self, path: &str, file: &mut File) -> Result<(), LakeError> {
        let context = || format!("replacing {path}");
        let io = |error: std::io::Error| LakeError::io(context(), &error);
        let store = |error: object_store::Error| LakeError::store(context(), &error);
        file.rewind().map_err(io)?;
        let mut upload = self.store().put_multipart(&ObjectPath::from(path)).await.map_err(store)?;
        loop {
            let mut part = Vec::new();
            Read::by_ref(file).take(PART).read_to_end(&mut part).map_err(io)?;
            if part.is_empty() {
                break;
            }
            upload.put_part(PutPayload::from(part)).await.map_err(store)?;
        }
        upload.complete().await.map(drop).map_err(store)
    }
}
