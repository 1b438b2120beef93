//! Large landing files: the lake is as if they had been read in one pass, whatever happens on the way.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod store;
mod world;

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use carelake_ingest::large::{AT_ONCE, abandoned, any as any_under_way, forget, restart};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use proptest::prelude::*;
use tokio::runtime::Runtime;
use world::{Content, World, always, hurried};

const VISITS: &str = "visit_id,patient_id,doctor_id,visit_date,reason,visit_type\n";
const PHYSICIANS: &str = "physician_id,first_name,last_name,specialty,hire_date,updated_at\n";

/// Rows of visits: few keys, so that they repeat within parts and across; some are bad, some warn, some hold line ends.
fn visits() -> impl Strategy<Value = String> {
    let row = (0..30_u32, 0..9_u32, 0..8_u32).prop_map(|(visit, patient, kind)| match kind {
        0 => format!("V{visit},,D1,2024-01-01,Fever,Consultation\n"),
        1 => format!("V{visit},P{patient},D1,99/99/9999,Fever,Consultation\r\n"),
        2 => format!("V{visit},P{patient},D1,,\"Cough,\nat \"\"night\"\"\",Consultation\n"),
        3 => format!("V{visit},P{patient}\n"),
        4 => format!("V{visit},P{patient},D1,2024-01-01,caf\u{e9} \u{1f600},Consultation\r\n"),
        _ => format!("V{visit},P{patient},D1,2024-01-01,Fever,Consultation\n"),
    });
    prop::collection::vec(row, 0..50).prop_map(|rows| format!("\u{feff}{VISITS}{}", rows.concat()))
}

fn physicians() -> impl Strategy<Value = String> {
    let row = (0..12_u32, 0..5_u32).prop_map(|(physician, kind)| match kind {
        0 => ",Ann,Bo,Cardiology,,2024-01-01T00:00:00Z\n".to_owned(),
        _ => format!("D{physician},Ann,\"Bo\r\nBo\",Cardiology,2024-01-01,2024-01-0{}T00:00:00Z\n", kind),
    });
    prop::collection::vec(row, 0..50).prop_map(|rows| format!("{PHYSICIANS}{}", rows.concat()))
}

fn lines() -> impl Strategy<Value = String> {
    let row = (0..20_u32, 0..6_u32).prop_map(|(visit, kind)| match kind {
        0 => "\n".to_owned(),
        1 => format!("{{\"visit_id\": \"V{visit}\", \"room\": \"{visit}\"}}\r\n"),
        2 => "{\"visit_id\": \n".to_owned(),
        3 => {
            format!("{{\"visit_id\": \"V{visit}\", \"patient_id\": \"P\u{e9}\", \"doctor_id\": \"D1\", \"ward\": 1}}\n")
        }
        _ => format!("{{\"visit_id\": \"V{visit}\", \"patient_id\": \"P1\", \"doctor_id\": \"D1\"}}\n"),
    });
    prop::collection::vec(row, 1..40).prop_map(|rows| rows.concat())
}

fn parquet(rows: &[(u32, u32)], group: usize) -> Vec<u8> {
    let text = |value: &dyn Fn(&(u32, u32)) -> String| {
        Arc::new(StringArray::from_iter_values(rows.iter().map(value))) as ArrayRef
    };
    let batch = RecordBatch::try_from_iter([
        ("visit_id", text(&|row| format!("V{}", row.0))),
        ("patient_id", text(&|row| if row.1 == 0 { String::new() } else { format!("P{}", row.1) })),
        ("doctor_id", text(&|_| "D1".to_owned())),
    ])
    .unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group)).build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    bytes
}

/// The lake of one pass, and that of parts.
fn both(key: &str, bytes: &[u8], every: u64, seed: u64, deaths: u64) -> (Content, Content) {
    Runtime::new().unwrap().block_on(async {
        let whole = World::new(key, bytes, every, seed);
        whole.whole().await;
        let mut parted = World::new(key, bytes, every, seed);
        let time = if seed.is_multiple_of(2) { always() } else { hurried() };
        parted.parted(deaths, &time).await;
        assert_eq!(parted.left().await, Vec::<String>::new(), "what was under way is gone");
        (whole.content().await, parted.content().await)
    })
}

fn same(key: &str, bytes: &[u8], every: u64, seed: u64, deaths: u64) -> Result<(), TestCaseError> {
    let (whole, parted) = both(key, bytes, every, seed, deaths);
    prop_assert_eq!(&parted.layers, &whole.layers);
    prop_assert_eq!(&parted.entries, &whole.entries);
    prop_assert_eq!(parted.entries.len(), 1);
    let entry = &parted.entries[0];
    prop_assert_eq!(entry.rows_in, entry.bronze_rows + entry.rejected);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn rejected_repeats_are_those_of_one_pass(text in visits(), every in 20_u64..900, seed in any::<u64>(), deaths in 0_u64..6) {
        same("clinic/visits/2024-02-01/a.csv", text.as_bytes(), every, seed, deaths)?;
    }

    #[test]
    fn counted_repeats_are_those_of_one_pass(text in physicians(), every in 20_u64..900, seed in any::<u64>(), deaths in 0_u64..6) {
        same("scheduling/physicians/2024-02-01/a.csv", text.as_bytes(), every, seed, deaths)?;
    }

    #[test]
    fn lines_of_json_are_those_of_one_pass(text in lines(), every in 20_u64..900, seed in any::<u64>(), deaths in 0_u64..4) {
        same("clinic/visits/2024-02-01/a.ndjson", text.as_bytes(), every, seed, deaths)?;
    }

    #[test]
    fn row_groups_are_those_of_one_pass(
        rows in prop::collection::vec((0..20_u32, 0..5_u32), 0..40), group in 1_usize..9, every in 1_u64..900,
        seed in any::<u64>(), deaths in 0_u64..4
    ) {
        same("clinic/visits/2024-02-01/a.parquet", &parquet(&rows, group), every, seed, deaths)?;
    }
}

#[test]
fn warnings_are_kept_as_many_as_one_pass_keeps() {
    let rows: String = (0..2_600).map(|row| format!("V{row},P1,D1,,Fever,Consultation\n")).collect();
    let text = format!("{VISITS}{rows}");
    let (whole, parted) = both("clinic/visits/a.csv", text.as_bytes(), 20_000, 2, 0);
    assert_eq!(whole.layers["quarantine"].len(), 1_000);
    assert_eq!(parted, whole);
}

#[test]
fn what_cannot_be_read_is_recorded_as_one_pass_records_it() {
    let mut damaged = parquet(&[(1, 1); 30], 5);
    let middle = damaged.len() / 3;
    damaged[middle..middle + 40].fill(0xff);
    for (name, bytes) in [
        ("a.csv", b"nothing,of,it\n1,2,3\n".to_vec()),
        ("b.ndjson", b"[{}]\n{}\n".to_vec()),
        ("c.parquet", damaged),
        ("d.parquet", b"PAR1 no parquet PAR1".to_vec()),
    ] {
        let (whole, parted) = both(&format!("clinic/visits/{name}"), &bytes, 30, 3, 2);
        let unreadable = whole.entries[0].status == carelake_lake::Status::Unreadable;
        assert!(unreadable || whole.entries[0].rejected > 0, "{name}");
        assert_eq!(parted, whole, "{name}");
    }
}

#[test]
fn a_file_that_is_sent_again_is_known_and_leaves_nothing() {
    let text = format!("{VISITS}V1,P1,D1,2024-01-01,Fever,Consultation\nV2,P1,D1,2024-01-01,Fever,Consultation\n");
    Runtime::new().unwrap().block_on(async {
        let mut world = World::new("clinic/visits/a.csv", text.as_bytes(), 10, 4);
        world.parted(0, &always()).await;
        let before = world.content().await;
        world.parted(0, &always()).await;
        assert_eq!(world.content().await, before);
        assert!(world.left().await.is_empty());
    });
}

#[test]
fn what_was_read_before_an_erasure_is_read_again() {
    let rows: String = (0..60).map(|row| format!("V{row},P1,D1,2024-01-01,Fever,Consultation\n")).collect();
    Runtime::new().unwrap().block_on(async {
        let mut world = World::new("clinic/visits/a.csv", format!("{VISITS}{rows}").as_bytes(), 100, 7);
        world.whole().await;
        let whole = world.content().await;
        world.store = Arc::default();
        let context = world.calm();
        world.arrive(&context, &always()).await.unwrap();
        for path in world.queue().await {
            world.deliver(&context, &path, &always()).await.unwrap();
        }
        let read = |paths: Vec<String>| paths.into_iter().filter(|path| !path.ends_with(".want")).count();
        assert!(read(world.left().await) > 20);
        restart(&context).await.unwrap();
        assert_eq!(read(world.left().await), 2, "which file it is, and how it is cut");
        assert_eq!(world.queue().await.len(), AT_ONCE);
        world.parted(0, &always()).await;
        assert_eq!(world.content().await, whole);
    });
}

#[test]
fn a_file_that_nobody_finishes_is_abandoned_after_its_time_and_not_before() {
    let rows: String = (0..60).map(|row| format!("V{row},P1,D1,2024-01-01,Fever,Consultation\n")).collect();
    Runtime::new().unwrap().block_on(async {
        let world = World::new("clinic/visits/a.csv", format!("{VISITS}{rows}").as_bytes(), 100, 8);
        let context = world.calm();
        world.arrive(&context, &always()).await.unwrap();
        let stored = context.lake.stored("_carelake/parts").await.unwrap();
        let last = stored.iter().map(|one| one.modified).max().unwrap();
        assert!(any_under_way(&context).await.unwrap());
        assert!(abandoned(&context, last - chrono::TimeDelta::seconds(60)).await.unwrap().is_empty());
        let old = abandoned(&context, last + chrono::TimeDelta::seconds(60)).await.unwrap();
        assert_eq!(old.len(), 1);
        forget(&context, &old[0]).await.unwrap();
        assert!(world.left().await.is_empty());
        context.lake.put_json("_carelake/parts/0123/00001-1.json", &1).await.unwrap();
        assert_eq!(
            abandoned(&context, last - chrono::TimeDelta::days(1)).await.unwrap(),
            ["0123"],
            "nobody knows its file"
        );
        assert!(!any_under_way(&context).await.unwrap());
    });
}

#[test]
fn nothing_under_way_outside_identity_names_a_person() {
    let rows: String = (0..40).map(|row| format!("V{row},Sentinel{row},D1,2024-01-01,Fever,Consultation\n")).collect();
    Runtime::new().unwrap().block_on(async {
        let world = World::new("clinic/visits/Sentinel list.csv", format!("{VISITS}{rows}").as_bytes(), 200, 5);
        let context = world.calm();
        world.arrive(&context, &always()).await.unwrap();
        let queue = world.queue().await;
        assert!(queue.len() > 4);
        world.deliver(&context, &queue[1], &always()).await.unwrap();
        let mut looked = 0;
        for path in context.lake.list("_carelake/parts").await.unwrap() {
            let bytes = context.lake.get_bytes(&path).await.unwrap().unwrap();
            assert!(!path.contains("Sentinel"));
            assert!(!bytes.windows(8).any(|word| word == b"Sentinel"), "{path}");
            looked += 1;
        }
        assert!(looked > 6, "{looked}");
        assert!(!context.lake.list("identity/_parts").await.unwrap().is_empty());
    });
}

#[test]
fn at_most_so_many_parts_of_a_file_are_asked_for_at_once() {
    let rows: String = (0..400).map(|row| format!("V{row},P1,D1,2024-01-01,Fever,Consultation\n")).collect();
    Runtime::new().unwrap().block_on(async {
        let world = World::new("clinic/visits/a.csv", format!("{VISITS}{rows}").as_bytes(), 200, 6);
        let context = world.calm();
        world.arrive(&context, &always()).await.unwrap();
        assert_eq!(world.queue().await.len(), AT_ONCE);
        let first = world.queue().await[0].clone();
        world.deliver(&context, &first, &always()).await.unwrap();
        world.deliver(&context, &first, &always()).await.unwrap();
        assert_eq!(world.queue().await.len(), AT_ONCE + 1, "the next one, once");
    });
}
