//! Tells an MLflow server of a trained model over its REST API: run, parameters, metrics, data set, artifacts with an
//! MLmodel file, a version in its registry, an alias.
//!
//! Invariants: what is sent is what the caller gives, which holds no row of a patient; user and password of the address
//! are never in an error; every request ends within a time that is set once.

mod client;
mod error;
mod mlmodel;
mod run;

pub use client::Mlflow;
pub use error::MlflowError;
pub use run::{Artifact, Column, DataSet, Logged, Run};
