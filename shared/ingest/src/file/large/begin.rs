//! Cutting a file: one pass for its digest and the places where records end.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use carelake_contracts::{Contract, LandingPath};
use carelake_decode::{Cutter, DecodeError, Header, Part, cut_parquet, parquet_tail};
use carelake_lake::{ErrorKind, IngestEntry, LakeError, LandingKey, Ranges};
use serde::{Deserialize, Serialize};
use sha2::digest::common::hazmat::{SerializableState, SerializedState};
use sha2::{Digest, Sha256};

use super::files::{Plan, Waiting, forget, id, progress_path, put_plan, put_waiting};
use crate::context::Context;
use crate::error::StepError;
use crate::file::rows::Rows;
use crate::file::{Looked, blocking, commit, entry, identify, look};

/// Says whether there is time to go on.
pub type Time = Arc<dyn Fn() -> bool + Send + Sync>;

/// What became of a large file.
pub enum Begun {
    /// It is cut; its parts are to be read.
    Cut(Box<Plan>),
    /// There was no time to cut it to its end. It goes on from there.
    Later(String),
    /// It cannot be read, and the ledger says so now.
    Taken(Box<IngestEntry>),
    /// This version was taken before.
    Known(Box<IngestEntry>),
    /// No contract covers it.
    Ignored(&'static str),
}

/// How far the pass has come: it can go on elsewhere.
#[derive(Serialize, Deserialize)]
struct Pass {
    cutter: Cutter,
    /// Bytes that are in the digest.
    hashed: u64,
    /// The digest of those.
    state: String,
}

/// Cuts a landing file into parts of about `every` bytes. `mark` tells the landing zone which version it is.
///
/// # Errors
/// When storage fails; a file that cannot be read is not an error.
pub async fn begin(
    context: &Context,
    key: &LandingKey,
    bytes: &dyn Ranges,
    mark: Option<String>,
    every: u64,
    time: &Time,
) -> Result<Begun, StepError> {
    let start = Instant::now();
    let found = match look(context, key).await? {
        Looked::Known(known) => {
            // Who put it into the lake may have died before all that it was read by was removed.
            forget(context, &id(&context.lake, key, &known)?).await?;
            return Ok(Begun::Known(known));
        }
        Looked::Ignored(reason) => return Ok(Begun::Ignored(reason)),
        Looked::New(found) => found,
    };
    let mut entry = entry(context, key, &found)?;
    let id = id(&context.lake, key, &entry)?;
    if let Some(plan) = super::plan(context, &id).await? {
        return Ok(Begun::Cut(Box::new(plan)));
    }
    put_waiting(&context.lake, &id, &Waiting::new(key, mark)).await?;
    let mut pass = pass(context, &id, every).await?;
    let cut = match cut(&mut pass, bytes, &found.path, &found.contract, (found.bytes, every), time).await? {
        Cut::OutOfTime => return later(context, id, &pass).await,
        cut => cut,
    };
    if !hash_rest(&mut pass, bytes, time).await? {
        return later(context, id, &pass).await;
    }
    if pass.hashed != found.bytes || found.written_to(context, key) {
        return Err(LakeError::new(ErrorKind::Transient, "reading a landing file").caused_by("it changed").into());
    }
    identify(context, key, &mut entry, pass.digest()?)?;
    if let Some(known) = found.same(&entry) {
        let known = Box::new(known.clone());
        forget(context, &id).await?;
        return Ok(Begun::Known(known));
    }
    entry.seconds = start.elapsed().as_secs_f64();
    match cut {
        Cut::Parts(parts) => {
            let header = pass.cutter.header;
            let tail = parts.first().and_then(|part| part.groups.as_ref()).map(|_| parquet_tail(found.bytes));
            let always = match tail {
                Some(tail) => vec![0..4, tail],
                None => std::iter::once(0..header).collect(),
            };
            let plan = Plan { id, entry, header, always, parts };
            put_plan(&context.lake, &plan).await?;
            context.lake.delete(&progress_path(&plan.id)).await?;
            Ok(Begun::Cut(Box::new(plan)))
        }
        Cut::Unreadable(reason) => {
            let outputs = Rows::unreadable(&context.lake, &found.contract, &entry.order(), reason)?;
            let entry = commit(context, &found.contract, entry, Header::default(), outputs, start).await?;
            forget(context, &id).await?;
            Ok(Begun::Taken(Box::new(entry)))
        }
        Cut::OutOfTime => Err(StepError::Invalid("a file was cut that was not".to_owned())),
    }
}

async fn later(context: &Context, id: String, pass: &Pass) -> Result<Begun, StepError> {
    context.lake.put_json(&progress_path(&id), pass).await?;
    Ok(Begun::Later(id))
}

async fn pass(context: &Context, id: &str, every: u64) -> Result<Pass, StepError> {
    let begun = context.lake.get_json::<Pass>(&progress_path(id)).await?;
    let fresh = || Pass { cutter: Cutter::new(every), hashed: 0, state: state(&Sha256::new()) };
    Ok(begun.unwrap_or_else(fresh))
}

enum Cut {
    Parts(Vec<Part>),
    Unreadable(&'static str),
    OutOfTime,
}

async fn cut(
    pass: &mut Pass,
    bytes: &dyn Ranges,
    path: &LandingPath,
    contract: &Contract,
    (length, every): (u64, u64),
    time: &Time,
) -> Result<Cut, StepError> {
    let (path, contract) = (path.clone(), contract.clone());
    if path.format == carelake_contracts::FileFormat::Parquet {
        let file = bytes.holding(&[0..4, parquet_tail(length)]).await?;
        return blocking(move || match cut_parquet(&file, &contract, every) {
            Ok(parts) => Ok(Cut::Parts(parts)),
            Err(error) => unreadable(error),
        })
        .await;
    }
    let hashing = Hashing::new(pass, bytes.read_from(pass.cutter.place).await?)?;
    let (shared, mut cutter, time) = (hashing.digest.clone(), pass.cutter.clone(), time.clone());
    let (cutter, done) = blocking(move || {
        let done = cutter.read(hashing, &path, &contract, time.as_ref());
        Ok((cutter, done))
    })
    .await?;
    pass.keep(&shared);
    match done {
        Ok(false) => {
            pass.cutter = cutter;
            Ok(Cut::OutOfTime)
        }
        Ok(true) => {
            pass.cutter = cutter.clone();
            Ok(Cut::Parts(cutter.parts(length)))
        }
        Err(error) => unreadable(error),
    }
}

fn unreadable(error: DecodeError) -> Result<Cut, StepError> {
    match error {
        DecodeError::Unreadable(reason) => Ok(Cut::Unreadable(reason)),
        DecodeError::Storage(error) => Err(LakeError::io("reading a landing file", &error).into()),
        DecodeError::Sink(error) => Err(StepError::Invalid(error.to_string())),
    }
}

/// Reads what is not in the digest yet; false when there is no time left.
async fn hash_rest(pass: &mut Pass, bytes: &dyn Ranges, time: &Time) -> Result<bool, StepError> {
    let mut hashing = Hashing::new(pass, bytes.read_from(pass.hashed).await?)?;
    hashing.place = pass.hashed;
    let (shared, time) = (hashing.digest.clone(), time.clone());
    let done = blocking(move || {
        let mut buffer = vec![0; 1 << 20];
        loop {
            match hashing.read(&mut buffer) {
                Ok(0) => return Ok(true),
                Ok(_) if !time() => return Ok(false),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(LakeError::io("reading a landing file", &error).into()),
            }
        }
    })
    .await?;
    pass.keep(&shared);
    Ok(done)
}

/// A reader that takes the digest of what it has not taken it of.
struct Hashing {
    reader: Box<dyn Read + Send>,
    place: u64,
    digest: Arc<Mutex<(u64, Sha256)>>,
}

impl Hashing {
    /// Reads on where the cutter stopped.
    fn new(pass: &Pass, reader: Box<dyn Read + Send>) -> Result<Self, StepError> {
        let digest = Arc::new(Mutex::new((pass.hashed, restored(&pass.state)?)));
        Ok(Self { reader, place: pass.cutter.place, digest })
    }
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        let mut digest = self.digest.lock().unwrap_or_else(PoisonError::into_inner);
        let known = usize::try_from(digest.0.saturating_sub(self.place)).unwrap_or(usize::MAX).min(read);
        let new = buffer.get(known..read).unwrap_or_default();
        digest.1.update(new);
        digest.0 += new.len() as u64;
        self.place += read as u64;
        Ok(read)
    }
}

impl Pass {
    fn keep(&mut self, digest: &Mutex<(u64, Sha256)>) {
        let digest = digest.lock().unwrap_or_else(PoisonError::into_inner);
        (self.hashed, self.state) = (digest.0, state(&digest.1));
    }

    fn digest(&self) -> Result<String, StepError> {
        Ok(hex(&restored(&self.state)?.finalize()))
    }
}

fn state(digest: &Sha256) -> String {
    hex(&digest.serialize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn restored(state: &str) -> Result<Sha256, StepError> {
    let wrong = || LakeError::new(ErrorKind::Corrupt, "reading how far a file was cut");
    let digits: Vec<u8> = (0..state.len() / 2)
        .filter_map(|place| u8::from_str_radix(state.get(2 * place..2 * place + 2)?, 16).ok())
        .collect();
    let state = SerializedState::<Sha256>::try_from(digits.as_slice()).map_err(|_| wrong())?;
    Ok(Sha256::deserialize(&state).map_err(|_| wrong())?)
}
