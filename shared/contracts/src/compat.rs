//! What changed between two sets of contracts, and whether data, queries or privacy depend on it.

use std::fmt;

use crate::load::ContractSet;
use crate::model::{Column, Contract, Duplicates, Feed, OnInvalid, Phi, Rule, RuleKind, Severity};
use crate::table::Table;
use crate::types::ColumnType;

/// A difference between two contract sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it is about: a contract `clinic.visits`, a feed `clinic`, a table `silver.encounters` or a code list.
    pub contract: String,
    /// What is different.
    pub what: String,
    /// True when files, queries or reports that work today may not, or when more of a person becomes visible.
    pub breaking: bool,
    /// What to do about it, or what it leads to.
    pub advice: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.breaking { "breaking" } else { "fine" };
        write!(f, "{mark}: {}: {}; {}", self.contract, self.what, self.advice)
    }
}

/// Every change from `old` to `new`, by contract, then table.
pub fn compare(old: &ContractSet, new: &ContractSet) -> Vec<Change> {
    let mut changes = Vec::new();
    for (key, contract) in &old.contracts {
        let mut found = Changes::of(contract.name());
        match new.contracts.get(key) {
            Some(now) => contracts(contract, now, &mut found),
            None => found.breaks(
                "the dataset is gone",
                "keep the contract as long as files of it are in the landing zone or rows of it in the lake",
            ),
        }
        changes.extend(found.list);
    }
    for (key, contract) in new.contracts.iter().filter(|(key, _)| !old.contracts.contains_key(*key)) {
        let mut found = Changes::of(format!("{}.{}", key.0, key.1));
        found.fine("the dataset is new", &format!("it has {} columns", contract.columns.len()));
        changes.extend(found.list);
    }
    for (name, feed) in &old.feeds {
        let mut found = Changes::of(name.clone());
        feeds(feed, new.feeds.get(name), &mut found);
        changes.extend(found.list);
    }
    for (name, table) in &old.tables {
        let mut found = Changes::of(name.clone());
        match new.tables.get(name) {
            Some(now) => tables(table, now, &mut found),
            None => found.breaks("the table is gone", "keep it as long as a view or a user reads it"),
        }
        changes.extend(found.list);
    }
    for name in old.codes.keys().filter(|name| !new.codes.contains_key(*name)) {
        let mut found = Changes::of(format!("codes.{name}"));
        found.breaks("the code list is gone", "keep it as long as a mapping query reads it");
        changes.extend(found.list);
    }
    changes
}

struct Changes {
    contract: String,
    list: Vec<Change>,
}

impl Changes {
    fn of(contract: String) -> Self {
        Self { contract, list: Vec::new() }
    }

    fn add(&mut self, breaking: bool, what: impl Into<String>, advice: &str) {
        self.list.push(Change {
            contract: self.contract.clone(),
            what: what.into(),
            breaking,
            advice: advice.to_owned(),
        });
    }

    fn breaks(&mut self, what: impl Into<String>, advice: &str) {
        self.add(true, what, advice);
    }

    fn fine(&mut self, what: impl Into<String>, advice: &str) {
        self.add(false, what, advice);
    }
}

fn feeds(old: &Feed, new: Option<&Feed>, found: &mut Changes) {
    let areas = new.map(|feed| feed.areas.as_slice()).unwrap_or_default();
    for area in old.areas.iter().filter(|area| !areas.contains(area)) {
        found.breaks(
            format!("the feed left the area {area}"),
            "its sources vanish from the marts of that area; keep the area",
        );
    }
    for area in areas.iter().filter(|area| !old.areas.contains(area)) {
        found.fine(format!("the feed joined the area {area}"), "its sources appear in the marts of that area");
    }
}

fn contracts(old: &Contract, new: &Contract, found: &mut Changes) {
    for column in &old.columns {
        match new.column(&column.name) {
            Some(now) => columns(column, now, found),
            None => found
                .breaks(format!("column {} is gone", column.name), "keep it, not required, until no query reads it"),
        }
    }
    for column in new.columns.iter().filter(|column| old.column(&column.name).is_none()) {
        let advice = if column.required {
            "files without it are rejected; make it not required"
        } else {
            "it is NULL in files without it"
        };
        found.add(column.required, format!("column {} is new", column.name), advice);
    }
    if old.key != new.key {
        let names = |key: &[String]| if key.is_empty() { "none".to_owned() } else { key.join(", ") };
        found.breaks(
            format!("the key was {} and is {}", names(&old.key), names(&new.key)),
            "give the other grain a dataset of its own",
        );
    }
    match (old.duplicates, new.duplicates) {
        (Duplicates::Dedupe, Duplicates::Reject) => {
            found.breaks("repeated keys are rejected", "keep duplicates = \"dedupe\", which counts them")
        }
        (Duplicates::Reject, Duplicates::Dedupe) => {
            found.fine("repeated keys are deduplicated", "they are counted and no longer in quarantine")
        }
        _ => {}
    }
    if old.restrict_unknown && !new.restrict_unknown {
        found.breaks(
            "unknown columns go to bronze",
            "review: an unclassified column may name a person; keep unknown_columns = \"identity\"",
        );
    }
    if old.latest_by != new.latest_by {
        found.fine("another version of a key may win", "the silver tables are rebuilt by the next run");
    }
    for rule in &old.rules {
        match new.rules.iter().find(|now| now.id == rule.id) {
            Some(now) => rules(rule, now, found),
            None => found.breaks(
                format!("rule {} is gone", short(rule)),
                "ids are stable, reports name them; keep it with severity warn",
            ),
        }
    }
    for rule in new.rules.iter().filter(|rule| !old.rules.iter().any(|was| was.id == rule.id)) {
        let rejects = rule.severity == Severity::Reject;
        let advice = if rejects {
            "rows that were accepted may be rejected; begin with severity warn"
        } else {
            "failing rows are counted"
        };
        found.add(rejects, format!("rule {} is new", short(rule)), advice);
    }
    targets(old, new, found);
    version(old, new, found);
}

fn version(old: &Contract, new: &Contract, found: &mut Changes) {
    if new.version < old.version {
        found.breaks(
            format!("the version fell from {} to {}", old.version, new.version),
            &format!("write version = {}", old.version + 1),
        );
    } else if new.version == old.version && new.fingerprint() != old.fingerprint() {
        let what = "what ingest makes of a file changed and the version did not rise";
        found.breaks(what, &format!("write version = {}; the next run takes the files again", old.version + 1));
    }
}

fn targets(old: &Contract, new: &Contract, found: &mut Changes) {
    for target in &old.targets {
        let Some(now) = new.targets.iter().find(|now| now.table == target.table) else {
            found.breaks(format!("{} is no longer a target", target.table), "its rows grow old; keep the target");
            continue;
        };
        if now.load != target.load {
            found.breaks(
                format!("{} is loaded in another way", target.table),
                "rows loaded so far keep their form; build the lake anew, or keep the load mode",
            );
        } else if now.sql != target.sql {
            found.fine(format!("the mapping of {} changed", target.table), "the next run maps every file again");
        }
    }
    for target in new.targets.iter().filter(|target| !old.targets.iter().any(|was| was.table == target.table)) {
        found.fine(format!("{} is a new target", target.table), "the next run maps every file to it");
    }
}

fn columns(old: &Column, new: &Column, found: &mut Changes) {
    let name = &old.name;
    if old.column_type != new.column_type {
        let what = format!("column {name} was {} and is {}", old.column_type, new.column_type);
        if widens(old.column_type, new.column_type) {
            found.fine(what, "every value so far fits");
        } else {
            found.breaks(what, "add a column of the new type under a new name");
        }
    }
    match (old.required, new.required) {
        (false, true) => found.breaks(
            format!("column {name} is required"),
            "rows without it are rejected; use a not_null rule with severity warn",
        ),
        (true, false) => found.fine(format!("column {name} is no longer required"), "queries may find NULL in it"),
        _ => {}
    }
    if openness(new.phi) > openness(old.phi) {
        found.breaks(
            format!("column {name} is less restricted"),
            "review: its values become readable in bronze; keep its phi",
        );
    } else if old.phi != new.phi {
        found.fine(
            format!("column {name} has another phi class"),
            "mapping queries that read it from bronze must read identity",
        );
    }
    let dropped = old.headers.iter().filter(|header| !new.headers.iter().any(|now| now.eq_ignore_ascii_case(header)));
    for header in dropped {
        found.breaks(
            format!("column {name} is no longer read from \"{header}\""),
            "keep the name in `from` beside the new one",
        );
    }
    if old.format != new.format {
        found.breaks(
            format!("column {name} is read with another format"),
            "files in the old format are rejected; give them a column of their own",
        );
    }
    match (old.on_invalid, new.on_invalid) {
        (OnInvalid::Null, OnInvalid::Reject) => {
            found.breaks(format!("column {name} rejects rows with a wrong value"), "keep on_invalid = \"null\"")
        }
        (OnInvalid::Reject, OnInvalid::Null) => {
            found.fine(format!("column {name} turns wrong values to NULL"), "they are counted as warnings")
        }
        _ => {}
    }
    if (&old.null_values, &old.default, old.pad) != (&new.null_values, &new.default, new.pad) {
        found.fine(format!("column {name} is cleaned in another way"), "the next run takes the files again");
    }
}

/// 2: readable in bronze; 1: a pseudonym is; 0: nothing is.
fn openness(phi: Phi) -> u8 {
    match phi {
        Phi::None | Phi::Quasi => 2,
        Phi::PersonId => 1,
        Phi::Identifier | Phi::FreeText => 0,
    }
}

/// True when every value of `old` is one of `new`.
fn widens(old: ColumnType, new: ColumnType) -> bool {
    use ColumnType::{Decimal, Double, Int, Long};
    match (old, new) {
        (Int, Long | Double) => true,
        (Decimal { precision: p1, scale: s1 }, Decimal { precision: p2, scale: s2 }) => {
            s2 >= s1 && i16::from(p2) - i16::from(s2) >= i16::from(p1) - i16::from(s1)
        }
        _ => false,
    }
}

fn rules(old: &Rule, new: &Rule, found: &mut Changes) {
    let id = short(old);
    match (old.severity, new.severity) {
        (Severity::Warn, Severity::Reject) => found.breaks(
            format!("rule {id} rejects"),
            "rows that were accepted may be rejected; look at its count in carelake dq first",
        ),
        (Severity::Reject, Severity::Warn) => {
            found.fine(format!("rule {id} warns only"), "rows that were rejected reach silver")
        }
        _ => {}
    }
    if std::mem::discriminant(&old.kind) != std::mem::discriminant(&new.kind) {
        found.breaks(format!("rule {id} is of another kind"), "ids are stable; give the new check an id of its own");
    } else if old.kind != new.kind {
        let stricter = new.severity == Severity::Reject && !admits(&new.kind, &old.kind);
        let advice = if stricter {
            "rows that were accepted may be rejected; widen it, or use severity warn"
        } else {
            "its counts are not comparable with earlier ones"
        };
        found.add(stricter, format!("rule {id} checks otherwise"), advice);
    }
    if new.threshold > old.threshold {
        found.fine(
            format!("rule {id} tolerates a larger share: {} after {}", new.threshold, old.threshold),
            "carelake dq passes more",
        );
    } else if new.threshold < old.threshold {
        found.fine(
            format!("rule {id} tolerates a smaller share: {} after {}", new.threshold, old.threshold),
            "carelake dq fails sooner",
        );
    }
}

/// True when whatever passes `old` surely passes `new`.
fn admits(new: &RuleKind, old: &RuleKind) -> bool {
    match (new, old) {
        (
            RuleKind::Domain { column, values, ignore_case },
            RuleKind::Domain { column: was, values: before, ignore_case: ignored },
        ) => column == was && before.iter().all(|value| values.contains(value)) && (*ignore_case || !ignored),
        (RuleKind::Range { column, min, max, .. }, RuleKind::Range { column: was, min: least, max: most, .. }) => {
            column == was && (min.is_none() || min == least) && (max.is_none() || max == most)
        }
        _ => false,
    }
}

/// The rule's id without feed and dataset.
fn short(rule: &Rule) -> &str {
    rule.id.rsplit('.').next().unwrap_or(&rule.id)
}

fn tables(old: &Table, new: &Table, found: &mut Changes) {
    for column in &old.columns {
        match new.columns.iter().find(|now| now.name == column.name) {
            None => {
                found.breaks(format!("column {} is gone", column.name), "keep it, NULL, until no view or user reads it")
            }
            Some(now) if now.column_type != column.column_type => {
                let what = format!("column {} was {} and is {}", column.name, column.column_type, now.column_type);
                found.breaks(what, "add a column of the new type under a new name");
            }
            Some(_) => {}
        }
    }
    for column in new.columns.iter().filter(|column| !old.has_column(&column.name)) {
        found.fine(format!("column {} is new", column.name), "it is NULL until a mapping returns it");
    }
    if old.key != new.key {
        found.breaks("the key changed", "rows loaded so far keep the old grain; make another table");
    }
    if (&old.partition_by, &old.period) != (&new.partition_by, &new.period) {
        found.breaks(
            "the partitions changed",
            "the stored table keeps its partitions; make another table, or build the lake anew",
        );
    }
}
