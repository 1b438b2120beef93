//! Storms of faults that follow from a seed: in one process after another, or in several at once.

use std::fmt;
use std::sync::{Arc, Mutex};

use object_store::memory::InMemory;

use crate::chance::Chance;
use crate::integrity::{contradictions, damage};
use crate::parallel::each;
use crate::reference::{Reference, block_on};
use crate::settings::Settings;
use crate::turnstile::Turnstile;
use crate::wire::{Moment, Operation, Verdict, Weather, Wire};
use crate::world::{Ended, process, together};

#[test]
fn storms_of_faults_end_in_the_undisturbed_lake() {
    let settings = Settings::read();
    let seeds: Vec<u64> = (settings.first..settings.first + settings.seeds).collect();
    let tally = Mutex::new(Tally::default());
    let failures = each(&seeds, |seed| Storm::new(*seed).name(), |seed| Storm::new(*seed).check(&tally));
    println!("{} seeds from {}: {}", settings.seeds, settings.first, tally.lock().unwrap());
    assert!(failures.is_empty(), "{} of {} seeds:\n{}", failures.len(), seeds.len(), failures.join("\n"));
}

#[test]
fn a_seed_replays_exactly() {
    let first = Settings::read().first;
    for seed in first..first + 6 {
        let logs = || {
            let storm = Storm::new(seed);
            storm.rage(&storm.reference.before()).into_iter().map(|ended| ended.wire.log()).collect::<Vec<_>>()
        };
        let changes = |logs: Vec<Vec<Operation>>| -> Vec<Vec<String>> {
            let named = |log: &Vec<Operation>| {
                let changes = log.iter().filter(|operation| operation.class.changes());
                let mut names: Vec<_> = changes.map(|operation| (operation.class, operation.path.clone())).collect();
                // The files of a commit are written side by side.
                names.chunk_by_mut(|one, other| one.0 == other.0).for_each(<[_]>::sort);
                names.into_iter().map(|(class, path)| format!("{class:?} {path}")).collect()
            };
            logs.iter().map(named).collect()
        };
        for (one, other) in changes(logs()).iter().zip(changes(logs())) {
            let differs = one.iter().zip(&other).position(|(one, other)| one != other);
            let (at, lengths) = (differs.unwrap_or(one.len().min(other.len())), (one.len(), other.len()));
            assert!(*one == other, "seed {seed} {lengths:?} at {at}: {:?} {:?}", one.get(at), other.get(at));
        }
    }
}

/// What a seed stands for.
struct Storm {
    seed: u64,
    chance: Chance,
    reference: &'static Reference,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let chance = Chance::new(seed);
        let references = Reference::all();
        let drawn = chance.below("stage", references.len() as u64) as usize;
        Self { seed, chance, reference: &references[drawn] }
    }

    fn name(&self) -> String {
        let Reference { story, number, .. } = self.reference;
        format!("seed {} ({story:?}, stage {number}); again: make simulate SEED={0}", self.seed)
    }

    /// What is wrong during the storm and after it.
    fn check(&self, tally: &Mutex<Tally>) -> String {
        let Reference { story, stage, .. } = self.reference;
        let store = self.reference.before();
        let mut wrong = String::new();
        for ended in self.rage(&store) {
            tally.lock().unwrap().add(&ended);
            if let Ok(report) = &ended.result {
                wrong.push_str(&contradictions(report, self.reference.files()));
            }
        }
        wrong.push_str(&block_on(damage(&store, *story, stage)));
        wrong + &self.reference.settle(&store)
    }

    /// The storm itself.
    fn rage(&self, store: &Arc<InMemory>) -> Vec<Ended> {
        let Reference { story, stage, .. } = self.reference;
        let processes = 1 + self.chance.below("processes", 3);
        let weathers: Vec<Weather> = (0..processes).map(|process| self.weather(process)).collect();
        if self.chance.below("at once", 2) == 0 {
            let one = |(number, weather)| process(store, *story, stage, Wire::new(number, weather, None));
            return (0..).zip(weathers).map(one).collect();
        }
        let turnstile = Turnstile::new(self.chance.stream(99), weathers.len());
        together(store, *story, stage, weathers, turnstile)
    }

    fn weather(&self, process: u64) -> Weather {
        let chance = self.chance.stream(1 + process);
        match chance.below("weather", 8) {
            0 => Weather::Calm,
            1 | 2 => {
                let at = Moment::Number(1 + chance.below("moment", self.reference.log.len() as u64) as usize);
                Weather::Crash { at, applied: chance.below("applied", 2) == 0 }
            }
            drawn => Weather::Stormy { chance, per_mille: [2, 5, 10, 25, 60][drawn as usize - 3] },
        }
    }
}

/// What the storms did, to see that they are storms.
#[derive(Default)]
struct Tally {
    processes: usize,
    died: usize,
    failed: usize,
    before: usize,
    after: usize,
}

impl Tally {
    fn add(&mut self, ended: &Ended) {
        self.processes += 1;
        self.died += usize::from(ended.wire.dead());
        self.failed += usize::from(!ended.well());
        for operation in ended.wire.log() {
            self.before += usize::from(matches!(operation.verdict, Verdict::Before(_)));
            self.after += usize::from(matches!(operation.verdict, Verdict::After(_)));
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processes, died, failed, before, after } = self;
        write!(f, "{processes} processes, {died} killed, {failed} with failures; ")?;
        write!(f, "{before} faults before the effect, {after} after it")
    }
}
