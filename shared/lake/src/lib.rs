//! Storage of the lake: where things stand, how they are committed, what has been done.
//!
//! Invariants: an object of bronze, identity or quarantine has a name that depends only on its landing file and
//! contract, so writing it again changes nothing; a Delta commit is the one moment at which silver or gold changes;
//! a ledger entry is written after all that it speaks of. This crate alone knows the table format.

mod between;
mod catalog;
mod cluster;
mod columns;
mod commit;
mod conditional_put;
mod delta;
mod erasure;
mod error;
mod expire;
mod files;
mod landing;
mod layout;
mod lease;
mod ledger;
mod leftovers;
mod lock;
mod locks;
mod naming;
mod objects;
mod purge;
mod ranges;
mod registry;
mod replace;
mod rotation;
mod split;
mod spool;
mod store;
mod versions;

pub use catalog::{Catalog, ColumnEntry, FolderCatalog, PartitionEntry, TableEntry, TableFormat, ViewEntry};
pub use cluster::{Clustered, clustered, one_stream};
pub use delta::{DeltaTables, OpenTable, TableVersion, Write};
pub use erasure::{Erasure, Erasures, Fingerprints, Pending, Receipt, Removed};
pub use error::{ErrorKind, LakeError, explain};
pub use expire::{Expired, LiveFile};
pub use landing::{FolderLanding, Landing, LandingFile, LandingKey};
pub use layout::{Layer, Layout};
pub use lease::{Clock, LeaseLocks};
pub use ledger::{CheckCount, ConformEntry, IngestEntry, Ledger, Status};
pub use leftovers::Leftover;
pub use lock::LakeLock;
pub use locks::{FolderLocks, Held, Locks};
pub use objects::Stored;
pub use purge::Purged;
pub use ranges::Ranges;
pub use registry::{Champion, ModelVersion, Registry};
pub use rotation::{Move, Moved, Rotation, RotationReceipt, Rotations, Stage};
pub use store::{Lake, parquet_properties};
pub use versions::{NoVersions, Versions};
