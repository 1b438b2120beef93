//! The lake on S3: its buckets as one store, its key, its context.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use carelake_contracts::{ContractSet, Sources};
use carelake_ingest::erased::Erased;
use carelake_ingest::{Context, StepError};
use carelake_lake::{Erasures, ErrorKind, Lake, LakeError, Landing, Ledger, Rotations};
use carelake_privacy::LakeKey;
use chrono::NaiveDate;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path as ObjectPath;
use object_store::{ClientOptions, Error, ObjectStore, ObjectStoreExt, PutMode, PutOptions};
use url::Url;

use crate::clients::Clients;
use crate::config::Config;
use crate::glue::GlueCatalog;
use crate::lineage::Transport;
use crate::route::Routed;

/// Where the key of pseudonyms stands, in the bucket of identity: as in a lake on a folder.
const KEY: &str = "identity/.key";
/// Where entries of the ledger stand: a lake that has some has a key.
const LEDGER: &str = "_carelake/ledger";

/// What a function holds from its start: clients, stores, contracts.
#[derive(Clone)]
pub struct Place {
    /// The settings.
    pub config: Config,
    /// The clients of AWS.
    pub clients: Clients,
    store: Arc<dyn ObjectStore>,
    contracts: Arc<ContractSet>,
    /// Sends OpenLineage's events, if they go anywhere.
    pub lineage: Option<Transport>,
    catalog: Arc<GlueCatalog>,
    scratch: PathBuf,
}

/// What differs between invocations.
#[derive(Debug, Clone)]
pub struct Work {
    /// Identifies the run.
    pub run_id: String,
    /// The day as of which ages and the like are reckoned.
    pub as_of: NaiveDate,
    /// Which feed each sender sends.
    pub sources: Sources,
    /// True for who finishes an erasure that was begun.
    pub finishes: bool,
}

impl Place {
    /// The place that a configuration names.
    ///
    /// # Errors
    /// When it names nothing usable, or the scratch folder cannot be made.
    pub fn new(config: Config) -> Result<Self, StepError> {
        let lake: Arc<dyn ObjectStore> = Arc::new(bucket(&config, &config.lake)?);
        let store = if config.identity == config.lake {
            lake
        } else {
            Arc::new(Routed::new(lake, Arc::new(bucket(&config, &config.identity)?)))
        };
        let scratch = std::env::temp_dir().join("carelake");
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&scratch)
            .map_err(|error| LakeError::io("making the scratch folder", &error))?;
        let contracts = ContractSet::embedded().map_err(|errors| StepError::Invalid(errors.to_string()))?;
        let clients = Clients::new(&config);
        let catalog = Arc::new(GlueCatalog::new(clients.glue.clone(), &config.lake, &config.identity));
        let lineage = config.lineage.clone().map(Transport::new).transpose();
        let lineage = lineage.map_err(|error| StepError::Invalid(error.to_owned()))?;
        Ok(Self { config, clients, store, contracts: Arc::new(contracts), lineage, catalog, scratch })
    }

    /// Private files of this machine are made here.
    pub fn scratch(&self) -> &Path {
        &self.scratch
    }

    /// The lake, as it is now: with the key that it has now, and the catalogue of Glue.
    ///
    /// # Errors
    /// When it cannot be read; `Transient` while an erasure or a rotation of the key is not finished.
    pub async fn open(&self, landing: Arc<dyn Landing>, work: Work) -> Result<Context, StepError> {
        let key = self.key().await?;
        let lake = Lake::over(self.store.clone(), self.url()?, key, &self.scratch)?;
        let (erasures, rotations) = (Erasures::new(&lake), Rotations::new(&lake));
        let (erasing, rotating) = tokio::try_join!(erasures.unfinished(), rotations.unfinished())?;
        if (!erasing.is_empty() && !work.finishes) || rotating.is_some() {
            let context = "opening the lake while an erasure or a rotation of its key is under way";
            return Err(LakeError::new(ErrorKind::Transient, context).into());
        }
        Ok(Context {
            ledger: Ledger::new(&lake),
            catalog: Arc::new(self.catalog.again()),
            lake,
            landing,
            contracts: self.contracts.clone(),
            sources: Arc::new(work.sources),
            as_of: work.as_of,
            run_id: work.run_id,
            erased: Erased::default(),
        })
    }

    /// The lake without its key, for its locks.
    ///
    /// # Errors
    /// When the bucket's name is none.
    pub fn lake(&self) -> Result<Lake, LakeError> {
        Lake::without_key(self.store.clone(), self.url()?, &self.scratch)
    }

    fn url(&self) -> Result<Url, LakeError> {
        let invalid = |_| LakeError::new(ErrorKind::Invalid, format!("naming the bucket {}", self.config.lake));
        Url::parse(&format!("s3://{}/", self.config.lake)).map_err(invalid)
    }

    /// The key of pseudonyms. A lake without anything in it gets one; two functions that start at once get the same.
    async fn key(&self) -> Result<LakeKey, LakeError> {
        let path = ObjectPath::from(KEY);
        if let Some(key) = self.present_key(&path).await? {
            return Ok(key);
        }
        if !self
            .store
            .list_with_delimiter(Some(&ObjectPath::from(LEDGER)))
            .await
            .map_err(unread)?
            .common_prefixes
            .is_empty()
        {
            let lost = "the lake has files, and its key is gone; restore identity/.key, pseudonyms depend on it";
            return Err(LakeError::new(ErrorKind::Corrupt, "reading the lake's key").caused_by(lost));
        }
        let text = LakeKey::random_text()
            .map_err(|error| LakeError::new(ErrorKind::Transient, "making the lake's key").caused_by(error))?;
        match self.store.put_opts(&path, text.into(), PutOptions::from(PutMode::Create)).await {
            Ok(_) | Err(Error::AlreadyExists { .. }) => {}
            Err(error) => return Err(LakeError::store("writing the lake's key", &error)),
        }
        let missing = || LakeError::new(ErrorKind::Transient, "reading the lake's key");
        self.present_key(&path).await?.ok_or_else(missing)
    }

    async fn present_key(&self, path: &ObjectPath) -> Result<Option<LakeKey>, LakeError> {
        let read = async { self.store.get(path).await?.bytes().await };
        let bytes = match read.await {
            Ok(bytes) => bytes,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(unread(error)),
        };
        let key = LakeKey::parse(&String::from_utf8_lossy(&bytes));
        key.map(Some).map_err(|error| LakeError::new(ErrorKind::Corrupt, "reading the lake's key").caused_by(error))
    }
}

fn unread(error: Error) -> LakeError {
    LakeError::store("reading the lake's key", &error)
}

fn bucket(config: &Config, name: &str) -> Result<AmazonS3, LakeError> {
    let keys = &config.credentials;
    let plain = config.endpoint.as_ref().is_some_and(|url| url.starts_with("http://"));
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(name)
        .with_region(&config.region)
        .with_access_key_id(&keys.id)
        .with_secret_access_key(&keys.secret)
        .with_client_options(ClientOptions::new().with_allow_http(plain));
    if let Some(token) = &keys.token {
        builder = builder.with_token(token);
    }
    if let Some(endpoint) = &config.endpoint {
        builder = builder.with_endpoint(endpoint).with_virtual_hosted_style_request(false);
    }
    builder.build().map_err(|error| LakeError::store(format!("naming the bucket {name}"), &error))
}
