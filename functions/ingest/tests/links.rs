//! What the function is built from.
#![allow(clippy::unwrap_used, missing_docs)]

use std::process::Command;

/// Packages that a function's program is linked from.
fn linked(function: &str) -> Vec<String> {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--edges", "normal", "--prefix", "none", "--package", function])
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let lines = String::from_utf8(tree.stdout).unwrap();
    lines.lines().filter_map(|line| line.split(' ').next().map(str::to_owned)).collect()
}

fn engine(packages: &[String]) -> Vec<&String> {
    let of_engine = |name: &&String| ["datafusion", "deltalake", "sqlparser"].iter().any(|part| name.starts_with(part));
    packages.iter().filter(of_engine).collect()
}

#[test]
fn ingest_links_no_query_engine() {
    let packages = linked("ingest");
    assert!(packages.iter().any(|name| name == "carelake-ingest"), "{packages:?}");
    assert_eq!(engine(&packages), Vec::<&String>::new());
}

#[test]
fn the_engine_is_known_by_its_name_where_it_is_linked() {
    assert!(!engine(&linked("conform")).is_empty());
}
