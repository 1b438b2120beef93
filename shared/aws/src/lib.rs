//! carelake on AWS: events, S3, Glue, and the bootstrap of the functions. This crate alone names AWS. It links no query
//! engine: a function that plans queries brings its own.
//!
//! Invariants: an event may come any number of times, in any order; a piece of work is acknowledged after its entry in
//! the ledger, and one that fails is given back to its queue; no key of a landing file is logged, counted or answered.

mod clients;
mod config;
pub mod event;
mod glue;
mod job;
pub mod key;
mod lake;
mod landing;
mod lineage;
mod log;
mod metrics;
mod past;
mod problem;
mod remote;
mod route;
mod runtime;
mod traced;
mod turn;
mod zone;

pub use clients::Clients;
pub use config::{Config, ConfigErrors, Credentials};
pub use glue::GlueCatalog;
pub use job::{Done, Job, all};
pub use lake::{Place, Work};
pub use landing::{Fetch, Fetched, LandingBucket, RUN_TAG, STATUS_TAG};
pub use lineage::{Parent, Parents, Target};
pub use log::{Level, Log};
pub use metrics::{Metric, Metrics};
pub use past::Past;
pub use remote::Remote;
pub use route::Routed;
pub use runtime::{Function, run};
pub use zone::LandingZone;
