//! JSON arrays of flat and of nested records.
#![no_main]

use carelake_fuzz::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check("clinic/patients/file.json", "clinic", "patients", bytes);
    check("source_a/visit_events/file.json", "source_a", "visit_events", bytes);
});
