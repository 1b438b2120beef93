//! Late data lands in its partition and leaves the others alone.

use std::collections::BTreeSet;

use proptest::prelude::*;

use crate::cases;
use crate::deliveries::{Delivery, appointments, clinic, readings};
use crate::lake::TestLake;

/// Deliveries and a late one of an earlier job day, with the table it goes to and where its day stands in a row.
fn late() -> impl Strategy<Value = (Vec<Delivery>, Delivery, &'static str, usize)> {
    let cut = |strategy: BoxedStrategy<Vec<Delivery>>, dataset: &'static str, table: &'static str, column: usize| {
        strategy.prop_map(move |files| {
            let place = files.iter().position(|file| file.dataset == dataset).unwrap();
            let fresh = |row: &String| format!("L{row}");
            let rows = files[place].rows.iter().map(fresh).collect();
            let late = Delivery { day: 1, name: "late".to_owned(), rows, ..files[place].clone() };
            (files, late, table, column)
        })
    };
    prop_oneof![
        cut(clinic("clinic"), "visits", "silver.encounters", 3),
        cut(appointments(), "appointments", "silver.appointments", 3),
        cut(readings(), "readings", "silver.meter_readings", 1),
    ]
}

/// The folder of a partition by time in a file's path.
fn partition(file: &str) -> &str {
    file.split('/').find_map(|part| part.strip_prefix("year=").or(part.strip_prefix("month="))).unwrap()
}

/// Partitions of the days of rows: the month for appointments, else the year; bad days reject the row.
fn touched(late: &Delivery, table: &str, column: usize) -> BTreeSet<String> {
    let length = if table == "silver.appointments" { 7 } else { 4 };
    let days = late.rows.iter().filter_map(|row| row.split(',').nth(column));
    days.map(|day| day.get(..length).unwrap_or("__HIVE_DEFAULT_PARTITION__").to_owned()).collect()
}

proptest! {
    #![proptest_config(cases(12))]

    /// A late file with keys of its own changes files of the partitions of its rows alone. No other file of the table
    /// is written again or removed. A key that the table has already may move a row out of another partition.
    #[test]
    fn a_late_file_changes_its_own_partitions_alone((files, late, table, column) in late()) {
        let lake = TestLake::of(&[files]);
        let before = lake.files(table);
        lake.deliver(std::slice::from_ref(&late));
        lake.run();
        let after = lake.files(table);
        let expected = touched(&late, table, column);
        for file in before.symmetric_difference(&after) {
            prop_assert!(expected.contains(partition(file)), "{} is none of {expected:?}", partition(file));
        }
    }
}
