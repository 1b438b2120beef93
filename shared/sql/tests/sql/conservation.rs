//! What several views share must add up: each distributes the same treatments, or the same visits.

use datafusion::prelude::SessionContext;

use crate::fixtures::{csv, lake};

/// `source → sum`, as CSV lines.
async fn sums(session: &SessionContext, table: &str, expression: &str) -> String {
    let sql = format!("SELECT source, SUM({expression}) AS s FROM gold.{table} GROUP BY source ORDER BY source");
    csv(session.sql(&sql).await.unwrap()).await
}

#[tokio::test]
async fn every_distribution_of_the_cost_adds_up_to_the_facts() {
    let session = lake().await;
    let facts = sums(&session, "fact_treatments", "treatment_cost").await;
    assert_eq!(facts, "source,s\nnetwork,5720.04\nnetwork_b,53.00\nnetwork_free,0.00\n");
    for view in [
        "treatment_type_summary",
        "insurance_summary",
        "department_treatment_summary",
        "revenue_by_age_group",
        "countrywise_cost_summary",
        "doctor_performance",
        "patient_summary",
        "weekly_visit_trends",
        "department_weekly_kpis",
        "treatment_distribution",
    ] {
        assert_eq!(sums(&session, view, "total_cost").await, facts, "{view}");
    }
}

#[tokio::test]
async fn every_distribution_of_the_treatments_adds_up_to_the_facts() {
    let session = lake().await;
    let facts = sums(&session, "fact_treatments", "1").await;
    for (view, column) in [
        ("department_treatment_summary", "total_treatments"),
        ("doctor_performance", "num_treatments"),
        ("patient_summary", "num_treatments"),
        ("weekly_visit_trends", "num_treatments"),
        ("revenue_by_age_group", "treatment_count"),
        ("department_weekly_kpis", "treatment_count"),
        ("treatment_distribution", "treatment_count"),
    ] {
        assert_eq!(sums(&session, view, column).await, facts, "{view}");
    }
}

#[tokio::test]
async fn every_distribution_of_the_visits_adds_up_to_the_visits() {
    let session = lake().await;
    let visits = sums(&session, "dim_visits", "1").await;
    for (view, column) in [
        ("doctor_performance", "num_visits"),
        ("patient_summary", "total_visits"),
        ("weekly_visit_trends", "num_visits"),
        ("follow_up_summary", "num_visits"),
        ("countrywise_cost_summary", "visit_count"),
        ("doctor_follow_up_ratio", "num_visits"),
    ] {
        assert_eq!(sums(&session, view, column).await, visits, "{view}");
    }
}

#[tokio::test]
async fn shares_add_up_to_the_whole() {
    let session = lake().await;
    for (view, column, whole) in [
        ("treatment_type_summary", "cost_pct", "100"),
        ("insurance_summary", "cost_share", "1"),
        ("insurance_summary", "coverage_rate", "1"),
    ] {
        let sql = format!(
            "SELECT COUNT(*) AS n FROM (SELECT source, SUM({column}) AS s FROM gold.{view} GROUP BY source) x
             WHERE ABS(s - {whole}) > 1e-9"
        );
        assert_eq!(csv(session.sql(&sql).await.unwrap()).await, "n\n0\n", "{view}.{column}");
    }
}

#[tokio::test]
async fn an_identified_twin_has_the_rows_of_its_view() {
    let session = lake().await;
    for view in [
        "dim_patients",
        "patient_summary",
        "patient_treatment_summary",
        "medicine_per_patient",
        "appointments",
        "patients",
    ] {
        let count = async |database: &str| {
            csv(session.sql(&format!("SELECT COUNT(*) AS n FROM {database}.{view}")).await.unwrap()).await
        };
        assert_eq!(count("gold").await, count("gold_identified").await, "{view}");
    }
}
