//! The gold definitions and the functions, over small hand-written silver tables.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod conservation;
mod definitions;
mod fixtures;
mod functions;
mod golden;
mod joins;
mod signs;
