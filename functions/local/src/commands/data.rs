//! `carelake sql`, `call`, `tables`, `describe`, `history`.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use carelake_lake::{Catalog, FolderCatalog, Lake};
use carelake_sql::session::LakeSession;
use carelake_tables::DeltaTables;
use datafusion::arrow::array::{ArrayRef, Float64Array, RecordBatch, UInt64Array};
use datafusion::error::DataFusionError;
use datafusion::prelude::DataFrame;

use super::{Problem, session, views};
use crate::cli::{Call, Describe, InLake, Sql};
use crate::console::{print, say};
use crate::table::{Format, plain, show};

/// Queries the lake.
pub async fn sql(arguments: &Sql) -> Result<ExitCode, Problem> {
    // A query may begin with a comment, and a comment begins as an option does.
    if arguments.query.starts_with('-') && !arguments.query.contains(char::is_whitespace) {
        let text = format!("there is no option {}; a query goes in quotes", arguments.query);
        return Err(Problem::new(text));
    }
    let session = session(&arguments.place.lake, arguments.as_of).await?;
    if let Some(runs) = arguments.timing {
        return timing(&session, &arguments.query, runs, arguments.format).await;
    }
    present(session.query(&arguments.query).await?, arguments.format).await
}

/// Shows how long planning and running a query took each time. The first time tables are opened as well.
async fn timing(session: &LakeSession, query: &str, runs: usize, format: Format) -> Result<ExitCode, Problem> {
    let (mut planning, mut running, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        let start = Instant::now();
        let planned = session.query(query).await?;
        planning.push(start.elapsed().as_secs_f64() * 1e3);
        let start = Instant::now();
        let batches = planned.collect().await?;
        running.push(start.elapsed().as_secs_f64() * 1e3);
        rows.push(batches.iter().map(RecordBatch::num_rows).sum::<usize>() as u64);
    }
    let columns: [(&str, ArrayRef); 3] = [
        ("planning_ms", Arc::new(Float64Array::from(planning))),
        ("running_ms", Arc::new(Float64Array::from(running))),
        ("rows", Arc::new(UInt64Array::from(rows))),
    ];
    let names = columns.each_ref().map(|(name, _)| (*name).to_owned());
    let batch = RecordBatch::try_from_iter(columns).map_err(DataFusionError::from)?;
    print(&show(&[batch], &names, format)?);
    Ok(ExitCode::SUCCESS)
}

async fn present(rows: DataFrame, format: Format) -> Result<ExitCode, Problem> {
    let names: Vec<String> = rows.schema().fields().iter().map(|field| field.name().clone()).collect();
    let batches = rows.collect().await?;
    print(&show(&batches, &names, format)?);
    Ok(ExitCode::SUCCESS)
}

/// Runs a prepared query.
pub async fn call(arguments: &Call) -> Result<ExitCode, Problem> {
    let views = views(arguments.contracts.contracts.as_deref())?;
    let Some(query) = views.prepared().find(|query| query.name == arguments.name) else {
        let names: Vec<&str> = views.prepared().map(|query| query.name.as_str()).collect();
        return Err(Problem::new(format!(
            "there is no prepared query \"{}\"; there are {}",
            arguments.name,
            names.join(", ")
        )));
    };
    if query.parameters.len() != arguments.values.len() {
        let names: Vec<&str> = query.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        return Err(Problem::new(format!("{} takes: {}", query.name, names.join(", "))));
    }
    let session = session(&arguments.place.lake, None).await?;
    let values: Vec<&str> = arguments.values.iter().map(String::as_str).collect();
    present(session.query_with(&query.sql, &values).await?, arguments.format).await
}

/// Lists tables and views.
pub async fn tables(place: &InLake) -> Result<ExitCode, Problem> {
    let catalog = FolderCatalog::new(&Lake::open_existing(&place.lake)?);
    let mut rows = Vec::new();
    for table in catalog.tables().await? {
        rows.push(vec![
            format!("{}.{}", table.database, table.name),
            format!("{:?}", table.format).to_lowercase(),
            table.description,
        ]);
    }
    for view in catalog.views().await? {
        rows.push(vec![format!("{}.{}", view.database, view.name), "view".to_owned(), view.description]);
    }
    rows.sort();
    say(&plain(&["name", "kind", "description"], &rows));
    say(&format!("{} tables and views", rows.len()));
    Ok(ExitCode::SUCCESS)
}

/// Shows a table's columns.
pub async fn describe(arguments: &Describe) -> Result<ExitCode, Problem> {
    let catalog = FolderCatalog::new(&Lake::open_existing(&arguments.place.lake)?);
    let wanted = qualified(&arguments.table);
    let tables = catalog.tables().await?.into_iter().map(|table| {
        (table.database, table.name, table.description, [table.columns, table.partition_by].concat(), None)
    });
    let views = catalog
        .views()
        .await?
        .into_iter()
        .map(|view| (view.database, view.name, view.description, view.columns, Some(view.sql)));
    let found = tables.chain(views).find(|(database, name, ..)| format!("{database}.{name}") == wanted);
    let Some((_, _, description, columns, sql)) = found else {
        return Err(Problem::new(format!("there is no table {wanted}; carelake tables lists them")));
    };
    say(&format!("{wanted}: {description}"));
    let rows: Vec<Vec<String>> =
        columns.into_iter().map(|column| vec![column.name, column.column_type, column.description]).collect();
    say(&plain(&["column", "type", "description"], &rows));
    if let Some(sql) = sql {
        say(&sql);
    }
    Ok(ExitCode::SUCCESS)
}

fn qualified(name: &str) -> String {
    if name.contains('.') { name.to_owned() } else { format!("gold.{name}") }
}

/// Shows a table's versions.
pub async fn history(arguments: &Describe) -> Result<ExitCode, Problem> {
    let lake = Lake::open_existing(&arguments.place.lake)?;
    let wanted = qualified(&arguments.table);
    let Some(versions) = DeltaTables::new(&lake).history(&wanted).await? else {
        return Err(Problem::new(format!("{wanted} has no versions: it is a view, a bronze table, or not there")));
    };
    let rows = versions.into_iter().map(|version| {
        vec![
            version.version.to_string(),
            version
                .committed
                .map(|moment| moment.to_rfc3339_opts(chrono::SecondsFormat::Millis, true))
                .unwrap_or_default(),
            version.operation,
            version.rows.map(|rows| rows.to_string()).unwrap_or_default(),
            version.run_id.unwrap_or_default(),
        ]
    });
    say(&plain(&["version", "committed", "operation", "rows written", "run"], &rows.collect::<Vec<_>>()));
    Ok(ExitCode::SUCCESS)
}
