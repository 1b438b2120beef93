//! OpenLineage: an event when an invocation begins and one when it ends, with the tables that it read and wrote.
//!
//! Events name senders, datasets and tables, and the error if there was one: no key of a landing file and no value. An
//! event that cannot be sent fails no step.

mod send;

use std::collections::BTreeSet;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

pub use send::{Target, Transport};

/// Who makes the events.
const PRODUCER: &str = concat!("https://github.com/carelake/carelake/tree/v", env!("CARGO_PKG_VERSION"), "/shared/aws");
const EVENT: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
const PARENT: &str = "https://openlineage.io/spec/facets/1-1-0/ParentRunFacet.json#/$defs/ParentRunFacet";
const FAILED: &str = "https://openlineage.io/spec/facets/1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet";

/// A run of another system that asked for this one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Parent {
    /// Namespace of its job.
    pub namespace: String,
    /// Its job.
    pub name: String,
    /// Its run, a UUID.
    pub run_id: String,
}

impl Parent {
    fn facet(&self) -> Value {
        json!({"run": {"runId": self.run_id}, "job": {"namespace": self.namespace, "name": self.name}})
    }
}

/// The runs that asked, as a request names them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Parents {
    /// The task that asked.
    pub parent: Parent,
    /// The whole of which it is part.
    #[serde(default)]
    pub root: Option<Parent>,
}

/// What an invocation read and wrote, as `database.table`, or `landing.<source>/<dataset>`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Touched {
    /// Read.
    pub inputs: BTreeSet<String>,
    /// Written.
    pub outputs: BTreeSet<String>,
}

/// Where the names of tables stand.
#[derive(Debug, Clone, Default)]
pub struct Buckets {
    /// Of the lake.
    pub lake: String,
    /// Of `identity`.
    pub identity: String,
    /// Of landing.
    pub landing: String,
}

impl Buckets {
    /// A table by OpenLineage's rules of naming objects of S3.
    fn dataset(&self, name: &str) -> Value {
        let (database, table) = name.split_once('.').unwrap_or(("", name));
        let (bucket, path) = match database {
            "landing" => (&self.landing, table.to_owned()),
            "identity" => (&self.identity, format!("identity/{table}")),
            _ => (&self.lake, format!("{database}/{table}")),
        };
        json!({"namespace": format!("s3://{bucket}"), "name": path})
    }
}

/// One invocation, for its events.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Namespace of the functions.
    pub namespace: String,
    /// The function.
    pub function: String,
    /// Identifies the invocation.
    pub request_id: String,
    /// Who asked.
    pub parents: Option<Parents>,
    /// Where tables stand.
    pub buckets: Buckets,
}

impl Invocation {
    /// The event of its beginning.
    pub fn began(&self, at: DateTime<Utc>) -> Value {
        self.event("START", at, Map::new(), &Touched::default())
    }

    /// The event of its end, with the error that it ended with.
    pub fn ended(&self, at: DateTime<Utc>, touched: &Touched, error: Option<&str>) -> Value {
        let mut facets = Map::new();
        if let Some(error) = error {
            let facet =
                json!({"_producer": PRODUCER, "_schemaURL": FAILED, "message": error, "programmingLanguage": "Rust"});
            facets.insert("errorMessage".to_owned(), facet);
        }
        self.event(if error.is_some() { "FAIL" } else { "COMPLETE" }, at, facets, touched)
    }

    fn event(&self, kind: &str, at: DateTime<Utc>, mut facets: Map<String, Value>, touched: &Touched) -> Value {
        if let Some(parents) = &self.parents {
            let mut facet = parents.parent.facet();
            if let Some(facet) = facet.as_object_mut() {
                facet.insert("_producer".to_owned(), Value::from(PRODUCER));
                facet.insert("_schemaURL".to_owned(), Value::from(PARENT));
                facet.extend(parents.root.as_ref().map(|root| ("root".to_owned(), root.facet())));
            }
            facets.insert("parent".to_owned(), facet);
        }
        let datasets =
            |names: &BTreeSet<String>| -> Vec<Value> { names.iter().map(|name| self.buckets.dataset(name)).collect() };
        json!({
            "eventType": kind,
            "eventTime": at.to_rfc3339_opts(SecondsFormat::Millis, true),
            "producer": PRODUCER,
            "schemaURL": EVENT,
            "run": {"runId": uuid(&format!("{}/{}", self.function, self.request_id)), "facets": facets},
            "job": {"namespace": self.namespace, "name": self.function},
            "inputs": datasets(&touched.inputs),
            "outputs": datasets(&touched.outputs),
        })
    }
}

/// A UUID of version 8 that is the same for the same text.
fn uuid(text: &str) -> String {
    let digest = Sha256::digest(text);
    let mut bytes: [u8; 16] = std::array::from_fn(|index| digest.get(index).copied().unwrap_or_default());
    for (byte, keep, set) in [(6, 0x0f, 0x80), (8, 0x3f, 0x80)] {
        if let Some(byte) = bytes.get_mut(byte) {
            *byte = (*byte & keep) | set;
        }
    }
    let text = hex::encode(bytes);
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| text.get(range).unwrap_or_default().to_owned());
    parts.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invocation() -> Invocation {
        let parent =
            |name: &str| Parent { namespace: "airflow".to_owned(), name: name.to_owned(), run_id: name.to_owned() };
        let parents = Parents { parent: parent("carelake_daily.take.ingest"), root: Some(parent("carelake_daily")) };
        Invocation {
            namespace: "carelake".to_owned(),
            function: "carelake-ingest".to_owned(),
            request_id: "r-1".to_owned(),
            parents: Some(parents),
            buckets: Buckets { lake: "lake".to_owned(), identity: "persons".to_owned(), landing: "drop".to_owned() },
        }
    }

    fn at() -> DateTime<Utc> {
        "2026-03-01T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn both_events_are_of_one_run_and_name_who_asked() {
        let (began, ended) = (invocation().began(at()), invocation().ended(at(), &Touched::default(), None));
        assert_eq!((began["eventType"].as_str(), ended["eventType"].as_str()), (Some("START"), Some("COMPLETE")));
        assert_eq!(began["run"], ended["run"]);
        let parent = &began["run"]["facets"]["parent"];
        assert_eq!(parent["job"]["name"], "carelake_daily.take.ingest");
        assert_eq!(parent["root"]["run"]["runId"], "carelake_daily");
    }

    #[test]
    fn a_failure_is_told_with_its_message_and_what_was_touched_before() {
        let touched = Touched { inputs: ["landing.clinic/visits".to_owned()].into(), outputs: BTreeSet::new() };
        let event = invocation().ended(at(), &touched, Some("storage did not answer"));
        assert_eq!(event["eventType"], "FAIL");
        assert_eq!(event["run"]["facets"]["errorMessage"]["message"], "storage did not answer");
        assert_eq!(event["inputs"], json!([{"namespace": "s3://drop", "name": "clinic/visits"}]));
    }

    #[test]
    fn tables_are_named_by_where_they_stand() {
        let buckets = invocation().buckets;
        assert_eq!(buckets.dataset("silver.patients"), json!({"namespace": "s3://lake", "name": "silver/patients"}));
        let person = json!({"namespace": "s3://persons", "name": "identity/clinic_patients"});
        assert_eq!(buckets.dataset("identity.clinic_patients"), person);
    }

    #[test]
    fn run_ids_are_uuids_of_their_invocation() {
        let id = uuid("carelake-ingest/r-1");
        assert_eq!(id, uuid("carelake-ingest/r-1"));
        assert_ne!(id, uuid("carelake-ingest/r-2"));
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "8");
        assert!("89ab".contains(&id[19..20]));
    }
}
