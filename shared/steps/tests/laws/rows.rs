//! How rows are spread over files changes nothing.

use proptest::prelude::*;

use crate::cases;
use crate::deliveries::{Delivery, any_feed, events, one_row_a_key_and_day, readings};
use crate::lake::{PLACE, Rows, TestLake};

/// Deliveries in which the order of rows and of files of one day does not matter.
fn unambiguous() -> impl Strategy<Value = Vec<Delivery>> {
    any_feed().prop_map(one_row_a_key_and_day)
}

/// The same files with the rows of each in another order.
fn shuffled(files: Vec<Delivery>) -> BoxedStrategy<Vec<Delivery>> {
    let one = |file: Delivery| {
        let rows = Just(file.rows.clone()).prop_shuffle();
        rows.prop_map(move |rows| Delivery { rows, ..file.clone() })
    };
    files.into_iter().map(one).collect::<Vec<_>>().boxed()
}

/// Each file cut in two at a place.
fn split(files: &[Delivery], at: usize) -> Vec<Delivery> {
    let mut parts = Vec::new();
    for file in files {
        let (head, tail) = file.rows.split_at(at.min(file.rows.len()));
        for (part, rows) in [("a", head), ("b", tail)] {
            parts.push(Delivery { name: format!("{}{part}", file.name), rows: rows.to_vec(), ..file.clone() });
        }
    }
    parts
}

/// Appended, replaced and snapshot tables: what they hold of a file goes when the file is sent again.
const REPLACED: [&str; 5] = [
    "silver.meter_readings",
    "silver.encounters",
    "silver.conditions",
    "silver.treatments",
    "silver.patient_snapshots",
];

fn replaced(lake: &TestLake) -> Rows {
    lake.rows(&[]).into_iter().filter(|(table, rows)| REPLACED.contains(&table.as_str()) && !rows.is_empty()).collect()
}

proptest! {
    #![proptest_config(cases(12))]

    /// Precondition: a key stands once in a file, or no two of its rows have the same `latest_by`. Contracts with
    /// `duplicates = "reject"` keep the first good row of a key, and others the last, by design.
    #[test]
    fn shuffling_the_rows_of_files_changes_nothing(
        (files, shuffled) in unambiguous().prop_flat_map(|files| (Just(files.clone()), shuffled(files)))
    ) {
        prop_assert_eq!(TestLake::of(&[files]).rows(&PLACE), TestLake::of(&[shuffled]).rows(&PLACE));
    }

    /// The files are the split ones merged, and the other way round. Precondition: a key stands once in the files of a
    /// day, or no two of its rows have the same `latest_by`: files of one day have an order of their own.
    #[test]
    fn splitting_and_merging_files_changes_nothing(files in unambiguous(), at in 0..6_usize) {
        let parts = split(&files, at);
        prop_assert_eq!(TestLake::of(&[files]).rows(&PLACE), TestLake::of(&[parts]).rows(&PLACE));
    }

    /// A file that arrives again, with the same content and a later time, makes no new version of any table.
    #[test]
    fn a_file_that_arrives_again_changes_nothing(files in any_feed(), again in any::<prop::sample::Index>()) {
        let lake = TestLake::of(std::slice::from_ref(&files));
        let (rows, versions) = (lake.rows(&[]), lake.versions());
        let file = again.get(&files);
        lake.deliver(&[Delivery { modified: file.modified + 5_000, ..file.clone() }]);
        lake.run();
        prop_assert_eq!(rows, lake.rows(&[]));
        prop_assert_eq!(versions, lake.versions());
    }

    /// A copy under another name on the same day changes no row. Preconditions: a key stands once in the files of a day,
    /// or no two of its rows have the same `latest_by`; the table is not appended to, where a second file is more rows.
    #[test]
    fn a_copy_under_another_name_changes_nothing(files in unambiguous(), again in any::<prop::sample::Index>()) {
        prop_assume!(files[0].dataset != "readings");
        let lake = TestLake::of(std::slice::from_ref(&files));
        let rows = lake.rows(&PLACE);
        let file = again.get(&files);
        lake.deliver(&[Delivery { name: format!("copy-of-{}", file.name), ..file.clone() }]);
        lake.run();
        prop_assert_eq!(rows, lake.rows(&PLACE));
    }

    /// Files sent again with other rows leave what the new rows alone would give. Precondition: appended, replaced and
    /// snapshot tables; rows of an upsert stay until others of their key come.
    #[test]
    fn a_corrected_file_replaces_its_rows(
        (before, after) in prop_oneof![(readings(), readings()), (events(), events())]
    ) {
        let before = before.into_iter().zip(&after).map(|(old, new)| Delivery { rows: old.rows, ..new.clone() });
        let after: Vec<Delivery> = after.iter().map(|new| Delivery { modified: new.modified + 5_000, ..new.clone() }).collect();
        let corrected = TestLake::of(&[before.collect(), after.clone()]);
        prop_assert_eq!(replaced(&corrected), replaced(&TestLake::of(&[after])));
    }
}
