//! An object store behind a wire: strongly consistent, as S3 is, and as unreliable.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

use crate::wire::{Class, Fault, Verdict, Wire};

/// The lake's folder in the store.
pub const FOLDER: &str = "lake";

#[derive(Debug, Clone)]
pub struct WiredStore {
    inner: Arc<InMemory>,
    wire: Arc<Wire>,
}

impl WiredStore {
    pub fn new(inner: Arc<InMemory>, wire: Arc<Wire>) -> Self {
        Self { inner, wire }
    }

    fn enter(&self, path: &Path, class: impl Fn(&str) -> Class) -> Verdict {
        let path = path.as_ref().strip_prefix(FOLDER).unwrap_or(path.as_ref()).trim_start_matches('/');
        self.wire.enter(class(path), path)
    }

    fn read(&self, path: Option<&Path>, class: Class) -> Result<()> {
        match self.enter(path.unwrap_or(&Path::default()), |_| class) {
            Verdict::Pass => Ok(()),
            Verdict::Before(fault) | Verdict::After(fault) => Err(error(fault, path)),
        }
    }

    fn listed(
        &self,
        prefix: Option<&Path>,
        all: BoxStream<'static, Result<ObjectMeta>>,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.read(prefix, Class::List) {
            Ok(()) => all,
            Err(error) => stream::once(async { Err(error) }).boxed(),
        }
    }
}

/// What a caller is told.
fn error(fault: Fault, path: Option<&Path>) -> Error {
    match fault {
        Fault::Exists => {
            Error::AlreadyExists { path: path.map(ToString::to_string).unwrap_or_default(), source: "412".into() }
        }
        fault => Error::Generic { store: "simulated", source: format!("{fault:?}").into() },
    }
}

/// The result of an operation that a fault may hit before or after its effect.
async fn with_fault<T>(verdict: Verdict, path: &Path, effect: impl Future<Output = Result<T>>) -> Result<T> {
    match verdict {
        Verdict::Pass => effect.await,
        Verdict::Before(fault) => Err(error(fault, Some(path))),
        Verdict::After(fault) => {
            effect.await?;
            Err(error(fault, Some(path)))
        }
    }
}

impl fmt::Display for WiredStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WiredStore")
    }
}

#[async_trait]
impl ObjectStore for WiredStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let verdict = self.enter(location, |path| Class::of(path, false));
        with_fault(verdict, location, self.inner.put_opts(location, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let class = |path: &str| if path.contains("/ingest_date=") { Class::BronzePart } else { Class::DataPut };
        let verdict = self.enter(location, class);
        let upload = with_fault(verdict, location, self.inner.put_multipart_opts(location, options)).await?;
        Ok(Box::new(WiredUpload { upload, store: self.clone(), location: location.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        match self.enter(location, |_| Class::Get) {
            Verdict::Pass => self.inner.get_opts(location, options).await,
            Verdict::After(Fault::CutShort) => Ok(cut_short(self.inner.get_opts(location, options).await?)),
            Verdict::Before(fault) | Verdict::After(fault) => Err(error(fault, Some(location))),
        }
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.read(Some(location), Class::Get)?;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let store = self.clone();
        let one = move |location: Result<Path>| {
            let store = store.clone();
            async move {
                let location = location?;
                let verdict = store.enter(&location, |path| Class::of(path, true));
                let gone = async {
                    let only = stream::once(std::future::ready(Ok(location.clone()))).boxed();
                    store.inner.delete_stream(only).collect::<Vec<_>>().await.into_iter().collect::<Result<Vec<_>>>()
                };
                with_fault(verdict, &location, gone).await?;
                Ok(location)
            }
        };
        locations.then(one).boxed()
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, self.inner.list(prefix))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(prefix, self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.read(prefix, Class::List)?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        let verdict = self.enter(to, |path| Class::of(path, false));
        with_fault(verdict, to, self.inner.copy_opts(from, to, options)).await
    }
}

/// The same answer, whose body breaks off half way.
fn cut_short(mut whole: GetResult) -> GetResult {
    let payload = std::mem::replace(&mut whole.payload, GetResultPayload::Stream(stream::empty().boxed()));
    if let GetResultPayload::Stream(body) = payload {
        let half = |bytes: Result<Bytes>| bytes.map(|bytes| bytes.slice(..bytes.len() / 2));
        let broken = stream::once(async { Err(error(Fault::CutShort, None)) });
        whole.payload = GetResultPayload::Stream(body.map(half).chain(broken).boxed());
    }
    whole
}

/// An upload in parts, each of which may fail.
#[derive(Debug)]
struct WiredUpload {
    upload: Box<dyn MultipartUpload>,
    store: WiredStore,
    location: Path,
}

#[async_trait]
impl MultipartUpload for WiredUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let class = |path: &str| if path.contains("/ingest_date=") { Class::BronzePart } else { Class::DataPut };
        let verdict = self.store.enter(&self.location, class);
        let (location, part) = (self.location.clone(), self.upload.put_part(data));
        Box::pin(async move { with_fault(verdict, &location, part).await })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let class = |path: &str| if path.contains("/ingest_date=") { Class::BronzeComplete } else { Class::DataPut };
        let verdict = self.store.enter(&self.location, class);
        with_fault(verdict, &self.location, self.upload.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.upload.abort().await
    }
}
