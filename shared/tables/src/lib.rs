//! The Delta tables of a lake: opening, time travel, commits, upkeep. This crate alone knows the table format.
//!
//! Invariant: a Delta commit is the one moment at which silver or gold changes.

mod between;
mod cluster;
mod columns;
mod commit;
mod conditional_put;
mod delta;
mod error;
mod expire;
mod files;
mod purge;
mod split;
mod spool;

pub use cluster::{Clustered, clustered, one_stream};
pub use delta::{DeltaTables, OpenTable, TableVersion, Write, register};
pub use error::{EngineError, explain};
pub use expire::{Expired, LiveFile};
pub use purge::Purged;
