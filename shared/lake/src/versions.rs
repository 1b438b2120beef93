//! Earlier versions of objects, where a store keeps them.

use async_trait::async_trait;

use crate::error::LakeError;

/// The past of a lake's objects.
#[async_trait]
pub trait Versions: Send + Sync {
    /// Removes every version but the present one of all objects of the lake, and of the landing files of a source; of what
    /// was deleted, all of them. They cannot be brought back. How many went.
    ///
    /// # Errors
    /// When the store refuses; what is left goes with the next call.
    async fn purge(&self, source: Option<&str>) -> Result<u64, LakeError>;
}

/// The past of a lake on a folder: there is none.
#[derive(Debug, Clone, Copy)]
pub struct NoVersions;

#[async_trait]
impl Versions for NoVersions {
    async fn purge(&self, _: Option<&str>) -> Result<u64, LakeError> {
        Ok(0)
    }
}
