//! Crash safety: the lake after a crash at every step of the commit order, and after storms of faults that follow from
//! a seed, is the lake of an undisturbed run. The object store is strongly consistent, as S3 is.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::print_stdout, missing_docs)]

mod chance;
mod crash;
mod hospital;
mod integrity;
mod landing;
mod parallel;
mod reference;
mod regressions;
mod seeds;
mod settings;
mod snapshot;
mod store;
mod turnstile;
mod upkeep;
mod wire;
mod world;
