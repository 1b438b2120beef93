//! A lake in memory: the silver tables of `tests/golden/input`, and gold over them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use carelake_sql::session::{plain, register_in};
use carelake_sql::views::Views;
use datafusion::datasource::MemTable;
use datafusion::prelude::{DataFrame, SessionContext};

/// `tests/golden`, from the package's folder, where cargo runs its tests.
pub fn golden() -> PathBuf {
    PathBuf::from("tests/golden")
}

/// A session over the silver tables only.
pub fn silver() -> SessionContext {
    let session = plain().unwrap();
    let schema = fs::read_to_string(golden().join("input/schema.csv")).unwrap();
    let mut tables: BTreeMap<&str, Vec<Field>> = BTreeMap::new();
    for line in schema.lines().skip(1) {
        let [table, column, kind] = line.split(',').collect::<Vec<_>>()[..] else { panic!("{line}") };
        tables.entry(table).or_default().push(Field::new(column, type_of(kind), true));
    }
    for (qualified, fields) in tables {
        let batch = read(&golden().join(format!("input/{qualified}.csv")), Arc::new(Schema::new(fields)));
        let (database, name) = qualified.split_once('.').unwrap();
        let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).unwrap();
        register_in(&session, database, name, Arc::new(table)).unwrap();
    }
    session
}

/// A session over silver and gold: every view planned and checked against its header, every mart written to memory.
pub async fn lake() -> SessionContext {
    let session = silver();
    for view in Views::embedded().unwrap().views() {
        let rows =
            session.sql(&view.sql).await.unwrap_or_else(|error| panic!("{}.{}: {error}", view.database, view.name));
        view.check_columns(rows.schema().fields().iter().map(|field| field.name().as_str())).unwrap();
        let table = if view.materialised {
            let schema = Arc::clone(rows.schema().inner());
            Arc::new(MemTable::try_new(schema, vec![rows.collect().await.unwrap()]).unwrap())
        } else {
            rows.into_view()
        };
        register_in(&session, &view.database, &view.name, table).unwrap();
    }
    session
}

fn type_of(kind: &str) -> DataType {
    match kind {
        "string" => DataType::Utf8,
        "int" => DataType::Int32,
        "long" => DataType::Int64,
        "double" => DataType::Float64,
        "boolean" => DataType::Boolean,
        "date" => DataType::Date32,
        "timestamp" => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        "money" => DataType::Decimal128(18, 2),
        other => panic!("unknown type {other}"),
    }
}

/// Reads a fixture; a column it leaves out is NULL.
fn read(file: &Path, schema: Arc<Schema>) -> RecordBatch {
    let text = fs::read_to_string(file).unwrap();
    let header: Vec<Field> =
        text.lines().next().unwrap().split(',').map(|name| Field::new(name, DataType::Utf8, true)).collect();
    for field in &header {
        assert!(schema.index_of(field.name()).is_ok(), "{}: no column {}", file.display(), field.name());
    }
    let mut reader = arrow::csv::ReaderBuilder::new(Arc::new(Schema::new(header)))
        .with_header(true)
        .build(File::open(file).unwrap())
        .unwrap();
    let texts = reader.next().unwrap().unwrap();
    assert!(reader.next().is_none(), "a fixture is one batch");
    let columns: Vec<ArrayRef> = schema
        .fields()
        .iter()
        .map(|field| match texts.column_by_name(field.name()) {
            Some(column) => {
                let typed = cast(column, field.data_type()).unwrap();
                assert_eq!(typed.null_count(), column.null_count(), "{}: {}", file.display(), field.name());
                typed
            }
            None => new_null_array(field.data_type(), texts.num_rows()),
        })
        .collect();
    RecordBatch::try_new(schema, columns).unwrap()
}

/// The result as CSV text with a header.
pub async fn csv(rows: DataFrame) -> String {
    let schema = Arc::clone(rows.schema().inner());
    let mut text = Vec::new();
    {
        let mut writer = arrow::csv::Writer::new(&mut text);
        writer.write(&RecordBatch::new_empty(schema)).unwrap();
        for batch in rows.collect().await.unwrap() {
            writer.write(&batch).unwrap();
        }
    }
    String::from_utf8(text).unwrap()
}

/// The one value a query returns, as text; NULL is `NULL`.
pub async fn value(session: &SessionContext, sql: &str) -> String {
    let batches = session.sql(sql).await.unwrap_or_else(|error| panic!("{sql}: {error}")).collect().await;
    let batches = batches.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let batch = arrow::compute::concat_batches(&batches[0].schema(), &batches).unwrap();
    assert_eq!((batch.num_rows(), batch.num_columns()), (1, 1), "{sql}");
    let options = arrow::util::display::FormatOptions::default().with_null("NULL");
    arrow::util::display::ArrayFormatter::try_new(batch.column(0), &options).unwrap().value(0).to_string()
}

/// The message of a query that must fail.
pub async fn failure(session: &SessionContext, sql: &str) -> String {
    match session.sql(sql).await {
        Err(error) => error.to_string(),
        Ok(rows) => rows.collect().await.map(|_| panic!("{sql} did not fail")).unwrap_err().to_string(),
    }
}
