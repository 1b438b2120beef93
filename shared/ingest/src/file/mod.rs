//! ingest: one landing file → bronze, identity and quarantine, then its ledger entry.
//!
//! The file is read once, in batches of bounded size, into private scratch files; only when all of it has been read and
//! its rows are accounted for are the outputs put in place under their content-addressed names. The ledger entry comes
//! last: a step that dies before it is simply run again and writes the same objects.

mod keys;
pub mod large;
mod output;
mod quarantine;
mod reading;
mod rows;
mod splice;

use std::time::Instant;

use carelake_contracts::{Contract, LandingPath};
use carelake_decode::Header;
use carelake_lake::{IngestEntry, Lake, LakeError, LandingFile, LandingKey, Layer, PartitionEntry, Status};
use carelake_privacy::LakeKey;
use chrono::{DateTime, Utc};

use crate::context::Context;
use crate::entries::landed;
use crate::erased::ErasedRows;
use crate::error::StepError;
use reading::Reading;
use rows::Outputs;

pub use output::properties as object_properties;
pub use quarantine::Broken;

/// Why a file waits for the next run.
const IN_THE_MAKING: &str = "written to while it was read; the next run takes them. Write under a name that begins with \
                             a dot, then rename";

/// What ingest made of a landing key.
#[derive(Debug)]
pub enum Ingested {
    /// The file was taken now.
    Taken(Box<IngestEntry>),
    /// This version of the file was taken before, under the same contract.
    Known(Box<IngestEntry>),
    /// The key is not one that a contract covers, or somebody is writing to the file.
    Ignored(&'static str),
}

/// Takes one landing file.
///
/// # Errors
/// When storage fails; a bad file is not an error, it is recorded and quarantined.
pub async fn ingest(context: &Context, key: &LandingKey) -> Result<Ingested, StepError> {
    let start = Instant::now();
    let found = match look(context, key).await? {
        Looked::Known(entry) => return Ok(Ingested::Known(entry)),
        Looked::Ignored(reason) => return Ok(Ingested::Ignored(reason)),
        Looked::New(found) => found,
    };
    let (landing, wanted, new) = (context.landing.clone(), key.clone(), found.versions.is_empty());
    let opened = blocking(move || {
        let file = landing.open(&wanted)?;
        let digest = if new { None } else { Some(file.digest()?) };
        Ok((file, digest))
    });
    let (file, digest) = opened.await?;
    if (file.bytes, file.modified) != (found.bytes, found.modified) {
        return Ok(Ingested::Ignored(IN_THE_MAKING));
    }
    let mut entry = entry(context, key, &found)?;
    if let Some(digest) = digest {
        identify(context, key, &mut entry, digest)?;
        if let Some(known) = found.same(&entry) {
            return Ok(Ingested::Known(Box::new(known.clone())));
        }
    }
    let (lake, order, path, shape) = (context.lake.clone(), entry.order(), found.path.clone(), found.contract.clone());
    let erased = context.erased.rows(context, &found.contract, &found.path.source).await?;
    let read = blocking(move || read_unchanged(&lake, &file, &path, &shape, &order, erased.as_ref())).await?;
    let Some(Read { digest, header, outputs }) = read.filter(|_| !found.written_to(context, key)) else {
        return Ok(Ingested::Ignored(IN_THE_MAKING));
    };
    identify(context, key, &mut entry, digest)?;
    Ok(Ingested::Taken(Box::new(commit(context, &found.contract, entry, header, outputs, start).await?)))
}

/// A version of a landing file that is not in the lake, as it looks before it is read.
struct Found {
    path: LandingPath,
    contract: Contract,
    /// What the ledger has of the same key, oldest first.
    versions: Vec<IngestEntry>,
    bytes: u64,
    modified: DateTime<Utc>,
}

enum Looked {
    New(Box<Found>),
    Known(Box<IngestEntry>),
    Ignored(&'static str),
}

/// Looks whether a landing file is to be taken.
async fn look(context: &Context, key: &LandingKey) -> Result<Looked, StepError> {
    let (path, contract) = match covered(context, key) {
        Ok(covered) => covered,
        Err(reason) => return Ok(Looked::Ignored(reason)),
    };
    let (versions, replaced) =
        context.ledger.versions(&path.source, &path.dataset, &key.name(context.lake.key()?)).await?;
    forget_replaced(context, &replaced).await?;
    let (bytes, modified) = context.landing.peek(key)?;
    let found = Found { path, contract, versions, bytes, modified };
    let known = found.newest().filter(|entry| entry.bytes == bytes && entry.modified == modified);
    Ok(match known {
        Some(known) => Looked::Known(Box::new(known.clone())),
        None => Looked::New(Box::new(found)),
    })
}

impl Found {
    /// The newest version in the lake, if it was taken under the same contract.
    fn newest(&self) -> Option<&IngestEntry> {
        self.versions.last().filter(|entry| entry.contract == self.contract.fingerprint())
    }

    /// The version in the lake that has the same content: the newest with another time, or an older one that was put back.
    fn same(&self, entry: &IngestEntry) -> Option<&IngestEntry> {
        let touched = self.newest().filter(|newest| newest.version == entry.version);
        touched.or_else(|| self.versions.iter().find(|known| known.name == entry.name))
    }

    /// True when the file is not what it was. One that is gone by now was read as it was opened.
    fn written_to(&self, context: &Context, key: &LandingKey) -> bool {
        context.landing.peek(key).is_ok_and(|now| now != (self.bytes, self.modified))
    }
}

/// Puts what a file holds in its place, and says so in the ledger last.
async fn commit(
    context: &Context,
    contract: &Contract,
    mut entry: IngestEntry,
    header: Header,
    outputs: Outputs,
    start: Instant,
) -> Result<IngestEntry, StepError> {
    entry.status = if outputs.readable { Status::Ingested } else { Status::Unreadable };
    entry.rows_in = outputs.rows_in;
    entry.bronze_rows = outputs.bronze_rows;
    entry.rejected = outputs.rejected;
    entry.deduplicated = outputs.deduplicated;
    entry.checks = outputs.checks;
    entry.unknown_columns = header.unknown;
    entry.missing_columns = header.missing;
    if entry.rows_in != entry.bronze_rows + entry.rejected {
        let text = format!(
            "{}.{}: {} rows in, {} in bronze, {} rejected",
            entry.feed, entry.dataset, entry.rows_in, entry.bronze_rows, entry.rejected
        );
        return Err(StepError::Conservation(text));
    }
    let mut written = Vec::new();
    for (layer, output) in outputs.files {
        if let Some(mut file) = output {
            context.lake.put_once(&entry.object(layer), &mut file).await?;
            written.push(layer);
        }
    }
    register(context, contract, &entry, &written).await?;
    entry.seconds += start.elapsed().as_secs_f64();
    context.ledger.record_ingest(&entry).await?;
    Ok(entry)
}

/// What a key says of its file, and the contract that covers it.
///
/// # Errors
/// Why none does.
pub fn covered(context: &Context, key: &LandingKey) -> Result<(LandingPath, Contract), &'static str> {
    let (path, contract) = context.contracts.covering(&context.sources, key.expose())?;
    Ok((path, contract.clone()))
}

/// Makes the partitions of the written objects known to the catalogue; that of quarantine always, because conform may
/// put rows there whose parents are missing.
async fn register(
    context: &Context,
    contract: &Contract,
    entry: &IngestEntry,
    written: &[Layer],
) -> Result<(), StepError> {
    let others = written.iter().filter(|layer| **layer != Layer::Quarantine);
    for layer in others.chain(&[Layer::Quarantine]) {
        let location = entry.object(*layer);
        let location = location.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let values = vec![entry.source.clone(), entry.ingest_date.to_string()];
        let partition = PartitionEntry { values, location };
        context.catalog.put_partitions(&landed(contract, *layer), &[partition]).await?;
    }
    Ok(())
}

/// Removes what the same version of a file left under an earlier contract.
///
/// # Errors
/// When storage fails.
pub async fn forget_replaced(context: &Context, replaced: &[IngestEntry]) -> Result<(), StepError> {
    for entry in replaced {
        context.ledger.forget_replaced(entry).await?;
    }
    Ok(())
}

/// The entry of a file that was not read yet: without version and name.
fn entry(context: &Context, key: &LandingKey, found: &Found) -> Result<IngestEntry, StepError> {
    let Found { path, contract, versions, bytes, modified } = found;
    let mut entry = IngestEntry {
        name: String::new(),
        generation: 0,
        key: key.name(context.lake.key()?),
        place: versions.iter().find_map(|version| version.place.clone()),
        version: String::new(),
        modified: *modified,
        source: path.source.clone(),
        feed: contract.feed.clone(),
        dataset: contract.dataset.clone(),
        ingest_date: path.date.unwrap_or_else(|| modified.date_naive()),
        contract_version: contract.version,
        contract: contract.fingerprint(),
        status: Status::Ingested,
        rows_in: 0,
        bronze_rows: 0,
        rejected: 0,
        deduplicated: 0,
        bytes: *bytes,
        seconds: 0.0,
        unknown_columns: Vec::new(),
        missing_columns: Vec::new(),
        checks: std::collections::BTreeMap::new(),
    };
    let same = versions.iter().filter(|other| other.order() == entry.order());
    entry.generation = same.map(|other| other.generation + 1).max().unwrap_or_default();
    Ok(entry)
}

/// Says which content an entry is of, and by that the name of its objects.
fn identify(context: &Context, key: &LandingKey, entry: &mut IngestEntry, digest: String) -> Result<(), StepError> {
    entry.name = object_name(context.lake.key()?, key, &digest, entry.modified, &entry.contract);
    entry.version = digest;
    Ok(())
}

/// The name of a landing file's objects, which depends on all that they are made from.
pub fn object_name(
    lake_key: &LakeKey,
    key: &LandingKey,
    digest: &str,
    modified: DateTime<Utc>,
    contract: &str,
) -> String {
    lake_key.name("object", &[key.expose(), digest, &modified.timestamp_micros().to_string(), contract])
}

/// A file that was read to its end.
struct Read {
    digest: String,
    header: Header,
    outputs: Outputs,
}

/// Reads a file, and takes its digest beside that; `None` when somebody writes to it meanwhile: a sender may copy over it
/// in place.
fn read_unchanged(
    lake: &Lake,
    file: &LandingFile,
    path: &LandingPath,
    contract: &Contract,
    order: &str,
    erased: Option<&ErasedRows>,
) -> Result<Option<Read>, StepError> {
    let of = Reading { lake, contract, source: &path.source, order, erased };
    let storage = |error: std::io::Error| LakeError::io("reading a landing file", &error);
    let stamp = || file.file.metadata().and_then(|meta| Ok((meta.len(), meta.modified()?))).map_err(storage);
    let before = stamp()?;
    let plain = file.file.try_clone().map_err(storage)?;
    let (digest, done) = std::thread::scope(|scope| {
        let named = std::thread::Builder::new().name("digest".to_owned());
        let digest = named.spawn_scoped(scope, || file.digest()).map_err(storage)?;
        let done = reading::read(of, plain, path);
        Ok::<_, LakeError>((digest.join(), done))
    })?;
    let digest = digest.map_err(|_| StepError::Invalid("the digest of a landing file stopped: panic".to_owned()))?;
    let digest = digest?;
    let (header, outputs) = done?;
    Ok((stamp()? == before).then_some(Read { digest, header, outputs }))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StepError> + Send + 'static,
) -> Result<T, StepError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        StepError::Invalid(format!("a worker stopped: {}", if error.is_panic() { "panic" } else { "cancelled" }))
    })?
}
