//! What the steps after ingest are given: what ingest is, and the Delta tables.

use std::ops::Deref;
use std::sync::Arc;

use carelake_contracts::{ContractSet, Sources};
use carelake_lake::{Lake, Landing};
use carelake_tables::DeltaTables;
use chrono::NaiveDate;

use crate::error::StepError;
use crate::noshow::published_day;

/// The ports and settings of a run, and the Delta tables of its lake.
#[derive(Clone)]
pub struct Context {
    /// All that ingest is given too.
    pub base: carelake_ingest::Context,
    /// The lake's Delta tables.
    pub tables: DeltaTables,
}

impl Context {
    /// A context for a lake on a folder.
    pub fn new(
        lake: Lake,
        landing: Arc<dyn Landing>,
        contracts: ContractSet,
        sources: Sources,
        as_of: NaiveDate,
        run_id: String,
    ) -> Self {
        carelake_ingest::Context::new(lake, landing, contracts, sources, as_of, run_id).into()
    }

    /// The same run on another day.
    pub fn on(mut self, day: NaiveDate) -> Self {
        self.base.as_of = day;
        self
    }

    /// The same run on the day that was asked for, else on the day as of which gold was computed last.
    ///
    /// # Errors
    /// When no day was asked for and gold was never computed.
    pub async fn on_day_of_gold(self, asked: Option<NaiveDate>) -> Result<Self, StepError> {
        let day = match asked {
            Some(day) => Some(day),
            None => published_day(&self).await?,
        };
        let never = || StepError::Invalid("gold was never computed in this lake; run publish first".to_owned());
        Ok(self.on(day.ok_or_else(never)?))
    }
}

impl From<carelake_ingest::Context> for Context {
    fn from(base: carelake_ingest::Context) -> Self {
        Self { tables: DeltaTables::new(&base.lake), base }
    }
}

impl Deref for Context {
    type Target = carelake_ingest::Context;

    fn deref(&self) -> &Self::Target {
        &self.base
    }
}
