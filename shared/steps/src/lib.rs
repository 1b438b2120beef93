//! The pipeline steps as plain async functions over the ports: ingest, conform, publish, and a run of all three.
//!
//! Invariants: in every file rows_in = accepted + rejected + deduplicated, checked while running; a step can be run
//! again at any time and then changes nothing; no text of this crate holds a value of a row.

pub mod codes;
pub mod conform;
mod context;
mod entries;
pub mod erased;
mod error;
pub mod gate;
mod hashes;
pub mod ingest;
pub mod maintain;
pub mod marts;
pub mod noshow;
pub mod publish;
pub mod quality;
pub mod report;
pub mod run;
pub mod schema;
pub mod share;

pub use context::Context;
pub use error::StepError;
