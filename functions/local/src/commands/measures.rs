//! `carelake measures`: what the clinical measures mean, as the headers of their SQL say it.

use std::process::ExitCode;

use carelake_sql::views::View;

use super::{Problem, views};
use crate::cli::{Explain, Measures};
use crate::console::say;
use crate::table::plain;

/// Runs a subcommand of `measures`.
pub fn dispatch(command: &Measures) -> Result<ExitCode, Problem> {
    match command {
        Measures::List(contracts) => {
            let views = views(contracts.contracts.as_deref())?;
            let measures = views.measures();
            let rows: Vec<Vec<String>> = measures.iter().map(|measure| row(measure)).collect();
            say(&plain(&["measure", "family", "version", "description"], &rows));
            say(&format!("{} measures; carelake measures explain NAME says how one is defined", rows.len()));
            Ok(ExitCode::SUCCESS)
        }
        Measures::Explain(arguments) => explain(arguments),
    }
}

fn row(measure: &View) -> Vec<String> {
    vec![
        measure.name.clone(),
        measure.measure.clone().unwrap_or_default(),
        measure.version.to_string(),
        measure.description.clone(),
    ]
}

fn explain(arguments: &Explain) -> Result<ExitCode, Problem> {
    let views = views(arguments.contracts.contracts.as_deref())?;
    let measures = views.measures();
    let Some(measure) = measures.iter().find(|measure| measure.name == arguments.name) else {
        let names: Vec<&str> = measures.iter().map(|measure| measure.name.as_str()).collect();
        return Err(Problem::new(format!(
            "there is no measure \"{}\"; there are {}",
            arguments.name,
            names.join(", ")
        )));
    };
    say(&format!("{}.{}, version {}: {}", measure.database, measure.name, measure.version, measure.description));
    say(&format!("grain       {}", measure.grain));
    say(&format!("definition  {}", measure.source_of_definition));
    say(&format!("owner       {}", measure.owner));
    say(&format!("stored as   {}", if measure.materialised { "a table, computed by run" } else { "a view" }));
    let reads: Vec<String> =
        measure.tables()?.into_iter().map(|(database, table)| format!("{database}.{table}")).collect();
    say(&format!("reads       {}", reads.join(", ")));
    if !measure.exclusions.is_empty() {
        let rows: Vec<Vec<String>> =
            measure.exclusions.iter().map(|one| vec![one.name.clone(), one.description.clone()]).collect();
        say(&plain(&["exclusion", "what is left out"], &rows));
    }
    let rows: Vec<Vec<String>> = measure
        .columns
        .iter()
        .map(|column| vec![column.name.clone(), column.unit.clone().unwrap_or_default(), column.description.clone()])
        .collect();
    say(&plain(&["column", "unit", "what it is"], &rows));
    if arguments.sql {
        say(&measure.sql);
    }
    Ok(ExitCode::SUCCESS)
}
