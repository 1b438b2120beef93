//! What the storms found, each as small as it can be.

use std::io::Write;
use std::sync::Arc;

use object_store::memory::InMemory;

use crate::hospital::Story;
use crate::reference::block_on;
use crate::snapshot::objects;
use crate::wire::{Fault, Moment, Verdict, Weather, Wire};
use crate::world::{calm, lake};

fn scratch(bytes: &[u8]) -> std::fs::File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

#[test]
fn an_object_that_is_said_to_exist_and_does_not_is_written() {
    let store = Arc::new(InMemory::new());
    let lies = Weather::Once { at: Moment::Number(1), verdict: Verdict::Before(Fault::Exists) };
    let lake = lake(&store, &Wire::new(0, lies, None));
    block_on(lake.put_once("bronze/x/ingest_date=1/a.parquet", &mut scratch(b"content"))).unwrap();
    assert_eq!(block_on(objects(&store)).values().collect::<Vec<_>>(), [b"content"]);
}

#[test]
fn an_object_of_other_content_is_replaced() {
    let store = Arc::new(InMemory::new());
    let lake = lake(&store, &Wire::new(0, Weather::Calm, None));
    for content in [b"one", b"two", b"two"] {
        block_on(lake.put_once("bronze/x/ingest_date=1/a.parquet", &mut scratch(content))).unwrap();
    }
    assert_eq!(block_on(objects(&store)).values().collect::<Vec<_>>(), [b"two"]);
}

#[test]
fn a_file_that_goes_back_to_an_older_time_is_taken_once() {
    let (story, store) = (Story::Reports, Arc::new(InMemory::new()));
    let stages = story.stages();
    assert!(calm(&store, story, &stages[0]).well());
    assert!(calm(&store, story, &stages[1]).well());
    // Stage 0 again, with the times of then: the corrected file is gone, the first version is back.
    for _ in 0..2 {
        let report = calm(&store, story, &stages[0]).result.unwrap();
        assert_eq!((report.known_files, report.datasets.len(), report.changed_tables.len()), (4, 0, 0));
    }
}
