//! Upkeep of a lake: what a run never does.

pub mod erase;
mod parquet;
pub mod rotate;
mod tables;
pub mod upkeep;
mod unnamed;
mod verify;
