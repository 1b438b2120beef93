//! CSV files, plain and compressed.
#![no_main]

use carelake_fuzz::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check("clinic/patients/file.csv", "clinic", "patients", bytes);
    if bytes.starts_with(&[0x1f, 0x8b]) {
        check("clinic/patients/file.csv.gz", "clinic", "patients", bytes);
    }
    if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        check("clinic/patients/file.csv.zst", "clinic", "patients", bytes);
    }
});
