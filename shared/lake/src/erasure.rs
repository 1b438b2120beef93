//! Records of erased persons: what keeps them out of the lake for ever, and what proves that they were erased.
//!
//! A record knows persons by fingerprints: keyed hashes under a key of its own, which outlives the lake's key. Neither
//! the identifier nor the pseudonym can be told from it. While an erasure is under way the record also holds what is
//! needed to finish it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use carelake_privacy::LakeKey;
use chrono::{DateTime, Utc};
use object_store::{Error, PutMode, PutOptions};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{ErrorKind, LakeError};
use crate::store::Lake;

const FOLDER: &str = "_carelake/erasures";
/// The key of the fingerprints, beside the lake's key.
pub(crate) const KEY: &str = "identity/.erasures-key";
const RECEIPT: &str = ".receipt.json";

/// What is needed to finish an erasure that was begun. It is dropped from the record when the erasure is done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// The persons' pseudonyms.
    pub pseudonyms: BTreeSet<String>,
    /// Datasets of the source that hold something of the persons.
    pub datasets: BTreeSet<String>,
    /// The day as of which gold is computed.
    pub as_of: String,
}

/// What an erasure removed. It counts and names tables; it holds nothing of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removed {
    /// Rows of the persons, by table; `landing.<dataset>` for records of landing files.
    pub rows: BTreeMap<String, u64>,
    /// Landing files rewritten.
    pub landing_files: u64,
    /// Objects of bronze, identity and quarantine made anew or removed.
    pub objects: u64,
    /// Earlier versions of tables removed, by table.
    pub versions: BTreeMap<String, u64>,
    /// Data files of tables removed.
    pub files: u64,
    /// Earlier versions of objects removed, where the store keeps them.
    #[serde(default, skip_serializing_if = "none")]
    pub object_versions: u64,
    /// Landing files that cannot be rewritten and hold the identifier as text, or hold it in their name.
    pub left_in_landing: u64,
    /// Rejected rows of files that are not in landing any more: they are masked, and nobody can tell whose they are.
    pub masked_rows_left: u64,
}

fn none(count: &u64) -> bool {
    *count == 0
}

/// The record of an erasure: for ever, so that the persons do not come back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// Names the record and its receipt.
    pub id: String,
    /// The sender.
    pub source: String,
    /// Feed of the sender.
    pub feed: String,
    /// Fingerprints of the persons' identifiers.
    pub persons: BTreeSet<String>,
    /// Fingerprints of keys that stand for the persons in datasets without a person's column, by `table.column`.
    pub keys: BTreeMap<String, BTreeSet<String>>,
    /// Why, in the words of who asked for it.
    pub reason: Option<String>,
    /// When it was asked for.
    pub started: DateTime<Utc>,
    /// When it was done.
    pub finished: Option<DateTime<Utc>>,
    /// True when landing files are rewritten too.
    pub landing: bool,
    /// What is removed.
    pub removed: Removed,
    /// What is needed to finish it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pending: Option<Pending>,
}

/// What is given to who asked for an erasure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Names the erasure.
    pub erasure: String,
    /// The sender.
    pub source: String,
    /// Number of persons.
    pub persons: u64,
    /// Keyed fingerprints of their identifiers.
    pub fingerprints: BTreeSet<String>,
    /// Why.
    pub reason: Option<String>,
    /// When it was asked for.
    pub started: DateTime<Utc>,
    /// When it was done.
    pub finished: Option<DateTime<Utc>>,
    /// True when landing files were rewritten too.
    pub landing: bool,
    /// What was removed.
    pub removed: Removed,
    /// SHA-256 of the receipt's JSON without this field, hexadecimal.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub sha256: String,
}

/// Makes fingerprints of identifiers.
#[derive(Debug, Clone)]
pub struct Fingerprints {
    key: LakeKey,
}

impl Fingerprints {
    /// The fingerprint of a person's identifier at a source.
    pub fn person(&self, source: &str, id: &str) -> String {
        self.key.name("erased person", &[source, id])
    }

    /// The fingerprint of a key that stands for a person, such as that of an encounter.
    pub fn key(&self, source: &str, column: &str, value: &str) -> String {
        self.key.name("erased key", &[source, column, value])
    }
}

/// The erasures of a lake.
#[derive(Debug, Clone)]
pub struct Erasures {
    lake: Lake,
}

impl Erasures {
    /// The erasures of that lake.
    pub fn new(lake: &Lake) -> Self {
        Self { lake: lake.clone() }
    }

    /// The lake's maker of fingerprints; its key is made when there is none.
    ///
    /// # Errors
    /// When the key cannot be read or made.
    pub async fn fingerprints(&self) -> Result<Fingerprints, LakeError> {
        let context = || "reading the key of erasures".to_owned();
        if self.lake.folder.is_some() {
            let path =
                self.lake.url(KEY)?.to_file_path().map_err(|()| LakeError::new(ErrorKind::Invalid, context()))?;
            let key = LakeKey::load_or_create(&path)
                .map_err(|error| LakeError::new(ErrorKind::Denied, context()).caused_by(error))?;
            return Ok(Fingerprints { key });
        }
        let text = match self.lake.get_bytes(KEY).await? {
            Some(bytes) => bytes,
            None => self.first_key().await?,
        };
        let key = LakeKey::parse(&String::from_utf8_lossy(&text))
            .map_err(|error| LakeError::new(ErrorKind::Corrupt, context()).caused_by(error))?;
        Ok(Fingerprints { key })
    }

    /// Makes the key on a bucket, once: who comes second takes that of who came first. Fingerprints of a lost key know
    /// nobody, so that one is not made where there are erasures.
    async fn first_key(&self) -> Result<Bytes, LakeError> {
        let context = || "making the key of erasures".to_owned();
        if !self.lake.list(FOLDER).await?.is_empty() {
            let lost = format!("persons were erased, and the key that knows them is gone; restore {KEY}");
            return Err(LakeError::new(ErrorKind::Corrupt, context()).caused_by(lost));
        }
        let text =
            LakeKey::random_text().map_err(|error| LakeError::new(ErrorKind::Transient, context()).caused_by(error))?;
        let put = self.lake.store().put_opts(&KEY.into(), text.into(), PutOptions::from(PutMode::Create)).await;
        match put {
            Ok(_) | Err(Error::AlreadyExists { .. }) => {}
            Err(error) => return Err(LakeError::store(context(), &error)),
        }
        let missing = || LakeError::new(ErrorKind::Transient, context());
        self.lake.get_bytes(KEY).await?.ok_or_else(missing)
    }

    /// Every erasure, begun or done.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub async fn all(&self) -> Result<Vec<Erasure>, LakeError> {
        let mut all = Vec::new();
        for path in self.lake.list(FOLDER).await? {
            if !path.ends_with(RECEIPT) {
                all.extend(self.lake.get_json::<Erasure>(&path).await?);
            }
        }
        Ok(all)
    }

    /// Erasures that were begun and have no receipt yet.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub async fn unfinished(&self) -> Result<Vec<Erasure>, LakeError> {
        let mut open = Vec::new();
        for erasure in self.all().await? {
            if erasure.pending.is_some() || self.receipt(&erasure.id).await?.is_none() {
                open.push(erasure);
            }
        }
        Ok(open)
    }

    /// The record of that name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn get(&self, id: &str) -> Result<Option<Erasure>, LakeError> {
        self.lake.get_json(&format!("{FOLDER}/{id}.json")).await
    }

    /// Writes a record.
    ///
    /// # Errors
    /// When the store cannot take it.
    pub async fn record(&self, erasure: &Erasure) -> Result<(), LakeError> {
        self.lake.put_json(&format!("{FOLDER}/{}.json", erasure.id), erasure).await
    }

    /// The receipt of that name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn receipt(&self, id: &str) -> Result<Option<Receipt>, LakeError> {
        self.lake.get_json(&format!("{FOLDER}/{id}{RECEIPT}")).await
    }

    /// Writes a receipt, signed with the hash of its content.
    ///
    /// # Errors
    /// When the store cannot take it.
    pub async fn write_receipt(&self, mut receipt: Receipt) -> Result<Receipt, LakeError> {
        receipt.sha256 = String::new();
        receipt.sha256 = digest(&receipt)?;
        self.lake.put_json(&format!("{FOLDER}/{}{RECEIPT}", receipt.erasure), &receipt).await?;
        Ok(receipt)
    }
}

/// SHA-256 of the JSON of a receipt.
pub(crate) fn digest<T: Serialize>(receipt: &T) -> Result<String, LakeError> {
    let text = serde_json::to_vec(receipt)
        .map_err(|error| LakeError::new(ErrorKind::Invalid, "encoding a receipt").caused_by(error))?;
    Ok(hex::encode(Sha256::digest(text)))
}
