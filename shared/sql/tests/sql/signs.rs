//! The sign of every date difference: end − start, as in Athena.

use carelake_sql::session::plain;

use crate::fixtures::{failure, value};

const UNITS: [(&str, &str, &str); 9] = [
    ("millisecond", "2024-01-01 00:00:00", "2024-01-01 00:00:01"),
    ("second", "2024-01-01 00:00:00", "2024-01-01 00:01:00"),
    ("minute", "2024-01-01 00:00:00", "2024-01-01 01:00:00"),
    ("hour", "2024-01-01 00:00:00", "2024-01-02 00:00:00"),
    ("day", "2024-01-01 00:00:00", "2024-01-08 00:00:00"),
    ("week", "2024-01-01 00:00:00", "2024-01-29 00:00:00"),
    ("month", "2024-01-01 00:00:00", "2024-04-01 00:00:00"),
    ("quarter", "2024-01-01 00:00:00", "2025-01-01 00:00:00"),
    ("year", "2024-01-01 00:00:00", "2034-01-01 00:00:00"),
];
const EXPECTED: [i64; 9] = [1000, 60, 60, 24, 7, 4, 3, 4, 10];

#[tokio::test]
async fn a_later_end_is_positive_and_an_earlier_one_negative() {
    let session = plain().unwrap();
    for ((unit, start, end), expected) in UNITS.into_iter().zip(EXPECTED) {
        let sql = |from: &str, to: &str| format!("SELECT date_diff('{unit}', TIMESTAMP '{from}', TIMESTAMP '{to}')");
        assert_eq!(value(&session, &sql(start, end)).await, expected.to_string(), "{unit}");
        assert_eq!(value(&session, &sql(end, start)).await, (-expected).to_string(), "{unit} reversed");
        assert_eq!(value(&session, &sql(start, start)).await, "0", "{unit} of nothing");
    }
    for ((unit, start, end), expected) in UNITS.into_iter().zip(EXPECTED).skip(4) {
        let (start, end) = (&start[..10], &end[..10]);
        let sql = |from: &str, to: &str| format!("SELECT date_diff('{unit}', DATE '{from}', DATE '{to}')");
        assert_eq!(value(&session, &sql(start, end)).await, expected.to_string(), "{unit} of dates");
        assert_eq!(value(&session, &sql(end, start)).await, (-expected).to_string(), "{unit} of dates reversed");
    }
}

#[tokio::test]
async fn only_complete_units_count() {
    let session = plain().unwrap();
    for (unit, start, end, expected) in [
        // Ages: the day before the birthday, the birthday, and the leap day's birthday in a common year.
        ("year", "2006-05-06", "2024-05-05", "17"),
        ("year", "2006-05-06", "2024-05-06", "18"),
        ("year", "2004-02-29", "2023-02-27", "18"),
        ("year", "2004-02-29", "2023-02-28", "19"),
        ("year", "2004-02-29", "2024-02-28", "19"),
        ("year", "2004-02-29", "2024-02-29", "20"),
        ("year", "2024-05-06", "2006-05-07", "-17"),
        ("month", "2024-01-31", "2024-02-28", "0"),
        ("month", "2024-01-31", "2024-02-29", "1"),
        ("month", "2024-01-31", "2024-03-30", "1"),
        ("month", "2024-02-29", "2024-01-31", "-1"),
        ("quarter", "2024-01-15", "2024-07-14", "1"),
        ("quarter", "2024-01-15", "2024-07-15", "2"),
        ("week", "2024-03-03", "2024-03-09", "0"),
        ("week", "2024-03-03", "2024-03-10", "1"),
        ("week", "2024-03-10", "2024-03-04", "0"),
        ("day", "2024-02-28", "2024-03-01", "2"),
        ("day", "2023-12-31", "2024-01-01", "1"),
    ] {
        let sql = format!("SELECT date_diff('{unit}', DATE '{start}', DATE '{end}')");
        assert_eq!(value(&session, &sql).await, expected, "{sql}");
    }
    for (unit, start, end, expected) in [
        ("day", "2024-01-01 12:00:00", "2024-01-02 11:59:59", "0"),
        ("day", "2024-01-02 11:59:59", "2024-01-01 12:00:00", "0"),
        ("day", "2024-01-01 12:00:00", "2024-01-02 12:00:00", "1"),
        ("month", "2024-01-15 12:00:00", "2024-02-15 11:59:59", "0"),
        ("year", "2023-06-30 00:00:01", "2024-06-30 00:00:00", "0"),
        ("hour", "2024-01-01 00:30:00", "2024-01-01 02:29:59", "1"),
        ("second", "1969-12-31 23:59:59.5", "1970-01-01 00:00:00.4", "0"),
    ] {
        let sql = format!("SELECT date_diff('{unit}', TIMESTAMP '{start}', TIMESTAMP '{end}')");
        assert_eq!(value(&session, &sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn mixed_types_nulls_and_columns() {
    let session = plain().unwrap();
    let utc = "arrow_cast(TIMESTAMP '2024-01-02 06:00:00', 'Timestamp(Microsecond, Some(\"UTC\"))')";
    for (sql, expected) in [
        (format!("SELECT date_diff('hour', DATE '2024-01-02', {utc})"), "6"),
        (format!("SELECT date_diff('hour', {utc}, TIMESTAMP '2024-01-02 00:00:00')"), "-6"),
        ("SELECT date_diff('day', NULL, DATE '2024-01-02')".to_owned(), "NULL"),
        ("SELECT date_diff('day', DATE '2024-01-02', NULL)".to_owned(), "NULL"),
        ("SELECT date_diff('DAY', DATE '2024-01-02', DATE '2024-01-01')".to_owned(), "-1"),
        (
            "SELECT SUM(date_diff('day', a, DATE '2024-01-10'))
             FROM (VALUES (DATE '2024-01-09'), (DATE '2024-01-12'), (NULL)) AS t(a)"
                .to_owned(),
            "-1",
        ),
    ] {
        assert_eq!(value(&session, &sql).await, expected, "{sql}");
    }
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused_with_advice() {
    let session = plain().unwrap();
    for (sql, advice) in [
        ("SELECT date_diff('hour', DATE '2024-01-01', DATE '2024-01-02')", "CAST(x AS timestamp)"),
        ("SELECT date_diff('fortnight', DATE '2024-01-01', DATE '2024-01-02')", "use millisecond, second"),
        ("SELECT date_diff('day', '2024-01-01', DATE '2024-01-02')", "CAST(x AS date)"),
        (
            "SELECT date_diff(u, DATE '2024-01-01', DATE '2024-01-02') FROM (VALUES ('day'), ('week')) AS t(u)",
            "must be a constant",
        ),
    ] {
        let message = failure(&session, sql).await;
        assert!(message.contains(advice), "{sql}: {message}");
    }
}
