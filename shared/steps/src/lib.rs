//! The pipeline steps as plain async functions over the ports: conform, publish, and a run of them after ingest, which is
//! a crate of its own; training, scoring and upkeep.
//!
//! Invariants: in every file rows_in = accepted + rejected + deduplicated, checked while running; a step can be run
//! again at any time and then changes nothing; no text of this crate holds a value of a row.

pub mod codes;
pub mod conform;
mod context;
mod dates;
mod drift;
mod entries;
mod error;
mod learning;
pub mod maintain;
pub mod marts;
pub mod noshow;
mod parts;
pub mod publish;
pub mod quality;
pub mod report;
pub mod risk;
mod roles;
pub mod run;
pub mod share;

pub use carelake_ingest::{self as ingest, erased, schema};
pub use context::Context;
pub use drift::drift;
pub use error::{QueryError, StepError};
pub use roles::FeedRoles;
