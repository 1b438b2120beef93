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
            if entry.modified > slot.modified {
                *slot = entry;
            }
        }
        Self { inputs: newest.into_values().cloned().collect(), orders, dates }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeMap;

    use carelake_lake::Status;
    use chrono::DateTime;

    use super::*;

    fn entry(day: u32, key: &str, version: i64) -> IngestEntry {
        IngestEntry {
            name: format!("{day}-{key}-{version}"),
            generation: 0,
            key: key.to_owned(),
            place: None,
            version: version.to_string(),
            modified: DateTime::from_timestamp(version, 0).unwrap(),
            source: "s".to_owned(),
            feed: "f".to_owned(),
            dataset: "d".to_owned(),
            ingest_date: NaiveDate::from_ymd_opt(2024, 1, day).unwrap(),
            contract_version: 1,
            contract: "c".to_owned(),
            status: Status::Ingested,
            rows_in: 1,
            bronze_rows: 1,
            rejected: 0,
            deduplicated: 0,
            bytes: 1,
            seconds: 0.0,
            unknown_columns: Vec::new(),
            missing_columns: Vec::new(),
            checks: BTreeMap::new(),
        }
    }

    fn names(scope: &Scope) -> Vec<&str> {
        scope.inputs.iter().map(|entry| entry.name.as_str()).collect()
    }

    #[test]
    fn an_upsert_reads_the_new_files_alone() {
        let ledger = [entry(1, "a", 1), entry(2, "b", 2)];
        let scope = Scope::new(Load::Upsert, &ledger[1..], &ledger);
        assert_eq!(names(&scope), ["2-b-2"]);
        assert_eq!(scope.orders.len(), 1);
    }

    #[test]
    fn an_append_replaces_the_rows_of_older_versions_of_the_file() {
        let ledger = [entry(1, "a", 1), entry(1, "a", 5), entry(1, "b", 2)];
        let scope = Scope::new(Load::Append, &ledger[1..2], &ledger);
        assert_eq!(names(&scope), ["1-a-5"]);
        assert_eq!(scope.orders.len(), 2);
    }

    #[test]
    fn an_older_version_that_arrives_late_does_not_come_back() {
        let ledger = [entry(1, "a", 1), entry(1, "a", 5)];
        let scope = Scope::new(Load::Append, &ledger[..1], &ledger);
        assert_eq!(names(&scope), ["1-a-5"]);
    }

    #[test]
    fn a_partition_is_made_of_all_files_of_its_day() {
        let ledger = [entry(1, "a", 1), entry(1, "b", 2), entry(2, "c", 3)];
        let scope = Scope::new(Load::ReplacePartition, &ledger[1..2], &ledger);
        assert_eq!(names(&scope), ["1-a-1", "1-b-2"]);
    }

    #[test]
    fn a_snapshot_rebuilds_its_day_and_all_later_ones() {
        let ledger = [entry(1, "a", 1), entry(2, "b", 2), entry(3, "c", 3)];
        let scope = Scope::new(Load::Snapshot, &ledger[1..2], &ledger);
        assert_eq!(names(&scope), ["2-b-2", "3-c-3"]);
        assert_eq!(scope.dates.len(), 2);
    }
}
