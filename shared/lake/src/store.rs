//! A lake on a folder (or, through the same port, on a bucket).

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use carelake_privacy::LakeKey;
use object_store::ObjectStore;
use object_store::local::LocalFileSystem;
use object_store::path::Path as ObjectPath;
use object_store::prefix::PrefixStore;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use url::Url;

use crate::error::{ErrorKind, LakeError};
use crate::naming;

/// Where the key stands, in identity.
const KEY: &str = ".key";
/// Where the key stands, in the lake.
pub(crate) const KEY_PATH: &str = "identity/.key";
/// Where private files stand while they are written.
const SCRATCH: &str = "_carelake/scratch";
/// Part size of large uploads, in bytes.
const PART: usize = 16 << 20;

/// Largest dictionary of a column chunk, in bytes: columns with more distinct values are written plain, before time is
/// lost on looking each of them up.
const DICTIONARY: usize = 128 << 10;
/// Rows of a row group, which a writer holds in memory.
const ROW_GROUP: usize = 1 << 18;

/// A lake: its object store, its place, its secret key.
#[derive(Debug, Clone)]
pub struct Lake {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// The store of a lake on a folder.
    pub(crate) folder: Option<Arc<LocalFileSystem>>,
    root: Arc<dyn ObjectStore>,
    url: Url,
    key: Option<LakeKey>,
    scratch: PathBuf,
    pub(crate) part: usize,
}

/// How every Parquet file of a lake is written: ZSTD, page statistics, no writer version or time that would differ between runs.
pub fn parquet_properties() -> WriterProperties {
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_dictionary_page_size_limit(DICTIONARY)
        .set_max_row_group_row_count(Some(ROW_GROUP))
        .set_column_dictionary_enabled(ColumnPath::from("_row"), false)
        .set_column_encoding(ColumnPath::from("_row"), Encoding::DELTA_BINARY_PACKED)
        .set_created_by("carelake".to_owned())
        .build()
}

impl Lake {
    /// Opens the lake in `folder`, making it if need be. `identity/`, with the key, is readable by its owner alone.
    ///
    /// # Errors
    /// When the folder cannot be made, read or written.
    pub fn open(folder: &Path) -> Result<Self, LakeError> {
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
        let store = Arc::new(store);
        let scratch = root.join(SCRATCH);
        Ok(Self {
            folder: Some(store.clone()),
            store,
            root: Arc::new(LocalFileSystem::new()),
            url,
            key: None,
            scratch,
            part: PART,
        })
    }

    /// A lake on any object store, at `url`. `root` answers for the scheme and host of `url`: for a bucket, the whole
    /// bucket. `scratch` is a private folder of this machine for files under construction.
    ///
    /// # Errors
    /// When `url` has no path, or one that object stores do not take.
    pub fn over(root: Arc<dyn ObjectStore>, url: Url, key: LakeKey, scratch: &Path) -> Result<Self, LakeError> {
        Ok(Self { key: Some(key), ..Self::without_key(root, url, scratch)? })
    }

    /// The same, for who needs no key.
    ///
    /// # Errors
    /// When `url` has no path, or one that object stores do not take.
    pub fn without_key(root: Arc<dyn ObjectStore>, url: Url, scratch: &Path) -> Result<Self, LakeError> {
        let context = || format!("opening the lake {url}");
        let prefix = ObjectPath::from_url_path(url.path())
            .map_err(|error| LakeError::new(ErrorKind::Invalid, context()).caused_by(error))?;
        let store = Arc::new(PrefixStore::new(root.clone(), prefix));
        Ok(Self { store, folder: None, root, key: None, scratch: scratch.to_owned(), part: PART, url })
    }

    /// The same lake with uploads in parts of `bytes`.
    pub fn with_part_size(self, bytes: usize) -> Self {
        Self { part: bytes.max(1), ..self }
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
        let lake = Self::at(folder)?;
        Ok(Self { key: LakeKey::load(&folder.join("identity").join(KEY)).ok(), ..lake })
    }

    /// The object store, rooted at the lake.
    pub fn store(&self) -> &Arc<dyn ObjectStore> {
        &self.store
    }

    /// The object store that answers for the scheme and host of the lake's URL.
    pub fn root(&self) -> &Arc<dyn ObjectStore> {
        &self.root
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
        naming::nameless(&self.scratch)
            .or_else(|_| tempfile::tempfile_in(&self.scratch))
            .map_err(|error| LakeError::io("making a scratch file", &error))
    }
}
