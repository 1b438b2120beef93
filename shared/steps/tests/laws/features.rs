//! What came on a day or after it changes no feature of that day, and the dates of a mart are what they would be computed
//! anew.

use std::collections::BTreeSet;
use std::fs;

use carelake_sql::session::LakeSession;
use carelake_sql::views::{View, Views};
use carelake_steps::run::{Silent, run};
use chrono::{Datelike, Days, NaiveDate};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::cases;
use crate::lake::{TestLake, texts};

const VIEWS: [&str; 4] = ["feature_dates", "patient_facts", "patient_feature_store", "disease_risk_features"];
const STORE: &str = "gold.patient_feature_store";
const RISK: &str = "gold.disease_risk_features";
const PATIENTS: u8 = 6;
/// Of the cohort diabetes.
const DIABETES: &str = "44054006";

/// Something that is known of a patient, with its day: days from 2025-06-30.
#[derive(Debug, Clone)]
pub struct Fact {
    patient: u8,
    day: i64,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Condition(&'static str, Option<u8>),
    Medication(&'static str),
    Encounter(&'static str),
    Value(&'static str, u8),
}

fn day(after: i64) -> NaiveDate {
    let today = NaiveDate::from_ymd_opt(2025, 6, 30).unwrap();
    let span = Days::new(after.unsigned_abs());
    if after < 0 { today - span } else { today + span }
}

/// Facts of those days; of conditions only those with these codes.
fn facts(days: impl Strategy<Value = i64> + 'static, codes: Vec<&'static str>) -> BoxedStrategy<Vec<Fact>> {
    let what = prop_oneof![
        3 => (select(codes), proptest::option::of(0..60_u8)).prop_map(|(code, length)| What::Condition(code, length)),
        1 => select(vec!["314076", "860975"]).prop_map(What::Medication),
        3 => select(vec!["inpatient", "ambulatory"]).prop_map(What::Encounter),
        3 => (select(vec!["39156-5", "8480-6", "4548-4"]), 20..60_u8).prop_map(|(code, value)| What::Value(code, value)),
    ];
    vec((0..PATIENTS, days, what).prop_map(|(patient, day, what)| Fact { patient, day, what }), 0..40).boxed()
}

/// Days on and around the firsts of months, where it matters.
fn around() -> impl Strategy<Value = i64> {
    let edge = (0..13_u32, -1_i64..=1).prop_map(|(months, beside)| {
        let (year, month) = if months < 6 { (2025, 6 - months) } else { (2024, 18 - months) };
        let first = NaiveDate::from_ymd_opt(year, month, 1).unwrap();
        (first - day(0)).num_days() + beside
    });
    prop_oneof![edge, -500_i64..30]
}

/// Facts of all kinds, many on and beside the firsts of months.
pub fn any_facts() -> BoxedStrategy<Vec<Fact>> {
    facts(around(), vec![DIABETES, "59621000", "74400008", "444814009"])
}

/// Writes a source's delivery of facts; patients come with every one.
pub fn deliver(lake: &TestLake, source: &str, number: usize, facts: &[Fact]) {
    let mut files = [
        ("patients", vec!["Id,BIRTHDATE,DEATHDATE,GENDER,RACE,COUNTY,STATE".to_owned()]),
        ("conditions", vec!["START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION".to_owned()]),
        ("medications", vec!["START,STOP,PATIENT,ENCOUNTER,CODE,DESCRIPTION,DISPENSES,REASONCODE".to_owned()]),
        (
            "encounters",
            vec!["Id,START,STOP,PATIENT,ORGANIZATION,ENCOUNTERCLASS,CODE,DESCRIPTION,REASONCODE".to_owned()],
        ),
        ("observations", vec!["DATE,PATIENT,ENCOUNTER,CODE,DESCRIPTION,VALUE,UNITS,TYPE".to_owned()]),
    ];
    let [patients, conditions, medications, encounters, observations] = &mut files;
    for patient in 0..PATIENTS {
        // One is born on the first of a month that is a date of features, and one dies on one.
        let born = if patient == 0 { "2025-03-01".to_owned() } else { format!("19{}0-05-17", 3 + patient) };
        let died = if patient == 1 { "2025-02-01" } else { "" };
        patients.1.push(format!("p{patient},{born},{died},F,white,Essex,"));
    }
    for (place, fact) in facts.iter().enumerate() {
        let (on, patient, id) = (day(fact.day), fact.patient, format!("{number}-{place}"));
        let noon = format!("{on}T12:00:00Z");
        match fact.what {
            What::Condition(code, length) => {
                let stop = length.map_or_else(String::new, |length| day(fact.day + i64::from(length)).to_string());
                conditions.1.push(format!("{on},{stop},p{patient},{id},{code},Disease (disorder)"));
            }
            What::Medication(code) => medications.1.push(format!("{noon},,p{patient},{id},{code},Drug,1,")),
            What::Encounter(class) => encounters.1.push(format!("{id},{noon},{noon},p{patient},,{class},1,Visit,")),
            What::Value(code, value) => {
                observations.1.push(format!("{noon},p{patient},{id},{code},Value,{value},x,numeric"))
            }
        }
    }
    for (dataset, rows) in files {
        let folder = lake.path(&format!("landing/{source}/{dataset}"));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{dataset}{number}.csv")), rows.join("\n") + "\n").unwrap();
    }
}

/// Takes what is new, as of a day.
fn take(lake: &TestLake, as_of: i64) {
    let embedded = Views::embedded().unwrap();
    let wanted = |view: &&View| view.database == "gold" && VIEWS.contains(&view.name.as_str());
    let views: Vec<View> = embedded.views().filter(wanted).cloned().collect();
    let report = lake.wait(run(&lake.context().on(day(as_of)), &views, 1, &Silent)).unwrap();
    assert_eq!(report.failures, Vec::<String>::new());
}

/// A lake of these deliveries, each with a run as of a day.
fn lake_of(deliveries: &[(&[Fact], i64)]) -> TestLake {
    let lake = TestLake::new('a');
    for (number, (facts, as_of)) in deliveries.iter().enumerate() {
        deliver(&lake, "synthea", number, facts);
        take(&lake, *as_of);
    }
    lake
}

fn rows(lake: &TestLake, table: &str) -> BTreeSet<String> {
    let context = lake.context();
    lake.wait(async {
        let session = LakeSession::open(&context.lake, context.catalog.as_ref(), None).await.unwrap();
        texts(&session.table(table).await.unwrap().collect().await.unwrap(), &[]).into_iter().collect()
    })
}

/// Rows whose column is a date for which a condition holds.
fn of_dates(rows: &BTreeSet<String>, column: &str, holds: impl Fn(NaiveDate) -> bool) -> BTreeSet<String> {
    let date = |row: &str| row.split('|').find_map(|cell| cell.strip_prefix(column)?.strip_prefix('=')?.parse().ok());
    rows.iter().filter(|row| date(row).is_some_and(&holds)).cloned().collect()
}

proptest! {
    #![proptest_config(cases(5))]

    /// Facts dated on a day or after it, whatever they are, leave the features of that day and of earlier days as they
    /// are, to the last digit, whether they come with the others or in a later run.
    #[test]
    fn no_later_fact_changes_an_earlier_date(
        (facts, cut) in (any_facts(), 0..12_u32),
        ahead in facts(0_i64..200, vec![DIABETES, "59621000", "74400008"]),
    ) {
        let cut = if cut < 6 { (2025, 6 - cut) } else { (2024, 18 - cut) };
        let cut = NaiveDate::from_ymd_opt(cut.0, cut.1, 1).unwrap();
        let shift = (cut - day(0)).num_days();
        let ahead: Vec<Fact> = ahead.into_iter().map(|fact| Fact { day: fact.day + shift, ..fact }).collect();
        let without = of_dates(&rows(&lake_of(&[(&facts, 0)]), STORE), "as_of_date", |date| date <= cut);
        let together = lake_of(&[(&[facts.clone(), ahead.clone()].concat(), 0)]);
        let after = lake_of(&[(&facts, 0), (&ahead, 0)]);
        prop_assert!(!without.is_empty());
        prop_assert_eq!(&of_dates(&rows(&together, STORE), "as_of_date", |date| date <= cut), &without);
        prop_assert_eq!(&of_dates(&rows(&after, STORE), "as_of_date", |date| date <= cut), &without);
    }

    /// Runs of several days, with facts that come late, leave the rows that one run of all facts gives: those of the
    /// dates of the last run, and those of the days of earlier runs, which stay.
    #[test]
    fn dates_that_stay_equal_those_computed_anew(first in any_facts(), second in any_facts(), back in 1_i64..150) {
        let stepwise = lake_of(&[(&first, -back), (&second, -back), (&[], 0)]);
        // Patients are sent again with every delivery, so the lakes differ in nothing else.
        let anew = lake_of(&[(&first, 0), (&second, 0)]);
        let earlier = lake_of(&[(&first, -back), (&second, -back)]);
        let all = &rows(&anew, STORE) | &rows(&earlier, STORE);
        prop_assert_eq!(rows(&stepwise, STORE), all);
        prop_assert_eq!(rows(&stepwise, RISK), rows(&anew, RISK));
    }

    /// Facts dated on a day or after it that are no diagnosis of the cohort leave the rows of index dates up to that day
    /// as they are.
    #[test]
    fn no_later_fact_changes_an_earlier_index_date(
        facts in any_facts(),
        ahead in facts(0_i64..200, vec!["59621000", "74400008"]),
        cut in -400_i64..0,
    ) {
        let ahead: Vec<Fact> = ahead.into_iter().map(|fact| Fact { day: fact.day + cut, ..fact }).collect();
        let of_cohort = |lake: &TestLake| {
            let rows: BTreeSet<String> =
                rows(lake, RISK).into_iter().filter(|row| row.contains("cohort=diabetes|")).collect();
            of_dates(&rows, "index_date", |date| date <= day(cut))
        };
        let without = of_cohort(&lake_of(&[(&facts, 0)]));
        let with = of_cohort(&lake_of(&[(&[facts.clone(), ahead].concat(), 0)]));
        prop_assert!(without.is_subset(&with), "{:?} of {:?}", without.difference(&with), with);
    }
}

/// The laws could not fail if nothing changed a row: a fact of the day before does.
#[test]
fn a_fact_of_the_day_before_changes_the_date() {
    let fact = |day| Fact { patient: 2, day, what: What::Encounter("ambulatory") };
    let at = |facts: &[Fact]| of_dates(&rows(&lake_of(&[(facts, 0)]), STORE), "as_of_date", |date| date == day(0));
    assert_ne!(at(&[fact(-1)]), at(&[]));
    assert_eq!(at(&[fact(0)]), at(&[]));
}

/// When the day alone moves on, the dates that are there keep their files.
#[test]
fn a_new_day_writes_its_own_date_alone() {
    let fact = Fact { patient: 2, day: -40, what: What::Encounter("ambulatory") };
    let lake = lake_of(&[(&[fact], -3)]);
    let before = lake.files(STORE);
    take(&lake, -2);
    let after = lake.files(STORE);
    let added: Vec<&String> = after.difference(&before).collect();
    assert!(before.is_subset(&after));
    assert!(matches!(added[..], [file] if file.contains(&format!("as_of_date={}", day(-2)))), "{added:?}");
    assert_eq!(day(-2).month(), 6);
    take(&lake, -2);
    assert_eq!(lake.files(STORE), after);
}
