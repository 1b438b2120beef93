//! Which changes of contracts break something.
#![allow(clippy::unwrap_used)]

mod support;

use carelake_contracts::{Change, ContractSet, compare};
use support::{FEED, GOOD, MAPPING, edited, load, load_dental};

const V2: (&str, &str) = ("version = 1", "version = 2");

fn changes(edits: &[(&str, &str)]) -> Vec<Change> {
    let new = edits.iter().fold(GOOD.to_owned(), |text, (from, to)| edited(&text, from, to));
    compare(&load_dental(GOOD).unwrap(), &load_dental(&new).unwrap())
}

#[test]
fn nothing_changed_is_nothing_to_say() {
    assert_eq!(changes(&[]), []);
    assert_eq!(compare(&ContractSet::embedded().unwrap(), &ContractSet::embedded().unwrap()), []);
}

#[test]
fn each_change_is_named_and_judged() {
    for (edit, what, breaking) in [
        (
            ("name = \"tooth\"\ntype = \"int\"\n\n", "name = \"tooth\"\ntype = \"long\"\n\n"),
            "column tooth was int and is long",
            false,
        ),
        (("type = \"int\"", "type = \"double\""), "column tooth was int and is double", false),
        (("type = \"int\"", "type = \"decimal(18,2)\""), "column tooth was int and is decimal(18,2)", true),
        (("type = \"date\"", "type = \"timestamp\""), "column treated_on was date and is timestamp", true),
        (("type = \"date\"", "type = \"date\"\nrequired = true"), "column treated_on is required", true),
        (("required = true", "required = false"), "column treatment_id is no longer required", false),
        (("name = \"treated_on\"", "name = \"treated_at\""), "column treated_on is gone", true),
        (("name = \"treated_on\"", "name = \"treated_at\""), "column treated_at is new", false),
        (
            ("[[rules]]", "[[columns]]\nname = \"chair\"\ntype = \"int\"\nrequired = true\n\n[[rules]]"),
            "column chair is new",
            true,
        ),
        (
            ("key = [\"treatment_id\"]", "key = [\"treatment_id\", \"tooth\"]"),
            "the key was treatment_id and is treatment_id, tooth",
            true,
        ),
        (("key = [\"treatment_id\"]\n", ""), "the key was treatment_id and is none", true),
        (("phi = \"person_id\"", "phi = \"quasi\""), "column patient_id is less restricted", true),
        (("phi = \"person_id\"", "phi = \"identifier\""), "column patient_id has another phi class", false),
        (("type = \"date\"", "type = \"date\"\nphi = \"quasi\""), "column treated_on has another phi class", false),
        (
            ("type = \"date\"", "type = \"date\"\nformat = \"%d/%m/%Y\""),
            "column treated_on is read with another format",
            true,
        ),
        (
            ("type = \"date\"", "type = \"date\"\nfrom = \"Day\""),
            "column treated_on is no longer read from \"treated_on\"",
            true,
        ),
        (
            ("type = \"date\"", "type = \"date\"\non_invalid = \"null\""),
            "column treated_on turns wrong values to NULL",
            false,
        ),
        (
            ("type = \"date\"", "type = \"date\"\nnull_values = [\"-\"]"),
            "column treated_on is cleaned in another way",
            false,
        ),
        (("id = \"tooth_range\"", "id = \"tooth_place\""), "rule tooth_range is gone", true),
        (("id = \"tooth_range\"", "id = \"tooth_place\""), "rule tooth_place is new", false),
        (
            (
                "severity = \"warn\"\nthreshold = 0.5\ncolumn = \"tooth\"\nmin = 11\nmax = 48\nset_null = true",
                "severity = \"reject\"\nthreshold = 0.5\ncolumn = \"tooth\"\nmin = 11\nmax = 48",
            ),
            "rule tooth_range rejects",
            true,
        ),
        (("max = 48", "max = 85"), "rule tooth_range checks otherwise", false),
        (("kind = \"range\"", "kind = \"not_null\""), "rule tooth_range is of another kind", true),
        (("threshold = 0.5", "threshold = 0.75"), "rule tooth_range tolerates a larger share: 0.75 after 0.5", false),
        (("version = 1", "version = 1\nduplicates = \"reject\""), "repeated keys are rejected", true),
        (("load = \"upsert\"", "load = \"append\""), "silver.treatments is loaded in another way", true),
    ] {
        let found = changes(&[edit, V2]);
        let named = found.iter().find(|change| change.what == what).unwrap_or_else(|| panic!("{what}: {found:?}"));
        assert_eq!(named.breaking, breaking, "{what}");
        assert_eq!(named.contract, "dental.log");
        assert!(!named.advice.is_empty());
    }
}

#[test]
fn a_reject_rule_may_only_grow_wider() {
    let reject = |min: &str, max: &str| {
        let text = edited(GOOD, "severity = \"warn\"", "severity = \"reject\"");
        let text = edited(&text, "\nset_null = true", "");
        edited(&edited(&text, "min = 11\n", min), "max = 48", max)
    };
    let old = load_dental(&reject("min = 11\n", "max = 48")).unwrap();
    for (min, max, breaking) in [("min = 12\n", "max = 48", true), ("", "max = 48", false)] {
        let new = edited(&reject(min, max), V2.0, V2.1);
        let found = compare(&old, &load_dental(&new).unwrap());
        assert_eq!(found.iter().any(|change| change.breaking), breaking, "{min}{max}: {found:?}");
    }
}

#[test]
fn the_version_rises_with_what_ingest_makes_of_a_file() {
    let forgotten = changes(&[("max = 48", "max = 85")]);
    let version = forgotten.iter().find(|change| change.what.contains("version did not rise")).unwrap();
    assert!(version.breaking && version.advice.contains("write version = 2"), "{version}");
    assert!(!changes(&[V2, ("max = 48", "max = 85")]).iter().any(|change| change.breaking));
    assert!(
        !changes(&[("threshold = 0.5", "threshold = 0.6")]).iter().any(|change| change.breaking),
        "a threshold needs no version"
    );
    let back = compare(&load_dental(&edited(GOOD, V2.0, V2.1)).unwrap(), &load_dental(GOOD).unwrap());
    assert!(back.iter().any(|change| change.breaking && change.what == "the version fell from 2 to 1"), "{back:?}");
}

#[test]
fn datasets_targets_and_areas_come_and_go() {
    let with = load_dental(GOOD).unwrap();
    let without = ContractSet::embedded().unwrap();
    let gone = compare(&with, &without);
    assert!(
        gone.iter()
            .any(|change| change.contract == "dental.log" && change.what == "the dataset is gone" && change.breaking)
    );
    let added = compare(&without, &with);
    assert!(added.iter().any(|change| change.contract == "dental.log" && !change.breaking), "{added:?}");
    let (head, _) = GOOD.split_once("[[targets]]").unwrap();
    let untargeted = compare(&with, &load_dental(head).unwrap());
    assert!(
        untargeted.iter().any(|change| change.breaking && change.what == "silver.treatments is no longer a target")
    );
    let areas = |areas: &str| {
        let feed = edited(FEED, "[]", areas);
        load(&[
            ("feeds/dental/log.toml", GOOD),
            ("feeds/dental/log.treatments.sql", MAPPING),
            ("feeds/dental/feed.toml", &feed),
        ])
        .unwrap()
    };
    assert!(
        compare(&areas("[\"cost\"]"), &areas("[]")).iter().all(|change| change.breaking && change.contract == "dental")
    );
    assert!(compare(&areas("[]"), &areas("[\"cost\"]")).iter().all(|change| !change.breaking));
}

#[test]
fn tables_keep_their_columns_types_keys_and_partitions() {
    const TABLE: &str = "description = \"x\"\ngrain = \"x\"\nkey = [\"id\"]\npartition_by = [\"source\"]\n\n\
                         [[columns]]\nname = \"id\"\ntype = \"string\"\n\n[[columns]]\nname = \"count\"\ntype = \"int\"\n";
    let table = |text: &str| load(&[("silver/teeth.toml", text)]).unwrap();
    for (from, to, what, breaking) in [
        ("name = \"count\"", "name = \"number\"", "column count is gone", true),
        ("type = \"int\"", "type = \"long\"", "column count was int and is long", true),
        ("key = [\"id\"]", "key = [\"id\", \"count\"]", "the key changed", true),
        ("[\"source\"]", "[\"source\", \"count\"]", "the partitions changed", true),
        (
            "type = \"int\"\n",
            "type = \"int\"\n\n[[columns]]\nname = \"more\"\ntype = \"int\"\n",
            "column more is new",
            false,
        ),
    ] {
        let found = compare(&table(TABLE), &table(&edited(TABLE, from, to)));
        assert!(
            found
                .iter()
                .any(|change| change.what == what && change.breaking == breaking && change.contract == "silver.teeth"),
            "{what}: {found:?}"
        );
    }
    assert!(
        compare(&table(TABLE), &ContractSet::embedded().unwrap())
            .iter()
            .any(|change| change.what == "the table is gone")
    );
}

#[test]
fn a_change_reads_as_one_line() {
    let found = changes(&[V2, ("name = \"treated_on\"", "name = \"treated_at\"")]);
    let gone = found.iter().find(|change| change.breaking).unwrap().to_string();
    assert_eq!(gone, "breaking: dental.log: column treated_on is gone; keep it, not required, until no query reads it");
}
