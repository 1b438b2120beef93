//! Finds the curve from a raw score to a probability.
