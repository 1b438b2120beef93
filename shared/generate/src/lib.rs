//! Placeholder.
#![allow(missing_docs)]
pub struct Options { pub patients: usize, pub seed: u64, pub out: std::path::PathBuf, pub as_of: chrono::NaiveDate }
pub struct Manifest { pub files: Vec<String> }
pub fn generate(_: &Options, _: &mut dyn FnMut(u64)) -> Result<Manifest, String> { Err("not yet".into()) }
