//! Checks of a contract against the tables it names: targets, parents, the columns of reference and joined rules.

use toml::Spanned;

use crate::error::ContractError;
use crate::load::ContractSet;
use crate::model::{Contract, Load, RuleKind};
use crate::raw;
use crate::table::Table;
use crate::validate::Problems;

/// Every reference of a loaded contract that leads nowhere. `text` is its file, for the lines.
pub(crate) fn check(set: &ContractSet, contract: &Contract, file: &str, text: &str) -> Vec<ContractError> {
    // The file was read before: it parses, and its targets and rules stand in the contract's order.
    let Ok(written) = toml::from_str::<raw::Contract>(text) else { return Vec::new() };
    let mut problems = Problems::new(file, text);
    for (target, written) in contract.targets.iter().zip(&written.targets) {
        match known(set, &target.table, &written.table, &mut problems) {
            Some(table) => fits_load(table, target.load, &written.load, &mut problems),
            None => continue,
        }
    }
    for (rule, written) in contract.rules.iter().zip(&written.rules) {
        let (target, parent, on) = match &rule.kind {
            RuleKind::Reference { target, column, parent, parent_column, .. } => {
                (target, parent, vec![(column, parent_column)])
            }
            RuleKind::Joined { target, parent, on, .. } => {
                (target, parent, on.iter().map(|name| (name, name)).collect())
            }
            _ => continue,
        };
        let parent = known(set, parent, written.parent.as_ref().unwrap_or(&written.id), &mut problems);
        let child = set.tables.get(target);
        for (column, parent_column) in on {
            for (table, name) in [(child, column), (parent, parent_column)] {
                has(table, name, place(written, name), &mut problems);
            }
        }
    }
    for link in set.links(&contract.feed).iter().filter(|link| link.contract.dataset == contract.dataset) {
        let written = contract.rules.iter().zip(&written.rules).find(|(rule, _)| rule.id == link.rule);
        if let Some((_, written)) = written.filter(|_| link.place().is_none()) {
            let problem = format!("whose the rows are is told by {}, which the file has not", link.file_column);
            let remedy = format!("add file_column, the file's column that the mapping passes on as {}", link.column);
            problems.add(&written.id, problem, &remedy);
        }
    }
    problems.found
}

fn known<'a>(set: &'a ContractSet, name: &str, at: &Spanned<String>, problems: &mut Problems<'_>) -> Option<&'a Table> {
    let table = set.tables.get(name);
    if table.is_none() {
        let known: Vec<&str> = set.tables.keys().map(String::as_str).collect();
        let remedy = format!("use one of {}, or add its file under silver/", known.join(", "));
        problems.add(at, format!("table \"{name}\" does not exist"), &remedy);
    }
    table
}

/// Where a rule names a column: the field that holds the name, else the rule's id.
fn place<'a>(rule: &'a raw::Rule, name: &str) -> &'a Spanned<String> {
    let listed = rule.on.iter().flatten();
    let fields = rule.parent_column.iter().chain(&rule.column).chain(listed);
    let mut named = fields.filter(|field| field.get_ref() == name);
    named.next().unwrap_or(&rule.id)
}

fn has(table: Option<&Table>, column: &str, at: &Spanned<String>, problems: &mut Problems<'_>) {
    let Some(table) = table else { return };
    if table.has_column(column) {
        return;
    }
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    problems.add(
        at,
        format!("{} has no column \"{column}\"", table.qualified()),
        &format!("use one of {}", names.join(", ")),
    );
}

/// What a load mode needs of the table.
fn fits_load(table: &Table, load: Load, at: &Spanned<String>, problems: &mut Problems<'_>) {
    let needed: &[&str] = match load {
        Load::ReplacePartition => &["job_date"],
        Load::Snapshot => &["snapshot_date", "created_date"],
        Load::Append | Load::Upsert => &[],
    };
    for column in needed.iter().filter(|column| !table.has_column(column)) {
        let problem = format!("{} has no column {column}, which this load mode needs", table.qualified());
        problems.add(at, problem, "add the column to the table, or use another load mode");
    }
    if matches!(load, Load::Upsert | Load::Snapshot) && table.key.is_empty() {
        problems.add(at, format!("{} has no key", table.qualified()), "give the table a key, or load with append");
    }
}
