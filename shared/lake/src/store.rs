//! A lake on a folder (or, through the same port, on a bucket).

use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use carelake_privacy::LakeKey;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload};
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use crate::error::{ErrorKind, LakeError};

/// Where the key stands, in identity.
const KEY: &str = ".key";
/// Where private files stand while they are written.
const SCRATCH: &str = "_carelake/scratch";
/// Part size of large uploads, in bytes.
const PART: usize = 16 << 20;

/// A lake: its object store, its place, its secret key.
#[derive(Debug, Clone)]
pub struct Lake {
    store: Arc<dyn ObjectStore>,
    url: Url,
    key: Option<LakeKey>,
    scratch: PathBuf,
}

/// How every Parquet file of a lake is written: ZSTD, page statistics, no writer version or time that would differ between runs.
pub fn parquet_properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_created_by("carelake".to_owned())
        .build()
}

impl Lake {
    /// Opens the lake in `folder`, making it if need be. `identity/`, with the key, is readable by its owner alone.
    ///
    /// # Errors
    /// When the folder cannot be made, read or written.
    pub fn open(folder: &Path) -> Result<Self, LakeError> {
        crate::rotation::settle(folder)?;
        let context = || format!("opening the lake {}", folder.display());
        let io = |error: std::io::Error| LakeError::io(context(), &error);
        let identity = folder.join("identity");
        let scratch = folder.join(SCRATCH);
        for part in [folder, &identity, &scratch] {
            std::fs::create_dir_all(part).map_err(io)?;
        }
        for restricted in [&identity, &scratch] {
            std::fs::set_permissions(restricted, std::fs::Permissions::from_mode(0o700)).map_err(io)?;
        }
        let key = LakeKey::load_or_create(&identity.join(KEY))
            .map_err(|error| LakeError::new(ErrorKind::Denied, context()).caused_by(error))?;
        Ok(Self { key: Some(key), ..Self::at(folder)? })
    }

    fn at(folder: &Path) -> Result<Self, LakeError> {
        let context = || format!("opening the lake {}", folder.display());
        let root = std::fs::canonicalize(folder).map_err(|error| LakeError::io(context(), &error))?;
        let url = Url::from_directory_path(&root).map_err(|()| LakeError::new(ErrorKind::Invalid, context()))?;
        let store = LocalFileSystem::new_with_prefix(&root).map_err(|error| LakeError::store(context(), &error))?;
        Ok(Self { store: Arc::new(store), url, key: None, scratch: root.join(SCRATCH) })
    }

    /// Opens a lake that must exist, for reading. The key is at hand only for who may read it: gold needs no key.
    ///
    /// # Errors
    /// When there is no lake in `folder`, or it cannot be opened.
    pub fn open_existing(folder: &Path) -> Result<Self, LakeError> {
        if !folder.join("_carelake").is_dir() {
            let context = format!("{} is not a lake; make one with carelake run --lake {0}", folder.display());
            return Err(LakeError::new(ErrorKind::NotFound, context));
        }
        crate::rotation::settle(folder)?;
        let lake = Self::at(folder)?;
        Ok(Self { key: LakeKey::load(&folder.join("identity").join(KEY)).ok(), ..lake })
    }

    /// The object store, rooted at the lake.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The lake's secret key.
    ///
    /// # Errors
    /// When the lake was opened by someone who may not read it.
    pub fn key(&self) -> Result<&LakeKey, LakeError> {
        self.key.as_ref().ok_or_else(|| LakeError::new(ErrorKind::Denied, "reading the lake's key"))
    }

    /// The URL of a path in the lake, ending in a slash for folders.
    ///
    /// # Errors
    /// When `path` is no relative path.
    pub fn url(&self, path: &str) -> Result<Url, LakeError> {
        self.url
            .join(path)
            .map_err(|error| LakeError::new(ErrorKind::Invalid, format!("naming {path}")).caused_by(error))
    }

    /// A private file that is gone when it is dropped.
    ///
    /// # Errors
    /// When the scratch folder cannot be written.
    pub fn scratch_file(&self) -> Result<std::fs::File, LakeError> {
        tempfile::tempfile_in(&self.scratch).map_err(|error| LakeError::io("making a scratch file", &error))
    }

    /// Writes an object whose name depends on its content: one that is there already is left as it is.
    ///
    /// # Errors
    /// When the store cannot take it.
    pub async fn put_once(&self, path: &str, file: &mut std::fs::File) -> Result<u64, LakeError> {
        let context = || format!("writing {path}");
        let io = |error: std::io::Error| LakeError::io(context(), &error);
        let store = |error: &object_store::Error| LakeError::store(context(), error);
        let length = file.seek(SeekFrom::End(0)).map_err(io)?;
        file.seek(SeekFrom::Start(0)).map_err(io)?;
        let location = ObjectPath::from(path);
        if length <= PART as u64 {
            let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
            file.read_to_end(&mut bytes).map_err(io)?;
            let options = PutOptions::from(PutMode::Create);
            return match self.store.put_opts(&location, bytes.into(), options).await {
                Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => Ok(length),
                Err(error) => Err(store(&error)),
            };
        }
        let mut upload = self.store.put_multipart(&location).await.map_err(|error| store(&error))?;
        loop {
            let mut part = Vec::with_capacity(PART);
            Read::by_ref(file).take(PART as u64).read_to_end(&mut part).map_err(io)?;
            if part.is_empty() {
                break;
            }
            upload.put_part(PutPayload::from(part)).await.map_err(|error| store(&error))?;
        }
        upload.complete().await.map_err(|error| store(&error))?;
        Ok(length)
    }

    /// Writes a small object, replacing what is there in one move.
    ///
    /// # Errors
    /// When the store cannot take it.
    pub async fn put_json<T: Serialize + Sync>(&self, path: &str, value: &T) -> Result<(), LakeError> {
        let text = serde_json::to_vec_pretty(value)
            .map_err(|error| LakeError::new(ErrorKind::Invalid, format!("encoding {path}")).caused_by(error))?;
        self.put_bytes(path, text.into()).await
    }

    /// Writes bytes, replacing what is there in one move.
    ///
    /// # Errors
    /// When the store cannot take it.
    pub async fn put_bytes(&self, path: &str, bytes: Bytes) -> Result<(), LakeError> {
        let put = self.store.put(&ObjectPath::from(path), bytes.into()).await;
        put.map(drop).map_err(|error| LakeError::store(format!("writing {path}"), &error))
    }

    /// Reads a small object; `None` when it is not there.
    ///
    /// # Errors
    /// When the store does not give it, or it is not what it should be.
    pub async fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, LakeError> {
        let context = || format!("reading {path}");
        let bytes = match self.store.get(&ObjectPath::from(path)).await {
            Ok(found) => found.bytes().await.map_err(|error| LakeError::store(context(), &error))?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(LakeError::store(context(), &error)),
        };
        let value = serde_json::from_slice(&bytes)
            .map_err(|error| LakeError::new(ErrorKind::Corrupt, context()).caused_by(error))?;
        Ok(Some(value))
    }

    /// Removes an object; one that is not there is fine.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn delete(&self, path: &str) -> Result<(), LakeError> {
        match self.store.delete(&ObjectPath::from(path)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(LakeError::store(format!("removing {path}"), &error)),
        }
    }

    /// Paths of all objects under a folder, in order.
    ///
    /// # Errors
    /// When the store cannot list.
    pub async fn list(&self, folder: &str) -> Result<Vec<String>, LakeError> {
        let prefix = ObjectPath::from(folder);
        let listing = self.store.list(Some(&prefix)).map_ok(|meta| meta.location.to_string());
        let mut paths: Vec<String> =
            listing.try_collect().await.map_err(|error| LakeError::store(format!("listing {folder}"), &error))?;
        paths.sort();
        Ok(paths)
    }
}
