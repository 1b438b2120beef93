//! What each kind of rule makes of typed columns.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

mod support;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::Int32Type;
use carelake_contracts::{Checks, Contract, Converted, Severity, convert};
use support::{edited, load_dental};

const HEAD: &str = "description = \"x\"\nversion = 1\nkey = [\"id\"]\nduplicates = \"reject\"\n";

/// A contract of an id, a date, a moment, a number, a word, and these rules.
fn contract(rules: &str) -> Contract {
    let column = |name: &str, kind: &str| format!("[[columns]]\nname = \"{name}\"\ntype = \"{kind}\"\n\n");
    let columns: String =
        [("id", "string"), ("day", "date"), ("moment", "timestamp"), ("number", "int"), ("word", "string")]
            .iter()
            .map(|(name, kind)| column(name, kind))
            .collect();
    let set = load_dental(&format!("{HEAD}{columns}{rules}")).unwrap_or_else(|errors| panic!("{errors}"));
    set.contract("dental", "log").unwrap().clone()
}

fn rule(severity: &str, rest: &str) -> String {
    format!("[[rules]]\nid = \"tested\"\nlevel = \"row\"\nseverity = \"{severity}\"\ndescription = \"Why.\"\n{rest}\n")
}

struct Judged {
    failed: Vec<usize>,
    checked: u64,
    columns: Vec<ArrayRef>,
}

/// Runs the contract's checks on rows of (id, day, moment, number, word); what the check with that id ending says.
fn judge(contract: &Contract, rows: &[[Option<&str>; 5]], check: &str) -> Judged {
    let texts: Vec<StringArray> =
        (0..5).map(|column| StringArray::from(rows.iter().map(|row| row[column]).collect::<Vec<_>>())).collect();
    let typed = contract.columns.iter().zip(&texts);
    let (mut columns, invalid): (Vec<ArrayRef>, Vec<Vec<usize>>) = typed
        .map(|(column, text)| convert(text, column.column_type, column.format.as_deref()))
        .map(|Converted { values, invalid }| (values, invalid))
        .unzip();
    let checks = Checks::new(contract);
    let index = checks.all().iter().position(|known| known.id.ends_with(check)).unwrap();
    let outcome = checks.run(&texts, &mut columns, &invalid).unwrap();
    let failed = outcome.failures.iter().filter(|failure| failure.check == index).map(|failure| failure.row).collect();
    Judged { failed, checked: outcome.checked[index], columns }
}

fn words(words: &[Option<&'static str>]) -> Vec<[Option<&'static str>; 5]> {
    words.iter().map(|word| [Some("a"), None, None, None, *word]).collect()
}

fn numbers(numbers: &[Option<&'static str>]) -> Vec<[Option<&'static str>; 5]> {
    numbers.iter().map(|number| [Some("a"), None, None, *number, None]).collect()
}

#[test]
fn a_refused_value_fails_and_no_other() {
    let rules = rule("warn", "kind = \"not_in\"\ncolumn = \"word\"\nvalues = [\"wrong\", \"error\"]");
    let judged = judge(&contract(&rules), &words(&[Some("good"), Some("error"), None, Some("Error")]), ".tested");
    assert_eq!((judged.failed, judged.checked), (vec![1], 3));
}

#[test]
fn a_domain_without_values_refuses_whatever_is_there() {
    let rules = rule("reject", "kind = \"domain\"\ncolumn = \"word\"\nvalues = []");
    let judged = judge(&contract(&rules), &words(&[Some("x"), None]), ".tested");
    assert_eq!(judged.failed, [0]);
}

#[test]
fn a_domain_holds_its_values_and_null() {
    let domain = contract(&rule("reject", "kind = \"domain\"\ncolumn = \"word\"\nvalues = [\"M\", \"F\"]"));
    let judged = judge(&domain, &words(&[Some("M"), Some("m"), None, Some("X"), Some("F")]), ".tested");
    assert_eq!((judged.failed, judged.checked), (vec![1, 3], 4));
    let any_case =
        contract(&rule("reject", "kind = \"domain\"\ncolumn = \"word\"\nvalues = [\"M\", \"F\"]\nignore_case = true"));
    assert_eq!(judge(&any_case, &words(&[Some("M"), Some("m"), None, Some("X")]), ".tested").failed, [3]);
}

#[test]
fn a_domain_of_numbers_compares_their_text() {
    let domain = contract(&rule("warn", "kind = \"domain\"\ncolumn = \"number\"\nvalues = [\"1\", \"2\"]"));
    assert_eq!(judge(&domain, &numbers(&[Some("1"), Some("02"), Some("3"), None]), ".tested").failed, [2]);
}

#[test]
fn a_range_is_inclusive_and_null_passes() {
    let range = contract(&rule("reject", "kind = \"range\"\ncolumn = \"number\"\nmin = 0\nmax = 120"));
    let judged = judge(&range, &numbers(&[Some("0"), Some("120"), Some("-1"), Some("121"), None]), ".tested");
    assert_eq!((judged.failed, judged.checked), (vec![2, 3], 4));
    assert!(!judged.columns[3].is_null(2), "a range without set_null leaves the value");
}

#[test]
fn a_range_may_have_one_bound_and_bound_dates() {
    let range = contract(&rule("reject", "kind = \"range\"\ncolumn = \"day\"\nmin = \"1900-01-01\""));
    let row = |day| [Some("a"), Some(day), None, None, None];
    assert_eq!(judge(&range, &[row("1899-12-31"), row("1900-01-01"), row("2999-01-01")], ".tested").failed, [0]);
}

#[test]
fn set_null_empties_the_value_before_later_rules_look() {
    let not_null = "[[rules]]\nid = \"later\"\nkind = \"domain\"\ncolumn = \"number\"\nvalues = [\"5\"]\nlevel = \"row\"\nseverity = \"warn\"\n";
    let range = rule("warn", "kind = \"range\"\ncolumn = \"number\"\nmin = 0\nset_null = true");
    let judged = judge(&contract(&format!("{range}{not_null}")), &numbers(&[Some("5"), Some("-1")]), ".tested");
    assert_eq!(judged.failed, [1]);
    let left = judged.columns[3].as_primitive::<Int32Type>();
    assert_eq!((left.is_null(0), left.is_null(1)), (false, true));
    assert!(judge(&contract(&format!("{range}{not_null}")), &numbers(&[Some("-1")]), ".later").failed.is_empty());
}

#[test]
fn a_pattern_must_match_the_whole_value() {
    let pattern = contract(&rule("reject", "kind = \"pattern\"\ncolumn = \"word\"\npattern = 'A\\d+|B'"));
    let judged =
        judge(&pattern, &words(&[Some("A12"), Some("xA12"), Some("A12x"), Some("B"), Some("BB"), None]), ".tested");
    assert_eq!((judged.failed, judged.checked), (vec![1, 2, 4], 5));
}

#[test]
fn not_before_compares_dates_and_moments() {
    let order = contract(&rule("reject", "kind = \"not_before\"\ncolumn = \"moment\"\nother = \"day\""));
    let row = |day, moment| [Some("a"), day, moment, None, None];
    let rows = [
        row(Some("2024-01-02"), Some("2024-01-01T23:59:59Z")),
        row(Some("2024-01-02"), Some("2024-01-02T00:00:00Z")),
        row(None, Some("2024-01-01T00:00:00Z")),
        row(Some("2024-01-02"), None),
    ];
    let judged = judge(&order, &rows, ".tested");
    assert_eq!((judged.failed, judged.checked), (vec![0], 2));
}

#[test]
fn a_pattern_and_a_domain_read_dates_and_moments_as_text() {
    let rows = [[Some("a"), Some("2024-01-02"), Some("2024-01-02T03:04:05Z"), None, None]];
    for (column, pattern, good) in [
        ("day", "2024-.*", true),
        ("moment", "2024-.*05.*", true),
        ("day", "2023-.*", false),
        ("moment", "2023-.*", false),
    ] {
        let rule =
            contract(&rule("warn", &format!("kind = \"pattern\"\ncolumn = \"{column}\"\npattern = '{pattern}'")));
        assert_eq!(judge(&rule, &rows, ".tested").failed.is_empty(), good, "{column} {pattern}");
    }
}

#[test]
fn not_before_compares_a_day_with_the_day_of_a_moment() {
    let order = contract(&rule("reject", "kind = \"not_before\"\ncolumn = \"day\"\nother = \"moment\""));
    let row = |day, moment| [Some("a"), Some(day), Some(moment), None, None];
    let rows = [row("2024-01-02", "2024-01-02T23:00:00Z"), row("2024-01-01", "2024-01-02T00:00:00Z")];
    assert_eq!(judge(&order, &rows, ".tested").failed, [1]);
}

#[test]
fn not_null_counts_missing_values_and_not_those_of_a_wrong_type() {
    let present = contract(&rule("warn", "kind = \"not_null\"\ncolumn = \"number\""));
    let judged = judge(&present, &numbers(&[Some("1"), None, Some("x")]), ".tested");
    assert_eq!((judged.failed, judged.checked), (vec![1], 3));
    assert_eq!(judge(&present, &numbers(&[Some("1"), None, Some("x")]), ".number.type").failed, [2]);
}

#[test]
fn implicit_checks_have_stable_ids_and_severities() {
    let checks = Checks::new(&contract(""));
    let shown: Vec<(&str, Severity)> = checks.all().iter().map(|check| (check.id.as_str(), check.severity)).collect();
    let ids = [
        "file.readable",
        "row.shape",
        "row.encoding",
        "row.size",
        "key.unique",
        "day.type",
        "moment.type",
        "number.type",
    ];
    let wanted: Vec<String> = ids.iter().map(|id| format!("dental.log.{id}")).collect();
    assert_eq!(shown.iter().map(|(id, _)| *id).collect::<Vec<_>>(), wanted);
    assert!(shown.iter().all(|(_, severity)| *severity == Severity::Reject));
}

#[test]
fn on_invalid_null_warns_and_required_rejects() {
    let text = format!(
        "{HEAD}[[columns]]\nname = \"id\"\ntype = \"string\"\nrequired = true\n\n[[columns]]\nname = \"day\"\ntype = \"date\"\non_invalid = \"null\"\n"
    );
    let set = load_dental(&text).unwrap();
    let checks = Checks::new(set.contract("dental", "log").unwrap());
    let severity = |id: &str| checks.all().iter().find(|check| check.id == id).unwrap().severity;
    assert_eq!(severity("dental.log.id.required"), Severity::Reject);
    assert_eq!(severity("dental.log.day.type"), Severity::Warn);
}

#[test]
fn without_a_key_or_with_dedupe_there_is_no_uniqueness_check() {
    for (from, to) in [("key = [\"id\"]\n", ""), ("\"reject\"", "\"dedupe\"")] {
        let text = edited(&format!("{HEAD}[[columns]]\nname = \"id\"\ntype = \"string\"\n"), from, to);
        let set = load_dental(&text).unwrap();
        assert!(Checks::new(set.contract("dental", "log").unwrap()).reader_check(".key.unique").is_none(), "{to}");
    }
}

#[test]
fn a_batch_without_the_contracts_columns_is_an_error() {
    let contract = contract("");
    assert!(Checks::new(&contract).run(&[], &mut [], &[]).is_err());
}
