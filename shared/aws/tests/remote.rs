//! A large landing object, read as a stream and in part from an S3 that breaks off.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs)]

mod stub;

use std::io::Read;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU32, Ordering};

use carelake_aws::event::ObjectRef;
use carelake_aws::{Fetch, LandingBucket, LandingZone, Past, Remote};
use carelake_lake::{ErrorKind, Landing, LandingKey, Ranges, Versions};
use chrono::{DateTime, Utc};
use stub::{Answer, Asked, Stub, answer, s3_error};

const KEY: &str = "clinic/patients/Maria Muster.csv";
const ARRIVED: &str = "Sun, 01 Mar 2026 06:00:00 GMT";
const CONTENT: &str = "0123456789abcdefghijklmnopqrstuvwxyz";

fn object() -> ObjectRef {
    let key = LandingKey::new(KEY);
    ObjectRef { bucket: "landing".to_owned(), key, version: Some("v2".to_owned()), etag: Some("e2".to_owned()) }
}

fn arrived() -> DateTime<Utc> {
    DateTime::parse_from_rfc2822(ARRIVED).unwrap().into()
}

fn remote(stub: &Stub) -> Remote {
    Remote::new(&stub.clients.s3, &object(), CONTENT.len() as u64, arrived(), &std::env::temp_dir())
}

/// The bytes that a request asks for.
fn asked_for(asked: &Asked) -> &'static str {
    let range = asked.header("range").unwrap().strip_prefix("bytes=").unwrap();
    let (start, end) = range.split_once('-').unwrap();
    let end = end.parse::<usize>().map_or(CONTENT.len(), |end| end + 1);
    &CONTENT[start.parse().unwrap()..end]
}

/// The answer to that range with these bytes, the first of which are those asked for.
fn part(asked: &Asked, bytes: &str) -> Answer {
    let range = asked.header("range").unwrap().replace('=', " ");
    Answer { headers: vec![("content-range", format!("{range}/{}", CONTENT.len()))], ..answer(206, bytes) }
}

fn all(mut reader: Box<dyn Read + Send>) -> std::io::Result<String> {
    let mut text = String::new();
    std::thread::spawn(move || reader.read_to_string(&mut text).map(|_| text)).join().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_breaks_off_goes_on_where_it_stopped() {
    let stub = Stub::new(|asked| {
        let rest = asked_for(asked);
        let piece = &rest[..rest.len().min(10)];
        Answer { told: (piece != rest).then_some(rest.len()), ..part(asked, piece) }
    });
    assert_eq!(all(remote(&stub).read_from(3).await.unwrap()).unwrap(), CONTENT[3..]);
    let asked = stub.asked();
    assert!(asked.len() >= 4);
    assert!(
        asked.iter().all(|asked| asked.target.contains("versionId=v2") && asked.header("if-match") == Some("\"e2\""))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_never_comes_fails_and_is_no_end_of_the_file() {
    let stub = Stub::new(|asked| Answer { told: Some(asked_for(asked).len()), ..part(asked, "") });
    let error = all(remote(&stub).read_from(0).await.unwrap()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    let gone = Stub::new(|_| s3_error(404, "NoSuchVersion"));
    let error = all(remote(&gone).read_from(0).await.unwrap()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
}

#[tokio::test]
async fn parts_stand_where_they_stand_in_the_file_and_nothing_else_is_fetched() {
    let stub = Stub::new(|asked| part(asked, asked_for(asked)));
    let file = remote(&stub).holding(&[0..4, 10..16, 16..16, 30..99]).await.unwrap();
    assert_eq!(file.metadata().unwrap().len(), CONTENT.len() as u64);
    let mut bytes = [0; 36];
    file.read_exact_at(&mut bytes, 0).unwrap();
    assert_eq!(&bytes[..4], b"0123");
    assert_eq!(&bytes[4..10], [0; 6]);
    assert_eq!(&bytes[10..16], b"abcdef");
    assert_eq!(&bytes[30..], b"uvwxyz");
    assert_eq!(stub.asked().len(), 3);
}

#[tokio::test]
async fn a_part_that_comes_short_is_never_taken_for_the_part() {
    let stub = Stub::new(|asked| part(asked, &asked_for(asked)[1..]));
    let error = remote(&stub).holding(std::slice::from_ref(&(5..9))).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Transient);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_of_the_file_is_taken_as_an_answer_to_a_part() {
    let stub = Stub::new(|_| answer(200, CONTENT));
    let file = remote(&stub).holding(&[10..16, 30..36]).await.unwrap();
    let mut bytes = [0; 36];
    file.read_exact_at(&mut bytes, 0).unwrap();
    assert_eq!(&bytes[..10], [0; 10]);
    assert_eq!(&bytes[10..16], b"abcdef");
    assert_eq!(&bytes[16..30], [0; 14]);
    assert_eq!(&bytes[30..], b"uvwxyz");
    assert_eq!(all(remote(&stub).read_from(7).await.unwrap()).unwrap(), CONTENT[7..]);
}

/// A bucket with one version of the file.
fn bucket(reply: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Stub {
    Stub::new(move |asked| {
        if asked.target.contains("?versions") || asked.target.contains("&versions") {
            let version = format!(
                "<Version><Key>{KEY}</Key><VersionId>v2</VersionId><LastModified>2026-03-01T06:00:00.000Z</LastModified></Version>"
            );
            return answer(200, format!("<ListVersionsResult><Name>landing</Name>{version}</ListVersionsResult>"));
        }
        let head = vec![("last-modified", ARRIVED.to_owned()), ("etag", "\"e2\"".to_owned())];
        Answer { headers: head, ..reply(asked) }
    })
}

#[tokio::test]
async fn a_file_that_is_too_large_is_not_copied() {
    let stub = bucket(|_| answer(200, CONTENT));
    let landing = LandingBucket::new(&stub.clients.s3, "landing");
    let Fetch::Large(large) = landing.fetch(&object(), &std::env::temp_dir(), 35).await.unwrap() else { panic!() };
    assert_eq!(large.peek(&object().key).unwrap(), (36, arrived()));
    assert!(matches!(landing.fetch(&object(), &std::env::temp_dir(), 36).await.unwrap(), Fetch::File(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_rewritten_keeps_its_time_of_arrival() {
    let stub = bucket(|asked| match asked.method.as_str() {
        "PUT" => answer(200, ""),
        _ => answer(200, CONTENT),
    });
    let landing = LandingBucket::new(&stub.clients.s3, "landing");
    let zone = LandingZone::new(&landing, &std::env::temp_dir());
    let mut content = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut content, b"less").unwrap();
    zone.rewrite(&LandingKey::new(KEY), &mut content, arrived()).unwrap();
    let put = stub.asked().into_iter().find(|asked| asked.method == "PUT").unwrap();
    let micros = arrived().timestamp_micros().to_string();
    assert_eq!(put.header("x-amz-meta-carelake-arrived"), Some(micros.as_str()));
    assert!(put.body.contains("less"));
    let later = Stub::new(move |_| Answer {
        headers: vec![
            ("last-modified", "Mon, 02 Mar 2026 06:00:00 GMT".to_owned()),
            ("x-amz-meta-carelake-arrived", micros.clone()),
        ],
        ..answer(200, "less")
    });
    let plain = ObjectRef { version: None, etag: None, ..object() };
    let Fetch::File(file) =
        LandingBucket::new(&later.clients.s3, "landing").fetch(&plain, &std::env::temp_dir(), 99).await.unwrap()
    else {
        panic!()
    };
    assert_eq!(file.peek(&plain.key).unwrap().1, arrived());
}

#[tokio::test]
async fn the_past_goes_and_the_present_stays() {
    let pages = AtomicU32::new(0);
    let stub = Stub::new(move |asked| {
        if asked.method == "POST" {
            return answer(200, "<DeleteResult></DeleteResult>");
        }
        let version = |key: &str, id: &str, latest: bool| {
            format!("<Version><Key>{key}</Key><VersionId>{id}</VersionId><IsLatest>{latest}</IsLatest></Version>")
        };
        let (more, inner) = match pages.fetch_add(1, Ordering::SeqCst) {
            0 => (true, version("a", "new", true) + &version("a", "old-1", false)),
            _ => (
                false,
                version("a", "old-2", false)
                    + "<DeleteMarker><Key>b</Key><VersionId>mark</VersionId><IsLatest>true</IsLatest></DeleteMarker>"
                    + &version("b", "old-3", false),
            ),
        };
        let next =
            if more { "<NextKeyMarker>a</NextKeyMarker><NextVersionIdMarker>old-1</NextVersionIdMarker>" } else { "" };
        answer(200, format!("<ListVersionsResult><IsTruncated>{more}</IsTruncated>{next}{inner}</ListVersionsResult>"))
    });
    let past = Past::new(&stub.clients.s3, vec!["lake".to_owned()], None);
    assert_eq!(past.purge(Some("clinic")).await.unwrap(), 4);
    let deleted: String =
        stub.asked().into_iter().filter(|asked| asked.method == "POST").map(|asked| asked.body).collect();
    for id in ["old-1", "old-2", "old-3", "mark"] {
        assert!(deleted.contains(id), "{id} in {deleted}");
    }
    assert!(!deleted.contains("new"));
    assert!(stub.asked().iter().any(|asked| asked.target.contains("version-id-marker=old-1")));
}

#[tokio::test]
async fn a_version_that_may_not_be_removed_is_an_error() {
    let stub = Stub::new(|asked| {
        if asked.method == "POST" {
            return answer(200, "<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code></Error></DeleteResult>");
        }
        answer(
            200,
            "<ListVersionsResult><Version><Key>a</Key><VersionId>1</VersionId><IsLatest>false</IsLatest></Version></ListVersionsResult>",
        )
    });
    let past = Past::new(&stub.clients.s3, vec!["lake".to_owned()], None);
    assert_eq!(past.purge(None).await.unwrap_err().kind, ErrorKind::Denied);
}
