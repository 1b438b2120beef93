//! Reading and writing the objects of a lake.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use object_store::path::Path as ObjectPath;
use object_store::{Error, MultipartUpload, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{ErrorKind, LakeError};
use crate::naming;
use crate::store::Lake;

impl Lake {
    /// Writes an object whose name depends on its content: one that is there already is left as it is. Bytes written.
    ///
    /// # Errors
    /// When the store cannot take it.
    pub async fn put_once(&self, path: &str, file: &mut File) -> Result<u64, LakeError> {
        let io = |error: std::io::Error| LakeError::io(format!("writing {path}"), &error);
        let length = file.seek(SeekFrom::End(0)).map_err(io)?;
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        if let Some(folder) = &self.folder
            && folder.path_to_filesystem(&ObjectPath::from(path)).is_ok_and(|target| naming::name(file, &target))
        {
            return Ok(length);
        }
        if length > self.part as u64 {
            self.put_in_parts(path, file).await?;
            return Ok(length);
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
        file.read_to_end(&mut bytes).map_err(io)?;
        let bytes = Bytes::from(bytes);
        let options = PutOptions::from(PutMode::Create);
        match self.store.put_opts(&ObjectPath::from(path), bytes.clone().into(), options).await {
            Ok(_) => Ok(length),
            Err(Error::AlreadyExists { .. }) => self.agree(path, bytes).await.map(|()| length),
            Err(error) => Err(LakeError::store(format!("writing {path}"), &error)),
        }
    }

    /// Sees to it that the object holds `bytes`. A store says "exists" of a conflict too, when nothing may be there.
    async fn agree(&self, path: &str, bytes: Bytes) -> Result<(), LakeError> {
        if self.get_bytes(path).await?.as_ref() == Some(&bytes) {
            return Ok(());
        }
        self.put_bytes(path, bytes).await.map(drop)
    }

    async fn put_in_parts(&self, path: &str, file: &mut File) -> Result<(), LakeError> {
        let store = |error: &Error| LakeError::store(format!("writing {path}"), error);
        let mut upload = self.store.put_multipart(&ObjectPath::from(path)).await.map_err(|error| store(&error))?;
        let done = self.upload(path, file, upload.as_mut()).await;
        if done.is_err() {
            // What was uploaded is of no use; that it cannot be removed either is the lesser problem.
            let _ = upload.abort().await;
        }
        done
    }

    async fn upload(&self, path: &str, file: &mut File, upload: &mut dyn MultipartUpload) -> Result<(), LakeError> {
        let context = || format!("writing {path}");
        loop {
            let mut part = Vec::with_capacity(self.part);
            let read = Read::by_ref(file).take(self.part as u64).read_to_end(&mut part);
            read.map_err(|error| LakeError::io(context(), &error))?;
            if part.is_empty() {
                break;
            }
            upload.put_part(PutPayload::from(part)).await.map_err(|error| LakeError::store(context(), &error))?;
        }
        upload.complete().await.map(drop).map_err(|error| LakeError::store(context(), &error))
    }

    /// Writes a small object, replacing what is there in one move.
    ///
    /// # Errors
    /// When the store cannot take it.
    pub async fn put_json<T: Serialize + Sync>(&self, path: &str, value: &T) -> Result<(), LakeError> {
        let text = serde_json::to_vec_pretty(value)
            .map_err(|error| LakeError::new(ErrorKind::Invalid, format!("encoding {path}")).caused_by(error))?;
        self.put_bytes(path, text.into()).await.map(drop)
    }

    /// Writes bytes, replacing what is there in one move. The tag by which this writing is known: another gives another.
    ///
    /// # Errors
    /// When the store cannot take it.
    pub async fn put_bytes(&self, path: &str, bytes: Bytes) -> Result<String, LakeError> {
        let length = bytes.len() as u64;
        let put = self.store.put(&ObjectPath::from(path), bytes.into()).await;
        put.map(|put| tag(put.e_tag, length)).map_err(|error| LakeError::store(format!("writing {path}"), &error))
    }

    /// Reads a small object; `None` when it is not there.
    ///
    /// # Errors
    /// When the store does not give it, or it is not what it should be.
    pub async fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, LakeError> {
        let Some(bytes) = self.get_bytes(path).await? else { return Ok(None) };
        let corrupt = |error| LakeError::new(ErrorKind::Corrupt, format!("reading {path}")).caused_by(error);
        serde_json::from_slice(&bytes).map(Some).map_err(corrupt)
    }

    /// Reads an object whole; `None` when it is not there.
    ///
    /// # Errors
    /// When the store does not give it.
    pub async fn get_bytes(&self, path: &str) -> Result<Option<Bytes>, LakeError> {
        let read = async { self.store.get(&ObjectPath::from(path)).await?.bytes().await };
        match read.await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(LakeError::store(format!("reading {path}"), &error)),
        }
    }

    /// Removes an object; one that is not there is fine.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn delete(&self, path: &str) -> Result<(), LakeError> {
        match self.store.delete(&ObjectPath::from(path)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(LakeError::store(format!("removing {path}"), &error)),
        }
    }

    /// Paths of all objects under a folder, in order.
    ///
    /// # Errors
    /// When the store cannot list.
    pub async fn list(&self, folder: &str) -> Result<Vec<String>, LakeError> {
        Ok(self.tags(folder).await?.into_keys().collect())
    }

    /// All objects under a folder, with lengths and times.
    ///
    /// # Errors
    /// When the store cannot list.
    pub async fn stored(&self, folder: &str) -> Result<Vec<Stored>, LakeError> {
        let prefix = ObjectPath::from(folder);
        let listing = self.store.list(Some(&prefix)).map_ok(|meta| Stored {
            path: meta.location.to_string(),
            bytes: meta.size,
            modified: meta.last_modified,
        });
        listing.try_collect().await.map_err(|error| LakeError::store(format!("listing {folder}"), &error))
    }

    /// Paths of all objects under a folder, each with the tag of its last writing.
    ///
    /// # Errors
    /// When the store cannot list.
    pub async fn tags(&self, folder: &str) -> Result<BTreeMap<String, String>, LakeError> {
        let prefix = ObjectPath::from(folder);
        let listing =
            self.store.list(Some(&prefix)).map_ok(|meta| (meta.location.to_string(), tag(meta.e_tag, meta.size)));
        listing.try_collect().await.map_err(|error| LakeError::store(format!("listing {folder}"), &error))
    }
}

/// An object as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Path in the lake.
    pub path: String,
    /// Length in bytes.
    pub bytes: u64,
    /// When it was written last.
    pub modified: DateTime<Utc>,
}

fn tag(e_tag: Option<String>, length: u64) -> String {
    e_tag.unwrap_or_else(|| length.to_string())
}
