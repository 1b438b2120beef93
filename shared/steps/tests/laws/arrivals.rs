//! The order in which files arrive, and in how many runs, changes nothing.

use proptest::prelude::*;

use crate::cases;
use crate::deliveries::{Delivery, any_feed};
use crate::lake::TestLake;

/// Files in another order, cut into runs.
fn arrivals() -> impl Strategy<Value = (Vec<Delivery>, Vec<Vec<Delivery>>)> {
    let shuffled = any_feed().prop_flat_map(|files| (Just(files.clone()), Just(files).prop_shuffle()));
    shuffled.prop_flat_map(|(files, shuffled)| {
        let number = shuffled.len();
        let batches = proptest::collection::vec(0..3_usize, number).prop_map(move |places| {
            let mut batches = vec![Vec::new(); 3];
            for (place, file) in places.into_iter().zip(&shuffled) {
                batches[place].push(file.clone());
            }
            batches.retain(|batch: &Vec<Delivery>| !batch.is_empty());
            batches
        });
        (Just(files), batches)
    })
}

proptest! {
    #![proptest_config(cases(16))]

    /// A lake fed in several runs, in any order, children before parents, equals one that took all files at once: every
    /// row of silver, identity and gold with the file and record it came from, and the counts of every file, with the
    /// rows that wait for a parent. No precondition: files have their names, days and modification times.
    #[test]
    fn incremental_runs_in_any_order_equal_one_full_run((files, batches) in arrivals()) {
        let (full, incremental) = (TestLake::of(&[files]), TestLake::of(&batches));
        prop_assert_eq!(full.rows(&[]), incremental.rows(&[]));
        prop_assert_eq!(full.ledger(), incremental.ledger());
    }
}
