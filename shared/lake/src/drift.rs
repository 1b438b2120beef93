//! Where a catalogue is not what the definitions of a lake say.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::catalog::{TableEntry, ViewEntry};

/// One entry that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Drift {
    /// Qualified name.
    pub name: String,
    /// What kind of difference.
    pub kind: Kind,
}

/// Kinds of differences.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The catalogue does not have it.
    Missing,
    /// The catalogue has it with other values of these.
    Differs(Vec<String>),
    /// A view that no definition has: publish takes it away.
    UnwantedView,
    /// A table that no definition has. It is left, as its rows are.
    UnwantedTable,
}

impl Drift {
    /// True for what publish brings back to what the definitions say.
    pub fn converges(&self) -> bool {
        self.kind != Kind::UnwantedTable
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("missing"),
            Self::Differs(parts) => write!(f, "differs: {}", parts.join(", ")),
            Self::UnwantedView => f.write_str("view without a definition"),
            Self::UnwantedTable => f.write_str("table without a definition; it is left"),
        }
    }
}

/// Entries of either kind.
pub(crate) trait Entry {
    /// The kind of one that no definition has.
    const UNWANTED: Kind;

    /// Qualified name.
    fn qualified(&self) -> String;

    /// True for one that needs no definition.
    fn is_free(&self) -> bool {
        false
    }
}

impl Entry for TableEntry {
    const UNWANTED: Kind = Kind::UnwantedTable;

    fn qualified(&self) -> String {
        format!("{}.{}", self.database, self.name)
    }
}

impl Entry for ViewEntry {
    const UNWANTED: Kind = Kind::UnwantedView;

    fn is_free(&self) -> bool {
        self.is_of_a_client()
    }

    fn qualified(&self) -> String {
        format!("{}.{}", self.database, self.name)
    }
}

impl TableEntry {
    /// What differs between this entry and another of the same table.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        named([
            ("description", self.description != other.description),
            ("format", self.format != other.format),
            ("location", self.location != other.location),
            ("columns", self.columns != other.columns),
            ("partitions", self.partition_by != other.partition_by),
        ])
    }
}

impl ViewEntry {
    /// What differs between this entry and another of the same view.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        named([
            ("description", self.description != other.description),
            ("query", self.sql != other.sql),
            ("order", self.rank != other.rank),
            ("columns", self.columns != other.columns),
        ])
    }
}

fn named<const PARTS: usize>(parts: [(&str, bool); PARTS]) -> Vec<String> {
    parts.iter().filter(|(_, differs)| *differs).map(|(name, _)| (*name).to_owned()).collect()
}

/// The drift of `present` from `wanted`, both of one kind.
pub(crate) fn of<E: Entry>(wanted: &[E], present: &[E], differences: impl Fn(&E, &E) -> Vec<String>) -> Vec<Drift> {
    let known: BTreeMap<String, &E> = present.iter().map(|entry| (entry.qualified(), entry)).collect();
    let mut found = Vec::new();
    let mut names = std::collections::BTreeSet::new();
    for entry in wanted {
        let name = entry.qualified();
        let kind = match known.get(&name) {
            None => Some(Kind::Missing),
            Some(present) => Some(differences(entry, present)).filter(|parts| !parts.is_empty()).map(Kind::Differs),
        };
        found.extend(kind.map(|kind| Drift { name: name.clone(), kind }));
        names.insert(name);
    }
    let unwanted = known.into_iter().filter(|(name, entry)| !names.contains(name) && !entry.is_free());
    found.extend(unwanted.map(|(name, _)| Drift { name, kind: E::UNWANTED }));
    found
}
