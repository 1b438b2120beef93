//! One JSON record a line, flat and nested.
#![no_main]

use carelake_fuzz::check;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    check("clinic/patients/file.ndjson", "clinic", "patients", bytes);
    check("source_a/visit_events/file.ndjson", "source_a", "visit_events", bytes);
});
