//! Trains the no-show model.

fn main() {}
