//! Keeps the lake in order.

fn main() {}
