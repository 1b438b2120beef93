//! Bronze to silver.

fn main() {}
