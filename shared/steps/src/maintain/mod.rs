//! Upkeep of a lake: what a run never does.

pub mod erase;
mod parquet;
