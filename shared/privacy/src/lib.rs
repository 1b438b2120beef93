//! What keeps persons out of the lake's open layers: the lake's secret key, pseudonyms, masks, and a type for PHI.
//!
//! Invariants: the key never leaves this crate and is never printed; a [`Phi`] value has no `Display` and a redacted
//! `Debug`; the same person of the same source has the same pseudonym within one lake, and another in every other lake.

mod key;
mod mask;
mod phi;
mod profile;
mod short;

pub use key::{KeyError, LakeKey, Pseudonyms};
pub use mask::{mask, redact};
pub use phi::Phi;
pub use profile::{Identifier, Pattern, Profile, Rule};
