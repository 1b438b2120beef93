//! `carelake contract`: check, list and show contracts, and draft new ones.

mod plan;
mod sample;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use carelake_contracts::{Contract, ContractErrors, ContractSet, Draft, RuleKind, compare, draft};

use super::{Problem, contracts, views};
use crate::cli;
use crate::console::{print, say};
use crate::table::plain;

/// Runs a subcommand.
pub fn dispatch(command: &cli::Contract) -> Result<ExitCode, Problem> {
    match command {
        cli::Contract::Check { contracts, against } => check(contracts.contracts.as_deref(), against.as_deref()),
        cli::Contract::List(contracts) => list(contracts.contracts.as_deref()),
        cli::Contract::Show { contracts, name } => show(contracts.contracts.as_deref(), name),
        cli::Contract::New { from, name, out } => new(from, name, out.as_deref()),
    }
}

/// Loads every file, plans every query, compares with earlier contracts.
fn check(folder: Option<&Path>, against: Option<&Path>) -> Result<ExitCode, Problem> {
    if let Some(missing) = folder.filter(|folder| !folder.is_dir()) {
        return Err(Problem::new(format!("{} is not a folder", missing.display())));
    }
    let set = match folder.map_or_else(ContractSet::embedded, ContractSet::with_folder) {
        Ok(set) => set,
        Err(errors) => return Ok(refused(folder, errors)),
    };
    let views = match views(folder) {
        Ok(views) => views,
        Err(problem) => {
            say(&problem.to_string());
            return Ok(ExitCode::FAILURE);
        }
    };
    let broken = plan::problems(&set, &views)?;
    if !broken.is_empty() {
        for problem in &broken {
            say(problem);
        }
        return Ok(ExitCode::FAILURE);
    }
    say(&format!(
        "{} contracts of {} feeds, {} tables are good; so are {} views and {} prepared queries over them",
        set.contracts.len(),
        set.feeds.len(),
        set.tables.len(),
        views.views().count(),
        views.prepared().count()
    ));
    let Some(earlier) = against else { return Ok(ExitCode::SUCCESS) };
    let changes = compare(&contracts(Some(earlier))?, &set);
    for change in &changes {
        say(&change.to_string());
    }
    let breaking = changes.iter().filter(|change| change.breaking).count();
    say(&format!("{} changes since {}, {breaking} of them breaking", changes.len(), earlier.display()));
    Ok(if breaking == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints every problem, its file with the folder where it stands there.
fn refused(folder: Option<&Path>, errors: ContractErrors) -> ExitCode {
    for mut error in errors.0 {
        if let Some(place) = folder.map(|folder| folder.join(&error.file)).filter(|place| place.is_file()) {
            error.file = place.display().to_string();
        }
        say(&error.to_string());
    }
    ExitCode::FAILURE
}

fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn list(folder: Option<&Path>) -> Result<ExitCode, Problem> {
    let set = contracts(folder)?;
    let rows: Vec<Vec<String>> = set
        .contracts
        .values()
        .map(|contract| {
            let target = |target: &carelake_contracts::Target| format!("{} ({})", target.table, word(&target.load));
            vec![
                contract.feed.clone(),
                contract.dataset.clone(),
                contract.version.to_string(),
                contract.targets.iter().map(target).collect::<Vec<_>>().join("\n"),
                contract.columns.len().to_string(),
                contract.rules.len().to_string(),
                contract.description.clone(),
            ]
        })
        .collect();
    say(&plain(&["feed", "dataset", "version", "targets (load)", "columns", "rules", "description"], &rows));
    Ok(ExitCode::SUCCESS)
}

fn show(folder: Option<&Path>, name: &str) -> Result<ExitCode, Problem> {
    let set = contracts(folder)?;
    let found = name.split_once('.').and_then(|(feed, dataset)| set.contract(feed, dataset));
    let Some(contract) = found else {
        let names: Vec<String> = set.contracts.values().map(Contract::name).collect();
        return Err(Problem::new(format!("there is no contract {name}; there are {}", names.join(", "))));
    };
    say(&format!("{} version {}: {}", contract.name(), contract.version, contract.description));
    say(&plain(&["setting", "value"], &settings(contract)));
    let columns: Vec<Vec<String>> = contract.columns.iter().map(column).collect();
    say(&plain(&["column", "read from", "type", "phi", "required", "description"], &columns));
    let rules: Vec<Vec<String>> = contract.rules.iter().map(rule).collect();
    if !rules.is_empty() {
        say(&plain(&["rule", "kind", "looks at", "severity", "threshold", "description"], &rules));
    }
    for target in &contract.targets {
        say(&format!("\n{}, {}:\n{}", target.table, word(&target.load), target.sql.trim_end()));
    }
    Ok(ExitCode::SUCCESS)
}

fn settings(contract: &Contract) -> Vec<Vec<String>> {
    let or_none = |list: &[String]| if list.is_empty() { "none".to_owned() } else { list.join(", ") };
    let pair = |name: &str, value: String| vec![name.to_owned(), value];
    vec![
        pair("key", or_none(&contract.key)),
        pair("duplicates", word(&contract.duplicates)),
        pair("latest_by", contract.latest_by.clone().unwrap_or_else(|| "none".to_owned())),
        pair("unknown_columns", if contract.restrict_unknown { "identity" } else { "bronze" }.to_owned()),
        pair(
            "null_values",
            contract.null_values.iter().map(|text| format!("\"{text}\"")).collect::<Vec<_>>().join(", "),
        ),
        pair("gate", format!("{} above {}", word(&contract.gate.on_fail), contract.gate.reject_rate)),
    ]
}

fn column(column: &carelake_contracts::Column) -> Vec<String> {
    let unit = column.unit.as_ref().map(|unit| format!(" [{unit}]")).unwrap_or_default();
    let format = column.format.as_ref().map(|format| format!(" {format}")).unwrap_or_default();
    vec![
        column.name.clone(),
        column.headers.join(", "),
        format!("{}{format}", column.column_type),
        word(&column.phi),
        if column.required { "required" } else { "" }.to_owned(),
        format!("{}{unit}", column.description),
    ]
}

fn rule(rule: &carelake_contracts::Rule) -> Vec<String> {
    let (kind, about) = match &rule.kind {
        RuleKind::Domain { column, values, .. } => ("domain", format!("{column}: {}", values.join(", "))),
        RuleKind::NotIn { column, values } => ("not_in", format!("{column}: {}", values.join(", "))),
        RuleKind::Range { column, min, max, .. } => {
            let bound = |bound: &Option<String>| bound.clone().unwrap_or_else(|| "…".to_owned());
            ("range", format!("{column}: {} to {}", bound(min), bound(max)))
        }
        RuleKind::Pattern { column, pattern } => ("pattern", format!("{column}: {pattern}")),
        RuleKind::NotBefore { column, other } => ("not_before", format!("{column}, {other}")),
        RuleKind::NotNull { column } => ("not_null", column.clone()),
        RuleKind::Reference { target, column, parent, parent_column, .. } => {
            ("reference", format!("{target}.{column} in {parent}.{parent_column}"))
        }
        RuleKind::Joined { target, parent, violation, .. } => ("joined", format!("{target}, {parent}: {violation}")),
    };
    let severity = rule.severity.as_str().to_owned();
    vec![rule.id.clone(), kind.to_owned(), about, severity, rule.threshold.to_string(), rule.description.clone()]
}

fn new(from: &Path, name: &str, out: Option<&Path>) -> Result<ExitCode, Problem> {
    let Some((feed, dataset)) = name.split_once('.') else {
        return Err(Problem::new(format!("\"{name}\" is not <feed>.<dataset>")));
    };
    let sample = sample::read(from)?;
    let draft =
        draft(feed, dataset, &sample).map_err(|problem| Problem::new(format!("{}: {problem}", from.display())))?;
    let Some(out) = out else {
        print(&draft.contract_toml);
        return Ok(ExitCode::SUCCESS);
    };
    for path in write(&out.join("feeds").join(feed), dataset, &draft)? {
        say(&path.display().to_string());
    }
    say(&format!("review them, then: carelake contract check --contracts {}", out.display()));
    Ok(ExitCode::SUCCESS)
}

/// Writes the files of a draft, and never over one that is there.
fn write(folder: &Path, dataset: &str, draft: &Draft) -> Result<Vec<PathBuf>, Problem> {
    let failed = |path: &Path, error: &std::io::Error| Problem::new(format!("{}: {}", path.display(), error.kind()));
    std::fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
    let contract = (format!("{dataset}.toml"), draft.contract_toml.clone());
    let mut files = vec![contract];
    files.extend(draft.mappings.iter().cloned());
    if let Some((taken, _)) = files.iter().find(|(name, _)| folder.join(name).exists()) {
        let taken = folder.join(taken);
        return Err(Problem::new(format!(
            "{} is there already; move it, or give another --name or --out",
            taken.display()
        )));
    }
    if !folder.join("feed.toml").exists() {
        files.push(("feed.toml".to_owned(), draft.feed_toml.clone()));
    }
    let mut written = Vec::with_capacity(files.len());
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::write(&path, text).map_err(|error| failed(&path, &error))?;
        written.push(path);
    }
    Ok(written)
}
