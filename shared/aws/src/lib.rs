//! carelake on AWS.
