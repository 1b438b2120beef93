//! Records of rotations: what is needed to finish one that was begun, and what proves that it was done.

use std::collections::BTreeMap;
use std::path::PathBuf;

use carelake_privacy::LakeKey;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::erasure::digest;
use crate::error::{ErrorKind, LakeError};
use crate::store::{KEY_PATH, Lake};

const FOLDER: &str = "_carelake/rotations";
/// The key to come, beside the lake's key.
const NEXT: &str = "identity/.next-key";
const RECEIPT: &str = ".receipt.json";

/// How far a rotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Objects and ledger entries get their new names and pseudonyms.
    Objects,
    /// The tables are emptied, and what was noted of them is forgotten.
    Tables,
    /// The tables are computed again, their past is removed.
    Computing,
    /// The new key takes the place of the old.
    Switching,
}

/// The keyed names of an ingested file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Of its landing key.
    pub key: String,
    /// Of its place in the order of files.
    pub place: String,
    /// Of its objects.
    pub name: String,
}

/// A file that gets other names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Move {
    /// The sender.
    pub source: String,
    /// The dataset.
    pub dataset: String,
    /// Names under the old key.
    pub from: Moved,
    /// Names under the new key.
    pub to: Moved,
}

/// The record of a rotation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rotation {
    /// Names the record and its receipt.
    pub id: String,
    /// When it began.
    pub started: DateTime<Utc>,
    /// How far it is.
    pub stage: Stage,
    /// The day as of which gold is computed.
    pub as_of: String,
    /// Files that get other names.
    pub moves: Vec<Move>,
    /// Files that are not in landing any more: one that comes back counts as new.
    pub gone_from_landing: u64,
    /// Objects made anew.
    pub objects: u64,
    /// Rows of every table before the rotation.
    pub rows: BTreeMap<String, u64>,
}

/// What is given to who rotated the key: counts and times, nothing of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationReceipt {
    /// Names the rotation.
    pub rotation: String,
    /// When it began.
    pub started: DateTime<Utc>,
    /// When it was done.
    pub finished: DateTime<Utc>,
    /// Files of the ledger.
    pub files: u64,
    /// Of these, files that are not in landing any more.
    pub gone_from_landing: u64,
    /// Objects of bronze, identity and quarantine made anew.
    pub objects: u64,
    /// Rows of every table, the same before and after.
    pub rows: BTreeMap<String, u64>,
    /// SHA-256 of the receipt's JSON without this field, hexadecimal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha256: String,
}

/// The rotations of a lake.
#[derive(Debug, Clone)]
pub struct Rotations {
    lake: Lake,
}

impl Rotations {
    /// The rotations of that lake.
    pub fn new(lake: &Lake) -> Self {
        Self { lake: lake.clone() }
    }

    /// The rotation that was begun and not finished.
    ///
    /// # Errors
    /// When its record cannot be read.
    pub async fn unfinished(&self) -> Result<Option<Rotation>, LakeError> {
        for path in self.lake.list(FOLDER).await? {
            if !path.ends_with(RECEIPT) {
                return self.lake.get_json(&path).await;
            }
        }
        Ok(None)
    }

    /// Writes the record.
    ///
    /// # Errors
    /// When the store cannot take it.
    pub async fn record(&self, rotation: &Rotation) -> Result<(), LakeError> {
        self.lake.put_json(&format!("{FOLDER}/{}.json", rotation.id), rotation).await
    }

    /// True for the path of a record, which tells old names from new ones until the rotation is done.
    pub fn is_record(path: &str) -> bool {
        path.starts_with(FOLDER) && !path.ends_with(RECEIPT)
    }

    /// Writes the receipt, signed with the hash of its content, and ends the record.
    ///
    /// # Errors
    /// When the store refuses.
    pub async fn finish(&self, mut receipt: RotationReceipt) -> Result<RotationReceipt, LakeError> {
        receipt.sha256 = String::new();
        receipt.sha256 = digest(&receipt)?;
        self.lake.put_json(&format!("{FOLDER}/{}{RECEIPT}", receipt.rotation), &receipt).await?;
        self.lake.delete(&format!("{FOLDER}/{}.json", receipt.rotation)).await?;
        Ok(receipt)
    }

    /// A new key for a rotation that begins; one that an attempt before the record left is not used.
    ///
    /// # Errors
    /// When the key cannot be made.
    pub fn make_key(&self) -> Result<LakeKey, LakeError> {
        let path = self.path(NEXT)?;
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(LakeError::io("making the new key", &error))
            }
            _ => self.load(LakeKey::load_or_create(&path)),
        }
    }

    /// The key of a rotation that was begun; the lake's own when it has taken its place already.
    ///
    /// # Errors
    /// When the key cannot be read.
    pub fn next_key(&self) -> Result<LakeKey, LakeError> {
        let path = self.path(NEXT)?;
        if path.exists() { self.load(LakeKey::load(&path)) } else { self.lake.key().cloned() }
    }

    /// Puts the new key in the place of the old, at once; done already is fine.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn switch(&self) -> Result<(), LakeError> {
        let (next, key) = (self.path(NEXT)?, self.path(KEY_PATH)?);
        let renamed = match std::fs::rename(&next, &key) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            other => other,
        };
        let folder = key.parent().map_or_else(PathBuf::new, std::path::Path::to_path_buf);
        renamed
            .and_then(|()| std::fs::File::open(folder)?.sync_all())
            .map_err(|error| LakeError::io("putting the new key in place", &error))
    }

    fn path(&self, path: &str) -> Result<PathBuf, LakeError> {
        let invalid = |()| LakeError::new(ErrorKind::Invalid, "rotating the key of a lake that is no folder");
        self.lake.url(path)?.to_file_path().map_err(invalid)
    }

    fn load(&self, key: Result<LakeKey, carelake_privacy::KeyError>) -> Result<LakeKey, LakeError> {
        key.map_err(|error| LakeError::new(ErrorKind::Denied, "reading the new key").caused_by(error))
    }
}
