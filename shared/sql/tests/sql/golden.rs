//! Every view and prepared query against its golden file.
//!
//! `CARELAKE_BLESS=1 cargo test` rewrites the golden files. Derive a changed number by hand before committing it:
//! `tests/golden/README.md` shows how the present ones come about.

use std::fs;

use carelake_sql::views::{View, Views};
use datafusion::common::ScalarValue;
use datafusion::prelude::SessionContext;

use crate::fixtures::{csv, golden, lake};

fn compare(database: &str, name: &str, actual: &str) -> Result<(), String> {
    let file = golden().join(database).join(format!("{name}.csv"));
    if std::env::var_os("CARELAKE_BLESS").is_some() {
        fs::write(&file, actual).unwrap();
        return Ok(());
    }
    let expected = fs::read_to_string(&file).unwrap_or_default();
    if expected == actual {
        return Ok(());
    }
    Err(format!("{database}/{name}.csv differs\n--- golden\n{expected}--- now\n{actual}"))
}

/// Header first, rows sorted: a view has no order.
fn sorted(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines[1..].sort_unstable();
    lines.join("\n") + "\n"
}

async fn run(session: &SessionContext, query: &View, values: &[&str]) -> String {
    let values: Vec<ScalarValue> = values.iter().map(|value| ScalarValue::from(*value)).collect();
    let rows = session.sql(&query.numbered_sql().unwrap()).await.unwrap().with_param_values(values).unwrap();
    query.check_columns(rows.schema().fields().iter().map(|field| field.name().as_str())).unwrap();
    csv(rows).await
}

#[tokio::test]
async fn every_view_matches_its_golden_file() {
    let session = lake().await;
    let mut differences = Vec::new();
    for view in Views::embedded().unwrap().views() {
        let rows = session.table(format!("{}.{}", view.database, view.name)).await.unwrap();
        let actual = sorted(&csv(rows).await);
        differences.extend(compare(&view.database, &view.name, &actual).err());
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[tokio::test]
async fn every_prepared_query_matches_its_golden_file() {
    let session = lake().await;
    let views = Views::embedded().unwrap();
    let mut differences = Vec::new();
    for (name, value) in
        [("get_patient_history", "P1"), ("get_patient_lab_reports", "P1"), ("get_doctor_summary", "D1")]
    {
        let actual = run(&session, views.get("prepared", name).unwrap(), &[value]).await;
        differences.extend(compare("prepared", name, &actual).err());
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert_eq!(views.prepared().count(), 3, "each prepared query has a golden file");
}

#[tokio::test]
async fn a_prepared_query_answers_for_the_unknown_and_the_idle() {
    let session = lake().await;
    let views = Views::embedded().unwrap();
    let rows = |text: String| text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>();
    let summary = views.get("prepared", "get_doctor_summary").unwrap();
    assert_eq!(
        rows(run(&session, summary, &["D3"]).await),
        ["clinic,Hal Wood,Neurologist,Fortis,0,0"],
        "no visits: zeros"
    );
    assert!(rows(run(&session, summary, &["D9"]).await).is_empty(), "unknown doctor: no row");
    let history = views.get("prepared", "get_patient_history").unwrap();
    assert!(rows(run(&session, history, &["P3"]).await).is_empty(), "no visits: no rows");
    assert!(rows(run(&session, history, &["c1"]).await).is_empty(), "a pseudonym is not a real identifier");
    assert!(rows(run(&session, history, &["' OR '1' = '1"]).await).is_empty(), "a value is bound, never pasted");
    let labs = views.get("prepared", "get_patient_lab_reports").unwrap();
    assert!(rows(run(&session, labs, &["P4"]).await).is_empty(), "visits without reports: no rows");
}

#[tokio::test]
async fn a_tie_for_the_tenth_place_goes_to_the_lower_identifier() {
    let session = lake().await;
    let ids = async |database: &str| {
        let sql = format!("SELECT patient_id FROM {database}.top_10_expensive_patients WHERE source = 'network'");
        csv(session.sql(&sql).await.unwrap()).await.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    let (pseudonyms, real) = (ids("gold").await, ids("gold_identified").await);
    assert_eq!((pseudonyms.len(), real.len()), (10, 10));
    // h10 is P11 and h11 is P10; both cost 50.00.
    assert!(pseudonyms.contains(&"h10".to_owned()) && !pseudonyms.contains(&"h11".to_owned()));
    assert!(real.contains(&"P10".to_owned()) && !real.contains(&"P11".to_owned()));
}
