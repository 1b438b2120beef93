//! The learners.
