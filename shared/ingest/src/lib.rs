//! ingest: one landing file → bronze, identity and quarantine, then its ledger entry; and what it shares with the steps
//! that come after it: the context of a run, the error of a step, the schemas of what is written, erased persons.
//!
//! Invariants: in every file rows_in = accepted + rejected + deduplicated, checked while reading; a file that is taken
//! again gives the same objects; no text of this crate holds a value of a row; no query engine stands behind it, so that
//! the function that takes files is small and starts at once.

pub mod context;
pub mod entries;
pub mod erased;
pub mod error;
mod file;
pub mod gate;
pub mod hashes;
pub mod report;
pub mod schema;

pub use context::Context;
pub use error::StepError;
pub use file::large;
pub use file::{Broken, Ingested, covered, forget_replaced, ingest, object_name, object_properties};
