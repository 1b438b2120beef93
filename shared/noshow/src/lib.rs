//! Learns a yes-or-no outcome from a table of features, and says how far it can be trusted.
//!
//! The outcome that carelake ships with is the missed appointment, but nothing here knows of it: the feature list, its
//! words and the label are data ([`FeatureSet`]). The way of a model: [`Frame::from_batches`] → [`train`] →
//! [`Model::score`] → [`Evaluation::of`] → [`ModelFile`] → [`card`].
//!
//! Invariants: the split between learning and checking is always by time, never random; the same rows, settings and
//! seed give the same bytes on any number of threads; nothing reads a file, the clock or the environment; bytes from
//! outside never bring the process down; no message repeats a value of a row.

mod calibrate;
pub mod card;
mod day;
mod drift;
mod error;
mod evaluate;
mod exact;
mod features;
mod file;
mod frame;
mod learn;
mod measure;
mod model;
mod random;
mod reasons;
mod settings;
mod train;

pub use drift::{Alarm, Drift, DriftCounts, FeatureDrift, Reference};
pub use error::{ErrorKind, ModelError};
pub use evaluate::{Comparison, Confusion, Evaluation, GroupReport, Grouping, SMALL_GROUP, Verdict, compare};
pub use features::{CostWords, Feature, FeatureSet, Kind};
pub use file::{About, Baseline, Header, ModelFile};
pub use frame::{Column, Frame, days, labels};
pub use measure::Calibrated;
pub use model::{Model, RiskBand, Window};
pub use reasons::Reason;
pub use settings::{Algorithm, CalibrationChoice, Costs, ForestSettings, LogisticSettings, Settings, TreeSettings};
pub use train::train;
