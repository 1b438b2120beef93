//! A lake in memory, and processes that work on it.

use std::path::PathBuf;
use std::sync::Arc;

use carelake_lake::{Lake, LakeError};
use carelake_privacy::LakeKey;
use carelake_steps::report::RunReport;
use carelake_steps::run::{Silent, run};
use carelake_steps::{Context, StepError};
use object_store::memory::InMemory;
use url::Url;

use crate::hospital::{Stage, Story};
use crate::landing::WiredLanding;
use crate::store::{FOLDER, WiredStore};
use crate::turnstile::Turnstile;
use crate::wire::{Weather, Wire};

/// Parts small enough that every bronze file but the smallest is uploaded in several.
const PART: usize = 2_500;

/// What a process did, and how it ended.
pub struct Ended {
    pub wire: Arc<Wire>,
    pub result: Result<RunReport, StepError>,
}

impl Ended {
    /// True when nothing failed.
    pub fn well(&self) -> bool {
        self.result.as_ref().is_ok_and(|report| report.failures.is_empty())
    }

    pub fn problems(&self) -> String {
        match &self.result {
            Ok(report) => report.failures.join("\n"),
            Err(error) => error.to_string(),
        }
    }
}

/// The lake over `store`, as a process with that wire sees it.
pub fn lake(store: &Arc<InMemory>, wire: &Arc<Wire>) -> Lake {
    let root = Arc::new(WiredStore::new(store.clone(), wire.clone()));
    let url = Url::parse(&format!("memory:///{FOLDER}/")).unwrap();
    let key = LakeKey::from_bytes(&[7; 32]).unwrap();
    Lake::over(root, url, key, &scratch())
        .map(|lake| lake.with_part_size(PART))
        .unwrap_or_else(|error: LakeError| panic!("{error}"))
}

fn scratch() -> PathBuf {
    std::env::temp_dir()
}

/// The context of a process.
pub fn context(store: &Arc<InMemory>, stage: &Stage, wire: &Arc<Wire>) -> Context {
    let landing = WiredLanding { files: stage.files.clone(), wire: wire.clone() };
    let run_id = format!("run-{}", wire.process);
    Context::new(lake(store, wire), Arc::new(landing), stage.contracts.clone(), Story::sources(), stage.as_of, run_id)
}

/// One process from start to end.
pub fn process(store: &Arc<InMemory>, story: Story, stage: &Stage, wire: Arc<Wire>) -> Ended {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let context = context(store, stage, &wire);
    let result = runtime.block_on(run(&context, &story.views(), 1, &Silent));
    Ended { wire, result }
}

/// A process that nothing disturbs.
pub fn calm(store: &Arc<InMemory>, story: Story, stage: &Stage) -> Ended {
    process(store, story, stage, Wire::new(0, Weather::Calm, None))
}

/// Lets the others through when a process ends, even by a panic.
struct Leaving<'a>(&'a Turnstile, usize);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.leave(self.1);
    }
}

/// Several processes at once, whose changes follow one another as the turnstile says.
pub fn together(
    store: &Arc<InMemory>,
    story: Story,
    stage: &Stage,
    weathers: Vec<Weather>,
    turnstile: Turnstile,
) -> Vec<Ended> {
    let turnstile = Arc::new(turnstile);
    std::thread::scope(|scope| {
        let started: Vec<_> = (0..)
            .zip(weathers)
            .map(|(number, weather)| {
                let turnstile = turnstile.clone();
                scope.spawn(move || {
                    let wire = Wire::new(number, weather, Some(turnstile.clone()));
                    let _leaving = Leaving(&turnstile, number);
                    process(store, story, stage, wire)
                })
            })
            .collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}
