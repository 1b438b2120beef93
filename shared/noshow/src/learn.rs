//! The learners, and what they share.

pub(crate) mod bins;
pub(crate) mod boost;
pub(crate) mod bundle;
pub(crate) mod field;
pub(crate) mod forest;
pub(crate) mod grow;
pub(crate) mod logistic;
pub(crate) mod pack;
pub(crate) mod quick;
pub(crate) mod sigmoid;
pub(crate) mod solve;
pub(crate) mod split;
pub(crate) mod tree;

pub(crate) use bins::{Binned, Bins};
