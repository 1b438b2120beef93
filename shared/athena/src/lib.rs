//! Athena's JSON API over a lake: what Athena's clients send to AWS, answered on this machine.
//!
//! A client posts AWS JSON 1.1 and names the operation in `X-Amz-Target`. Queries run in the query session of
//! `carelake-sql`, many at once, under limits of memory, time and size of the result. Results are read through
//! `GetQueryResults`, or as objects of the output location, for which the same address answers the few requests of S3
//! that clients read results with.
//!
//! # Invariants
//!
//! - The analysts' workgroup does not know the databases that name persons: for its queries they do not exist.
//! - A result lies in a file without a name, which is gone with the server, however it ends: no patient outlives an
//!   erasure in a forgotten result.
//! - Values of parameters are literals put into the parsed statement, never text pasted into text.
//! - No error repeats a value of a row; a text about the query's own words is kept.
//! - Only this machine is answered: another host's name in a request, as a page in a browser could send it, is refused.

mod api;
mod bucket;
mod catalogue;
mod columns;
mod engine;
mod error;
mod execution;
mod failure;
mod http;
mod information_schema;
mod literal;
mod metadata;
mod names;
mod output;
mod pattern;
mod prepared;
mod queries;
mod server;
mod show;
mod statement;
mod types;
mod value;
mod words;
mod workgroup;

pub use server::{Limits, Server, Settings};
