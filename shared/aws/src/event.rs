//! What a function is called with: notifications of S3 in every wrapping, or a request of a scheduler.
//!
//! | shape | how it is known |
//! |---|---|
//! | SQS batch | `Records[].eventSource` is `aws:sqs`; each body is one of the shapes below |
//! | SNS | `Records[].EventSource` is `aws:sns`, or in a queue `Type` is `Notification` |
//! | S3 | `Records[].eventSource` is `aws:s3` (of other makes: `Records[].s3`) |
//! | EventBridge | `detail-type` |
//! | S3's test | `Event` is `s3:TestEvent` |
//! | request | `step` |

use aws_lambda_events::sqs::SqsEvent;
use carelake_lake::LandingKey;
use chrono::NaiveDate;
use serde::Deserialize;
use serde_json::Value;

use crate::key;
use crate::lineage::Parents;

/// Wrappings around a notification: SNS within SQS and one more. More is no real event.
const DEPTH: u32 = 4;

/// What a function is called with.
#[derive(Debug)]
pub enum Event {
    /// Messages of a queue, each answered for by itself.
    Batch(Vec<Message>),
    /// Notices that came without a queue.
    Notices(Vec<Notice>),
}

/// A message of a queue.
#[derive(Debug)]
pub struct Message {
    /// By which the queue is told that it failed.
    pub id: String,
    /// What it says, or that it says nothing known.
    pub notices: Result<Vec<Notice>, Unknown>,
}

/// One piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// An object was written.
    Created(ObjectRef),
    /// Something else happened to an object: it was removed, or got tags.
    Other,
    /// S3 tried out the wiring.
    Test,
    /// Somebody asks for a step.
    Request(Box<Request>),
}

/// One version of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectRef {
    /// Its bucket.
    pub bucket: String,
    /// Its key, decoded.
    pub key: LandingKey,
    /// The version, in a bucket that keeps versions.
    pub version: Option<String>,
    /// Tag of the content, without quotes.
    pub etag: Option<String>,
}

/// What a scheduler asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Request {
    /// The step.
    pub step: String,
    /// The sender.
    #[serde(default)]
    pub source: Option<String>,
    /// The dataset.
    #[serde(default)]
    pub dataset: Option<String>,
    /// The day of the landing folder.
    #[serde(default)]
    pub partition: Option<NaiveDate>,
    /// Identifies the run.
    #[serde(default)]
    pub run_id: Option<String>,
    /// The day as of which ages and the like are reckoned.
    #[serde(default)]
    pub as_of: Option<NaiveDate>,
    /// Asks publish to tell what it would change in the catalogue, and to change nothing.
    #[serde(default)]
    pub check: bool,
    /// Which work of the step, where it has several.
    #[serde(default)]
    pub work: Option<Work>,
    /// Name of the list of persons to be erased.
    #[serde(default)]
    pub persons: Option<String>,
    /// Why they are.
    #[serde(default)]
    pub reason: Option<String>,
    /// False when landing files are to be left as they are.
    #[serde(default)]
    pub landing: Option<bool>,
    /// True when nothing is to be done, and what would be is to be said.
    #[serde(default)]
    pub dry_run: bool,
    /// The first of several days of landing folders.
    #[serde(default)]
    pub from: Option<NaiveDate>,
    /// The last of them.
    #[serde(default)]
    pub to: Option<NaiveDate>,
    /// Asks ingest what lies in landing; nothing is taken.
    #[serde(default)]
    pub list: bool,
    /// Asks ingest to take files with rejects again.
    #[serde(default)]
    pub replay: bool,
    /// Of those, the files that this rule rejected rows of.
    #[serde(default)]
    pub rule: Option<String>,
    /// Asks publish to leave the day of gold where it is when `as_of` is earlier.
    #[serde(default)]
    pub forward: bool,
    /// Asks maintain which checks fail; nothing is arranged.
    #[serde(default)]
    pub review: bool,
    /// The runs of another system that asked.
    #[serde(default)]
    pub lineage: Option<Parents>,
}

/// Works that are asked for by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// maintain: rewrites tables beside others.
    Arrange,
    /// maintain: removes what nobody needs, alone.
    Remove,
    /// maintain: erases persons, alone.
    Erase,
    /// publish: writes all of the catalogue again.
    Catalogue,
}

/// The request among notices, if somebody asked.
pub fn requested(notices: &[Notice]) -> Option<&Request> {
    notices.iter().find_map(|notice| match notice {
        Notice::Request(request) => Some(request.as_ref()),
        _ => None,
    })
}

/// An event of no known shape. What it held is not kept: it may name a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unknown;

/// Reads an event of any known shape.
///
/// # Errors
/// When it is of none.
pub fn decode(event: Value) -> Result<Event, Unknown> {
    let first = event.get("Records").and_then(|records| records.get(0));
    if first.and_then(|record| record.get("eventSource")).and_then(Value::as_str) != Some("aws:sqs") {
        return notices(event, DEPTH).map(Event::Notices);
    }
    let batch: SqsEvent = serde_json::from_value(event).map_err(|_| Unknown)?;
    let message = |message: aws_lambda_events::sqs::SqsMessage| Message {
        id: message.message_id.unwrap_or_default(),
        notices: message.body.ok_or(Unknown).and_then(|body| text(&body, DEPTH)),
    };
    Ok(Event::Batch(batch.records.into_iter().map(message).collect()))
}

fn text(body: &str, depth: u32) -> Result<Vec<Notice>, Unknown> {
    notices(serde_json::from_str(body).map_err(|_| Unknown)?, depth)
}

fn notices(event: Value, depth: u32) -> Result<Vec<Notice>, Unknown> {
    let depth = depth.checked_sub(1).ok_or(Unknown)?;
    if event.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
        return Ok(vec![Notice::Test]);
    }
    if event.get("step").is_some() {
        return serde_json::from_value(event)
            .map(|request| vec![Notice::Request(Box::new(request))])
            .map_err(|_| Unknown);
    }
    if event.get("detail-type").is_some() {
        return bridged(event).map(|notice| vec![notice]);
    }
    if event.get("Type").and_then(Value::as_str) == Some("Notification") {
        return text(event.get("Message").and_then(Value::as_str).ok_or(Unknown)?, depth);
    }
    let records = event.get("Records").and_then(Value::as_array).ok_or(Unknown)?;
    let mut found = Vec::with_capacity(records.len());
    for record in records {
        match record.pointer("/Sns/Message").and_then(Value::as_str) {
            Some(message) => found.extend(text(message, depth)?),
            None => found.push(recorded(record)?),
        }
    }
    Ok(found)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct S3Record {
    #[serde(default)]
    event_name: String,
    s3: S3Part,
}

#[derive(Deserialize)]
struct S3Part {
    bucket: Bucket,
    object: S3Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct S3Object {
    key: String,
    #[serde(default)]
    version_id: Option<String>,
    #[serde(default)]
    e_tag: Option<String>,
}

/// A record of S3's own notification, whose key is encoded.
fn recorded(record: &Value) -> Result<Notice, Unknown> {
    let record = S3Record::deserialize(record).map_err(|_| Unknown)?;
    let name = record.event_name.strip_prefix("s3:").unwrap_or(&record.event_name);
    if !name.starts_with("ObjectCreated") {
        return Ok(Notice::Other);
    }
    let key = key::decode(&record.s3.object.key).map_err(|_| Unknown)?;
    Ok(created(record.s3.bucket.name, key, record.s3.object.version_id, record.s3.object.e_tag))
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Bridged {
    detail_type: String,
    detail: Detail,
}

#[derive(Deserialize)]
struct Detail {
    bucket: Bucket,
    object: BridgedObject,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct BridgedObject {
    key: String,
    #[serde(default)]
    version_id: Option<String>,
    #[serde(default)]
    etag: Option<String>,
}

/// An event of EventBridge, whose key is as it is.
fn bridged(event: Value) -> Result<Notice, Unknown> {
    if event.get("source").and_then(Value::as_str) != Some("aws.s3") {
        return Ok(Notice::Other);
    }
    let event: Bridged = serde_json::from_value(event).map_err(|_| Unknown)?;
    if event.detail_type != "Object Created" {
        return Ok(Notice::Other);
    }
    let object = event.detail.object;
    Ok(created(event.detail.bucket.name, object.key, object.version_id, object.etag))
}

fn created(bucket: String, key: String, version: Option<String>, etag: Option<String>) -> Notice {
    let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
    let etag = filled(etag).map(|etag| etag.trim_matches('"').to_owned());
    let version = filled(version).filter(|version| version != "null");
    Notice::Created(ObjectRef { bucket, key: LandingKey::new(key), version, etag })
}
