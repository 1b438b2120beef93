//! The Glue catalogue against a Glue that answers in part, late, or with somebody else's entries.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod stub;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use carelake_aws::GlueCatalog;
use carelake_lake::{Catalog, ColumnEntry, ErrorKind, LakeError, PartitionEntry, TableEntry, TableFormat};
use serde_json::{Value, json};
use stub::{Answer, Asked, Stub, answer, glue_error};

fn table() -> TableEntry {
    let column = |name: &str, column_type: &str| ColumnEntry {
        name: name.to_owned(),
        column_type: column_type.to_owned(),
        description: String::new(),
    };
    TableEntry {
        database: "bronze".to_owned(),
        name: "clinic_patients".to_owned(),
        description: "Patients.".to_owned(),
        format: TableFormat::Parquet,
        location: "bronze/clinic_patients".to_owned(),
        columns: vec![column("patient_id", "string"), column("visits", "long")],
        partition_by: vec![column("source", "string"), column("ingest_date", "date")],
    }
}

fn partition(day: usize) -> PartitionEntry {
    let date = format!("day-{day}");
    let location = format!("bronze/clinic_patients/source=clinic/ingest_date={date}");
    PartitionEntry { values: vec!["clinic".to_owned(), date], location }
}

fn failure(values: &Value, code: &str) -> Value {
    json!({"PartitionValues": values, "ErrorDetail": {"ErrorCode": code, "ErrorMessage": "m"}})
}

fn inputs(asked: &Asked) -> Vec<Value> {
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    body["PartitionInputList"].as_array().unwrap().clone()
}

/// Glue without the table, whose partitions are answered so.
fn adding(reply: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Stub {
    Stub::new(move |asked| match asked.action() {
        "GetTable" => glue_error(400, "EntityNotFoundException"),
        "CreateTable" => answer(200, "{}"),
        _ => reply(asked),
    })
}

async fn put(stub: &Stub, days: usize) -> Result<(), LakeError> {
    let catalog = GlueCatalog::new(stub.clients.glue.clone(), "lake", "identity");
    catalog.put_partitions(&table(), &(0..days).map(partition).collect::<Vec<_>>()).await
}

fn batches(stub: &Stub) -> Vec<usize> {
    let asked = stub.asked();
    asked.iter().filter(|asked| asked.action() == "BatchCreatePartition").map(|asked| inputs(asked).len()).collect()
}

#[tokio::test]
async fn partitions_are_added_a_hundred_at_a_time_and_never_twice() {
    let stub = adding(|_| answer(200, "{}"));
    let catalog = GlueCatalog::new(stub.clients.glue.clone(), "lake", "identity");
    let all: Vec<_> = (0..250).map(partition).collect();
    catalog.put_partitions(&table(), &all).await.unwrap();
    assert_eq!(batches(&stub), [100, 100, 50]);
    let asked = stub.asked();
    let first = asked.iter().find(|asked| asked.action() == "BatchCreatePartition").unwrap();
    let first = &inputs(first)[0];
    assert_eq!(first["Values"], json!(["clinic", "day-0"]));
    let place = "s3://lake/bronze/clinic_patients/source=clinic/ingest_date=day-0";
    assert_eq!(first["StorageDescriptor"]["Location"], place);
    catalog.again().put_partitions(&table(), &all).await.unwrap();
    assert_eq!(batches(&stub), [100, 100, 50], "a later invocation knows them");
}

#[tokio::test]
async fn a_partition_that_is_there_is_fine_at_its_place_and_an_error_elsewhere() {
    for (place, fine) in
        [("s3://lake/bronze/clinic_patients/source=clinic/ingest_date=day-0/", true), ("s3://other/x", false)]
    {
        let stub = adding(move |asked| match asked.action() {
            "BatchCreatePartition" => answer(
                200,
                json!({"Errors": [failure(&inputs(asked)[0]["Values"], "AlreadyExistsException")]}).to_string(),
            ),
            _ => {
                let there = json!({"Values": ["clinic", "day-0"], "StorageDescriptor": {"Location": place}});
                answer(200, json!({"Partitions": [there]}).to_string())
            }
        });
        match put(&stub, 1).await {
            Ok(()) => assert!(fine),
            Err(error) => {
                assert!(!fine && error.kind == ErrorKind::Invalid && error.to_string().contains("s3://other/x"))
            }
        }
    }
}

#[tokio::test]
async fn only_the_partitions_that_glue_had_no_time_for_are_sent_again() {
    let times = AtomicU32::new(0);
    let stub = adding(move |asked| match times.fetch_add(1, Ordering::SeqCst) {
        0 => answer(
            200,
            json!({"Errors": [failure(&inputs(asked)[2]["Values"], "InternalServiceException")]}).to_string(),
        ),
        _ => answer(200, "{}"),
    });
    put(&stub, 5).await.unwrap();
    assert_eq!(batches(&stub), [5, 1]);
}

#[tokio::test]
async fn a_refused_partition_fails_at_once() {
    let stub = adding(|asked| {
        answer(200, json!({"Errors": [failure(&inputs(asked)[0]["Values"], "AccessDeniedException")]}).to_string())
    });
    assert_eq!(put(&stub, 1).await.unwrap_err().kind, ErrorKind::Denied);
}

#[tokio::test]
async fn throttling_of_whole_calls_is_waited_out() {
    let times = AtomicU32::new(0);
    let stub = adding(move |_| match times.fetch_add(1, Ordering::SeqCst) {
        0 => glue_error(400, "ThrottlingException"),
        1 => glue_error(500, "InternalServiceException"),
        _ => answer(200, "{}"),
    });
    put(&stub, 1).await.unwrap();
}

/// A Glue that keeps one table and gives it a version.
fn keeping(lost: u32) -> Stub {
    let kept: Mutex<Option<Value>> = Mutex::new(None);
    let losses = AtomicU32::new(lost);
    Stub::new(move |asked| {
        let body: Value = serde_json::from_str(&asked.body).unwrap();
        let mut kept = kept.lock().unwrap();
        match asked.action() {
            "GetTable" => match kept.as_ref() {
                Some(table) => answer(200, json!({"Table": table}).to_string()),
                None => glue_error(400, "EntityNotFoundException"),
            },
            "CreateTable" | "UpdateTable" => {
                let was_there = kept.is_some();
                if losses.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                    *kept = Some(body["TableInput"].clone());
                    return glue_error(
                        400,
                        if was_there { "ConcurrentModificationException" } else { "AlreadyExistsException" },
                    );
                }
                *kept = Some(body["TableInput"].clone());
                answer(200, "{}")
            }
            _ => answer(200, "{}"),
        }
    })
}

fn changes(stub: &Stub) -> usize {
    stub.asked().iter().filter(|asked| ["CreateTable", "UpdateTable"].contains(&asked.action())).count()
}

#[tokio::test]
async fn an_entry_is_written_when_it_differs_and_only_then() {
    let stub = keeping(0);
    let catalog = GlueCatalog::new(stub.clients.glue.clone(), "lake", "identity");
    catalog.put_table(&table()).await.unwrap();
    catalog.put_table(&table()).await.unwrap();
    assert_eq!(changes(&stub), 1);
    let mut wider = table();
    wider.columns[0].description = "Pseudonym.".to_owned();
    catalog.put_table(&wider).await.unwrap();
    assert_eq!(changes(&stub), 2);
    let mut moved = table();
    moved.location = "bronze/elsewhere".to_owned();
    let error = catalog.put_table(&moved).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Invalid);
    assert_eq!(changes(&stub), 2);
}

#[tokio::test]
async fn who_loses_a_race_for_an_entry_looks_again() {
    let stub = keeping(1);
    let catalog = GlueCatalog::new(stub.clients.glue.clone(), "lake", "identity");
    catalog.put_table(&table()).await.unwrap();
    assert_eq!(changes(&stub), 1, "the winner wrote the same");
}

#[tokio::test]
async fn a_delta_table_is_described_as_athena_reads_it() {
    let stub = keeping(0);
    let catalog = GlueCatalog::new(stub.clients.glue.clone(), "lake", "identity");
    let entry = TableEntry { format: TableFormat::Delta, partition_by: Vec::new(), ..table() };
    catalog.put_table(&entry).await.unwrap();
    let created = stub.asked().into_iter().find(|asked| asked.action() == "CreateTable").unwrap();
    let input = serde_json::from_str::<Value>(&created.body).unwrap()["TableInput"].clone();
    assert_eq!(input["TableType"], "EXTERNAL_TABLE");
    assert_eq!(input["Parameters"]["table_type"], "delta");
    assert_eq!(input["Parameters"]["spark.sql.sources.provider"], "delta");
    let types: Vec<&Value> =
        input["StorageDescriptor"]["Columns"].as_array().unwrap().iter().map(|column| &column["Type"]).collect();
    assert_eq!(types, ["string", "bigint"]);
}
