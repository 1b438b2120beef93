//! Rebuilds the crate when a SQL file changes: the files are part of the binary.
#![allow(clippy::print_stdout)] // how a build script speaks to cargo

fn main() {
    for folder in ["gold", "gold_identified", "prepared"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
