//! Rebuilds the crate when a contract file changes: the files are part of the binary.
#![allow(clippy::print_stdout)] // how a build script speaks to cargo

fn main() {
    for folder in ["feeds", "silver", "identity", "codes"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
