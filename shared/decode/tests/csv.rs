//! CSV files of every form: each row is read rightly or set aside by itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing)]

mod support;

use carelake_decode::limits::{RECORD_BYTES, RECORD_FIELDS};
use support::{HEADER, PATIENTS, patients};

#[test]
fn line_ends_a_mark_and_a_missing_last_line_end_change_nothing() {
    let wanted = patients("a.csv", PATIENTS).good().rows;
    assert_eq!(wanted.len(), 2);
    let windows = PATIENTS.replace('\n', "\r\n");
    let mixed = PATIENTS.replacen('\n', "\r\n", 1);
    let old_mac = PATIENTS.replace('\n', "\r");
    for text in [windows, mixed, old_mac, format!("\u{feff}{PATIENTS}"), PATIENTS.trim_end().to_owned()] {
        assert_eq!(patients("a.csv", &text).good().rows, wanted, "{text:?}");
    }
}

#[test]
fn quotes_may_hold_commas_quotes_and_line_ends() {
    let text = format!("{HEADER}P1,\"Ann, \"\"A\"\"\r\nSmith\",F,,,\nP2,Bob,M,,,\n");
    let read = patients("a.csv", text).good();
    assert_eq!(read.column(1), ["Ann, \"A\"\r\nSmith", "Bob"]);
}

#[test]
fn rows_of_another_width_or_encoding_are_set_aside_alone() {
    let mut text = format!("{HEADER}P1,few\nP2,Bob,M,,,\nP3,a,b,c,d,e,f\nP4,").into_bytes();
    text.extend_from_slice(b"\xff\xfe,F,,,\nP5,Eve,F,,,\n");
    let read = patients("a.csv", text).good();
    assert_eq!(read.column(0), ["P2", "P5"]);
    assert_eq!(read.damaged, [(1, ".row.shape"), (3, ".row.shape"), (4, ".row.encoding")]);
}

#[test]
fn columns_may_be_reordered_missing_and_more_and_nothing_of_them_is_lost() {
    let read = patients("a.csv", "X,City,PATIENT_ID,name,name\n1,Oslo,P1,Ann,Second\n").good();
    assert_eq!(read.rows[0].1, [Some("P1"), Some("Ann"), None, None, None, Some("Oslo")].map(|t| t.map(str::to_owned)));
    assert_eq!(read.extras(), [r#"{"X":"1","name":"Second"}"#]);
    assert_eq!(read.end.unwrap().missing, ["gender", "dob", "blood_group"]);
}

#[test]
fn nul_bytes_stay_in_their_field() {
    let read = patients("a.csv", format!("{HEADER}P1,A\0n,F,,,\n")).good();
    assert_eq!(read.column(1), ["A\0n"]);
}

#[test]
fn text_that_looks_like_a_formula_or_sql_is_kept_as_it_is() {
    let read = patients("a.csv", format!("{HEADER}P'; DROP TABLE x;--,=1+1,@x,-2,+3,\"a\"\"\"\n")).good();
    assert_eq!(read.column(0), ["P'; DROP TABLE x;--"]);
    assert_eq!(read.column(1), ["=1+1"]);
}

#[test]
fn a_record_over_the_cap_is_set_aside_and_the_next_one_is_read() {
    let huge = "x".repeat(RECORD_BYTES + 1);
    let read =
        patients("a.csv", format!("{HEADER}P1,{huge},F,,,\nP2,Bob,M,,,\nP3,\"{huge}\n\",F,,,\nP4,Dan,M,,,\n")).good();
    assert_eq!(read.column(0), ["P2", "P4"]);
    assert_eq!(read.damaged, [(1, ".row.size"), (3, ".row.size")]);
}

#[test]
fn a_record_of_too_many_fields_is_set_aside_and_a_wide_file_is_read() {
    let commas = ",".repeat(RECORD_FIELDS);
    let read = patients("a.csv", format!("{HEADER}P1{commas}\nP2,Bob,M,,,\n")).good();
    assert_eq!((read.column(0), read.damaged.as_slice()), (vec!["P2"], [(1, ".row.size")].as_slice()));
    let columns: String = (0..9_998).map(|column| format!(",c{column}")).collect();
    let values: String = (0..9_998).map(|column| format!(",{column}")).collect();
    let read = patients("a.csv", format!("patient_id,name{columns}\nP1,Ann{values}\n")).good();
    assert_eq!(read.column(1), ["Ann"]);
    assert!(read.extras()[0].ends_with(r#""c9997":"9997"}"#));
}

#[test]
fn a_header_alone_is_a_file_without_rows() {
    let read = patients("a.csv", HEADER).good();
    assert!(read.rows.is_empty() && read.damaged.is_empty());
}

#[test]
fn a_file_without_the_contracts_header_is_refused() {
    assert!(patients("a.csv", "P1,Ann,F\n").reason().contains("column names"));
    let long = "x".repeat(RECORD_BYTES + 1);
    assert!(patients("a.csv", long).reason().contains("header"));
}
