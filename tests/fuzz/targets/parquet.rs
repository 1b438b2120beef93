//! Parquet files. The library panics on some damage, which is caught; running out of memory would not be.
#![no_main]

use carelake_fuzz::{allow_caught_panics, check};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    allow_caught_panics();
    check("clinic/patients/file.parquet", "clinic", "patients", bytes);
});
