//! The same options give the same bytes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

mod support;

use carelake_generate::{Error, Options, generate};

#[test]
fn the_same_options_give_the_same_bytes() {
    let (one, two) = (support::landing(120, 9), support::landing(120, 9));
    assert_eq!(one.manifest, two.manifest);
    let (a, b) = (support::all_files(one.folder.path()), support::all_files(two.folder.path()));
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    for (name, bytes) in &a {
        assert!(*bytes == b[name], "{name} differs");
    }
}

#[test]
fn another_seed_gives_other_files() {
    let (one, two) = (support::landing(120, 9), support::landing(120, 10));
    let (a, b) = (support::all_files(one.folder.path()), support::all_files(two.folder.path()));
    assert_eq!(a.keys().collect::<Vec<_>>(), b.keys().collect::<Vec<_>>());
    for file in one.manifest.files.iter().filter(|file| file.records > 0) {
        assert!(a[&file.path] != b[&file.path], "{} is the same", file.path);
    }
}

#[test]
fn the_manifest_on_disk_is_the_one_returned() {
    let landing = support::landing(30, 1);
    let bytes = landing.read("manifest.json");
    let read: carelake_generate::Manifest = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(read, landing.manifest);
}

#[test]
fn every_file_is_in_the_manifest() {
    let landing = support::landing(30, 1);
    let mut listed: Vec<String> = landing.manifest.files.iter().map(|file| file.path.clone()).collect();
    listed.push("manifest.json".to_owned());
    listed.sort();
    let files: Vec<String> = support::all_files(landing.folder.path()).into_keys().collect();
    assert_eq!(files, listed);
}

#[test]
fn progress_ends_at_the_total_for_every_source() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        patients: 250,
        seed: 1,
        out: folder.path().to_owned(),
        as_of: "2026-03-31".parse().unwrap(),
        clean: false,
    };
    let mut last = std::collections::BTreeMap::new();
    generate(&options, &mut |progress| {
        last.insert(progress.source, (progress.done, progress.total));
    })
    .unwrap();
    assert_eq!(last.len(), 7);
    assert!(last.values().all(|(done, total)| done == total));
}

#[test]
fn the_smallest_hospital_has_one_patient_and_none_is_an_error() {
    assert_eq!(support::landing(1, 1).manifest.patients, 1);
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        patients: 0,
        seed: 1,
        out: folder.path().to_owned(),
        as_of: "2026-03-31".parse().unwrap(),
        clean: false,
    };
    assert!(matches!(generate(&options, &mut |_| {}), Err(Error::Options(_))));
}
