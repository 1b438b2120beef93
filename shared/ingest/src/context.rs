//! What every step is given: the lake, the contracts, the landing zone, the day and the run.

use std::sync::Arc;

use carelake_contracts::{ContractSet, Sources};
use carelake_lake::{Catalog, FolderCatalog, Lake, Landing, Ledger};
use chrono::NaiveDate;

use crate::erased::Erased;

/// The ports and settings of a run. Nothing in a step reads the clock: day and run id come from here.
#[derive(Clone)]
pub struct Context {
    /// The lake.
    pub lake: Lake,
    /// Its ledger.
    pub ledger: Ledger,
    /// Its catalogue.
    pub catalog: Arc<dyn Catalog>,
    /// Where files arrive.
    pub landing: Arc<dyn Landing>,
    /// Contracts, canonical tables, code lists.
    pub contracts: Arc<ContractSet>,
    /// Which feed each sender sends.
    pub sources: Arc<Sources>,
    /// The day as of which ages and the like are reckoned.
    pub as_of: NaiveDate,
    /// Identifies the run in reports and table history.
    pub run_id: String,
    /// The persons that were erased.
    pub erased: Erased,
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
        Self {
            ledger: Ledger::new(&lake),
            catalog: Arc::new(FolderCatalog::new(&lake)),
            lake,
            landing,
            contracts: Arc::new(contracts),
            sources: Arc::new(sources),
            as_of,
            run_id,
            erased: Erased::default(),
        }
    }
}
