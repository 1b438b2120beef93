//! Every event shape of events/, decoded as the functions decode it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

use std::path::Path;

use carelake_aws::event::{Event, Notice, ObjectRef, Unknown, Work, decode};
use proptest::prelude::*;
use serde_json::{Value, json};

fn fixture(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events").join(format!("{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn notices(event: Value) -> Vec<Notice> {
    match decode(event).unwrap() {
        Event::Notices(notices) => notices,
        Event::Batch(messages) => messages.into_iter().flat_map(|message| message.notices.unwrap()).collect(),
    }
}

fn created(notice: &Notice) -> &ObjectRef {
    match notice {
        Notice::Created(object) => object,
        other => panic!("{other:?} is no new object"),
    }
}

fn keys(event: Value) -> Vec<String> {
    notices(event).iter().map(|notice| created(notice).key.expose().to_owned()).collect()
}

#[test]
fn every_wrapping_of_one_upload_says_the_same() {
    let plain = notices(fixture("s3"));
    let object = created(&plain[0]);
    assert_eq!(
        (object.bucket.as_str(), object.key.expose()),
        ("carelake-landing", "clinic/patients/2026-03-01/patients.csv")
    );
    assert_eq!(object.version.as_deref(), Some("v1example"));
    assert_eq!(object.etag.as_deref(), Some("d41d8cd98f00b204e9800998ecf8427e"));
    for wrapping in ["sns", "sqs-sns"] {
        assert_eq!(notices(fixture(wrapping)), plain, "{wrapping}");
    }
}

#[test]
fn keys_of_s3_are_decoded_and_those_of_eventbridge_are_not() {
    let hostile = keys(fixture("s3-hostile-keys"));
    let day = "clinic/patients/2026-03-01";
    assert_eq!(hostile[0], format!("{day}/this im + age blah.csv"));
    assert_eq!(hostile[1], format!("{day}/100% %2B.csv"));
    assert_eq!(hostile[2], format!("{day}/a=b:c.csv"));
    assert_ne!(hostile[3], hostile[4], "two forms of one letter are two keys");
    assert_eq!(hostile[5], format!("{day}/😀.csv"));
    assert_eq!(hostile[6..8], ["clinic/patients/../patients.csv", "clinic//patients//p.csv"]);
    assert_eq!(hostile[8], "clinic/patients/a\\b\nc.csv");
    assert_eq!(hostile[9].len(), 1024);
    for bridged in ["eventbridge", "sqs-eventbridge"] {
        assert_eq!(keys(fixture(bridged)), [format!("{day}/a file + more.csv")], "{bridged}");
    }
}

#[test]
fn a_batch_keeps_its_messages_apart_and_many_records_in_one_together() {
    let Event::Batch(messages) = decode(fixture("sqs-s3")).unwrap() else { panic!("no batch") };
    let counts: Vec<usize> = messages.iter().map(|message| message.notices.as_ref().unwrap().len()).collect();
    assert_eq!(counts, [1, 2]);
    assert!(messages[1].id.ends_with("2"));
}

#[test]
fn a_message_that_is_no_event_spoils_no_other() {
    let Event::Batch(messages) = decode(fixture("sqs-mixed")).unwrap() else { panic!("no batch") };
    let known: Vec<bool> = messages.iter().map(|message| message.notices.is_ok()).collect();
    assert_eq!(known, [true, true, false, true, true]);
    assert_eq!(messages[1].notices, Ok(vec![Notice::Test]));
    assert_eq!(messages[2].notices, Err(Unknown));
}

#[test]
fn tests_and_removals_are_no_files() {
    assert_eq!(notices(fixture("s3-test")), [Notice::Test]);
    assert_eq!(notices(fixture("s3-removed")), [Notice::Other]);
    let tags = json!({"source": "aws.s3", "detail-type": "Object Tags Added", "detail": {"bucket": {"name": "b"}, "object": {"key": "k"}}});
    assert_eq!(notices(tags), [Notice::Other]);
    let scheduled = json!({"source": "aws.events", "detail-type": "Scheduled Event", "detail": {}});
    assert_eq!(notices(scheduled), [Notice::Other]);
}

#[test]
fn a_request_asks_for_a_check_only_when_it_says_so() {
    for (name, wanted) in [("request-publish", false), ("request-publish-check", true)] {
        let Notice::Request(request) = notices(fixture(name)).remove(0) else { panic!("no request") };
        assert_eq!(request.check, wanted, "{name}");
    }
}

#[test]
fn a_request_says_its_step_and_may_leave_out_the_rest() {
    let Notice::Request(request) = notices(fixture("request-ingest")).remove(0) else { panic!("no request") };
    assert_eq!((request.step.as_str(), request.source.as_deref()), ("ingest", Some("clinic")));
    assert_eq!(request.partition.map(|day| day.to_string()).as_deref(), Some("2026-03-01"));
    for step in ["conform", "publish", "train", "score", "maintain"] {
        let Notice::Request(request) = notices(fixture(&format!("request-{step}"))).remove(0) else { panic!() };
        assert_eq!(request.step, step);
    }
    assert!(decode(json!({"step": "ingest", "as_of": "yesterday"})).is_err());
}

#[test]
fn a_request_says_which_work_and_names_no_person() {
    let Notice::Request(request) = notices(fixture("request-erase")).remove(0) else { panic!("no request") };
    assert_eq!(
        (request.work, request.persons.as_deref(), request.dry_run),
        (Some(Work::Erase), Some("request_17"), true)
    );
    let Notice::Request(request) = notices(fixture("request-catalogue")).remove(0) else { panic!("no request") };
    assert_eq!((request.work, request.dry_run), (Some(Work::Catalogue), false));
    assert!(decode(json!({"step": "maintain", "work": "everything"})).is_err());
}

#[test]
fn an_object_of_the_lake_asks_for_a_part_of_a_large_file() {
    let asked = notices(fixture("sqs-part"));
    let object = created(&asked[0]);
    assert_eq!(object.bucket, "carelake-lake");
    let wanted = carelake_ingest::large::wanted(object.key.expose());
    assert_eq!(wanted, Some(("fedcba9876543210fedcba9876543210", Some(12))));
}

#[test]
fn a_request_may_ask_what_landed_what_is_to_be_taken_again_and_what_fails() {
    let request = |name: &str| {
        let Notice::Request(request) = notices(fixture(&format!("request-{name}"))).remove(0) else { panic!() };
        request
    };
    let list = request("list");
    let days = [list.from, list.to].map(|day| day.unwrap().to_string());
    assert!(list.list && list.source.is_none() && days == ["2026-03-01", "2026-03-03"]);
    let replay = request("replay");
    assert!(replay.replay && !replay.list && replay.rule.as_deref() == Some("clinic.visits.patient_known"));
    assert!(request("review").review && !request("maintain").review);
    assert!(!request("publish").forward, "gold's day goes where it is told, unless asked");
}

#[test]
fn what_is_of_no_shape_is_refused() {
    for event in
        [json!(null), json!([]), json!({}), json!("x"), json!({"Records": 1}), json!({"Records": [{"s3": {}}]})]
    {
        assert!(decode(event).is_err());
    }
}

#[test]
fn a_key_is_never_shown() {
    let shown = format!("{:?}", decode(fixture("sqs-s3")).unwrap());
    assert!(!shown.contains("patients"), "{shown}");
}

proptest! {
    #[test]
    fn any_key_arrives_as_it_was(key in "[^\\p{Cc}]{1,200}") {
        let encoded: String = key
            .bytes()
            .map(|byte| match byte {
                b' ' => "+".to_owned(),
                byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
                byte => format!("%{byte:02X}"),
            })
            .collect();
        let mut event = fixture("s3");
        event["Records"][0]["s3"]["object"]["key"] = Value::from(encoded);
        prop_assert_eq!(keys(event), vec![key]);
    }

    #[test]
    fn no_text_in_a_message_stops_the_others(body in "\\PC{0,100}") {
        let mut event = fixture("sqs-s3");
        event["Records"][0]["body"] = Value::from(body);
        let Event::Batch(messages) = decode(event).unwrap() else { panic!("no batch") };
        prop_assert_eq!(messages.len(), 2);
        prop_assert!(messages[1].notices.is_ok());
    }

    #[test]
    fn wrappings_without_end_are_refused(depth in 5_usize..40) {
        let mut event = fixture("s3");
        for _ in 0..depth {
            event = json!({"Type": "Notification", "Message": event.to_string()});
            if event.to_string().len() > 100_000 { break; }
        }
        prop_assert!(decode(event).is_err());
    }
}
