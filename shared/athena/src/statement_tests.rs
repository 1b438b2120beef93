use super::*;

fn name(database: Option<&str>, name: &str) -> Name {
    Name { database: database.map(str::to_owned), name: name.to_owned() }
}

fn refused(text: &str) -> String {
    Statement::parse(text).unwrap_err().answer().1.to_string()
}

#[test]
fn statements_about_the_catalogue_are_read_as_clients_write_them() {
    let some = |text: &str| Some(text.to_owned());
    for (text, show) in [
        ("SHOW DATABASES", Show::Databases(None)),
        ("show schemas like 'g*'", Show::Databases(some("g*"))),
        ("SHOW TABLES IN `gold` 'pat*';", Show::Tables(some("gold"), some("pat*"))),
        ("SHOW VIEWS FROM \"Gold\" LIKE 'x'", Show::Views(some("gold"), some("x"))),
        ("SHOW COLUMNS IN patients FROM gold", Show::Columns(name(Some("gold"), "patients"))),
        ("SHOW COLUMNS FROM awsdatacatalog.gold.patients", Show::Columns(name(Some("gold"), "patients"))),
        ("SHOW CREATE VIEW \"gold\".\"patients\";", Show::CreateView(name(Some("gold"), "patients"))),
        ("DESCRIBE `silver`.`patients`", Show::Describe(name(Some("silver"), "patients"))),
        ("-- a note\nDESCRIBE EXTENDED patients", Show::Describe(name(None, "patients"))),
        ("SHOW PARTITIONS silver.patients", Show::Partitions(name(Some("silver"), "patients"))),
    ] {
        assert_eq!(Statement::parse(text), Ok(Statement::Show(show)), "{text}");
    }
}

#[test]
fn prepared_statements_keep_their_text_and_their_values() {
    let text = "PREPARE mine FROM\n  SELECT 'é;', ? FROM t ;";
    let Ok(Statement::Prepare { name, sql }) = Statement::parse(text) else { panic!("no PREPARE") };
    assert_eq!((name.as_str(), sql.trim_end()), ("mine", "SELECT 'é;', ? FROM t"));
    let execute = Statement::parse("EXECUTE mine USING 'a, b', DATE '2024-01-01', cast(1 AS decimal(9, 2)), -2");
    let Ok(Statement::Execute { values, .. }) = execute else { panic!("no EXECUTE") };
    assert_eq!(values, ["'a, b'", "DATE '2024-01-01'", "cast(1 AS decimal(9, 2))", "-2"]);
}

#[test]
fn two_statements_are_one_too_many_and_writing_is_not_supported() {
    assert!(refused("SELECT 1; SELECT 2").contains("Only one sql statement"));
    assert!(refused("SELECT 1; DROP TABLE x;").contains("Only one sql statement"));
    assert!(matches!(Statement::parse("SELECT ';';"), Ok(Statement::Query(_))));
    for text in ["DROP TABLE gold.patients", "CREATE TABLE x AS SELECT 1", "SET a = 1", "COPY (SELECT 1) TO '/tmp/x'"] {
        assert!(refused(text).contains("not supported"), "{text}");
    }
    assert!(refused("WITH x AS (SELECT 1) INSERT INTO y SELECT * FROM x").contains("InvalidRequest"));
}

#[test]
fn what_is_no_sql_is_malformed_and_says_where() {
    for (text, words) in [
        ("SELEC 1", "line 1:1: mismatched input 'SELEC'"),
        ("SELECT 1\n  FROM t GROUP 3", "line 2"),
        ("SELECT 'open", "line 1:"),
        ("", "<EOF>"),
        (";", "<EOF>"),
        ("SHOW TABLES IN gold 'a' b", "line 1:25: mismatched input 'b'"),
    ] {
        let answer = refused(text);
        assert!(answer.contains("MALFORMED_QUERY") && answer.contains(words), "{text}: {answer}");
    }
    let deep = format!("SELECT {}1{}", "(".repeat(5_000), ")".repeat(5_000));
    assert!(refused(&deep).contains("MALFORMED_QUERY"));
}
