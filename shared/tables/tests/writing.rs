//! What a commit writes: the rows that delta-rs would have written, with statistics that are true, partition by partition.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use carelake_lake::Lake;
use carelake_tables::{DeltaTables, Write};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::datasource::MemTable;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::{DataFrame, SessionContext, ident, lit};
use deltalake::kernel::schema::StructType;
use deltalake::operations::write::SchemaMode;
use deltalake::protocol::SaveMode;
use deltalake::{DeltaTable, DeltaTableBuilder};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use proptest::prelude::*;
use serde_json::Value;

/// Partition values, among them such as paths and queries have to escape.
const PARTS: [Option<&str>; 6] =
    [Some("cardiology"), Some("Ear, Nose & Throat"), Some("a/b=c %41"), Some("Ünïté 'x'"), Some("2024-01"), None];

type Row = (Option<String>, Option<i64>, String);

fn schema() -> SchemaRef {
    let field = |name: &str, data_type| Field::new(name, data_type, true);
    let fields = [field("part", DataType::Utf8), field("number", DataType::Int64), field("text", DataType::Utf8)];
    Arc::new(Schema::new(fields.to_vec()))
}

fn batch(rows: &[Row]) -> RecordBatch {
    let columns: [ArrayRef; 3] = [
        Arc::new(StringArray::from_iter(rows.iter().map(|row| row.0.as_deref()))),
        Arc::new(Int64Array::from_iter(rows.iter().map(|row| row.1))),
        Arc::new(StringArray::from_iter_values(rows.iter().map(|row| &row.2))),
    ];
    RecordBatch::try_new(schema(), columns.to_vec()).unwrap()
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (0..PARTS.len(), prop::option::of(any::<i64>()), "[a-zé]{0,4}");
    prop::collection::vec(row.prop_map(|(part, number, text)| (PARTS[part].map(str::to_owned), number, text)), 1..60)
}

/// The rows as a plan of several streams of small batches.
fn frame(session: &SessionContext, rows: &[Row]) -> DataFrame {
    let mut streams: Vec<Vec<RecordBatch>> =
        rows.chunks(20).map(|stream| stream.chunks(7).map(batch).collect()).collect();
    streams.push(Vec::new());
    session.read_table(Arc::new(MemTable::try_new(schema(), streams).unwrap())).unwrap()
}

fn change(session: &SessionContext, rows: DataFrame, predicate: Option<Expr>) -> Write {
    Write {
        plan: rows.into_unoptimized_plan(),
        session: session.state(),
        predicate,
        clustered: false,
        partition_by: vec!["part".to_owned()],
        description: "A table.".to_owned(),
        run_id: "run".to_owned(),
    }
}

async fn held(table: &DeltaTable) -> Vec<Row> {
    let session = SessionContext::new();
    let frame = session.read_table(table.table_provider().await.unwrap()).unwrap();
    let frame = frame.select(["part", "number", "text"].map(ident)).unwrap();
    let mut rows = Vec::new();
    for batch in frame.collect().await.unwrap() {
        let column = |index: usize| arrow::compute::cast(batch.column(index), &DataType::Utf8).unwrap();
        let (parts, texts) = (column(0), column(2));
        let numbers = batch.column(1).as_primitive::<Int64Type>();
        let (parts, texts) = (parts.as_string::<i32>(), texts.as_string::<i32>());
        for row in 0..batch.num_rows() {
            let part = parts.is_valid(row).then(|| parts.value(row).to_owned());
            rows.push((part, numbers.is_valid(row).then(|| numbers.value(row)), texts.value(row).to_owned()));
        }
    }
    rows.sort();
    rows
}

/// The same change by the writer of delta-rs.
async fn by_delta_rs(folder: &std::path::Path, session: &SessionContext, rows: DataFrame, part: Option<Expr>) {
    let url = url::Url::from_directory_path(folder).unwrap();
    let mut table = DeltaTableBuilder::from_url(url).unwrap().build().unwrap();
    let _ = table.load().await;
    let exists = table.version().is_some();
    let planner = deltalake::delta_datafusion::planner::DeltaPlanner::new();
    let state = datafusion::execution::SessionStateBuilder::new_from_existing(session.state());
    let mut write = table
        .write(Vec::new())
        .with_input_plan(rows.into_unoptimized_plan())
        .with_session_state(Arc::new(state.with_query_planner(planner).build()))
        .with_save_mode(SaveMode::Overwrite)
        .with_partition_columns(["part"]);
    if exists {
        write = match part {
            Some(part) => write.with_schema_mode(SchemaMode::Merge).with_replace_where(part),
            None => write.with_schema_mode(SchemaMode::Overwrite),
        };
    }
    write.await.unwrap();
}

/// Each file of the table's log, with what the log says of it and what it holds.
fn files(folder: &std::path::Path) -> Vec<(Value, Vec<RecordBatch>)> {
    let mut files = Vec::new();
    for commit in std::fs::read_dir(folder.join("_delta_log")).unwrap() {
        for line in std::fs::read_to_string(commit.unwrap().path()).unwrap().lines() {
            let action: Value = serde_json::from_str(line).unwrap();
            let Some(add) = action.get("add") else { continue };
            let path = object_store::path::Path::from_url_path(add["path"].as_str().unwrap()).unwrap();
            let file = std::fs::File::open(folder.join(path.as_ref())).unwrap();
            let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
            files.push((add.clone(), reader.map(Result::unwrap).collect()));
        }
    }
    files
}

fn check_statistics(add: &Value, batches: &[RecordBatch]) {
    let statistics: Value = serde_json::from_str(add["stats"].as_str().unwrap()).unwrap();
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(statistics["numRecords"], rows);
    let numbers: Vec<Option<i64>> =
        batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().iter()).collect();
    let texts: Vec<String> = batches
        .iter()
        .flat_map(|batch| batch.column(1).as_string::<i32>().iter().flatten().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    assert_eq!(statistics["nullCount"]["number"], numbers.iter().filter(|number| number.is_none()).count());
    assert_eq!(statistics["nullCount"]["text"], 0);
    let given = numbers.iter().flatten();
    assert_eq!(statistics["minValues"]["number"].as_i64(), given.clone().min().copied());
    assert_eq!(statistics["maxValues"]["number"].as_i64(), given.max().copied());
    assert_eq!(statistics["minValues"]["text"].as_str(), texts.iter().min().map(String::as_str));
    assert_eq!(statistics["maxValues"]["text"].as_str(), texts.iter().max().map(String::as_str));
}

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn a_change_leaves_the_rows_that_delta_rs_leaves_and_true_statistics(
        first in rows(), second in rows(), touched in prop::collection::btree_set(0..PARTS.len(), 1..4), whole in any::<bool>()
    ) {
        let inside = |row: &&Row| touched.iter().any(|part| PARTS[*part] == row.0.as_deref());
        let second: Vec<Row> = second.iter().filter(|row| whole || inside(row)).cloned().collect();
        let any = |condition: Option<Expr>, part: &usize| {
            let is = PARTS[*part].map_or_else(|| ident("part").is_null(), |part| ident("part").eq(lit(part)));
            Some(condition.map_or(is.clone(), |condition| condition.or(is)))
        };
        let part = if whole { None } else { touched.iter().fold(None, any) };
        let (ours, theirs) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        wait(async {
            let session = SessionContext::new();
            let tables = DeltaTables::new(&Lake::open(ours.path()).unwrap());
            tables.write("silver.t", None, change(&session, frame(&session, &first), None)).await.unwrap();
            by_delta_rs(theirs.path(), &session, frame(&session, &first), None).await;
            let table = tables.open("silver.t", None).await.unwrap();
            tables.write("silver.t", table, change(&session, frame(&session, &second), part.clone())).await.unwrap();
            by_delta_rs(theirs.path(), &session, frame(&session, &second), part.clone()).await;
            let table = tables.open("silver.t", None).await.unwrap().unwrap();
            let url = url::Url::from_directory_path(theirs.path()).unwrap();
            let reference = deltalake::open_table(url).await.unwrap();
            assert_eq!(held(&table).await, held(&reference).await);
            let columns = |table: &DeltaTable| -> StructType { table.snapshot().unwrap().schema().as_ref().clone() };
            assert_eq!(columns(&table), columns(&reference));
        });
        for (add, batches) in files(&ours.path().join("silver/t")) {
            check_statistics(&add, &batches);
        }
    }
}

/// A stream that notes, whenever it is asked for a batch, which partitions have a finished file.
#[derive(Debug)]
struct Watched {
    folder: std::path::PathBuf,
    batches: Vec<RecordBatch>,
    seen: Arc<Mutex<Vec<usize>>>,
}

impl PartitionStream for Watched {
    fn schema(&self) -> &SchemaRef {
        self.batches[0].schema_ref()
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let (folder, seen) = (self.folder.clone(), self.seen.clone());
        let batches = self.batches.clone().into_iter().inspect(move |_| {
            let parts = std::fs::read_dir(&folder).into_iter().flatten().flatten();
            let finished = |part: &std::fs::DirEntry| {
                std::fs::read_dir(part.path()).is_ok_and(|files| {
                    files.flatten().any(|file| file.file_name().to_string_lossy().ends_with(".parquet"))
                })
            };
            seen.lock().unwrap().push(parts.filter(finished).count());
        });
        Box::pin(RecordBatchStreamAdapter::new(self.schema().clone(), futures::stream::iter(batches.map(Ok))))
    }
}

#[tokio::test]
async fn a_table_with_many_partitions_is_written_with_one_open_writer() {
    const PARTITIONS: usize = 60;
    let folder = tempfile::tempdir().unwrap();
    let tables = DeltaTables::new(&Lake::open(folder.path()).unwrap());
    let rows = |part: usize| -> Vec<Row> {
        (0..3).map(|row| (Some(format!("{part:03}")), Some(row), String::new())).collect()
    };
    let seen = Arc::new(Mutex::new(Vec::new()));
    let batches = (0..PARTITIONS).map(|part| batch(&rows(part))).collect();
    let stream = Watched { folder: folder.path().join("silver/t"), batches, seen: seen.clone() };
    let table = StreamingTable::try_new(schema(), vec![Arc::new(stream)]).unwrap();
    let session = SessionContext::new_with_config(datafusion::prelude::SessionConfig::new().with_target_partitions(1));
    let write = change(&session, session.read_table(Arc::new(table)).unwrap(), None);
    tables.write("silver.t", None, Write { clustered: true, ..write }).await.unwrap();
    // When the rows of a partition are asked for, the one before is still open and those before it are finished.
    let wanted: Vec<usize> = (0..PARTITIONS).map(|part| part.saturating_sub(1)).collect();
    assert_eq!(*seen.lock().unwrap(), wanted);
    let mut parts: BTreeMap<String, usize> = BTreeMap::new();
    for (add, _) in files(&folder.path().join("silver/t")) {
        *parts.entry(add["partitionValues"]["part"].as_str().unwrap().to_owned()).or_default() += 1;
    }
    assert_eq!(parts.len(), PARTITIONS);
    assert!(parts.values().all(|files| *files == 1));
}

/// A stream whose texts are views, which its plan calls texts.
#[derive(Debug)]
struct Views(RecordBatch);

impl PartitionStream for Views {
    fn schema(&self) -> &SchemaRef {
        self.0.schema_ref()
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let mut columns = self.0.columns().to_vec();
        for index in [0, 2] {
            columns[index] = arrow::compute::cast(&columns[index], &DataType::Utf8View).unwrap();
        }
        let fields = self.schema().fields().iter().zip(&columns);
        let fields = fields.map(|(field, column)| field.as_ref().clone().with_data_type(column.data_type().clone()));
        let views = RecordBatch::try_new(Arc::new(Schema::new(fields.collect::<Vec<_>>())), columns).unwrap();
        let rows = futures::stream::iter([Ok(views)]);
        Box::pin(RecordBatchStreamAdapter::new(self.schema().clone(), rows))
    }
}

#[tokio::test]
async fn texts_that_the_engine_gives_as_views_are_written_as_texts() {
    let folder = tempfile::tempdir().unwrap();
    let tables = DeltaTables::new(&Lake::open(folder.path()).unwrap());
    let session = SessionContext::new();
    let rows: Vec<Row> = (0..9).map(|row| (Some((row % 3).to_string()), Some(row), "x".to_owned())).collect();
    let table = StreamingTable::try_new(schema(), vec![Arc::new(Views(batch(&rows)))]).unwrap();
    let write = change(&session, session.read_table(Arc::new(table)).unwrap(), None);
    tables.write("silver.t", None, write).await.unwrap();
    let table = tables.open("silver.t", None).await.unwrap().unwrap();
    assert_eq!(held(&table).await.len(), rows.len());
}

#[tokio::test]
async fn a_table_without_partitions_holds_all_rows_in_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let tables = DeltaTables::new(&Lake::open(folder.path()).unwrap());
    let session = SessionContext::new();
    let mut rows: Vec<Row> = (0..50).map(|row| (Some((row % 3).to_string()), Some(row), "x".to_owned())).collect();
    let write = change(&session, frame(&session, &rows), None);
    tables.write("silver.t", None, Write { partition_by: Vec::new(), ..write }).await.unwrap();
    let table = tables.open("silver.t", None).await.unwrap().unwrap();
    rows.sort();
    assert_eq!(held(&table).await, rows);
    assert_eq!(files(&folder.path().join("silver/t")).len(), 1);
}

#[tokio::test]
async fn rows_outside_the_replaced_part_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let tables = DeltaTables::new(&Lake::open(folder.path()).unwrap());
    let session = SessionContext::new();
    let row = |part: &str| vec![(Some(part.to_owned()), Some(1), String::new())];
    tables.write("silver.t", None, change(&session, frame(&session, &row("a")), None)).await.unwrap();
    let table = tables.open("silver.t", None).await.unwrap();
    let write = change(&session, frame(&session, &row("b")), Some(ident("part").eq(lit("a"))));
    let refused = tables.write("silver.t", table, write).await.unwrap_err();
    assert!(refused.to_string().contains("outside the replaced part"), "{refused}");
    let table = tables.open("silver.t", None).await.unwrap().unwrap();
    assert_eq!(held(&table).await, row("a"));
}

#[tokio::test]
async fn a_replaced_part_may_add_columns_and_may_not_change_their_types() {
    let folder = tempfile::tempdir().unwrap();
    let tables = DeltaTables::new(&Lake::open(folder.path()).unwrap());
    let session = SessionContext::new();
    let rows = |part: &str| frame(&session, &[(Some(part.to_owned()), Some(1), "x".to_owned())]);
    tables.write("silver.t", None, change(&session, rows("a"), None)).await.unwrap();
    let in_b = || Some(ident("part").eq(lit("b")));
    let wider = rows("b").select(vec![lit(7_i32).alias("new"), ident("number"), ident("part")]).unwrap();
    let table = tables.open("silver.t", None).await.unwrap();
    tables.write("silver.t", table, change(&session, wider, in_b())).await.unwrap();
    let table = tables.open("silver.t", None).await.unwrap().unwrap();
    let names: Vec<String> = table.snapshot().unwrap().schema().fields().map(|field| field.name().to_owned()).collect();
    assert_eq!(names, ["part", "number", "text", "new"]);
    let found = session.read_table(table.table_provider().await.unwrap()).unwrap();
    assert_eq!(found.clone().filter(ident("new").eq(lit(7))).unwrap().count().await.unwrap(), 1);
    assert_eq!(found.filter(ident("text").is_null()).unwrap().count().await.unwrap(), 1);
    let other = rows("b").select(vec![ident("part"), ident("text").alias("number")]).unwrap();
    let refused = tables.write("silver.t", Some(table), change(&session, other, in_b())).await.unwrap_err();
    assert!(refused.to_string().contains("column number is Int64 in the table and Utf8 in the rows"), "{refused}");
}
