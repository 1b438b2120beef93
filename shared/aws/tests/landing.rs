//! The landing zone against an S3 that answers as it sometimes does.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod stub;

use std::io::Read;
use std::sync::atomic::{AtomicU32, Ordering};

use carelake_aws::event::ObjectRef;
use carelake_aws::{Fetch, Fetched, LandingBucket};
use carelake_lake::{ErrorKind, LakeError, Landing, LandingKey};
use stub::{Answer, Asked, Stub, answer, s3_error};

const KEY: &str = "clinic/patients/2026-03-01/Maria Muster + 1.csv";
const ARRIVED: &str = "Sun, 01 Mar 2026 06:00:00 GMT";

fn object() -> ObjectRef {
    ObjectRef {
        bucket: "landing".to_owned(),
        key: LandingKey::new(KEY),
        version: Some("v2".to_owned()),
        etag: Some("e2".to_owned()),
    }
}

/// Versions of the key, newest first.
fn versions(of: &[(&str, &str)]) -> Answer {
    let version = |(id, time): &(&str, &str)| {
        format!("<Version><Key>{KEY}</Key><VersionId>{id}</VersionId><LastModified>{time}</LastModified></Version>")
    };
    let versions: String = of.iter().map(version).collect();
    answer(200, format!("<ListVersionsResult><Name>landing</Name>{versions}</ListVersionsResult>"))
}

fn content(body: &str) -> Answer {
    Answer { headers: vec![("last-modified", ARRIVED.to_owned()), ("etag", "\"e2\"".to_owned())], ..answer(200, body) }
}

async fn fetch(stub: &Stub) -> Result<Option<Fetched>, LakeError> {
    let landing = LandingBucket::new(&stub.clients.s3, "landing");
    match landing.fetch(&object(), &std::env::temp_dir(), 1_000).await? {
        Fetch::File(fetched) => Ok(Some(fetched)),
        Fetch::Gone => Ok(None),
        Fetch::Large(remote) => panic!("{remote:?}"),
    }
}

/// A bucket that lists one version and answers a read like that.
fn reading(reply: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Stub {
    Stub::new(move |asked| {
        if asked.target.contains("versions") { versions(&[("v2", "2026-03-01T06:00:00.000Z")]) } else { reply(asked) }
    })
}

#[tokio::test]
async fn the_version_of_the_event_is_read_and_no_other() {
    let stub = reading(|_| content("id,name\n1,x\n"));
    let fetched = fetch(&stub).await.unwrap().unwrap();
    let key = LandingKey::new(KEY);
    let mut text = String::new();
    fetched.open(&key).unwrap().file.read_to_string(&mut text).unwrap();
    assert_eq!(text, "id,name\n1,x\n");
    assert_eq!(fetched.peek(&key).unwrap().0, 12);
    let asked = stub.asked();
    let read = asked.iter().find(|asked| !asked.target.contains("versions")).unwrap();
    assert!(read.target.contains("versionId=v2"), "{}", read.target);
    assert!(read.target.contains("Maria%20Muster%20%2B%201.csv"), "{}", read.target);
    assert_eq!(read.header("if-match"), Some("\"e2\""));
}

#[tokio::test]
async fn versions_of_one_second_keep_their_order() {
    let time = "2026-03-01T06:00:00.000Z";
    let listed = [("v3", time), ("v2", time), ("v1", time), ("v0", "2026-03-01T05:59:59.000Z")];
    let stub = Stub::new(move |asked| if asked.target.contains("versions") { versions(&listed) } else { content("x") });
    let fetched = fetch(&stub).await.unwrap().unwrap();
    let (_, modified) = fetched.peek(&LandingKey::new(KEY)).unwrap();
    assert_eq!(modified.timestamp_subsec_micros(), 1, "one version of the same second is older");
}

#[tokio::test]
async fn versions_of_one_second_keep_their_order_over_pages_and_no_more_pages_are_read() {
    let time = "2026-03-01T06:00:00.000Z";
    let page = move |of: &[(&str, &str)], next: Option<&str>| {
        let mut page = versions(of);
        let marker =
            |next| format!("<NextKeyMarker>{KEY}</NextKeyMarker><NextVersionIdMarker>{next}</NextVersionIdMarker>");
        let more = format!("<IsTruncated>{}</IsTruncated>{}", next.is_some(), next.map(marker).unwrap_or_default());
        page.body = page.body.replace("</ListVersionsResult>", &format!("{more}</ListVersionsResult>"));
        page
    };
    let stub = Stub::new(move |asked| match asked.target.as_str() {
        target if !target.contains("versions") => content("x"),
        target if target.contains("version-id-marker=v1") => {
            page(&[("v0", time), ("old", "2026-03-01T05:59:59.000Z")], Some("old"))
        }
        target if target.contains("version-id-marker=v3") => page(&[("v2", time), ("v1", time)], Some("v1")),
        _ => page(&[("v4", time), ("v3", time)], Some("v3")),
    });
    let fetched = fetch(&stub).await.unwrap().unwrap();
    let (_, modified) = fetched.peek(&LandingKey::new(KEY)).unwrap();
    assert_eq!(modified.timestamp_subsec_micros(), 2, "two versions of the same second are older");
    assert_eq!(stub.asked().iter().filter(|asked| asked.target.contains("versions")).count(), 3);
}

#[tokio::test]
async fn a_busy_bucket_is_asked_again() {
    let times = AtomicU32::new(0);
    let stub = reading(move |_| match times.fetch_add(1, Ordering::SeqCst) {
        0 => s3_error(503, "SlowDown"),
        1 => s3_error(500, "InternalError"),
        _ => content("x"),
    });
    assert!(fetch(&stub).await.unwrap().is_some());
}

#[tokio::test]
async fn what_is_gone_or_overwritten_is_not_there_and_no_error() {
    for (status, code) in
        [(404, "NoSuchKey"), (404, "NoSuchVersion"), (405, "MethodNotAllowed"), (412, "PreconditionFailed")]
    {
        let stub = reading(move |_| s3_error(status, code));
        assert!(fetch(&stub).await.unwrap().is_none(), "{code}");
    }
}

#[tokio::test]
async fn a_refusal_is_no_missing_file_and_tells_no_key() {
    let stub = reading(|_| s3_error(403, "AccessDenied"));
    let error = fetch(&stub).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    let text = error.to_string();
    assert!(text.contains("AccessDenied") && !text.contains("secret") && !text.contains("Maria"), "{text}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_never_taken_for_the_file() {
    let stub = reading(|_| Answer { told: Some(100), ..content("half of it") });
    assert_eq!(fetch(&stub).await.unwrap_err().kind, ErrorKind::Transient);
}

#[tokio::test]
async fn tags_of_others_stay_and_the_same_tags_are_not_written_again() {
    let tags = |run: &str| {
        let tag = |name: &str, value: &str| format!("<Tag><Key>{name}</Key><Value>{value}</Value></Tag>");
        let set = [tag("owner", "lab"), tag("carelake-status", "ingested"), tag("carelake-run", run)].concat();
        answer(200, format!("<Tagging><TagSet>{set}</TagSet></Tagging>"))
    };
    let stub = Stub::new(move |asked| if asked.method == "GET" { tags("run-1") } else { answer(200, "") });
    let landing = LandingBucket::new(&stub.clients.s3, "landing");
    landing.tag(&object(), "ingested", "run-2", true).await.unwrap();
    assert!(stub.asked().iter().all(|asked| asked.method == "GET"), "taken before: nothing to write");
    landing.tag(&object(), "unreadable", "run-3", false).await.unwrap();
    let put = stub.asked().into_iter().find(|asked| asked.method == "PUT").unwrap();
    for part in ["owner", "lab", "unreadable", "run-3"] {
        assert!(put.body.contains(part), "{part} in {}", put.body);
    }
    assert!(put.target.contains("versionId=v2"));
}
