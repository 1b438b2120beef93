//! Landing keys: never a panic, and what is accepted is safe in paths and SQL.
#![no_main]

use carelake_contracts::{LandingPath, is_name};
use carelake_fuzz as _;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|key: &str| {
    let Ok(path) = LandingPath::parse(key) else { return };
    assert!(is_name(&path.source) && is_name(&path.dataset));
    assert!(key.starts_with(&format!("{}/{}/", path.source, path.dataset)));
    let parts = key.split('/').count();
    assert_eq!(parts, if path.date.is_some() { 4 } else { 3 });
});
