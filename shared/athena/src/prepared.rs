//! Prepared statements of the workgroups: those that ship with the lake, and what clients add while the server runs.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use carelake_sql::views::Views;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::error::Fault;
use crate::statement::query;
use crate::workgroup::WorkGroup;

/// Prepared statements of a workgroup, at most.
const MOST: usize = 1_000;
/// Characters of a name, at most.
const NAME: usize = 256;

/// A prepared statement.
#[derive(Debug, Clone)]
pub struct Prepared {
    /// Its text, with a `?` for each value.
    pub sql: String,
    description: String,
    modified: DateTime<Utc>,
}

/// Prepared statements by workgroup and name.
#[derive(Debug)]
pub struct Statements(Mutex<BTreeMap<(WorkGroup, String), Prepared>>);

impl Statements {
    /// Those that ship with the lake, for the workgroups that may read what they read.
    pub fn of(views: &Views, now: DateTime<Utc>) -> Self {
        let mut statements = BTreeMap::new();
        for view in views.prepared() {
            let reads = view.tables().unwrap_or_default();
            for group in WorkGroup::all(true) {
                if reads.iter().all(|(database, _)| group.sees(database)) {
                    let one = Prepared { sql: view.sql.clone(), description: view.description.clone(), modified: now };
                    statements.insert((group, view.name.clone()), one);
                }
            }
        }
        Self(Mutex::new(statements))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(WorkGroup, String), Prepared>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a statement, or replaces it.
    ///
    /// # Errors
    /// When its name or text is none, or there are too many.
    pub fn put(&self, group: WorkGroup, name: &str, sql: &str, about: &str, now: DateTime<Utc>) -> Result<(), Fault> {
        let letters = |letter: char| letter.is_ascii_alphanumeric() || "_@:".contains(letter);
        let begins = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
        if !begins || !name.chars().all(letters) || name.len() > NAME {
            return Err(Fault::invalid("a statement's name is of letters, digits and _, and begins with no digit"));
        }
        query(sql.trim().trim_end_matches(';'))?;
        let mut statements = self.lock();
        if statements.len() >= MOST && !statements.contains_key(&(group, name.to_owned())) {
            return Err(Fault::invalid(format!("there are {MOST} prepared statements already; delete some")));
        }
        let sql = sql.trim().trim_end_matches(';').to_owned();
        statements.insert((group, name.to_owned()), Prepared { sql, description: about.to_owned(), modified: now });
        Ok(())
    }

    /// A statement.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn get(&self, group: WorkGroup, name: &str) -> Result<Prepared, Fault> {
        self.lock().get(&(group, name.to_owned())).cloned().ok_or_else(|| missing(group, name))
    }

    /// Removes a statement.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn remove(&self, group: WorkGroup, name: &str) -> Result<(), Fault> {
        self.lock().remove(&(group, name.to_owned())).map(drop).ok_or_else(|| missing(group, name))
    }

    /// Those of a workgroup, by name.
    pub fn list(&self, group: WorkGroup) -> Vec<Value> {
        let statements = self.lock();
        let own = statements.iter().filter(|((owner, _), _)| *owner == group);
        own.map(|((_, name), one)| json!({"StatementName": name, "LastModifiedTime": seconds(one.modified)})).collect()
    }
}

impl Prepared {
    /// As `PreparedStatement`.
    pub fn described(&self, group: WorkGroup, name: &str) -> Value {
        json!({
            "StatementName": name,
            "QueryStatement": self.sql,
            "WorkGroupName": group.name(),
            "Description": self.description,
            "LastModifiedTime": seconds(self.modified),
        })
    }
}

fn missing(group: WorkGroup, name: &str) -> Fault {
    Fault::NotFound(format!("PreparedStatement {name} was not found in workGroup {}", group.name()))
}

/// A moment as JSON of AWS has it.
pub fn seconds(moment: DateTime<Utc>) -> f64 {
    moment.timestamp_millis() as f64 / 1e3
}
