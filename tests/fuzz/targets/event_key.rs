//! Keys as events carry them: raw, form-encoded, percent-encoded, not UTF-8. However a key is decoded, what is accepted
//! names a source, a dataset and a day that are safe in paths.
#![no_main]

use std::borrow::Cow;

use carelake_contracts::{LandingPath, is_name};
use carelake_fuzz as _;
use libfuzzer_sys::fuzz_target;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode, utf8_percent_encode};

const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn accepted(key: &str) -> Option<LandingPath> {
    let path = LandingPath::parse(key).ok()?;
    assert!(is_name(&path.source) && is_name(&path.dataset));
    Some(path)
}

fuzz_target!(|bytes: &[u8]| {
    let raw = String::from_utf8_lossy(bytes);
    accepted(&raw);
    let spaces: Vec<u8> = bytes.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    let decoded: Cow<'_, str> = percent_decode(&spaces).decode_utf8_lossy();
    let path = accepted(&decoded);
    // What S3 sends for the decoded key leads back to the same path.
    let sent = utf8_percent_encode(&decoded, KEPT).to_string().replace("%20", "+");
    let again = percent_decode(sent.replace('+', " ").as_bytes()).decode_utf8_lossy().into_owned();
    assert_eq!(again, decoded);
    assert_eq!(accepted(&again), path);
});
