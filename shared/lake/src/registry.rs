//! The model registry: versions that never change, and an alias that names the one in use.
//!
//! `_carelake/models/<name>/<version>/model.bin` is written first and only where nothing is, then `version.json` beside
//! it, which makes the version known; `_carelake/models/<name>/champion.json` comes last and is replaced in one move. A
//! crash in between leaves the champion of before.

use bytes::Bytes;
use object_store::path::Path as ObjectPath;
use object_store::{Error, PutMode, PutOptions};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{ErrorKind, LakeError};
use crate::store::Lake;

const FOLDER: &str = "_carelake/models";
/// Tries to find a free number when others register versions at the same time.
const ATTEMPTS: u32 = 50;

/// What is known of a version beside its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelVersion {
    /// The model's name.
    pub name: String,
    /// Its number, from 1.
    pub version: u32,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// The run that registered it.
    pub run_id: String,
    /// The learner, the windows, the figures of the evaluation, the comparison with the champion of then.
    pub about: serde_json::Value,
}

/// The version in use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Champion {
    /// Its number.
    pub version: u32,
    /// SHA-256 of its file, hexadecimal.
    pub sha256: String,
    /// The run that promoted it.
    pub run_id: String,
    /// Why it was promoted.
    pub reason: String,
}

/// The models of a lake.
#[derive(Debug, Clone)]
pub struct Registry {
    lake: Lake,
}

impl Registry {
    /// The models of that lake.
    pub fn new(lake: &Lake) -> Self {
        Self { lake: lake.clone() }
    }

    /// Names of all models.
    ///
    /// # Errors
    /// When the lake cannot be listed.
    pub async fn names(&self) -> Result<Vec<String>, LakeError> {
        let mut names: Vec<String> = Vec::new();
        for path in self.lake.list(FOLDER).await? {
            let name = path.strip_prefix(FOLDER).and_then(|rest| rest.split('/').nth(1));
            names.extend(name.map(str::to_owned).filter(|name| names.last() != Some(name)));
        }
        Ok(names)
    }

    /// The versions of a model, oldest first.
    ///
    /// # Errors
    /// When one cannot be read.
    pub async fn versions(&self, name: &str) -> Result<Vec<ModelVersion>, LakeError> {
        let mut versions = Vec::new();
        for path in self.lake.list(&format!("{FOLDER}/{name}")).await? {
            if path.ends_with("/version.json") {
                versions.extend(self.lake.get_json::<ModelVersion>(&path).await?);
            }
        }
        versions.sort_by_key(|version| version.version);
        Ok(versions)
    }

    /// A version; `None` when there is none of that number.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn version(&self, name: &str, version: u32) -> Result<Option<ModelVersion>, LakeError> {
        self.lake.get_json(&format!("{}/version.json", folder(name, version))).await
    }

    /// Registers a file as a new version.
    ///
    /// # Errors
    /// When the store cannot take it.
    pub async fn register(
        &self,
        name: &str,
        file: &[u8],
        run_id: &str,
        about: serde_json::Value,
    ) -> Result<ModelVersion, LakeError> {
        let mut number = self.last(name).await?;
        for _ in 0..ATTEMPTS {
            number += 1;
            if self.create(&format!("{}/model.bin", folder(name, number)), file.to_vec().into()).await? {
                let version = ModelVersion {
                    name: name.to_owned(),
                    version: number,
                    sha256: hex::encode(Sha256::digest(file)),
                    bytes: file.len() as u64,
                    run_id: run_id.to_owned(),
                    about,
                };
                self.lake.put_json(&format!("{}/version.json", folder(name, number)), &version).await?;
                return Ok(version);
            }
        }
        Err(LakeError::new(ErrorKind::Conflict, format!("registering a version of {name}")))
    }

    /// The bytes of a version, which must be those that were registered.
    ///
    /// # Errors
    /// When the file is not there, cut short or changed.
    pub async fn file(&self, version: &ModelVersion) -> Result<Bytes, LakeError> {
        let path = format!("{}/model.bin", folder(&version.name, version.version));
        let context = || format!("reading version {} of the model {}", version.version, version.name);
        let bytes = self.lake.get_bytes(&path).await?;
        let bytes =
            bytes.ok_or_else(|| LakeError::new(ErrorKind::NotFound, context()).caused_by("its file is gone"))?;
        if hex::encode(Sha256::digest(&bytes)) != version.sha256 {
            let found = if (bytes.len() as u64) < version.bytes { "it is cut short" } else { "it was changed" };
            let why = format!("{found} since it was registered; train again, or promote another version");
            return Err(LakeError::new(ErrorKind::Corrupt, context()).caused_by(why));
        }
        Ok(bytes)
    }

    /// The version in use; `None` before the first promotion.
    ///
    /// # Errors
    /// When the alias cannot be read.
    pub async fn champion(&self, name: &str) -> Result<Option<Champion>, LakeError> {
        self.lake.get_json(&alias(name)).await
    }

    /// Makes a version the one in use.
    ///
    /// # Errors
    /// When the store cannot take it.
    pub async fn promote(&self, version: &ModelVersion, run_id: &str, reason: &str) -> Result<Champion, LakeError> {
        let champion = Champion {
            version: version.version,
            sha256: version.sha256.clone(),
            run_id: run_id.to_owned(),
            reason: reason.to_owned(),
        };
        self.lake.put_json(&alias(&version.name), &champion).await?;
        Ok(champion)
    }

    /// The highest number taken, by a version that is known or one that was cut short.
    async fn last(&self, name: &str) -> Result<u32, LakeError> {
        let prefix = format!("{FOLDER}/{name}/");
        let taken = self.lake.list(prefix.trim_end_matches('/')).await?;
        let numbers = taken.iter().filter_map(|path| path.strip_prefix(&prefix)?.split('/').next()?.parse().ok());
        Ok(numbers.max().unwrap_or(0))
    }

    /// Writes an object where none is; false when there is one.
    async fn create(&self, path: &str, bytes: Bytes) -> Result<bool, LakeError> {
        let options = PutOptions::from(PutMode::Create);
        match self.lake.store().put_opts(&ObjectPath::from(path), bytes.into(), options).await {
            Ok(_) => Ok(true),
            Err(Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(LakeError::store(format!("writing {path}"), &error)),
        }
    }
}

fn folder(name: &str, version: u32) -> String {
    format!("{FOLDER}/{name}/{version}")
}

fn alias(name: &str) -> String {
    format!("{FOLDER}/{name}/champion.json")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    async fn registered(registry: &Registry, file: &[u8]) -> ModelVersion {
        registry.register("no_show_a", file, "run", serde_json::json!({})).await.unwrap()
    }

    #[tokio::test]
    async fn versions_are_numbered_and_never_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let registry = Registry::new(&Lake::open(folder.path()).unwrap());
        let (one, two) = (registered(&registry, b"one").await, registered(&registry, b"two").await);
        assert_eq!((one.version, two.version), (1, 2));
        assert_eq!(registry.file(&one).await.unwrap(), "one");
        assert_eq!(registry.versions("no_show_a").await.unwrap(), [one, two]);
        assert_eq!(registry.names().await.unwrap(), ["no_show_a"]);
    }

    #[tokio::test]
    async fn a_version_cut_short_before_it_was_known_leaves_the_champion_and_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(folder.path()).unwrap();
        let registry = Registry::new(&lake);
        let one = registered(&registry, b"one").await;
        registry.promote(&one, "run", "the first").await.unwrap();
        lake.put_bytes("_carelake/models/no_show_a/2/model.bin", Bytes::from_static(b"half")).await.unwrap();
        assert_eq!(registry.champion("no_show_a").await.unwrap().unwrap().version, 1);
        assert_eq!(registry.versions("no_show_a").await.unwrap().len(), 1);
        assert_eq!(registered(&registry, b"three").await.version, 3);
        assert_eq!(registry.champion("no_show_a").await.unwrap().unwrap().version, 1);
    }

    #[tokio::test]
    async fn a_file_cut_short_or_changed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let lake = Lake::open(folder.path()).unwrap();
        let registry = Registry::new(&lake);
        let one = registered(&registry, b"model").await;
        for (bytes, why) in [(&b"mod"[..], "cut short"), (&b"modle"[..], "changed")] {
            lake.put_bytes("_carelake/models/no_show_a/1/model.bin", Bytes::from_static(bytes)).await.unwrap();
            let error = registry.file(&one).await.unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        lake.delete("_carelake/models/no_show_a/1/model.bin").await.unwrap();
        assert!(registry.file(&one).await.unwrap_err().to_string().contains("gone"));
    }
}
