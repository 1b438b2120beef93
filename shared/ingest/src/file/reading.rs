//! Reading a landing file: one thread takes it apart, this one judges its rows.

use std::fs::File;
use std::io::Seek;
use std::sync::mpsc::sync_channel;
use std::thread;

use carelake_contracts::{Contract, LandingPath};
use carelake_decode::{DecodeError, Header, RawBatch, Sink, decode};
use carelake_lake::{Lake, LakeError};

use super::rows::{Finished, Keyed, Outputs, Rows};
use crate::erased::ErasedRows;
use crate::error::StepError;

/// Batches that may wait to be judged.
const WAITING: usize = 2;

/// What the rows of a file are read with.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    pub lake: &'a Lake,
    pub contract: &'a Contract,
    pub source: &'a str,
    pub order: &'a str,
    pub erased: Option<&'a ErasedRows>,
}

/// How the reading of a file or of a part of it ended.
pub enum Done<T> {
    /// With rows, and what the decoder gave.
    Rows(T, Outputs),
    /// It cannot be read.
    Unreadable(&'static str),
}

/// Takes a file apart.
pub type Decode<'d, T> = dyn Fn(File, &mut Sink<'_>) -> Result<T, DecodeError> + Sync + 'd;

/// What a file holds, in scratch files.
///
/// # Errors
/// When storage fails. A file that cannot be read is an output too.
pub fn read(of: Reading<'_>, file: File, path: &LandingPath) -> Result<(Header, Outputs), StepError> {
    let whole = |file: File, sink: &mut Sink<'_>| decode(file, path, of.contract, sink);
    match read_by(of, file, Keyed::default(), &whole)? {
        Done::Rows(header, outputs) => Ok((header, outputs)),
        Done::Unreadable(reason) => Ok((Header::default(), Rows::unreadable(of.lake, of.contract, of.order, reason)?)),
    }
}

/// What `decode` finds in a file, in scratch files.
///
/// # Errors
/// When storage fails.
pub fn read_by<T: Send>(
    of: Reading<'_>,
    mut file: File,
    mut keyed: Keyed,
    decode: &Decode<'_, T>,
) -> Result<Done<T>, StepError> {
    let storage = |error: &std::io::Error| LakeError::io("reading a landing file", error);
    let mut journal = None;
    loop {
        file.rewind().map_err(|error| storage(&error))?;
        let plain = file.try_clone().map_err(|error| storage(&error))?;
        let mut rows = Rows::new(of.lake, of.contract, of.source, of.order, std::mem::take(&mut keyed), of.erased)?;
        match judged(plain, decode, &mut rows)? {
            Ok(decoded) => match rows.finish()? {
                Finished::Outputs(outputs) => {
                    let journal = journal.or(outputs.journal);
                    return Ok(Done::Rows(decoded, Outputs { journal, ..outputs }));
                }
                Finished::Again(repeats, hashes) => {
                    keyed.known = Some(repeats);
                    journal = hashes;
                }
            },
            Err(DecodeError::Unreadable(reason)) => return Ok(Done::Unreadable(reason)),
            Err(DecodeError::Storage(error)) => return Err(storage(&error).into()),
            Err(DecodeError::Sink(error)) => return Err(StepError::Invalid(error.to_string())),
        }
    }
}

/// Decodes the file and judges its batches side by side. The outer error is that of judging.
fn judged<T: Send>(
    file: File,
    decode: &Decode<'_, T>,
    rows: &mut Rows<'_>,
) -> Result<Result<T, DecodeError>, StepError> {
    let (batches, waiting) = sync_channel::<RawBatch>(WAITING);
    thread::scope(|scope| {
        let reader = thread::Builder::new()
            .name("decode".to_owned())
            .spawn_scoped(scope, move || decode(file, &mut |batch| batches.send(batch).map_err(Into::into)))
            .map_err(|error| LakeError::io("starting a reader", &error))?;
        // An error ends the loop and with it the channel: the reader stops at its next batch.
        waiting.into_iter().try_for_each(|batch| rows.add(batch))?;
        reader.join().map_err(|_| StepError::Invalid("the reader of a landing file stopped: panic".to_owned()))
    })
}
