//! The contract model, its loader, the row rules, and the contract files themselves.
//!
//! A feed is described by data files alone: `feeds/<feed>/<dataset>.toml` says which columns a file has, which rows are
//! good and where they go; the SQL files beside it map bronze to the canonical tables under `silver/` and `identity/`.
//! Invariants: a contract that loads has been checked whole; no message of this crate repeats a value of a file.

mod compat;
mod convert;
mod draft;
mod error;
mod load;
mod model;
mod path;
mod raw;
mod references;
mod roles;
mod rules;
mod sources;
mod table;
mod types;
mod validate;
mod validate_rules;

pub use compat::{Change, compare};
pub use convert::{Converted, convert, parse_iso_date};
pub use draft::{Draft, Sample, draft, sample_of_records};
pub use error::{ContractError, ContractErrors};
pub use load::ContractSet;
pub use model::{
    Column, Contract, DELETED, Duplicates, Feed, Gate, Level, Load, OnFail, OnInvalid, Phi, Rule, RuleKind, Severity,
    Target,
};
pub use path::{JsonPath, Step};
pub use roles::{KeyColumn, Link, Roles};
pub use rules::{Check, Checks, Failure, Outcome};
pub use sources::{Compression, FileFormat, LandingPath, Sources, file_format};
pub use table::{Period, Table, TableColumn};
pub use types::ColumnType;
pub use validate::is_name;
