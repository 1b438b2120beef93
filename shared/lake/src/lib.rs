//! Storage of the lake: where things stand, how they are put there, what has been done.
//!
//! Invariants: an object of bronze, identity or quarantine has a name that depends only on its landing file and
//! contract, so writing it again changes nothing; a ledger entry is written after all that it speaks of. Delta tables
//! are another crate's: no query engine stands behind this one.

mod catalog;
mod drift;
mod erasure;
mod error;
mod landing;
mod layout;
mod lease;
mod ledger;
mod leftovers;
mod lock;
mod locks;
mod naming;
mod objects;
mod ranges;
mod registry;
mod replace;
mod rotation;
mod store;
mod versions;

pub use catalog::{Catalog, ColumnEntry, FolderCatalog, PartitionEntry, TableEntry, TableFormat, ViewEntry};
pub use drift::{Drift, Kind};
pub use erasure::{Erasure, Erasures, Fingerprints, Pending, Receipt, Removed};
pub use error::{ErrorKind, LakeError};
pub use landing::{FolderLanding, Landing, LandingFile, LandingKey, Nowhere};
pub use layout::{Layer, Layout};
pub use lease::{Clock, LeaseLocks};
pub use ledger::{CheckCount, ConformEntry, IngestEntry, Ledger, Status};
pub use leftovers::Leftover;
pub use lock::LakeLock;
pub use locks::{FolderLocks, Held, Locks};
pub use objects::Stored;
pub use ranges::Ranges;
pub use registry::{Champion, ModelVersion, Registry};
pub use rotation::{Move, Moved, Rotation, RotationReceipt, Rotations, Stage};
pub use store::{Lake, parquet_properties};
pub use versions::{NoVersions, Versions};
