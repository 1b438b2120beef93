//! Upkeep of a lake: what a run never does.

pub mod catalogue;
pub mod erase;
mod parquet;
pub mod rotate;
mod tables;
mod unnamed;
pub mod upkeep;
mod verify;
