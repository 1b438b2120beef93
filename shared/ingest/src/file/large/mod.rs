//! Landing files that are too large to be read at once: cut into parts, read apart, and put together.
//!
//! [`begin`] reads the file once without taking it apart further than needed, for its digest and the places where it can
//! be cut, and writes the plan. [`read_part`] reads one part into objects that nobody else looks at. [`join`] puts the
//! objects together once all parts are read: from then on the lake is as if the file had been read in one pass. Each of
//! these can be cut short, done twice, and done by several at once; the ledger's entry comes last, and then the parts go.
//!
//! Where a contract rejects repeated keys, a part cannot know those of the parts before it. So each part leaves the keyed
//! hashes of its keys, [`join`] compares them in the order of the file, and parts with a repeat that they could not know
//! of are read again.

mod across;
mod begin;
mod drive;
mod files;
mod join;
mod merge;
mod read;

pub use begin::{Begun, Time, begin};
pub use drive::{AT_ONCE, Worked, go_on, open};
pub use files::{Plan, Waiting, abandoned, any, forget, plan, restart, waiting, want, wanted};
pub use join::{Joined, join};
pub use read::{Progress, read_part};
