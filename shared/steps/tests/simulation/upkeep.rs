//! A crash at every step of upkeep and of a rotation of the key; the next call finishes it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use carelake_lake::Rotations;
use carelake_privacy::LakeKey;
use carelake_steps::StepError;
use carelake_steps::maintain::rotate::{self, NewKey};
use carelake_steps::maintain::upkeep::{Policy, UpkeepReport, arrange, remove};
use carelake_steps::run::Silent;
use chrono::{DateTime, TimeDelta, Utc};
use object_store::memory::InMemory;

use crate::chance::Chance;
use crate::hospital::Story;
use crate::integrity::damage;
use crate::parallel::each;
use crate::reference::{Reference, block_on};
use crate::settings::Settings;
use crate::snapshot::{Snapshot, difference, objects, snapshot};
use crate::wire::{Class, Moment, Weather, Wire};
use crate::world::{calm, context};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Work {
    Upkeep,
    Rotation,
}

/// Steps that must be among the crashes.
const STEPS: &[(Work, &[Class])] = &[
    (Work::Upkeep, &[Class::DataPut, Class::CommitPut, Class::Forget, Class::PublishedPut]),
    (
        Work::Rotation,
        &[
            Class::BronzePart,
            Class::BronzeComplete,
            Class::IngestEntryPut,
            Class::ConformEntryPut,
            Class::DataPut,
            Class::CommitPut,
            Class::CheckPut,
            Class::PublishedPut,
            Class::Forget,
        ],
    ),
];

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(4_000_000_000, 0).unwrap()
}

fn next() -> LakeKey {
    LakeKey::from_bytes(&[8; 32]).unwrap()
}

impl Work {
    /// One process that does it, or goes on with it.
    fn process(self, store: &Arc<InMemory>, reference: &Reference, wire: Arc<Wire>) -> (Arc<Wire>, Result<(), String>) {
        let done = block_on(self.does(store, reference, &wire));
        (wire, done.map_err(|error| error.to_string()))
    }

    async fn does(self, store: &Arc<InMemory>, reference: &Reference, wire: &Arc<Wire>) -> Result<(), StepError> {
        let (mut context, views) = (context(store, &reference.stage, wire), reference.story.views());
        match self {
            Self::Upkeep => {
                // No table of the stories declares an order; this one shall.
                let mut contracts = reference.stage.contracts.clone();
                contracts.tables.get_mut("silver.encounters").unwrap().z_order = vec!["encounter_date".to_owned()];
                context.base.contracts = Arc::new(contracts);
                let nothing = TimeDelta::zero();
                let policy = Policy { now: now(), keep_versions: nothing, keep_reports: nothing, dry_run: false };
                let mut report = UpkeepReport::default();
                let rewritten = arrange(&context, &views, &policy, &Silent, &mut report).await?;
                remove(&context, &policy, &rewritten, &Silent, &mut report).await
            }
            Self::Rotation => {
                let rotations = Rotations::new(&context.lake);
                let rotation = match rotations.unfinished().await? {
                    Some(rotation) => rotation,
                    // The record is the last thing to go.
                    None if !context.lake.list("_carelake/rotations").await?.is_empty() => return Ok(()),
                    None => rotate::begin(&context, &next(), now(), &views, 1, &Silent).await?,
                };
                let new = NewKey { key: next(), switch: &|| Ok(()) };
                rotate::finish(&context, rotation, &new, &views, 1, &Silent, &now).await.map(drop)
            }
        }
    }
}

/// A lake, and what undisturbed work makes of it.
struct Case {
    work: Work,
    reference: &'static Reference,
    before: Arc<InMemory>,
    after: Snapshot,
    classes: BTreeMap<Class, usize>,
}

impl Case {
    fn new(work: Work, reference: &'static Reference) -> Self {
        let before = reference.before();
        assert!(calm(&before, reference.story, &reference.stage).well());
        let store = Arc::new(before.fork());
        let (wire, done) = work.process(&store, reference, Wire::new(0, Weather::Calm, None));
        done.unwrap();
        let after = block_on(snapshot(&store, reference.story, &reference.stage));
        if work == Work::Upkeep {
            assert_eq!(difference(&reference.after, &after), "", "{:?}", reference.story);
        }
        let mut classes = BTreeMap::new();
        for operation in wire.log() {
            *classes.entry(operation.class).or_default() += 1;
        }
        Self { work, reference, before, after, classes }
    }

    /// What is wrong after a crash, and after the next call.
    fn check(&self, at: Moment, applied: bool) -> String {
        let Self { work, reference, before, after, .. } = self;
        let store = Arc::new(before.fork());
        let (wire, _) = work.process(&store, reference, Wire::new(1, Weather::Crash { at, applied }, None));
        let mut wrong = if wire.dead() { String::new() } else { "the process did not get that far\n".to_owned() };
        // A rotation that was cut short is finished before anybody works on the lake; upkeep need not be.
        if *work == Work::Upkeep {
            wrong.push_str(&block_on(damage(&store, reference.story, &reference.stage)));
            let found = block_on(snapshot(&store, reference.story, &reference.stage));
            wrong.push_str(&difference(after, &found));
        }
        let (_, done) = work.process(&store, reference, Wire::new(2, Weather::Calm, None));
        if let Err(problem) = done {
            return wrong + "the next call fails: " + &problem;
        }
        let found = block_on(snapshot(&store, reference.story, &reference.stage));
        wrong.push_str(&difference(after, &found));
        wrong + &block_on(damage(&store, reference.story, &reference.stage))
    }
}

#[test]
fn a_crash_at_any_step_of_upkeep_or_of_a_rotation_is_made_good_by_the_next_call() {
    let settings = Settings::read();
    let last = |story: Story| Reference::all().iter().rfind(|reference| reference.story == story).unwrap();
    let stories = if settings.exhaustive { Story::ALL.to_vec() } else { vec![Story::Clinic] };
    let works = [Work::Upkeep, Work::Rotation];
    let cases: Vec<Case> =
        stories.into_iter().flat_map(|story| works.map(|work| Case::new(work, last(story)))).collect();
    let mut crashes = Vec::new();
    for case in &cases {
        let chance = Chance::new(settings.first);
        for (class, count) in case.classes.iter().filter(|(class, _)| class.changes()) {
            let drawn = chance.below(&format!("{:?} {class:?}", case.work), *count as u64) as usize;
            for place in (0..*count).filter(|place| settings.exhaustive || *place == drawn) {
                for applied in [false, true] {
                    crashes.push((case, *class, place, applied));
                }
            }
        }
    }
    for (work, classes) in STEPS {
        let met: BTreeSet<Class> =
            crashes.iter().filter(|(case, ..)| case.work == *work).map(|(_, class, ..)| *class).collect();
        assert!(classes.iter().all(|class| met.contains(class)), "{work:?} {met:?}");
    }
    let done = Mutex::new(0);
    let failures = each(
        &crashes,
        |(case, class, place, applied)| {
            format!("{:?} {:?}, {class:?} {place}, applied: {applied}", case.work, case.reference.story)
        },
        |(case, class, place, applied)| {
            *done.lock().unwrap() += 1;
            case.check(Moment::Nth(*class, *place), *applied)
        },
    );
    println!("{} crashes of upkeep and rotations", done.lock().unwrap());
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), crashes.len(), failures.join("\n"));
}

#[test]
fn nothing_of_the_old_key_is_left_after_a_rotation() {
    let case = Case::new(Work::Rotation, Reference::all().last().unwrap());
    let old: BTreeSet<&String> = case.reference.after.keys().filter(|path| path.contains("ledger/ingest")).collect();
    assert!(!old.is_empty() && old.iter().all(|path| !case.after.contains_key(*path)));
    let store = Arc::new(case.before.fork());
    let (_, done) = Work::Rotation.process(&store, case.reference, Wire::new(0, Weather::Calm, None));
    done.unwrap();
    let names: Vec<&str> = old.iter().filter_map(|path| path.rsplit('/').next()?.strip_suffix(".json")).collect();
    for (path, bytes) in block_on(objects(&store)) {
        assert!(names.iter().all(|name| !path.contains(name)), "{path}");
        assert!(names.iter().all(|name| !bytes.windows(name.len()).any(|part| part == name.as_bytes())), "{path}");
    }
}
