//! The definition files themselves, and the reading of them.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::ops::ControlFlow;

use carelake_sql::views::{GOLD, GOLD_IDENTIFIED, View, Views};
use datafusion::sql::parser::{DFParser, Statement};
use datafusion::sql::sqlparser::ast::{Expr, visit_expressions};

/// Functions that Trino has and means as DataFusion with carelake's functions does. Extend it with Trino's
/// documentation at hand.
const FUNCTIONS: [&str; 27] = [
    "avg",
    "coalesce",
    "count",
    "date_add",
    "date_diff",
    "date_format",
    "date_trunc",
    "day",
    "day_of_week",
    "exp",
    "floor",
    "greatest",
    "hour",
    "lag",
    "lead",
    "least",
    "ln",
    "max",
    "max_by",
    "min",
    "minute",
    "month",
    "rank",
    "round",
    "sqrt",
    "sum",
    "year",
];

fn functions_of(view: &View) -> BTreeSet<String> {
    let statements = DFParser::parse_sql(&view.numbered_sql().unwrap()).unwrap();
    let mut names = BTreeSet::new();
    for statement in &statements {
        let Statement::Statement(statement) = statement else { panic!("{}", view.name) };
        let _ = visit_expressions(statement.as_ref(), |expression: &Expr| {
            if let Expr::Function(function) = expression {
                names.insert(function.name.to_string().to_lowercase());
            }
            ControlFlow::<()>::Continue(())
        });
    }
    names
}

#[test]
fn every_definition_is_there_and_complete() {
    let views = Views::embedded().unwrap();
    let names = |database: &str| views.views().filter(|view| view.database == database).count();
    assert_eq!((names(GOLD), names(GOLD_IDENTIFIED), views.prepared().count()), (72, 7, 3));
    for view in views.views().chain(views.prepared()) {
        let name = format!("{}.{}", view.database, view.name);
        assert_eq!(view.columns[0].name, "source", "{name}");
        assert!(view.description.ends_with('.'), "{name}: a description is a sentence");
        assert!(view.grain.starts_with("one row per"), "{name}: the grain says what a row is");
        assert!(view.sql.starts_with("SELECT") || view.sql.starts_with("WITH"), "{name}");
        let upper = view.sql.to_uppercase();
        assert!(!upper.contains("SELECT *") && !upper.contains(".*"), "{name}: no SELECT *");
        for column in &view.columns {
            assert!(!column.description.is_empty(), "{name}.{}", column.name);
            if column.name.ends_with("_cost") {
                assert_eq!(column.unit.as_deref(), Some("USD"), "{name}.{}", column.name);
            }
            if column.name.ends_with("_rate") {
                assert_eq!(column.unit.as_deref(), Some("0-1"), "{name}.{}", column.name);
            }
        }
    }
}

#[test]
fn definitions_use_only_functions_that_trino_has() {
    let views = Views::embedded().unwrap();
    let allowed: HashSet<&str> = FUNCTIONS.into_iter().chain(["row_number", "nullif"]).collect();
    for view in views.views().chain(views.prepared()) {
        for function in functions_of(view) {
            assert!(allowed.contains(function.as_str()), "{}.{} calls {function}", view.database, view.name);
        }
    }
}

/// DataFusion's parser takes all that follows `IS NOT DISTINCT FROM` as its right side, an AND included; Trino does not.
#[test]
fn distinct_from_stands_in_brackets() {
    let views = Views::embedded().unwrap();
    for view in views.views().chain(views.prepared()) {
        for comparison in view.sql.lines().filter(|line| line.contains("DISTINCT FROM")) {
            assert!(
                comparison.contains('(') && comparison.ends_with(')'),
                "{}.{}: {comparison}",
                view.database,
                view.name
            );
        }
    }
}

#[test]
fn gold_reads_no_identity_and_twins_no_bronze() {
    let views = Views::embedded().unwrap();
    for view in views.views() {
        for (database, table) in view.tables().unwrap() {
            let allowed: &[&str] =
                if view.database == GOLD { &["silver", "gold", "codes"] } else { &["silver", "gold", "identity"] };
            assert!(allowed.contains(&database.as_str()), "{}.{} reads {database}.{table}", view.database, view.name);
        }
    }
}

#[test]
fn marts_have_the_model_of_the_star_schema() {
    let views = Views::embedded().unwrap();
    let marts: Vec<_> = views
        .views()
        .filter(|view| view.materialised)
        .map(|view| (view.name.as_str(), view.partition_by.join(","), view.z_order.join(",")))
        .collect();
    let (of_source, others): (Vec<_>, Vec<_>) =
        marts.into_iter().partition(|(_, by, order)| by == "source" && order.is_empty());
    let of_source: BTreeSet<&str> = of_source.into_iter().map(|(name, ..)| name).collect();
    let expected = [
        "appointment_features",
        "condition_names",
        "dim_doctors",
        "disease_risk_features",
        "disease_signals",
        "disease_trends",
        "medication_adherence",
        "patient_journey",
        "readmission_stays",
    ];
    assert_eq!(of_source, BTreeSet::from(expected));
    let expected = [
        ("dim_patients", "source,country", ""),
        ("dim_visits", "source,department", ""),
        ("fact_treatments", "source", "treatment_type"),
        ("patient_feature_store", "as_of_date", ""),
    ];
    let others: BTreeSet<_> = others.into_iter().collect();
    assert_eq!(others, expected.map(|(name, by, order)| (name, by.to_owned(), order.to_owned())).into());
}

#[test]
fn a_measure_says_what_it_leaves_out() {
    let views = Views::embedded().unwrap();
    let measures = views.measures();
    assert_eq!(measures.len(), 23);
    for (name, reason) in [("readmission_stays", "transferred"), ("medication_adherence", "minor")] {
        let measure = measures.iter().find(|measure| measure.name == name).unwrap();
        assert!(measure.exclusions.iter().any(|exclusion| exclusion.name == reason), "{name}");
        // Every reason that the SQL gives is described, and the other way round.
        for exclusion in &measure.exclusions {
            assert!(measure.sql.contains(&format!("THEN '{}'", exclusion.name)), "{name}: {}", exclusion.name);
        }
        let given = measure.sql.matches("THEN '").count();
        assert_eq!(given, measure.exclusions.len(), "{name}");
    }
    assert!(views.get(GOLD, "patients").unwrap().measure.is_none());
}

#[test]
fn a_view_comes_after_what_it_reads() {
    let views = Views::embedded().unwrap();
    let known: HashSet<_> = views.views().map(View::key).collect();
    let mut seen = HashSet::new();
    for view in views.views() {
        for table in view.tables().unwrap() {
            assert!(
                !known.contains(&table) || seen.contains(&table),
                "{}.{} before {table:?}",
                view.database,
                view.name
            );
        }
        seen.insert(view.key());
    }
}

fn text(name: &str, sql: &str) -> String {
    format!(
        "-- name: {name}\n-- version: 2\n-- description: A test.\n--   It goes on.\n-- grain: one row per source\n-- owner: tests\n\
         -- materialised: no\n-- source: nowhere\n-- column source: sender\n-- column total: a sum [USD]\n{sql}\n"
    )
}

#[test]
fn a_definition_is_read_in_full() {
    let view =
        View::parse(GOLD, "gold/a.sql", &text("a", "SELECT s.source, 1 AS total FROM silver.sources s;")).unwrap();
    assert_eq!((view.name.as_str(), view.version, view.materialised), ("a", 2, false));
    assert_eq!(view.description, "A test. It goes on.");
    assert_eq!(view.columns[1].unit.as_deref(), Some("USD"));
    assert_eq!(view.columns[1].description, "a sum");
    assert_eq!(view.sql, "SELECT s.source, 1 AS total FROM silver.sources s");
    assert_eq!(view.tables().unwrap(), [("silver".to_owned(), "sources".to_owned())]);
    let error = view.check_columns(["source", "other"]).unwrap_err().to_string();
    assert!(error.contains("(source, other)") && error.contains("(source, total)"), "{error}");
}

#[test]
fn parameters_are_numbered_outside_of_texts() {
    let sql = "SELECT s.source, 'why?' AS total FROM silver.sources s WHERE s.source = ? AND s.feed = ? -- ?";
    let header = "-- parameter a: one\n-- parameter b: two\n";
    let text = text("q", "").replace("-- column source", &format!("{header}-- column source")) + sql;
    let view = View::parse("prepared", "prepared/q.sql", &text).unwrap();
    assert!(
        view.numbered_sql()
            .unwrap()
            .ends_with("'why?' AS total FROM silver.sources s WHERE s.source = $1 AND s.feed = $2 -- ?")
    );
    let error = View::parse(GOLD, "gold/q.sql", &text).unwrap_err().to_string();
    assert!(error.contains("move the file to prepared/"), "{error}");
}

#[test]
fn a_faulty_definition_names_file_line_and_remedy() {
    let good = text("a", "SELECT s.source, 1 AS total FROM silver.sources s");
    for (bad, expected) in [
        (
            good.replace("version: 2", "version: two"),
            "gold/a.sql:2: version `two` is no number; write a whole number such as 1",
        ),
        (
            good.replace("-- owner: tests\n", ""),
            "gold/a.sql: the header has no `owner`; add a line `-- owner: …` at the top",
        ),
        (good.replace("-- owner:", "-- ownr:"), "gold/a.sql:6: unknown header key `ownr`"),
        (
            good.replace("-- owner: tests", "-- owner tests"),
            "gold/a.sql:6: the header line `-- owner tests` has no colon",
        ),
        (good.replace("-- owner: tests", "-- owner:"), "gold/a.sql:6: `owner` is empty"),
        (good.replace("-- owner: tests", "-- grain: again"), "gold/a.sql:6: `grain` stands twice"),
        (
            good.replace("materialised: no", "materialised: yes"),
            "gold/a.sql:7: materialised is `yes`; write `no` for a view or `delta`",
        ),
        (
            good.replace("materialised: no", "materialised: no\n-- z_order: total"),
            "is not materialised has no partition_by, z_order or sort_joins",
        ),
        (good.replace("materialised: no", "materialised: delta\n-- z_order: x"), "names `x`, which is no column"),
        (good.replace("-- column source: sender\n", ""), "gold/a.sql: the first column is not `source`"),
        (good.replace("name: a", "name: b"), "gold/a.sql: the header calls it `b`; name the file b.sql"),
        (good.replace("FROM silver", "FORM silver"), "gold/a.sql:11: "),
        (
            good.replace("silver.sources", "sources"),
            "table `sources` is named without its database; write database.table",
        ),
        (good.replace("SELECT", "DELETE FROM silver.x; SELECT"), "the file is not one query; keep exactly one SELECT"),
        (good.replace("SELECT s.source, 1 AS total FROM silver.sources s", ""), "no SQL follows the header"),
        (good.replace("1 AS total", "? AS total"), "the SQL has 1 `?` and the header describes 0 parameters"),
    ] {
        let error = View::parse(GOLD, "gold/a.sql", &bad).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\nexpected {expected}");
    }
}

#[test]
fn an_overlay_adds_and_replaces() {
    let folder = tempfile::tempdir().unwrap();
    let gold = folder.path().join("gold");
    fs::create_dir(&gold).unwrap();
    fs::write(
        gold.join("city_distribution.sql"),
        text("city_distribution", "SELECT z.source, z.total FROM gold.a_new_one z"),
    )
    .unwrap();
    fs::write(gold.join("a_new_one.sql"), text("a_new_one", "SELECT s.source, 1 AS total FROM silver.sources s"))
        .unwrap();
    fs::write(gold.join("notes.txt"), "not a definition").unwrap();
    let views = Views::with_overlay(folder.path()).unwrap();
    assert_eq!(views.get(GOLD, "city_distribution").unwrap().version, 2);
    let place = |name: &str| views.views().position(|view| view.name == name).unwrap();
    assert!(place("a_new_one") < place("city_distribution"));
    assert_eq!(views.views().count(), Views::embedded().unwrap().views().count() + 1);

    fs::write(gold.join("a_new_one.sql"), text("a_new_one", "SELECT c.source, c.total FROM gold.city_distribution c"))
        .unwrap();
    let error = Views::with_overlay(folder.path()).unwrap_err().to_string();
    assert!(error.contains("in a circle") && error.contains("gold.a_new_one, gold.city_distribution"), "{error}");
    let error = Views::with_overlay(&folder.path().join("missing")).unwrap_err().to_string();
    assert!(error.contains("there is no such folder"), "{error}");
}
