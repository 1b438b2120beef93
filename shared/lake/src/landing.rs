//! The landing zone: where senders drop files.

use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use carelake_privacy::LakeKey;
use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use crate::error::{ErrorKind, LakeError};

/// The key of a landing file. It may name a person, so it has no `Display` and a redacted `Debug`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LandingKey(String);

impl LandingKey {
    /// Wraps a key, `<source>/<dataset>/[<date>/]<file>`.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The key itself, for reading the file and for its owner's eyes.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A name for the key that tells nothing of it.
    pub fn name(&self, lake: &LakeKey) -> String {
        let mut name = lake.name("landing", &[&self.0]);
        name.truncate(16);
        name
    }
}

impl std::fmt::Debug for LandingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LandingKey(redacted)")
    }
}

/// One version of a landing file, open for reading.
#[derive(Debug)]
pub struct LandingFile {
    /// The bytes, at their start.
    pub file: File,
    /// Length in bytes.
    pub bytes: u64,
    /// When this version arrived.
    pub modified: DateTime<Utc>,
}

impl LandingFile {
    /// SHA-256 of the bytes, hexadecimal: the version. Where others read the file meanwhile does not matter.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn digest(&self) -> Result<String, LakeError> {
        let io = |error: std::io::Error| LakeError::io("reading a landing file", &error);
        let mut digest = Sha256::new();
        let mut buffer = vec![0_u8; 1 << 18];
        let mut bytes = 0_u64;
        loop {
            let read = self.file.read_at(&mut buffer, bytes).map_err(io)?;
            if read == 0 {
                return Ok(hex::encode(digest.finalize()));
            }
            bytes += read as u64;
            digest.update(buffer.get(..read).unwrap_or_default());
        }
    }
}

/// Where files arrive: a folder here, a bucket in the cloud.
pub trait Landing: Send + Sync {
    /// The keys of all files, in order.
    ///
    /// # Errors
    /// When the zone cannot be listed.
    fn list(&self) -> Result<Vec<LandingKey>, LakeError>;

    /// Length in bytes and time of arrival of a file's present version, without reading it.
    ///
    /// # Errors
    /// When it is gone.
    fn peek(&self, key: &LandingKey) -> Result<(u64, DateTime<Utc>), LakeError>;

    /// Opens a file.
    ///
    /// # Errors
    /// When it is gone or cannot be read.
    fn open(&self, key: &LandingKey) -> Result<LandingFile, LakeError>;

    /// Puts other content in the place of a file, in one move; it keeps its time of arrival. Only an erasure does this.
    ///
    /// # Errors
    /// When the zone does not allow it.
    fn rewrite(&self, _key: &LandingKey, _content: &mut File, _modified: DateTime<Utc>) -> Result<(), LakeError> {
        Err(LakeError::new(ErrorKind::Invalid, "rewriting a landing file"))
    }

    /// Removes a file. Only upkeep does this, when its rows are in the lake for long enough.
    ///
    /// # Errors
    /// When the zone does not allow it.
    fn remove(&self, _key: &LandingKey) -> Result<(), LakeError> {
        Err(LakeError::new(ErrorKind::Invalid, "removing a landing file"))
    }
}

/// A landing zone in a folder.
#[derive(Debug, Clone)]
pub struct FolderLanding {
    root: PathBuf,
}

impl FolderLanding {
    /// The landing zone in `root`.
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    fn walk(&self, folder: &Path, depth: usize, keys: &mut Vec<LandingKey>) -> std::io::Result<()> {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let path = entry.path();
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if hidden {
                continue;
            }
            if path.is_dir() {
                self.walk(&path, depth + 1, keys)?;
            } else if depth > 0 {
                // Files at the root (sources.toml, a manifest) belong to no sender.
                let relative = path.strip_prefix(&self.root).unwrap_or(&path);
                let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
                keys.push(LandingKey::new(parts.join("/")));
            }
        }
        Ok(())
    }
}

impl Landing for FolderLanding {
    fn list(&self) -> Result<Vec<LandingKey>, LakeError> {
        let mut keys = Vec::new();
        self.walk(&self.root, 0, &mut keys)
            .map_err(|error| LakeError::io(format!("listing the landing folder {}", self.root.display()), &error))?;
        keys.sort();
        Ok(keys)
    }

    fn peek(&self, key: &LandingKey) -> Result<(u64, DateTime<Utc>), LakeError> {
        let meta = std::fs::metadata(self.root.join(key.expose()));
        let found = meta.and_then(|meta| Ok((meta.len(), meta.modified()?.into())));
        found.map_err(|error| LakeError::io("reading a landing file", &error))
    }

    fn open(&self, key: &LandingKey) -> Result<LandingFile, LakeError> {
        let io = |error: std::io::Error| LakeError::io("reading a landing file", &error);
        let file = File::open(self.root.join(key.expose())).map_err(io)?;
        let meta = file.metadata().map_err(io)?;
        let modified = meta.modified().map_err(io)?.into();
        Ok(LandingFile { file, bytes: meta.len(), modified })
    }

    fn rewrite(&self, key: &LandingKey, content: &mut File, modified: DateTime<Utc>) -> Result<(), LakeError> {
        replace(&self.root.join(key.expose()), content, modified)
            .map_err(|error| LakeError::io("rewriting a landing file", &error))
    }

    fn remove(&self, key: &LandingKey) -> Result<(), LakeError> {
        std::fs::remove_file(self.root.join(key.expose()))
            .map_err(|error| LakeError::io("removing a landing file", &error))
    }
}

/// Writes beside the file, under a name that nobody reads, then renames. Behind a link, the file itself is replaced.
fn replace(path: &Path, content: &mut File, modified: DateTime<Utc>) -> std::io::Result<()> {
    let path = path.canonicalize()?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let aside = path.with_file_name(format!(".{name}.erasing"));
    content.seek(SeekFrom::Start(0))?;
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    file.set_permissions(std::fs::metadata(&path)?.permissions())?;
    std::io::copy(content, &mut file)?;
    file.set_modified(modified.into())?;
    file.sync_all()?;
    std::fs::rename(&aside, &path)
}

/// No landing zone at all.
#[derive(Debug, Clone, Copy)]
pub struct Nowhere;

impl Landing for Nowhere {
    fn list(&self) -> Result<Vec<LandingKey>, LakeError> {
        Ok(Vec::new())
    }

    fn peek(&self, _: &LandingKey) -> Result<(u64, DateTime<Utc>), LakeError> {
        Err(LakeError::new(ErrorKind::NotFound, "reading a landing file"))
    }

    fn open(&self, _: &LandingKey) -> Result<LandingFile, LakeError> {
        Err(LakeError::new(ErrorKind::NotFound, "reading a landing file"))
    }
}
