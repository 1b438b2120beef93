//! What lies in landing and what became of it, for who schedules: senders, datasets, days and counts, no key of a file.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use carelake_aws::event::Request;
use carelake_contracts::Contract;
use carelake_ingest::gate::judge;
use carelake_ingest::report::DatasetReport;
use carelake_ingest::{Context, StepError, covered};
use carelake_lake::{IngestEntry, LandingKey};
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

/// Sender, dataset, day.
type Place = (String, String, NaiveDate);

/// True when no day was asked for.
pub(crate) fn every_day(request: &Request) -> bool {
    request.partition.is_none() && request.from.is_none() && request.to.is_none()
}

/// True when the day is one that was asked for.
pub(crate) fn wanted(request: &Request, day: NaiveDate) -> bool {
    request.partition.is_none_or(|wanted| day == wanted)
        && request.from.is_none_or(|from| day >= from)
        && request.to.is_none_or(|to| day <= to)
}

/// The day of a file: that of its folder, else that of its arrival.
pub(crate) fn day_of(folder: Option<NaiveDate>, arrived: DateTime<Utc>) -> NaiveDate {
    folder.unwrap_or_else(|| arrived.date_naive())
}

/// Senders, datasets and days of the files that a contract covers, of the days that were asked for.
pub(crate) fn listed(context: &Context, request: &Request, files: &[(LandingKey, DateTime<Utc>)]) -> Value {
    let mut places: BTreeMap<Place, u64> = BTreeMap::new();
    for (key, arrived) in files {
        let Ok((path, _)) = covered(context, key) else { continue };
        let day = day_of(path.date, *arrived);
        if request.dataset.as_ref().is_none_or(|dataset| *dataset == path.dataset) && wanted(request, day) {
            *places.entry((path.source, path.dataset, day)).or_default() += 1;
        }
    }
    let one = |((source, dataset, day), files): (Place, u64)| json!({"source": source, "dataset": dataset, "partition": day.to_string(), "files": files});
    Value::Array(places.into_iter().map(one).collect())
}

/// What the files of a request hold, new ones and those that were taken before: the same request gives the same counts.
#[derive(Debug, Default)]
pub(crate) struct Counts(Mutex<BTreeMap<(String, String), (Contract, DatasetReport)>>);

impl Counts {
    /// Adds a file.
    pub(crate) fn add(&self, contract: &Contract, entry: &IngestEntry) -> Result<(), StepError> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let place = (entry.source.clone(), entry.dataset.clone());
        counts.entry(place).or_insert_with(|| (contract.clone(), DatasetReport::default())).1.add(entry, None)
    }

    /// Each dataset with its counts and what its gate says.
    pub(crate) fn told(&self) -> Value {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let one = |(contract, report): &(Contract, DatasetReport)| {
            let verdict = judge(contract, report);
            json!({
                "source": report.source, "dataset": report.dataset, "feed": report.feed,
                "files": report.files, "unreadable_files": report.unreadable_files, "bytes": report.bytes,
                "rows_in": report.rows_in, "accepted": report.accepted,
                "rejected": report.rejected, "deduplicated": report.deduplicated,
                "reject_rate": verdict.reject_rate, "gate": verdict.tolerated, "passed": verdict.passed,
            })
        };
        Value::Array(counts.values().map(one).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_request_without_days_wants_every_day() {
        assert!(wanted(&Request::default(), day("2026-03-01")) && every_day(&Request::default()));
        assert!(!every_day(&Request { to: Some(day("2026-03-01")), ..Request::default() }));
    }

    #[test]
    fn both_ends_of_a_span_are_wanted() {
        let request = Request { from: Some(day("2026-03-01")), to: Some(day("2026-03-03")), ..Request::default() };
        let wanted: Vec<bool> =
            ["2026-02-28", "2026-03-01", "2026-03-03", "2026-03-04"].map(|text| wanted(&request, day(text))).into();
        assert_eq!(wanted, [false, true, true, false]);
    }

    #[test]
    fn a_file_without_a_folder_of_a_day_is_of_the_day_of_its_arrival() {
        let arrived = "2026-03-01T23:59:00Z".parse().unwrap();
        assert_eq!(day_of(None, arrived), day("2026-03-01"));
        assert_eq!(day_of(Some(day("2026-02-01")), arrived), day("2026-02-01"));
    }
}
