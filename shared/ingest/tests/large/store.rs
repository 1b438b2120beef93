//! A store that stops answering at one of its writes, as a process that dies there.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use futures::stream::{BoxStream, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

#[derive(Debug, Clone)]
pub struct Mortal {
    inner: Arc<InMemory>,
    /// Changes that are made before the death.
    left: Arc<AtomicI64>,
    /// True when the change at which it dies is made.
    after: bool,
}

impl Mortal {
    pub fn new(inner: &Arc<InMemory>, left: i64, after: bool) -> Self {
        Self { inner: inner.clone(), left: Arc::new(AtomicI64::new(left)), after }
    }

    /// Counts a change; whether it is made, and whether its answer comes.
    fn change(&self) -> (bool, bool) {
        let left = self.left.fetch_sub(1, Ordering::SeqCst);
        (left > 0 || (left == 0 && self.after), left > 0)
    }
}

fn dead() -> Error {
    Error::Generic { store: "mortal", source: "dead".into() }
}

impl fmt::Display for Mortal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mortal")
    }
}

#[async_trait]
impl ObjectStore for Mortal {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let (made, answered) = self.change();
        let put = if made { Some(self.inner.put_opts(location, payload, options).await?) } else { None };
        put.filter(|_| answered).ok_or_else(dead)
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        if self.change().1 { self.inner.put_multipart_opts(location, options).await } else { Err(dead()) }
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if self.left.load(Ordering::SeqCst) < 0 { Err(dead()) } else { self.inner.get_opts(location, options).await }
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let one = move |location: Result<Path>| {
            let store = store.clone();
            async move {
                let location = location?;
                let (made, answered) = store.change();
                if made {
                    let only = futures::stream::once(std::future::ready(Ok(location.clone()))).boxed();
                    let gone: Vec<Result<Path>> = store.inner.delete_stream(only).collect().await;
                    gone.into_iter().collect::<Result<Vec<Path>>>()?;
                }
                if answered { Ok(location) } else { Err(dead()) }
            }
        };
        locations.then(one).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}
