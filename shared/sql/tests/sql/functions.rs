//! The other functions, against values worked out from Trino's documentation.

use carelake_sql::session::plain;

use crate::fixtures::{csv, failure, value};

async fn check(cases: &[(&str, &str)]) {
    let session = plain().unwrap();
    for (expression, expected) in cases {
        assert_eq!(value(&session, &format!("SELECT {expression}")).await, *expected, "{expression}");
    }
}

const MOMENT: &str = "TIMESTAMP '2024-03-04 00:05:09.012345'";

#[tokio::test]
async fn date_add() {
    check(&[
        ("date_add('day', 1, DATE '2024-02-28')", "2024-02-29"),
        ("date_add('day', -1, DATE '2024-03-01')", "2024-02-29"),
        ("date_add('week', 2, DATE '2023-12-31')", "2024-01-14"),
        ("date_add('month', 1, DATE '2024-01-31')", "2024-02-29"),
        ("date_add('month', -1, DATE '2023-03-31')", "2023-02-28"),
        ("date_add('quarter', 1, DATE '2023-11-30')", "2024-02-29"),
        ("date_add('year', 1, DATE '2024-02-29')", "2025-02-28"),
        ("date_add('minute', -10, TIMESTAMP '2024-01-01 00:05:00')", "2023-12-31T23:55:00"),
        ("date_add('month', 1, TIMESTAMP '2024-01-31 10:00:00.000001')", "2024-02-29T10:00:00.000001"),
        ("date_add('day', NULL, DATE '2024-01-01')", "NULL"),
        ("date_add('day', 1, NULL)", "NULL"),
    ])
    .await;
    let session = plain().unwrap();
    assert!(failure(&session, "SELECT date_add('hour', 1, DATE '2024-01-01')").await.contains("CAST(x AS timestamp)"));
    assert!(failure(&session, "SELECT date_add('year', 999999999, DATE '2024-01-01')").await.contains("out of range"));
}

#[tokio::test]
async fn greatest_and_least_know_nothing_when_a_value_is_missing() {
    check(&[
        ("greatest(1, 3, 2)", "3"),
        ("least(1, 3, 2)", "1"),
        ("greatest(1, NULL)", "NULL"),
        ("least(NULL, DATE '2024-01-01')", "NULL"),
        ("least(DATE '2024-01-02', DATE '2024-01-01')", "2024-01-01"),
        ("greatest(1, 2.5)", "2.5"),
    ])
    .await;
    let session = plain().unwrap();
    let sql = "SELECT greatest(a, b) AS g, least(a, b, 5) AS l FROM (VALUES (1, 9), (NULL, 2), (7, NULL), (6, 8)) AS t (a, b)";
    assert_eq!(csv(session.sql(sql).await.unwrap()).await, "g,l\n9,1\n,\n,\n8,5\n");
}

#[tokio::test]
async fn date_parts() {
    check(&[
        // 2024-12-30 is a Monday in week 1 of 2025; 2021-01-03 a Sunday in week 53 of 2020.
        ("day_of_week(DATE '2024-12-30')", "1"),
        ("day_of_week(DATE '2021-01-03')", "7"),
        ("dow(DATE '2021-01-03')", "7"),
        ("week(DATE '2024-12-30')", "1"),
        ("year_of_week(DATE '2024-12-30')", "2025"),
        ("week_of_year(DATE '2021-01-03')", "53"),
        ("yow(DATE '2021-01-03')", "2020"),
        ("year(DATE '2024-12-30')", "2024"),
        ("quarter(DATE '2024-12-30')", "4"),
        ("quarter(DATE '2024-03-31')", "1"),
        ("month(DATE '2024-12-30')", "12"),
        ("day(DATE '2024-12-30')", "30"),
        ("day_of_month(DATE '2024-12-30')", "30"),
        ("day_of_year(DATE '2024-12-31')", "366"),
        ("doy(DATE '2023-12-31')", "365"),
        ("hour(TIMESTAMP '2024-01-01 13:14:15.678')", "13"),
        ("minute(TIMESTAMP '2024-01-01 13:14:15.678')", "14"),
        ("second(TIMESTAMP '2024-01-01 13:14:15.678')", "15"),
        ("millisecond(TIMESTAMP '2024-01-01 13:14:15.678')", "678"),
        ("hour(DATE '2024-01-01')", "0"),
        ("year(DATE '1899-12-31')", "1899"),
        ("year(CAST(NULL AS date))", "NULL"),
        ("arrow_typeof(day_of_week(DATE '2024-12-30'))", "Int64"),
    ])
    .await;
}

#[tokio::test]
async fn date_trunc_keeps_a_date_and_weeks_start_on_monday() {
    check(&[
        ("date_trunc('week', DATE '2024-03-03')", "2024-02-26"),
        ("date_trunc('week', DATE '2024-03-04')", "2024-03-04"),
        ("date_trunc('week', DATE '2023-12-31')", "2023-12-25"),
        ("date_trunc('week', TIMESTAMP '2024-03-03 23:59:59')", "2024-02-26T00:00:00"),
        ("date_trunc('day', DATE '2024-03-03')", "2024-03-03"),
        ("date_trunc('month', DATE '2024-03-31')", "2024-03-01"),
        ("date_trunc('quarter', DATE '2024-12-31')", "2024-10-01"),
        ("date_trunc('quarter', DATE '2024-05-31')", "2024-04-01"),
        ("date_trunc('year', DATE '2024-12-31')", "2024-01-01"),
        ("date_trunc('week', CAST(NULL AS date))", "NULL"),
        ("arrow_typeof(date_trunc('week', DATE '2024-03-03'))", "Date32"),
        ("date('2024-02-29')", "2024-02-29"),
        ("date(TIMESTAMP '2024-02-29 23:59:59')", "2024-02-29"),
        ("date(TIMESTAMP '1969-12-31 23:59:59')", "1969-12-31"),
        ("last_day_of_month(DATE '2024-02-01')", "2024-02-29"),
        ("last_day_of_month(TIMESTAMP '2023-12-31 23:00:00')", "2023-12-31"),
    ])
    .await;
    let session = plain().unwrap();
    assert!(failure(&session, "SELECT date_trunc('hour', DATE '2024-01-01')").await.contains("no unit of a date"));
}

#[tokio::test]
async fn date_format_writes_mysql_patterns() {
    let session = plain().unwrap();
    for (pattern, expected) in [
        ("%Y-%m-%d %H:%i:%s", "2024-03-04 00:05:09"),
        ("%W", "Monday"),
        ("%a %b %e", "Mon Mar 4"),
        ("%M %c %y", "March 3 24"),
        ("%h %I %k %l", "12 12 0 12"),
        ("%f", "012345"),
        ("%j", "064"),
        ("%p|%r|%T", "AM|12:05:09 AM|00:05:09"),
        ("%x-W%v", "2024-W10"),
        ("100%% %S", "100% 09"),
        ("%q", "q"),
        ("", ""),
    ] {
        assert_eq!(value(&session, &format!("SELECT date_format({MOMENT}, '{pattern}')")).await, expected, "{pattern}");
    }
    check(&[
        ("date_format(DATE '2024-06-01', '%W')", "Saturday"),
        ("date_format(TIMESTAMP '2024-01-01 13:00:00', '%h %p')", "01 PM"),
        ("date_format(CAST(NULL AS date), '%Y')", "NULL"),
    ])
    .await;
    let rows = session
        .sql("SELECT date_format(d, '%a') AS a FROM (VALUES (DATE '2024-06-01'), (NULL), (DATE '2024-06-02')) AS t(d)");
    assert_eq!(csv(rows.await.unwrap()).await, "a\nSat\n\"\"\nSun\n");
    for refused in ["%D", "%U", "%u", "%V", "%w", "%X", "ends %"] {
        let sql = format!("SELECT date_format(DATE '2024-06-01', '{refused}')");
        assert!(failure(&session, &sql).await.contains("date_format"), "{refused}");
    }
}

#[tokio::test]
async fn format_datetime_writes_joda_patterns() {
    let session = plain().unwrap();
    for (pattern, expected) in [
        ("yyyy-MM-dd HH:mm:ss.SSS", "2024-03-04 00:05:09.012"),
        ("E EEEE e", "Mon Monday 1"),
        ("MMM MMMM M", "Mar March 3"),
        ("h k K a", "12 24 0 AM"),
        ("xxxx-''W''ww", "2024-W10"),
        ("d ''of'' DDD yy", "4 of 064 24"),
    ] {
        assert_eq!(
            value(&session, &format!("SELECT format_datetime({MOMENT}, '{pattern}')")).await,
            expected,
            "{pattern}"
        );
    }
    assert!(failure(&session, "SELECT format_datetime(DATE '2024-06-01', 'yyyy''T')").await.contains("quote"));
    assert!(failure(&session, "SELECT format_datetime(DATE '2024-06-01', 'VV')").await.contains("not supported"));
}

#[tokio::test]
async fn conditions() {
    check(&[
        ("if(1 < 2, 'a', 'b')", "a"),
        ("if(1 > 2, 'a', 'b')", "b"),
        ("if(NULL, 'a', 'b')", "b"),
        ("if(1 > 2, 'a')", "NULL"),
        ("if(true, 1, 2.5)", "1.0"),
        ("SUM(if(b = 0, 0, a / b)) FROM (VALUES (6, 2), (1, 0)) AS t(a, b)", "3"),
    ])
    .await;
}

#[tokio::test]
async fn collections() {
    check(&[
        ("element_at(ARRAY[10, 20, 30], 1)", "10"),
        ("element_at(ARRAY[10, 20, 30], -1)", "30"),
        ("element_at(ARRAY[10, 20, 30], 4)", "NULL"),
        ("element_at(ARRAY[10, 20, 30], -4)", "NULL"),
        ("element_at(MAP(ARRAY['a', 'b'], ARRAY[1, 2]), 'b')", "2"),
        ("element_at(MAP(ARRAY['a', 'b'], ARRAY[1, 2]), 'c')", "NULL"),
        ("cardinality(ARRAY[ARRAY[1, 2], ARRAY[3]])", "2"),
        ("cardinality(MAP(ARRAY['a', 'b'], ARRAY[1, 2]))", "2"),
        ("arrow_typeof(cardinality(ARRAY[1]))", "Int64"),
        ("SUM(element_at(ARRAY[a, b], 2)) FROM (VALUES (1, 5), (2, 6)) AS t(a, b)", "11"),
    ])
    .await;
    let session = plain().unwrap();
    assert!(failure(&session, "SELECT element_at(ARRAY[1], 0)").await.contains("counted from 1"));
}

const PEOPLE: &str =
    "(VALUES ('x', 'ann', 5), ('x', 'bob', 9), ('x', 'cy', NULL), ('y', NULL, 7), ('y', 'dee', 3), ('z', 'eve', NULL))
    AS t(team, name, score)";

#[tokio::test]
async fn aggregates_of_a_whole_table() {
    let session = plain().unwrap();
    for (expression, expected) in [
        ("count_if(score > 4)", "3"),
        ("count_if(score > 4) FILTER (WHERE team = 'x')", "2"),
        ("count_if(false)", "0"),
        ("max_by(name, score)", "bob"),
        ("min_by(name, score)", "dee"),
        ("max_by(score, name)", "NULL"),
        ("approx_distinct(team)", "3"),
        ("arbitrary(team) IN ('x', 'y', 'z')", "true"),
        ("approx_percentile(score, 0.5)", "6"),
        ("approx_percentile(score + 0.5, 0.5)", "6.5"),
        ("arrow_typeof(approx_percentile(score, 0.5))", "Int64"),
        ("arrow_typeof(approx_percentile(CAST(score AS DECIMAL(9, 2)), 0.5))", "Float64"),
        ("arrow_typeof(approx_distinct(team))", "Int64"),
    ] {
        assert_eq!(value(&session, &format!("SELECT {expression} FROM {PEOPLE}")).await, expected, "{expression}");
    }
    assert_eq!(value(&session, &format!("SELECT count_if(score > 4) FROM {PEOPLE} WHERE false")).await, "0");
    assert_eq!(value(&session, &format!("SELECT max_by(name, score) FROM {PEOPLE} WHERE false")).await, "NULL");
    assert_eq!(value(&session, &format!("SELECT approx_distinct(name) FROM {PEOPLE} WHERE false")).await, "0");
    assert_eq!(
        value(&session, &format!("SELECT approx_percentile(score, 0.5) FROM {PEOPLE} WHERE false")).await,
        "NULL"
    );
}

#[tokio::test]
async fn aggregates_of_groups() {
    let session = plain().unwrap();
    let sql = format!(
        "SELECT team, count_if(score > 4) AS n, max_by(name, score) AS best, min_by(name, score) AS worst, arbitrary(score) IS NULL AS none
         FROM {PEOPLE} GROUP BY team ORDER BY team"
    );
    let text = csv(session.sql(&sql).await.unwrap()).await;
    assert_eq!(text, "team,n,best,worst,none\nx,2,bob,ann,false\ny,1,,dee,false\nz,0,,,true\n");
}

#[tokio::test]
async fn count_if_slides() {
    let session = plain().unwrap();
    let sql = "SELECT a, count_if(a > 1) OVER (ORDER BY a ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS n
               FROM (VALUES (1), (2), (3)) AS t(a) ORDER BY a";
    assert_eq!(csv(session.sql(sql).await.unwrap()).await, "a,n\n1,0\n2,1\n3,2\n");
}
