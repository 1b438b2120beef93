//! The contracts that ship with carelake.
#![allow(clippy::unwrap_used)]

mod support;

use carelake_contracts::{Checks, ContractSet, Phi, is_name};
use support::{FEED, GOOD, MAPPING, load, load_dental};

#[test]
fn every_shipped_contract_loads() {
    let set = ContractSet::embedded().unwrap_or_else(|errors| panic!("{errors}"));
    assert!(set.contracts.len() >= 20, "{}", set.contracts.len());
    assert!(set.tables.len() >= 15, "{}", set.tables.len());
    for feed in set.feeds.keys() {
        assert!(set.contracts.keys().any(|(of, _)| of == feed), "{feed} has no dataset");
    }
}

#[test]
fn every_shipped_contract_explains_itself_and_feeds_a_table() {
    for contract in ContractSet::embedded().unwrap().contracts.values() {
        let name = contract.name();
        assert!(!contract.description.is_empty(), "{name}");
        assert!(
            !contract.targets.is_empty() || contract.aliases.iter().any(|alias| alias == "*"),
            "{name} feeds no table"
        );
        for column in &contract.columns {
            assert!(!column.description.is_empty(), "{name}.{}", column.name);
        }
        for rule in &contract.rules {
            assert!(!rule.description.is_empty(), "{}", rule.id);
        }
    }
}

#[test]
fn shipped_rule_ids_are_unique_with_the_implicit_ones() {
    for contract in ContractSet::embedded().unwrap().contracts.values() {
        let checks = Checks::new(contract);
        let mut ids: Vec<&str> = checks.all().iter().map(|check| check.id.as_str()).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "{}", contract.name());
        assert!(ids.iter().all(|id| id.split('.').all(is_name) && id.starts_with(&contract.name())));
    }
}

#[test]
fn shipped_datasets_that_name_persons_restrict_unknown_columns() {
    for contract in ContractSet::embedded().unwrap().contracts.values() {
        if contract.columns.iter().any(|column| matches!(column.phi, Phi::Identifier | Phi::FreeText)) {
            assert!(contract.restrict_unknown, "{}", contract.name());
        }
    }
}

#[test]
fn a_folder_adds_to_and_replaces_what_is_shipped() {
    let shipped = ContractSet::embedded().unwrap();
    let added = load_dental(GOOD).unwrap();
    assert_eq!(added.contracts.len(), shipped.contracts.len() + 1);
    let replaced = load(&[
        ("feeds/clinic/visits.toml", GOOD),
        ("feeds/clinic/log.treatments.sql", MAPPING),
        ("feeds/clinic/feed.toml", FEED),
    ]);
    let replaced = replaced.unwrap();
    assert_eq!(replaced.contracts.len(), shipped.contracts.len());
    assert_eq!(replaced.contract("clinic", "visits").unwrap().key, ["treatment_id"]);
}

#[test]
fn a_contract_without_targets_is_good() {
    let (head, _) = GOOD.split_once("[[targets]]").unwrap();
    assert!(load_dental(head).unwrap().contract("dental", "log").unwrap().targets.is_empty());
}

#[test]
fn a_star_is_every_column() {
    let text = support::edited(GOOD, "key = [\"treatment_id\"]", "key = [\"*\"]");
    let set = load_dental(&text).unwrap();
    assert_eq!(set.contract("dental", "log").unwrap().key, ["treatment_id", "patient_id", "treated_on", "tooth"]);
}

#[test]
fn only_what_shapes_bronze_changes_the_fingerprint() {
    let print = |text: &str| load_dental(text).unwrap().contract("dental", "log").unwrap().fingerprint();
    let same = [
        ("threshold = 0.5", "threshold = 0.25"),
        ("Treatments of a dental practice.", "Other words."),
        ("load = \"upsert\"", "load = \"append\""),
    ];
    for (from, to) in same {
        assert_eq!(print(GOOD), print(&support::edited(GOOD, from, to)), "{to}");
    }
    for (from, to) in [
        ("max = 48", "max = 85"),
        ("type = \"int\"", "type = \"long\""),
        ("required = true", "required = false"),
        ("version = 1", "version = 2"),
    ] {
        assert_ne!(print(GOOD), print(&support::edited(GOOD, from, to)), "{to}");
    }
}
