//! How Delta commits are made on a store other than a folder: the log's next file is put where none may be, in one
//! conditional call. S3 answers this since 2024; no table of locks stands beside the bucket.

use std::sync::Arc;

use deltalake::logstore::{
    LogStore, LogStoreFactory, ObjectStoreRef, StorageConfig, default_logstore, logstore_factories,
};
use deltalake::{DeltaResult, DeltaTableError};
use url::Url;

struct ConditionalPut;

impl LogStoreFactory for ConditionalPut {
    fn with_options(
        &self,
        prefixed_store: ObjectStoreRef,
        root_store: ObjectStoreRef,
        location: &Url,
        options: &StorageConfig,
    ) -> DeltaResult<Arc<dyn LogStore>> {
        Ok(default_logstore(prefixed_store, root_store, location, options))
    }
}

/// Has the tables of that URL's scheme committed so, unless the table format has its own way already.
pub fn by_conditional_put(url: &Url) -> Result<(), DeltaTableError> {
    let scheme = Url::parse(&format!("{}://", url.scheme()))
        .map_err(|_| DeltaTableError::InvalidTableLocation(url.to_string()))?;
    logstore_factories().entry(scheme).or_insert_with(|| Arc::new(ConditionalPut));
    Ok(())
}
