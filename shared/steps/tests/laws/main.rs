//! Laws of a lake as property tests: small random deliveries go through the real steps in a folder, and what silver,
//! identity and gold hold is compared row for row.
//!
//! `PROPTEST_CASES` sets the number of cases of each law.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod arrivals;
mod deliveries;
mod features;
mod futures;
mod lake;
mod marts;
mod partitions;
mod rows;
mod senders;

use proptest::test_runner::Config;

/// `cases` cases, unless `PROPTEST_CASES` says otherwise.
fn cases(cases: u32) -> Config {
    let given = Config::default();
    let asked = given.cases != Config { cases: 256, ..Config::default() }.cases;
    Config {
        cases: if asked { given.cases } else { cases },
        max_shrink_time: 60_000,
        failure_persistence: None,
        ..given
    }
}
