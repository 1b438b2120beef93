//! Scores appointments.

fn main() {}
