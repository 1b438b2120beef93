//! What a function counts, written as CloudWatch's embedded metric format: one line of the log an invocation.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Everything that is counted. Nothing else can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Files whose rows are in the lake now.
    FilesIngested,
    /// Files that were taken before.
    FilesKnown,
    /// Files that no contract covers.
    FilesIgnored,
    /// Files that could not be read to their end.
    FilesUnreadable,
    /// Files that were gone, or overwritten, before they were read.
    FilesGone,
    /// Large files that were cut into parts.
    FilesCut,
    /// Parts of large files that were read.
    PartsRead,
    /// Files that are too large for one invocation and cannot be cut.
    FilesTooLarge,
    /// Events about other buckets, other happenings, or S3's test.
    EventsIgnored,
    /// Rows in the files.
    RowsIn,
    /// Rows in bronze.
    RowsAccepted,
    /// Rows in quarantine.
    RowsRejected,
    /// Bytes of the files.
    BytesIn,
    /// Tables with a new version.
    TablesChanged,
    /// Entries of the catalogue that differ from the definitions.
    CatalogueDrift,
    /// Pieces of work left for another invocation, because of the deadline.
    HandedBack,
    /// Messages and requests that failed.
    Failures,
    /// Of those: messages of no known shape.
    MessagesUnknown,
    /// Events of OpenLineage that did not arrive.
    LineageLost,
    /// Time from the start of the invocation to its end.
    DurationMs,
}

impl Metric {
    fn name(self) -> String {
        format!("{self:?}")
    }

    fn unit(self) -> &'static str {
        match self {
            Self::BytesIn => "Bytes",
            Self::DurationMs => "Milliseconds",
            _ => "Count",
        }
    }
}

/// The counts of one invocation.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metrics(BTreeMap<Metric, u64>);

impl Metrics {
    /// Counts `by` more.
    pub fn add(&mut self, metric: Metric, by: u64) {
        let count = self.0.entry(metric).or_default();
        *count = count.saturating_add(by);
    }

    /// The count.
    pub fn get(&self, metric: Metric) -> u64 {
        self.0.get(&metric).copied().unwrap_or_default()
    }

    /// The counts as the answer to a request tells them.
    pub fn counts(&self) -> Map<String, Value> {
        self.0.iter().map(|(metric, count)| (snake(&metric.name()), Value::from(*count))).collect()
    }

    /// The line of the log, of `milliseconds` since 1970.
    pub fn line(&self, namespace: &str, function: &str, request_id: &str, milliseconds: i64) -> Value {
        let definitions: Vec<Value> =
            self.0.keys().map(|metric| json!({"Name": metric.name(), "Unit": metric.unit()})).collect();
        let mut line = json!({
            "_aws": {
                "Timestamp": milliseconds,
                "CloudWatchMetrics": [
                    {"Namespace": namespace, "Dimensions": [["function"]], "Metrics": definitions}
                ],
            },
            "function": function,
            "request_id": request_id,
        });
        if let Some(line) = line.as_object_mut() {
            line.extend(self.0.iter().map(|(metric, count)| (metric.name(), Value::from(*count))));
        }
        line
    }
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_defines_every_metric_that_it_holds() {
        let mut metrics = Metrics::default();
        metrics.add(Metric::RowsIn, 7);
        metrics.add(Metric::RowsIn, 3);
        metrics.add(Metric::DurationMs, 12);
        let line = metrics.line("carelake", "ingest", "r-1", 1_700_000_000_000);
        assert_eq!(line["RowsIn"], 10);
        assert_eq!(line["_aws"]["Timestamp"], 1_700_000_000_000_i64);
        let definition = &line["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(definition["Dimensions"], json!([["function"]]));
        let wanted = json!([{"Name": "RowsIn", "Unit": "Count"}, {"Name": "DurationMs", "Unit": "Milliseconds"}]);
        assert_eq!(definition["Metrics"], wanted);
        assert_eq!(metrics.counts()["rows_in"], 10);
    }
}
