//! Parquet files.
#![no_main]

use carelake_fuzz::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check("clinic/patients/file.parquet", "clinic", "patients", bytes);
});
