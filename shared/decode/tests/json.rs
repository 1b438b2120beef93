//! JSON and NDJSON of every form: each record is read rightly or set aside by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use carelake_decode::limits::{RECORD_BYTES, RECORD_VALUES};
use support::{Read, patients, read};

/// A record between two good ones, as an array and as lines.
fn between(record: &str) -> [Read; 2] {
    let (first, last) = (r#"{"patient_id": "P1"}"#, r#"{"patient_id": "P3"}"#);
    [
        patients("a.json", format!("[{first}, {record}\n,{last}]")).good(),
        patients("a.ndjson", format!("{first}\n{record}\n{last}\n")).good(),
    ]
}

fn set_aside(record: &str, check: &'static str) {
    for read in between(record) {
        let shown: String = record.chars().take(40).collect();
        assert_eq!(read.column(0), ["P1", "P3"], "{shown}");
        assert_eq!(read.damaged, [(2, check)], "{shown}");
    }
}

#[test]
fn a_record_that_is_no_json_object_spoils_no_other() {
    let deep = format!(r#"{{"a": {}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
    let deep_objects = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    for record in [
        deep.as_str(),
        &deep_objects,
        r#"{"patient_id": NaN}"#,
        r#"{"patient_id": Infinity}"#,
        r#"{"patient_id": -Infinity}"#,
        r#"{"patient_id": 1e999}"#,
        r#"{"patient_id": "\ud800"}"#,
        r#"{"patient_id": "\udc00\ud800"}"#,
        r#"{"patient_id": tru}"#,
        r#"{"patient_id": 01}"#,
        r#"{"patient_id" "P2"}"#,
        r#"{"patient_id": "P2",}"#,
        r#"{"patient_id": ["P2"}]"#,
        r#""P2""#,
        "2",
        "null",
    ] {
        set_aside(record, ".row.encoding");
    }
}

#[test]
fn a_key_that_stands_twice_is_no_guess() {
    set_aside(r#"{"patient_id": "P2", "patient_id": "P9"}"#, ".row.encoding");
    set_aside(r#"{"patient_id": "P2", "more": {"a": 1, "\u0061": 2}}"#, ".row.encoding");
}

#[test]
fn bytes_that_are_not_utf8_spoil_one_record() {
    let mut text = b"[{\"patient_id\": \"\xff\"}, {\"patient_id\": \"P2\"}]".to_vec();
    assert_eq!(patients("a.json", &text).good().damaged, [(1, ".row.encoding")]);
    text = b"{\"patient_id\": \"\xff\"}\n{\"patient_id\": \"P2\"}".to_vec();
    assert_eq!(patients("a.ndjson", &text).good().column(0), ["P2"]);
}

#[test]
fn a_record_over_the_cap_is_set_aside() {
    set_aside(&format!(r#"{{"name": "{}"}}"#, "x".repeat(RECORD_BYTES)), ".row.size");
    set_aside(&format!("\"{}\"", "x".repeat(RECORD_BYTES)), ".row.size");
}

#[test]
fn a_record_of_too_many_values_is_set_aside() {
    set_aside(&format!(r#"{{"a": [{}0]}}"#, "0,".repeat(RECORD_VALUES)), ".row.size");
}

#[test]
fn a_record_whose_rows_repeat_too_much_is_set_aside_and_a_long_one_is_not() {
    let visits = r#"{"visit_id": "V"},"#.repeat(1_000);
    let record = |id: &str| format!(r#"{{"patient_id": "{id}", "visits": [{}]}}"#, visits.trim_end_matches(','));
    let text = format!("[{}, {}]", record(&"x".repeat(1 << 19)), record("P"));
    let read = read("source_a/visit_events/a.json", text).good();
    assert_eq!((read.rows.len(), read.damaged.as_slice()), (1_000, [(1, ".row.size")].as_slice()));
}

#[test]
fn no_digit_of_a_number_is_lost() {
    for number in [
        "9007199254740993",
        "18446744073709551615",
        "-9223372036854775808",
        "123456789012345678901234567890",
        "1234567890123456.78",
        "0.30000000000000004",
        "35905.85000000005",
    ] {
        for read in between(&format!(r#"{{"patient_id": {number}, "more": [{number}]}}"#)) {
            assert_eq!(read.column(0), ["P1", number, "P3"]);
            assert!(read.extras()[1].contains(number));
        }
    }
}

#[test]
fn digits_in_texts_stay_texts() {
    for read in between(r#"{"patient_id": "12345678901234567890", "name": "\"-12345678901234567890123 \\"}"#) {
        assert_eq!(read.column(0), ["P1", "12345678901234567890", "P3"]);
        assert_eq!(read.column(1)[1], "\"-12345678901234567890123 \\");
    }
}

#[test]
fn a_mark_white_space_and_blank_lines_change_nothing() {
    let array = "\u{feff} \r\n[\t{\"patient_id\":\"P1\"}\n , {\"patient_id\":\"P2\"} ] \n";
    assert_eq!(patients("a.json", array).good().column(0), ["P1", "P2"]);
    let lines = "\u{feff}{\"patient_id\":\"P1\"}\r\n\r\n \n{\"patient_id\":\"P2\"}";
    assert_eq!(patients("a.ndjson", lines).good().column(0), ["P1", "P2"]);
    assert_eq!(patients("a.json", " [ ] ").good().rows, []);
    assert_eq!(patients("a.json", r#" {"patient_id":"P1"} "#).good().column(0), ["P1"]);
}

#[test]
fn a_key_in_other_case_is_read_and_not_kept_twice() {
    let read = patients("a.json", r#"[{"Patient_ID": "P1", "NAME": "Ann", "Name": "Second"}]"#).good();
    assert_eq!((read.column(0), read.column(1)), (vec!["P1"], vec!["Ann"]));
    assert_eq!(read.extras(), [r#"{"Name":"Second"}"#]);
}

#[test]
fn what_is_not_one_array_is_refused() {
    for (text, reason) in [
        (r#"[{"patient_id": "P1"}, {"#, "breaks off"),
        (r#"[{"patient_id": "P1"}"#, "breaks off"),
        (r#"{"patient_id": "P1"#, "breaks off"),
        (r#"[{"patient_id": "P1"}] x"#, "follows the end"),
        ("{\"patient_id\": \"P1\"}\n{\"patient_id\": \"P2\"}", ".ndjson"),
        (r#"[{"patient_id": "P1"} {"patient_id": "P2"}]"#, "not one JSON array"),
        (r#"[{"patient_id": "P1"},]"#, "not one JSON array"),
        (r#"[,]"#, "not one JSON array"),
        ("patient_id,name\nP1,Ann\n", "not one JSON array"),
        ("  ", "not one JSON array"),
        ("null", "not one JSON array"),
    ] {
        let read = patients("a.json", text);
        assert!(read.reason().contains(reason), "{text}: {}", read.reason());
    }
    let array = "[{\"patient_id\": \"P1\"},\n{\"patient_id\": \"P2\"}]";
    assert!(patients("a.ndjson", array).reason().contains("end the name in .json"));
}

#[test]
fn many_small_records_are_read_in_batches() {
    let text = format!("[{}{{}}]", r#"{"patient_id":"P"},"#.repeat(100_000));
    assert_eq!(patients("a.json", text).good().rows.len(), 100_001);
}

#[test]
fn a_column_is_read_under_the_first_of_its_paths_that_has_what_it_takes() {
    let lines = [
        r#"{"id": "1", "onsetDateTime": "2024-05", "recordedDate": "2024-06-01", "subject": {"reference": "Patient/p1"}}"#,
        r#"{"id": "2", "onsetPeriod": {"start": "2024"}, "subject": {"reference": "https://x.org/fhir/Patient/p2/_history/1"}}"#,
        r#"{"id": "3", "onsetDateTime": "", "recordedDate": "2024-06-01T10:00:00Z", "subject": {"reference": "urn:uuid:p3"}}"#,
        r#"{"id": "4", "subject": {"reference": "Group/p4", "identifier": {"value": "p4"}}}"#,
    ];
    let set = carelake_contracts::ContractSet::embedded().unwrap();
    let contract = set.contract("fhir", "conditions").unwrap();
    let place = |name: &str| contract.columns.iter().position(|column| column.name == name).unwrap();
    let found = read("fhir/conditions/a.ndjson", lines.join("\n")).good();
    assert_eq!(found.column(place("patient_id")), ["p1", "p2", "p3", "p4"]);
    assert_eq!(found.column(place("start_date")), ["2024-05-01", "2024-01-01", "2024-06-01T10:00:00Z", ""]);
}
