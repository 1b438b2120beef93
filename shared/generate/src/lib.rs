//! A synthetic hospital: every feed of the landing zone, of any size, without one real person.
//!
//! The same [`Options`] always give byte-identical files. The data is plausible where a measure
//! depends on it (chronic diseases, readmissions, refills, a no-show signal), has the quirks of the
//! real exports, and carries planted errors. The [`Manifest`] says exactly how many rows each
//! data-quality rule must find in each file, and which records were planted.
//!
//! Invariants:
//! - a planted row has exactly one error and a key of its own, and no other row refers to it;
//! - a good row breaks no rule, except for warnings that belong to plausible data (a laboratory
//!   report dated before its visit), which the manifest counts as well;
//! - memory does not grow with the number of rows; a few small values per patient and visit are kept.

mod error;
mod feeds;
mod manifest;
mod options;
mod people;
mod plant;
mod random;
mod signal;
mod write;

pub use error::Error;
pub use manifest::{
    Check, Dataset, FileReport, MANIFEST_FILE, MANIFEST_VERSION, Manifest, Outcome, PlantedError, Signal, Step,
};
pub use options::{MAX_PATIENTS, Options, Progress};

/// Writes all feeds and `manifest.json` into the landing folder of the options.
///
/// Existing files of the same names are replaced, others stay.
///
/// # Errors
/// When the options make no sense or a file cannot be written.
pub fn generate(options: &Options, progress: &mut dyn FnMut(Progress)) -> Result<Manifest, Error> {
    options.validate()?;
    let mut landing = feeds::Landing::new(options, progress);
    feeds::write_all(&mut landing)?;
    let manifest = landing.into_manifest();
    manifest.save(&options.out)?;
    Ok(manifest)
}
