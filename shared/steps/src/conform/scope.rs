//! Which files a conform reads, and which rows of the table they stand for.

use std::collections::{BTreeMap, BTreeSet};

use carelake_contracts::Load;
use carelake_lake::IngestEntry;
use chrono::NaiveDate;

/// The files of one conform and the rows they replace.
#[derive(Debug)]
pub struct Scope {
    /// Files whose bronze rows are mapped.
    pub inputs: Vec<IngestEntry>,
    /// Values of `_order` whose rows in the table are replaced.
    pub orders: BTreeSet<String>,
    /// Job dates from the first touched one on (snapshots).
    pub dates: BTreeSet<NaiveDate>,
}

impl Scope {
    /// The scope of a batch, given all files of the same source and dataset.
    pub fn new(load: Load, batch: &[IngestEntry], ledger: &[IngestEntry]) -> Self {
        match load {
            Load::Upsert => Self {
                inputs: batch.to_vec(),
                orders: batch.iter().map(IngestEntry::order).collect(),
                dates: BTreeSet::new(),
            },
            Load::Append => {
                let keys: BTreeSet<(NaiveDate, &str)> =
                    batch.iter().map(|entry| (entry.ingest_date, entry.key.as_str())).collect();
                let same_key = |entry: &&IngestEntry| keys.contains(&(entry.ingest_date, entry.key.as_str()));
                Self::of(ledger.iter().filter(same_key))
            }
            Load::ReplacePartition => {
                let days: BTreeSet<NaiveDate> = batch.iter().map(|entry| entry.ingest_date).collect();
                Self::of(ledger.iter().filter(|entry| days.contains(&entry.ingest_date)))
            }
            Load::Snapshot => {
                let first = batch.iter().map(|entry| entry.ingest_date).min();
                Self::of(ledger.iter().filter(|entry| first.is_some_and(|first| entry.ingest_date >= first)))
            }
        }
    }

    /// The newest version of each of those files; the rows of the others are replaced too.
    fn of<'a>(entries: impl Iterator<Item = &'a IngestEntry>) -> Self {
        let mut newest: BTreeMap<&str, &IngestEntry> = BTreeMap::new();
        let (mut orders, mut dates) = (BTreeSet::new(), BTreeSet::new());
        for entry in entries {
            orders.insert(entry.order());
            dates.insert(entry.ingest_date);
            let slot = newest.entry(entry.key.as_str()).or_insert(entry);
            if (entry.modified, entry.contract_version) > (slot.modified, slot.contract_version) {
                *slot = entry;
            }
        }
        Self { inputs: newest.into_values().cloned().collect(), orders, dates }
    }
}
