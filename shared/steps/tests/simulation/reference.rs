//! The undisturbed lake after each stage of each story.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use object_store::memory::InMemory;

use crate::hospital::{Stage, Story};
use crate::integrity::damage;
use crate::snapshot::{Snapshot, difference, snapshot};
use crate::wire::Operation;
use crate::world::calm;

/// A stage, the lake before it, and what becomes of it.
pub struct Reference {
    pub story: Story,
    pub number: usize,
    pub stage: Stage,
    before: Arc<InMemory>,
    pub after: Snapshot,
    /// What the undisturbed process did.
    pub log: Vec<Operation>,
}

impl Reference {
    /// All of them.
    pub fn all() -> &'static [Self] {
        static ALL: OnceLock<Vec<Reference>> = OnceLock::new();
        ALL.get_or_init(|| {
            hush();
            Story::ALL.into_iter().flat_map(Self::of).collect()
        })
    }

    fn of(story: Story) -> Vec<Self> {
        let mut store = Arc::new(InMemory::new());
        let mut references = Vec::new();
        for (number, stage) in (1..).zip(story.stages()) {
            let before = store.clone();
            store = Arc::new(before.fork());
            let ended = calm(&store, story, &stage);
            assert!(ended.well(), "{story:?} {number}: {}", ended.problems());
            let (log, after) = (ended.wire.log(), block_on(snapshot(&store, story, &stage)));
            let damage = block_on(damage(&store, story, &stage));
            assert_eq!(damage, "", "{story:?} {number}");
            references.push(Self { story, number, stage, before, after, log });
        }
        references
    }

    /// A copy of the lake before the stage.
    pub fn before(&self) -> Arc<InMemory> {
        Arc::new(self.before.fork())
    }

    /// Runs once more, undisturbed; what is wrong with the lake then.
    pub fn settle(&self, store: &Arc<InMemory>) -> String {
        let ended = calm(store, self.story, &self.stage);
        if !ended.well() {
            return format!("an undisturbed run fails: {}\n", ended.problems());
        }
        let found = block_on(snapshot(store, self.story, &self.stage));
        difference(&self.after, &found) + &block_on(damage(store, self.story, &self.stage))
    }

    /// How many of the stage's files a contract covers, or not.
    pub fn files(&self) -> usize {
        self.stage.files.len()
    }

    /// How often each class of operation occurs.
    pub fn classes(&self) -> BTreeMap<crate::wire::Class, usize> {
        let mut classes = BTreeMap::new();
        for operation in &self.log {
            *classes.entry(operation.class).or_default() += 1;
        }
        classes
    }
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// delta-rs catches a panic of its upload buffer when a write fails; nobody needs to see it.
fn hush() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !panic.location().is_some_and(|location| location.file().ends_with("object_store-0.13.2/src/buffered.rs")) {
            usual(panic);
        }
    }));
}
