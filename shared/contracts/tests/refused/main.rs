//! Wrong contract files are refused with file, line and what to do.
#![allow(clippy::unwrap_used, clippy::panic)]

mod columns;
mod rules;
#[path = "../support/mod.rs"]
mod support;

use carelake_contracts::{ContractErrors, ContractSet};
use support::{FEED, GOOD, MAPPING, edited, load, load_dental};

/// 1-based line of `marker`; with SECOND in front, of its second occurrence.
fn line_of(text: &str, marker: &str) -> usize {
    let (marker, nth) = marker.strip_prefix("SECOND ").map_or((marker, 0), |marker| (marker, 1));
    let (offset, _) = text.match_indices(marker).nth(nth).unwrap();
    text[..offset].matches('\n').count() + 1
}

fn assert_refused(what: &str, result: Result<ContractSet, ContractErrors>, start: &str, problem: &str, remedy: &str) {
    let errors = result.err().unwrap_or_else(|| panic!("{what}: it loads")).to_string();
    let named = errors.lines().any(|line| line.starts_with(start) && line.contains(problem) && line.contains(remedy));
    assert!(named, "{what}: wanted \"{start}… {problem}; … {remedy}\" in:\n{errors}");
}

#[test]
fn every_problem_is_reported_at_once() {
    let text = edited(&edited(GOOD, "type = \"date\"", "type = \"datum\""), "threshold = 0.5", "threshold = 2");
    let errors = load_dental(&text).unwrap_err();
    assert_eq!(errors.0.len(), 2, "{errors}");
}

#[test]
fn whole_files_are_refused_by_name() {
    let no_feed = load(&[("feeds/dental/log.toml", GOOD), ("feeds/dental/log.treatments.sql", MAPPING)]);
    assert_refused("no feed.toml", no_feed, "feeds/dental/feed.toml: ", "the file is missing", "write it");
    let none =
        load(&[("feeds/dental/log.toml", "description = \"x\"\nversion = 1\n"), ("feeds/dental/feed.toml", FEED)]);
    assert_refused("no columns", none, "feeds/dental/log.toml: ", "no [[columns]]", "list every column");
    let name = load(&[
        ("feeds/dental/My Log.toml", GOOD),
        ("feeds/dental/log.treatments.sql", MAPPING),
        ("feeds/dental/feed.toml", FEED),
    ]);
    assert_refused("name", name, "feeds/dental/My Log.toml: ", "is not a usable name", "lower-case");
}

#[test]
fn wrong_tables_are_refused_with_their_line() {
    let table = "description = \"x\"\ngrain = \"x\"\nkey = [\"id\"]\npartition_by = [\"source\", \"year\"]\nperiod_of = \"day\"\n\n\
                 [[columns]]\nname = \"id\"\ntype = \"string\"\n\n[[columns]]\nname = \"day\"\ntype = \"date\"\n";
    assert!(load(&[("silver/teeth.toml", table)]).is_ok());
    for (from, to, marker, problem) in [
        ("key = [\"id\"]", "key = [\"number\"]", "key = ", "there is no column \"number\""),
        ("type = \"date\"", "type = \"day\"", "type = \"day\"", "is not a type"),
        ("period_of = \"day\"", "period_of = \"moment\"", "period_of", "there is no column \"moment\""),
        ("grain = \"x\"", "grains = \"x\"", "grains", "unknown field"),
    ] {
        let text = edited(table, from, to);
        let start = format!("silver/teeth.toml:{}: ", line_of(&text, marker));
        assert_refused(to, load(&[("silver/teeth.toml", &text)]), &start, problem, "");
    }
    let text = edited(table, "period_of = \"day\"\n", "");
    assert_refused(
        "no period",
        load(&[("silver/teeth.toml", &text)]),
        "silver/teeth.toml: ",
        "has no period_of",
        "add period_of",
    );
}

#[test]
fn a_folder_that_is_not_there_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let errors = ContractSet::with_folder(&folder.path().join("gone")).unwrap_err().to_string();
    assert!(errors.contains("cannot be read") && errors.contains("check the path"), "{errors}");
}

#[test]
fn files_beside_the_contract_folders_are_left_alone() {
    let set = load(&[("samples/big.csv", "a,b\n"), ("notes.toml", "not a contract"), ("gold/x.sql", "SELECT 1")]);
    assert_eq!(set.unwrap().contracts.len(), ContractSet::embedded().unwrap().contracts.len());
}
