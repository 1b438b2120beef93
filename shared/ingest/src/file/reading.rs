//! Reading a landing file: one thread takes it apart, this one judges its rows.

use std::fs::File;
use std::io::Seek;
use std::sync::mpsc::sync_channel;
use std::thread;

use carelake_contracts::{Contract, LandingPath};
use carelake_decode::{DecodeError, Header, RawBatch, decode};
use carelake_lake::{Lake, LakeError};

use super::rows::{Finished, Outputs, Rows};
use crate::erased::ErasedRows;
use crate::error::StepError;

/// Batches that may wait to be judged.
const WAITING: usize = 2;

/// What a file holds, in scratch files.
///
/// # Errors
/// When storage fails. A file that cannot be read is an output too.
pub fn read(
    lake: &Lake,
    mut file: File,
    path: &LandingPath,
    contract: &Contract,
    order: &str,
    erased: Option<&ErasedRows>,
) -> Result<(Header, Outputs), StepError> {
    let storage = |error: &std::io::Error| LakeError::io("reading a landing file", error);
    let mut known = None;
    loop {
        file.rewind().map_err(|error| storage(&error))?;
        let plain = file.try_clone().map_err(|error| storage(&error))?;
        let mut rows = Rows::new(lake, contract, &path.source, order, known.take(), erased)?;
        match judged(plain, path, contract, &mut rows)? {
            Ok(header) => match rows.finish()? {
                Finished::Outputs(outputs) => return Ok((header, outputs)),
                Finished::Again(repeats) => known = Some(repeats),
            },
            Err(DecodeError::Unreadable(reason)) => {
                return Ok((Header::default(), Rows::unreadable(lake, contract, order, reason)?));
            }
            Err(DecodeError::Storage(error)) => return Err(storage(&error).into()),
            Err(DecodeError::Sink(error)) => return Err(StepError::Invalid(error.to_string())),
        }
    }
}

/// Decodes the file and judges its batches side by side. The outer error is that of judging.
fn judged(
    file: File,
    path: &LandingPath,
    contract: &Contract,
    rows: &mut Rows<'_>,
) -> Result<Result<Header, DecodeError>, StepError> {
    let (batches, waiting) = sync_channel::<RawBatch>(WAITING);
    thread::scope(|scope| {
        let reader = thread::Builder::new()
            .name("decode".to_owned())
            .spawn_scoped(scope, move || {
                decode(file, path, contract, &mut |batch| batches.send(batch).map_err(Into::into))
            })
            .map_err(|error| LakeError::io("starting a reader", &error))?;
        // An error ends the loop and with it the channel: the reader stops at its next batch.
        waiting.into_iter().try_for_each(|batch| rows.add(batch))?;
        reader.join().map_err(|_| StepError::Invalid("the reader of a landing file stopped: panic".to_owned()))
    })
}
