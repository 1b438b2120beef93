//! What each mart is made from, so that publish computes only those whose inputs changed.

use std::collections::{BTreeMap, BTreeSet};

use carelake_sql::views::{View, Views};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::StepError;

/// The definitions of gold that ship with carelake.
///
/// # Errors
/// When one of them is damaged.
pub fn embedded() -> Result<Vec<View>, StepError> {
    let views = Views::embedded().map_err(|error| StepError::Invalid(error.to_string()))?;
    Ok(views.views().cloned().collect())
}

/// What a mart is made from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// Hash of its SQL and of that of every view and mart under it.
    pub definition: String,
    /// The state of every table under it that is no view.
    pub tables: BTreeMap<String, String>,
}

impl Inputs {
    /// True when nothing but that one table differs.
    pub fn same_but_for(&self, other: &Self, table: &str) -> bool {
        let rest = |inputs: &Self| {
            let mut tables = inputs.tables.clone();
            tables.remove(table);
            tables
        };
        self.definition == other.definition && rest(self) == rest(other)
    }
}

/// A mart as it was last written: what it was made from, and the table version that holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// What it was made from.
    pub inputs: Inputs,
    /// Version of the mart's table.
    pub version: u64,
}

/// What each materialised view is made from. `state` gives the state of a table that is no view.
///
/// # Errors
/// When the SQL of a view cannot be read.
pub fn inputs(views: &[View], state: &dyn Fn(&str) -> String) -> Result<BTreeMap<String, Inputs>, StepError> {
    let mut known: BTreeMap<String, Inputs> = BTreeMap::new();
    let mut marts = BTreeMap::new();
    // A view stands after those it reads, so what they are made from is known.
    for view in views {
        let name = format!("{}.{}", view.database, view.name);
        let mut digest = Sha256::new();
        digest.update(format!("{}\n{:?}\n{:?}\n", view.sql, view.partition_by, view.z_order));
        if let Some(dates) = &view.dates {
            digest.update(format!("{dates}\n"));
        }
        let mut tables = BTreeMap::new();
        let reads = view.tables().map_err(|error| StepError::Invalid(error.to_string()))?;
        for table in reads.into_iter().map(|(database, table)| format!("{database}.{table}")).collect::<BTreeSet<_>>() {
            if let Some(under) = known.get(&table) {
                digest.update(format!("{table}\n{}\n", under.definition));
                tables.extend(under.tables.clone());
            } else {
                let state = state(&table);
                tables.insert(table, state);
            }
        }
        let definition = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let inputs = Inputs { definition, tables };
        if view.materialised {
            marts.insert(name.clone(), inputs.clone());
        }
        known.insert(name, inputs);
    }
    Ok(marts)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn view(name: &str, materialised: &str, sql: &str) -> View {
        let text = format!(
            "-- name: {name}\n-- version: 1\n-- description: D.\n-- grain: one row per x\n-- owner: o\n\
             -- materialised: {materialised}\n-- source: s\n-- column source: sender\n{sql}\n"
        );
        View::parse("gold", &format!("gold/{name}.sql"), &text).unwrap()
    }

    fn changed(one: &str) -> Vec<String> {
        let views = [
            view("a", "delta", "SELECT p.source FROM silver.p p"),
            view("b", "no", "SELECT a.source FROM gold.a a JOIN silver.q q ON q.source = a.source"),
            view("c", "delta", "SELECT b.source FROM gold.b b"),
        ];
        let before = inputs(&views, &|_| "1".to_owned()).unwrap();
        let after = inputs(&views, &|table| if table == one { "2" } else { "1" }.to_owned()).unwrap();
        before.keys().filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
    }

    #[test]
    fn a_mart_changes_with_every_table_under_it_and_no_other() {
        assert_eq!(changed("silver.p"), ["gold.a", "gold.c"]);
        assert_eq!(changed("silver.q"), ["gold.c"]);
        assert!(changed("silver.r").is_empty());
    }

    #[test]
    fn inputs_are_compared_without_a_table() {
        let made = |silver: &str, day: &str| Inputs {
            definition: "d".to_owned(),
            tables: [("silver.p", silver), ("gold.as_of", day)]
                .map(|(one, other)| (one.to_owned(), other.to_owned()))
                .into(),
        };
        assert!(made("1", "monday").same_but_for(&made("1", "tuesday"), "gold.as_of"));
        assert!(!made("1", "monday").same_but_for(&made("2", "tuesday"), "gold.as_of"));
        assert!(!Inputs { definition: "e".to_owned(), ..made("1", "") }.same_but_for(&made("1", ""), "gold.as_of"));
    }

    #[test]
    fn a_mart_changes_with_the_sql_of_a_view_under_it() {
        let top = view("c", "delta", "SELECT b.source FROM gold.b b");
        let of = |sql: &str| inputs(&[view("b", "no", sql), top.clone()], &|_| String::new()).unwrap();
        assert_ne!(of("SELECT q.source FROM silver.q q"), of("SELECT q.source FROM silver.q q WHERE q.source = 'x'"));
    }
}
