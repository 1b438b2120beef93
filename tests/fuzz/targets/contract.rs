//! Contract files, silver tables and source bindings: what loads can be used, what does not is explained.
#![no_main]

use std::collections::BTreeMap;

use arrow::array::StringArray;
use carelake_contracts::{Checks, ContractSet, JsonPath, Sources, compare, convert};
use carelake_fuzz as _;
use libfuzzer_sys::fuzz_target;

const FEED: &str = "description = \"a feed\"\nareas = []\n";
const TABLE: &str = "description = \"t\"\ngrain = \"g\"\nkey = [\"a\"]\npartition_by = [\"source\"]\n\
    [[columns]]\nname = \"a\"\ntype = \"string\"\n";
const TEXTS: [Option<&str>; 8] = [
    None,
    Some(""),
    Some("2024-02-29"),
    Some("29/02/2024 23:59:60"),
    Some("-1.5E7"),
    Some("0000-00-00T00:00:00Z"),
    Some("é"),
    Some("99999999999999999999999999999999999999999"),
];

fn load(text: &str) {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let files = BTreeMap::from([
        file("feeds/f/feed.toml", FEED),
        file("feeds/f/d.toml", text),
        file("feeds/f/d.sql", "SELECT a FROM bronze"),
        file("silver/t.toml", TABLE),
        file("codes/c.csv", "code\nA\n"),
    ]);
    let set = match ContractSet::from_files(&files) {
        Ok(set) => set,
        Err(errors) => {
            assert!(!errors.0.is_empty());
            assert!(errors.0.iter().all(|error| !error.problem.is_empty() && !error.remedy.is_empty()));
            return;
        }
    };
    let Some(contract) = set.contract("f", "d") else { return };
    let texts = StringArray::from(TEXTS.to_vec());
    let converted: Vec<_> =
        contract.columns.iter().map(|column| convert(&texts, column.column_type, column.format.as_deref())).collect();
    let (mut columns, invalid): (Vec<_>, Vec<_>) = converted.into_iter().map(|one| (one.values, one.invalid)).unzip();
    assert!(columns.iter().all(|column| column.len() == TEXTS.len()));
    let read = vec![texts; columns.len()];
    let checks = Checks::new(contract);
    let outcome = checks.run(&read, &mut columns, &invalid).expect("a contract that loads can be run");
    assert_eq!(outcome.checked.len(), checks.all().len());
    assert!(outcome.failures.iter().all(|failure| failure.row < TEXTS.len()));
    assert!(compare(&set, &set).is_empty());
    assert_eq!(contract.fingerprint(), contract.clone().fingerprint());
}

fuzz_target!(|text: &str| {
    load(text);
    let table = BTreeMap::from([("silver/t.toml".to_owned(), text.to_owned())]);
    let _ = ContractSet::from_files(&table);
    let _ = Sources::parse("sources.toml", text);
    if let Some(path) = text.lines().next().and_then(|line| JsonPath::parse(line).ok()) {
        assert_eq!(JsonPath::parse(&path.to_string()), Ok(path));
    }
});
