//! Marts of which only a part is computed again hold what they would hold computed anew.

use std::collections::{BTreeMap, BTreeSet};

use carelake_sql::session::LakeSession;
use carelake_sql::views::{GOLD, View, Views};
use carelake_steps::run::{Silent, run};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;

use crate::cases;
use crate::features::{Fact, any_facts, deliver};
use crate::lake::{TestLake, texts};

fn gold() -> Vec<View> {
    let embedded = Views::embedded().unwrap();
    embedded.views().filter(|view| view.database == GOLD).cloned().collect()
}

fn take(lake: &TestLake) {
    let report = lake.wait(run(&lake.context(), &gold(), 1, &Silent)).unwrap();
    assert_eq!(report.failures, Vec::<String>::new());
}

/// Deliveries of two hospitals of one feed.
type Delivered = (&'static str, Vec<Fact>);

fn deliveries() -> impl Strategy<Value = Vec<Delivered>> {
    proptest::collection::vec((select(vec!["synthea", "south"]), any_facts()), 2..4)
}

fn put(lake: &TestLake, deliveries: &[Delivered], from: usize) {
    for (number, (source, facts)) in deliveries.iter().enumerate().skip(from) {
        deliver(lake, source, number, facts);
    }
}

/// A number that was summed in another order may differ in its last digits.
fn rounded(row: &str) -> String {
    let cell = |cell: &str| match cell.split_once('=') {
        Some((name, value)) if value.contains('.') && value.parse::<f64>().is_ok() => {
            format!("{name}={:.9}", value.parse::<f64>().unwrap())
        }
        _ => cell.to_owned(),
    };
    row.split('|').map(cell).collect::<Vec<_>>().join("|")
}

/// The rows of every mart.
fn marts(lake: &TestLake) -> BTreeMap<String, Vec<String>> {
    let context = lake.context();
    lake.wait(async {
        let session = LakeSession::open(&context.lake, context.catalog.as_ref(), None).await.unwrap();
        let mut found = BTreeMap::new();
        for view in gold().into_iter().filter(|view| view.materialised) {
            let table = session.table(&view.qualified()).await.unwrap();
            let mut rows: Vec<String> =
                texts(&table.collect().await.unwrap(), &[]).iter().map(|row| rounded(row)).collect();
            rows.sort();
            found.insert(view.name, rows);
        }
        found
    })
}

/// Files of a mart by the source of their partition.
fn files(lake: &TestLake, mart: &str, source: &str) -> BTreeSet<String> {
    let of_source = format!("source={source}/");
    lake.files(mart).into_iter().filter(|file| file.contains(&of_source)).collect()
}

proptest! {
    #![proptest_config(cases(4))]

    /// A run after each delivery, of which each changes the rows of one hospital, leaves every mart as one run of all
    /// deliveries does, and as the same lake does when all its marts are computed once more.
    #[test]
    fn marts_computed_in_parts_equal_those_computed_anew(deliveries in deliveries()) {
        let stepwise = TestLake::new('a');
        for number in 0..deliveries.len() {
            put(&stepwise, &deliveries[..=number], number);
            take(&stepwise);
        }
        let anew = TestLake::new('a');
        put(&anew, &deliveries, 0);
        take(&anew);
        let found = marts(&stepwise);
        prop_assert_eq!(&found, &marts(&anew));
        std::fs::remove_file(stepwise.path("lake/_carelake/published.json")).unwrap();
        take(&stepwise);
        prop_assert_eq!(&found, &marts(&stepwise));
    }
}

/// A delivery of one hospital leaves the files of the other where they are.
#[test]
fn a_mart_is_computed_for_the_hospital_that_sent_something() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut facts = || any_facts().new_tree(&mut runner).unwrap().current();
    let lake = TestLake::new('a');
    let deliveries =
        vec![("synthea", [facts(), facts()].concat()), ("south", [facts(), facts()].concat()), ("south", facts())];
    put(&lake, &deliveries[..2], 0);
    take(&lake);
    let of = |source| ["patient_journey", "disease_trends"].map(|mart| files(&lake, &format!("gold.{mart}"), source));
    let (still, moved) = (of("synthea"), of("south"));
    assert!(still.iter().chain(&moved).all(|files| !files.is_empty()));
    put(&lake, &deliveries, 2);
    take(&lake);
    assert_eq!(of("synthea"), still);
    assert_ne!(of("south"), moved);
}
