//! Landing object to bronze, identity and quarantine.

fn main() {}
