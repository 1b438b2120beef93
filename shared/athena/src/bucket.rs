//! The output location: the requests of S3 that clients read results with, for the bucket of results alone.

use carelake_lake::Lake;
use url::Url;

use crate::execution::{Execution, Executions, State};
use crate::http::{Body, Request, Response};
use crate::output::Layout;

/// The bucket of results.
pub const BUCKET: &str = "carelake-results";
/// Ending of the object that describes a result's columns.
const METADATA: &str = ".metadata";

/// Answers a request for a result.
pub fn answer(executions: &Executions, request: &Request) -> Response {
    let Ok(url) = Url::parse("http://results").and_then(|base| base.join(&request.target)) else {
        return error(400, "InvalidURI", "the path cannot be read");
    };
    let path = url.path().trim_start_matches('/');
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    if bucket != BUCKET {
        return error(404, "NoSuchBucket", "there is no bucket but carelake-results");
    }
    let asks = |name: &str| url.query_pairs().any(|(known, _)| known == name);
    match (request.method.as_str(), key) {
        ("HEAD", "") => Response { status: 200, headers: Vec::new(), body: Body::Head(0) },
        ("GET", "") if asks("location") => xml(200, "<LocationConstraint/>"),
        ("GET", "") => list(executions, &url),
        ("POST", "") if asks("delete") => delete_many(executions, &request.body),
        ("GET" | "HEAD", key) => get(executions, key, request),
        ("DELETE", key) => {
            delete(executions, key);
            Response { status: 200, headers: Vec::new(), body: Body::Bytes(Vec::new()) }
        }
        _ => error(405, "MethodNotAllowed", "results are read and deleted, nothing else"),
    }
}

fn xml(status: u16, inner: &str) -> Response {
    Response::new(status, "application/xml", format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{inner}"))
}

fn error(status: u16, code: &str, words: &str) -> Response {
    xml(status, &format!("<Error><Code>{code}</Code><Message>{words}</Message></Error>"))
}

fn get(executions: &Executions, key: &str, request: &Request) -> Response {
    let wanted = key.strip_suffix(METADATA).unwrap_or(key);
    let (execution, output) = match executions.by_key(wanted).map(|execution| (execution.state.clone(), execution)) {
        Some((State::Succeeded(output), execution)) => (execution, output),
        _ if request.method == "HEAD" => return Response { status: 404, headers: Vec::new(), body: Body::Head(0) },
        _ => return error(404, "NoSuchKey", "The specified key does not exist."),
    };
    let described = output.described().to_string().into_bytes();
    let is_metadata = key.ends_with(METADATA);
    let length = if is_metadata { described.len() as u64 } else { output.bytes };
    let kind = match (is_metadata, output.layout) {
        (true, _) => "application/json",
        (false, Layout::Csv) => "text/csv",
        (false, Layout::Tabbed) => "text/plain",
    };
    let mut headers = vec![
        ("Content-Type", kind.to_owned()),
        ("ETag", format!("\"{}\"", execution.id)),
        ("Last-Modified", execution.ended_text()),
        ("Accept-Ranges", "bytes".to_owned()),
    ];
    let (mut status, mut from, mut to) = (200, 0, length);
    if let Some(range) = request.header("range") {
        let Some((first, last)) = bounds(range, length) else {
            return error(416, "InvalidRange", "The requested range is not satisfiable");
        };
        headers.push(("Content-Range", format!("bytes {first}-{last}/{length}")));
        (status, from, to) = (206, first, last + 1);
    }
    let body = if request.method == "HEAD" {
        Body::Head(to - from)
    } else if is_metadata {
        let part =
            usize::try_from(from).ok().zip(usize::try_from(to).ok()).and_then(|(from, to)| described.get(from..to));
        Body::Bytes(part.unwrap_or_default().to_vec())
    } else {
        Body::File(output.file.clone(), from, to)
    };
    Response { status, headers, body }
}

/// First and last byte of `bytes=a-b`, `bytes=a-` or `bytes=-n`.
fn bounds(range: &str, length: u64) -> Option<(u64, u64)> {
    let (first, last) = range.strip_prefix("bytes=")?.split_once('-')?;
    let end = length.checked_sub(1)?;
    let (first, last) = match (first, last) {
        ("", count) => (length.saturating_sub(count.parse().ok()?), end),
        (first, "") => (first.parse().ok()?, end),
        (first, last) => (first.parse().ok()?, last.parse::<u64>().ok()?.min(end)),
    };
    (first <= last).then_some((first, last))
}

fn list(executions: &Executions, url: &Url) -> Response {
    let value = |name: &str| url.query_pairs().find(|(known, _)| known == name).map(|(_, value)| value.into_owned());
    let prefix = value("prefix").unwrap_or_default();
    let mut contents = String::new();
    for execution in executions.results() {
        let State::Succeeded(output) = &execution.state else { continue };
        for (key, size) in [
            (execution.key(), output.bytes),
            (format!("{}{METADATA}", execution.key()), output.described().to_string().len() as u64),
        ] {
            if key.starts_with(&prefix) {
                contents.push_str(&format!(
                    "<Contents><Key>{key}</Key><LastModified>{}</LastModified><ETag>&quot;{}&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>",
                    execution.ended_stamp(),
                    execution.id
                ));
            }
        }
    }
    xml(
        200,
        &format!(
            "<ListBucketResult><Name>{BUCKET}</Name><MaxKeys>1000</MaxKeys><IsTruncated>false</IsTruncated>{contents}</ListBucketResult>"
        ),
    )
}

fn delete_many(executions: &Executions, body: &[u8]) -> Response {
    let text = String::from_utf8_lossy(body);
    let mut deleted = String::new();
    for part in text.split("<Key>").skip(1) {
        let key = part.split("</Key>").next().unwrap_or_default();
        delete(executions, key);
        if !key.contains(['<', '&']) {
            deleted.push_str(&format!("<Deleted><Key>{key}</Key></Deleted>"));
        }
    }
    xml(200, &format!("<DeleteResult>{deleted}</DeleteResult>"))
}

fn delete(executions: &Executions, key: &str) {
    if let Some(execution) = executions.by_key(key) {
        executions.remove_result(&execution.id);
    }
}

/// Whether the lake could take results at all: fails early, where a server starts.
///
/// # Errors
/// When its scratch folder cannot be written.
pub fn check(lake: &Lake) -> Result<(), carelake_lake::LakeError> {
    lake.scratch_file().map(drop)
}

impl Execution {
    fn ended_text(&self) -> String {
        self.ended().format("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    fn ended_stamp(&self) -> String {
        self.ended().format("%Y-%m-%dT%H:%M:%S.000Z").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::bounds;

    #[test]
    fn ranges_are_those_of_s3() {
        for (range, expected) in [
            ("bytes=0-4", Some((0, 4))),
            ("bytes=5-", Some((5, 9))),
            ("bytes=-3", Some((7, 9))),
            ("bytes=0-99", Some((0, 9))),
            ("bytes=10-", None),
            ("bytes=4-2", None),
            ("rows=1-2", None),
        ] {
            assert_eq!(bounds(range, 10), expected, "{range}");
        }
        assert_eq!(bounds("bytes=0-", 0), None);
    }
}
