//! upkeep: small files become large ones in the order that tables declare, and what nobody needs any more is removed.
//!
//! [`arrange`] rewrites tables beside runs: each rewrite is a commit on the version that it read, so that it is as if it
//! had not been when another commit comes first. [`remove`] takes away what is not needed; nobody else may change the
//! lake meanwhile. Both can be cut short at any moment and done again, and change nothing when there is nothing to do.

mod arrange;
mod landing;
mod remove;
mod report;

use chrono::{DateTime, TimeDelta, Utc};

pub use arrange::arrange;
pub use landing::expire_landing;
pub use remove::remove;
pub use report::{Removed, TableUpkeep, UpkeepReport};

/// What is kept, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// The time.
    pub now: DateTime<Utc>,
    /// How long a version of a table that was replaced can still be read.
    pub keep_versions: TimeDelta,
    /// How long reports of runs are kept.
    pub keep_reports: TimeDelta,
    /// Count what would be done, and do nothing.
    pub dry_run: bool,
}

impl Policy {
    /// What was replaced before this moment goes.
    fn cutoff(&self) -> DateTime<Utc> {
        self.now.checked_sub_signed(self.keep_versions).unwrap_or(DateTime::<Utc>::MIN_UTC)
    }

    /// Reports from before this moment go.
    fn reports_cutoff(&self) -> DateTime<Utc> {
        self.now.checked_sub_signed(self.keep_reports).unwrap_or(DateTime::<Utc>::MIN_UTC)
    }
}
