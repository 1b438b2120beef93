//! Silver to gold and the catalogue.

fn main() {}
