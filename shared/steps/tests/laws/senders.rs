//! Two senders, two lakes: what stays apart.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::cases;
use crate::deliveries::{Delivery, clinic};
use crate::lake::{Rows, TestLake};

/// The rows of a source, in tables that have one.
fn of_source(rows: &Rows, source: &str) -> Rows {
    let mine = format!("source={source}|");
    let kept = |(table, rows): (&String, &Vec<String>)| {
        let rows: Vec<String> = rows.iter().filter(|row| format!("{row}|").contains(&mine)).cloned().collect();
        (table.clone(), rows)
    };
    rows.iter().map(kept).filter(|(_, rows)| !rows.is_empty()).collect()
}

/// A cell of a row of text.
fn cell<'a>(row: &'a str, column: &str) -> &'a str {
    row.split('|').find_map(|cell| cell.strip_prefix(column)?.strip_prefix('=')).unwrap()
}

/// Pseudonym by true identifier.
fn pseudonyms(rows: &Rows) -> BTreeMap<String, String> {
    let people = rows.get("identity.patients").cloned().unwrap_or_default();
    people.iter().map(|row| (cell(row, "real_patient_id").to_owned(), cell(row, "patient_id").to_owned())).collect()
}

proptest! {
    #![proptest_config(cases(8))]

    /// What a lake holds of a sender is what it would hold without the other, though both use the same identifiers.
    #[test]
    fn two_senders_with_the_same_keys_stay_apart(one in clinic("clinic"), other in clinic("north")) {
        let both = TestLake::of(&[one.clone(), other.clone()]).rows(&[]);
        for (source, files) in [("clinic", one), ("north", other)] {
            let alone = TestLake::of(&[files]).rows(&[]);
            prop_assert_eq!(of_source(&both, source), of_source(&alone, source));
        }
    }

    /// A person has one pseudonym in a lake, in every dataset and after every run, another at another sender, and
    /// another in a lake with another key. No true identifier stands beside it.
    #[test]
    fn a_pseudonym_belongs_to_a_lake_a_sender_and_a_person(files in clinic("clinic")) {
        let elsewhere = TestLake::new('b');
        elsewhere.deliver(&files);
        elsewhere.run();
        let north = files.iter().map(|file| Delivery { source: "north", ..file.clone() }).collect();
        let (here, there, north) = (TestLake::of(std::slice::from_ref(&files)).rows(&[]), elsewhere.rows(&[]), TestLake::of(&[north]).rows(&[]));
        let known = pseudonyms(&here);
        let own: BTreeSet<&String> = known.values().collect();
        prop_assert_eq!(own.len(), known.len());
        for other in [&there, &north] {
            let others = pseudonyms(other);
            prop_assert_eq!(others.keys().collect::<Vec<_>>(), known.keys().collect::<Vec<_>>());
            prop_assert!(others.values().all(|pseudonym| !own.contains(pseudonym)));
        }
        let patients: BTreeMap<&str, BTreeSet<&str>> = visits(&files);
        for row in here.get("silver.encounters").into_iter().flatten() {
            let given = &patients[cell(row, "encounter_id")];
            let mut names = given.iter().filter_map(|patient| known.get(*patient));
            prop_assert!(names.any(|pseudonym| pseudonym == cell(row, "patient_id")));
        }
    }
}

/// The patients that rows of a visit name.
fn visits(files: &[Delivery]) -> BTreeMap<&str, BTreeSet<&str>> {
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in files.iter().filter(|file| file.dataset == "visits").flat_map(|file| &file.rows) {
        let mut cells = row.split(',');
        let (visit, patient) = (cells.next().unwrap(), cells.next().unwrap());
        found.entry(visit).or_default().insert(patient);
    }
    found
}
