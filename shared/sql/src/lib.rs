//! The lake's SQL: the definitions of gold, the functions they need and the session that runs them.
//!
//! One dialect serves the laptop, the Lambda and production: Athena engine 3, that is Trino. The gold views and the
//! prepared queries are files next to this crate (`gold/`, `gold_identified/`, `prepared/`), never strings in code.
//!
//! # Invariants
//!
//! - A file holds a header and one `SELECT`. The header names the grain, the owner and every output column; the first
//!   column is `source`, because equal identifiers of two senders are two different things.
//! - A table is written `database.table`; what a view reads decides the order in which views are created.
//! - `gold` never reads the `identity` database. Names and real identifiers of patients stand in `gold_identified` only.
//! - A function registered here has the name and the meaning Trino gives it, above all the order of its arguments:
//!   `date_diff('day', start, end)` is `end - start`.
//! - Nothing reads the clock: the views read the run's as-of date from `gold.as_of`.

pub mod functions;
pub mod joins;
mod memory;
pub mod session;
pub mod views;
