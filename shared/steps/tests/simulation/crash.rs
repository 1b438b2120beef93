//! A crash at every step of the commit order, with and without the effect of the last operation.

use std::collections::BTreeSet;

use crate::chance::Chance;
use crate::integrity::damage;
use crate::parallel::each;
use crate::reference::{Reference, block_on};
use crate::settings::Settings;
use crate::wire::{Class, Moment, Weather, Wire};
use crate::world::process;

/// A crash of the process that does a stage.
struct Crash {
    reference: &'static Reference,
    class: Class,
    place: usize,
    applied: bool,
}

/// Steps of the commit order that must be among the crashes.
const STEPS: &[(&str, &[Class])] = &[
    ("after the landing file is opened", &[Class::LandingOpen]),
    ("while it is read", &[Class::LandingRead]),
    ("between objects", &[Class::BronzePut]),
    ("in the middle of an upload", &[Class::BronzePart, Class::BronzeComplete]),
    ("after the objects, before the ledger", &[Class::IngestEntryPut]),
    ("between data and commit", &[Class::DataPut, Class::CommitPut]),
    ("rows that wait", &[Class::OrphansPut, Class::OrphansDelete]),
    ("after the commit, before the ledger", &[Class::ConformEntryPut]),
    ("cross-table counts", &[Class::CheckPut]),
    ("catalogue", &[Class::CataloguePut]),
    ("after the marts", &[Class::PublishedPut]),
    ("after everything, before the report", &[Class::ReportPut]),
    ("what an earlier contract left", &[Class::Forget]),
];

#[test]
fn a_crash_at_any_step_is_made_good_by_the_next_run() {
    let settings = Settings::read();
    let crashes = crashes(&settings);
    let met: BTreeSet<Class> = crashes.iter().map(|crash| crash.class).collect();
    for (step, classes) in STEPS {
        assert!(classes.iter().all(|class| met.contains(class)), "no crash {step}");
    }
    let failures = each(&crashes, Crash::name, Crash::check);
    println!("{} crashes at {} kinds of operation", crashes.len(), met.len());
    assert!(failures.is_empty(), "{} of {} crashes:\n{}", failures.len(), crashes.len(), failures.join("\n"));
}

/// Every operation that changes something, or one of each class, drawn by the seed; and one read of each class.
fn crashes(settings: &Settings) -> Vec<Crash> {
    let mut crashes = Vec::new();
    for reference in Reference::all() {
        let chance = Chance::new(settings.first).stream(reference.number as u64);
        for (class, count) in reference.classes() {
            let drawn = chance.below(&format!("{:?} {class:?}", reference.story), count as u64) as usize;
            let every = settings.exhaustive && class.changes();
            for place in (0..count).filter(|place| every || *place == drawn) {
                for applied in [false, true].into_iter().filter(|applied| every || *applied == drawn.is_multiple_of(2))
                {
                    crashes.push(Crash { reference, class, place, applied });
                }
            }
        }
    }
    crashes
}

impl Crash {
    fn name(&self) -> String {
        let Self { reference: Reference { story, number, .. }, class, place, applied } = self;
        format!("{story:?}, stage {number}, {class:?} {place}, applied: {applied}")
    }

    /// What is wrong after the crash, and after the next run.
    fn check(&self) -> String {
        let Self { reference, class, place, applied } = self;
        let store = reference.before();
        let weather = Weather::Crash { at: Moment::Nth(*class, *place), applied: *applied };
        let ended = process(&store, reference.story, &reference.stage, Wire::new(1, weather, None));
        let mut wrong = block_on(damage(&store, reference.story, &reference.stage));
        if !ended.wire.dead() {
            wrong.push_str("the process did not get that far\n");
        }
        wrong + &reference.settle(&store)
    }
}
