//! One object store over two buckets: `identity/` stands apart, under its own key and its own policies.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// The part of a lake that stands in its own bucket.
const APART: &str = "identity";

/// A store that sends what belongs to `identity/` to another.
#[derive(Debug, Clone)]
pub struct Routed {
    lake: Arc<dyn ObjectStore>,
    identity: Arc<dyn ObjectStore>,
}

impl Routed {
    /// `identity` answers for everything under `identity/`, `lake` for the rest. Both keep whole paths.
    pub fn new(lake: Arc<dyn ObjectStore>, identity: Arc<dyn ObjectStore>) -> Self {
        Self { lake, identity }
    }

    fn of(&self, path: Option<&Path>) -> &Arc<dyn ObjectStore> {
        let first = path.and_then(|path| path.parts().next());
        if first.is_some_and(|part| part.as_ref() == APART) { &self.identity } else { &self.lake }
    }
}

impl fmt::Display for Routed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with identity in {}", self.lake, self.identity)
    }
}

#[async_trait]
impl ObjectStore for Routed {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.of(Some(location)).put_opts(location, payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.of(Some(location)).put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.of(Some(location)).get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let one = move |location: Result<Path>| {
            let store = store.clone();
            async move {
                let location = location?;
                let only = futures::stream::once(std::future::ready(Ok(location.clone()))).boxed();
                store.of(Some(&location)).delete_stream(only).try_collect::<Vec<_>>().await?;
                Ok(location)
            }
        };
        locations.map(one).buffered(10).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match prefix.filter(|prefix| prefix.parts().next().is_some()) {
            Some(prefix) => self.of(Some(prefix)).list(Some(prefix)),
            None => self.lake.list(None).chain(self.identity.list(Some(&Path::from(APART)))).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        if prefix.is_some_and(|prefix| prefix.parts().next().is_some()) {
            return self.of(prefix).list_with_delimiter(prefix).await;
        }
        let mut found = self.lake.list_with_delimiter(None).await?;
        let apart = Path::from(APART);
        if !found.common_prefixes.contains(&apart) {
            found.common_prefixes.push(apart);
        }
        Ok(found)
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        if Arc::ptr_eq(self.of(Some(from)), self.of(Some(to))) {
            return self.of(Some(from)).copy_opts(from, to, options).await;
        }
        let source = "what belongs to identity is not copied out of it, nor into it".into();
        Err(Error::NotSupported { source })
    }
}

#[cfg(test)]
mod tests {
    use object_store::ObjectStoreExt;
    use object_store::memory::InMemory;

    use super::*;

    async fn paths(store: &dyn ObjectStore, prefix: Option<&str>) -> Vec<String> {
        let prefix = prefix.map(Path::from);
        let found: Vec<ObjectMeta> = store.list(prefix.as_ref()).try_collect().await.unwrap();
        let mut paths: Vec<String> = found.into_iter().map(|meta| meta.location.to_string()).collect();
        paths.sort();
        paths
    }

    #[tokio::test]
    async fn identity_stands_in_its_own_bucket_and_nothing_else_does() {
        let (lake, identity) = (Arc::new(InMemory::new()), Arc::new(InMemory::new()));
        let routed = Routed::new(lake.clone(), identity.clone());
        for path in ["identity/clinic/1", "identity_card/1", "bronze/identity/1"] {
            routed.put(&Path::from(path), "x".into()).await.unwrap();
        }
        assert_eq!(paths(identity.as_ref(), None).await, ["identity/clinic/1"]);
        assert_eq!(paths(lake.as_ref(), None).await, ["bronze/identity/1", "identity_card/1"]);
        assert_eq!(paths(&routed, None).await, ["bronze/identity/1", "identity/clinic/1", "identity_card/1"]);
        assert_eq!(paths(&routed, Some("identity")).await, ["identity/clinic/1"]);
        routed.delete(&Path::from("identity/clinic/1")).await.unwrap();
        assert!(paths(identity.as_ref(), None).await.is_empty());
    }

    #[tokio::test]
    async fn nothing_is_copied_out_of_identity() {
        let routed = Routed::new(Arc::new(InMemory::new()), Arc::new(InMemory::new()));
        routed.put(&Path::from("identity/1"), "x".into()).await.unwrap();
        assert!(routed.copy(&Path::from("identity/1"), &Path::from("bronze/1")).await.is_err());
        routed.copy(&Path::from("identity/1"), &Path::from("identity/2")).await.unwrap();
    }
}
