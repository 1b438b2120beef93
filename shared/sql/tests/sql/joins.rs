//! Joins by sorting give what joins in memory give.

use std::sync::Arc;

use carelake_sql::{joins, session};
use datafusion::arrow::array::{Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::arrow::util::pretty::pretty_format_batches;
use datafusion::datasource::MemTable;
use datafusion::physical_plan::displayable;
use datafusion::prelude::{DataFrame, SessionContext};

/// Visits of patients, some of whom are in no list; every seventh has no patient at all.
fn lake() -> SessionContext {
    let session = session::plain().unwrap();
    let threshold = "datafusion.optimizer.hash_join_single_partition_threshold";
    for option in [threshold.to_owned(), format!("{threshold}_rows")] {
        let state = session.state_ref();
        state.write().config_mut().options_mut().set(&option, "0").unwrap();
    }
    for (name, rows, step) in [("visits", 1000_i64, 3), ("patients", 100, 5)] {
        let patient = |row: i64| (row % 7 > 0).then(|| format!("P{}", row * step % 400));
        let schema = Schema::new(vec![
            Field::new("patient_id", DataType::Utf8, true),
            Field::new(format!("{name}_row"), DataType::Int64, false),
        ]);
        let columns = RecordBatch::try_new(
            Arc::new(schema.clone()),
            vec![
                Arc::new(StringArray::from_iter((0..rows).map(patient))),
                Arc::new(Int64Array::from_iter_values(0..rows)),
            ],
        );
        let table = MemTable::try_new(Arc::new(schema), vec![vec![columns.unwrap()]]).unwrap();
        session.register_table(name, Arc::new(table)).unwrap();
    }
    session
}

async fn rows(frame: DataFrame) -> Vec<String> {
    let table = pretty_format_batches(&frame.collect().await.unwrap()).unwrap().to_string();
    let mut lines: Vec<String> = table.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

async fn plan(frame: &DataFrame) -> String {
    displayable(frame.clone().create_physical_plan().await.unwrap().as_ref()).indent(true).to_string()
}

#[tokio::test]
async fn sorted_joins_give_the_rows_of_hash_joins() {
    let lake = lake();
    for query in [
        "SELECT v.visits_row, p.patients_row FROM visits v JOIN patients p ON p.patient_id = v.patient_id",
        "SELECT v.visits_row, p.patient_id FROM visits v LEFT JOIN patients p ON p.patient_id = v.patient_id",
        "SELECT v.visits_row, p.patients_row FROM visits v FULL JOIN patients p ON p.patient_id = v.patient_id",
        "SELECT v.visits_row FROM visits v WHERE v.patient_id IN (SELECT p.patient_id FROM patients p)",
        "SELECT v.visits_row FROM visits v WHERE NOT EXISTS (SELECT 1 FROM patients p WHERE p.patient_id = v.patient_id)",
        "SELECT a.visits_row, COUNT(*) AS others FROM visits a JOIN visits b ON b.patient_id = a.patient_id \
         AND b.visits_row < a.visits_row GROUP BY a.visits_row",
    ] {
        let hashed = lake.sql(query).await.unwrap();
        let state = joins::sorting(lake.state(), &["patient_id".to_owned()]);
        let sorted = DataFrame::new(state, hashed.logical_plan().clone());
        assert!(plan(&hashed).await.contains("HashJoin"), "{query}");
        let planned = plan(&sorted).await;
        assert!(planned.contains("SortMergeJoin") && !planned.contains("HashJoin"), "{query}\n{planned}");
        assert_eq!(rows(sorted).await, rows(hashed).await, "{query}");
    }
}

#[tokio::test]
async fn other_joins_stay_as_they_are() {
    let lake = lake();
    let hashed =
        lake.sql("SELECT v.patient_id FROM visits v JOIN patients p ON p.patients_row = v.visits_row").await.unwrap();
    let state = joins::sorting(lake.state(), &["patient_id".to_owned()]);
    let same = DataFrame::new(state, hashed.logical_plan().clone());
    assert!(!plan(&same).await.contains("SortMergeJoin"));
}
