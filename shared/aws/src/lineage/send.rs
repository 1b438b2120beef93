//! How events leave: a line of a file, or a call of an OpenLineage backend.

use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use url::Url;

/// Time that a backend has for an event; the step waits for it.
const ANSWER: Duration = Duration::from_secs(3);

/// Where events go. `Debug` shows nothing of the key.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// Into a file, a line each.
    File(PathBuf),
    /// To a backend.
    Http {
        /// Where events are posted to.
        url: Url,
        /// Proves who posts.
        key: Option<String>,
    },
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "File({})", path.display()),
            Self::Http { url, .. } => write!(f, "Http({})", url.host_str().unwrap_or_default()),
        }
    }
}

/// Sends events.
#[derive(Debug, Clone)]
pub struct Transport {
    target: Target,
    http: reqwest::Client,
}

impl Transport {
    /// A transport to there.
    ///
    /// # Errors
    /// When calls cannot be made at all.
    pub fn new(target: Target) -> Result<Self, &'static str> {
        let http = reqwest::Client::builder().connect_timeout(ANSWER).timeout(ANSWER).build();
        Ok(Self { target, http: http.map_err(|_| "calls of the lineage backend cannot be made")? })
    }

    /// Sends an event.
    ///
    /// # Errors
    /// Why it did not arrive.
    pub async fn send(&self, event: &Value) -> Result<(), &'static str> {
        match &self.target {
            Target::File(path) => {
                let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
                // One write, so that lines of several processes stay whole.
                let written = file.and_then(|mut file| file.write_all(format!("{event}\n").as_bytes()));
                written.map_err(|_| "the lineage file cannot be written")
            }
            Target::Http { url, key } => {
                let mut call = self.http.post(url.clone()).header("content-type", "application/json");
                if let Some(key) = key {
                    call = call.bearer_auth(key);
                }
                let answer = call.body(event.to_string()).send().await;
                let answer = answer.map_err(|_| "the lineage backend did not answer")?;
                if answer.status().is_success() { Ok(()) } else { Err("the lineage backend refused an event") }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use serde_json::json;

    use super::*;

    /// A backend that takes one call, answers with that status, and gives what it was sent.
    fn backend(status: &'static str) -> (Url, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/api/v1/lineage", listener.local_addr().unwrap()).parse().unwrap();
        let answered = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut text, mut buffer) = (String::new(), [0; 4096]);
            while !text.ends_with('}') {
                let read = stream.read(&mut buffer).unwrap();
                text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
            }
            stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).unwrap();
            text
        });
        (url, answered)
    }

    #[tokio::test]
    async fn an_event_is_posted_with_the_key() {
        let (url, answered) = backend("201 Created");
        let transport = Transport::new(Target::Http { url, key: Some("secret".to_owned()) }).unwrap();
        transport.send(&json!({"eventType": "START"})).await.unwrap();
        let text = answered.join().unwrap();
        assert!(text.starts_with("POST /api/v1/lineage "), "{text}");
        assert!(text.contains("authorization: Bearer secret") && text.ends_with("{\"eventType\":\"START\"}"), "{text}");
        assert!(!format!("{transport:?}").contains("secret"));
    }

    #[tokio::test]
    async fn a_backend_that_refuses_or_is_away_is_told() {
        let (url, answered) = backend("500 Internal Server Error");
        let transport = Transport::new(Target::Http { url, key: None }).unwrap();
        assert!(transport.send(&json!({})).await.is_err());
        answered.join().unwrap();
        assert!(transport.send(&json!({})).await.is_err());
    }

    #[tokio::test]
    async fn events_are_lines_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lineage.ndjson");
        let transport = Transport::new(Target::File(path.clone())).unwrap();
        for number in 0..3 {
            transport.send(&json!({"number": number})).await.unwrap();
        }
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines, [json!({"number": 0}), json!({"number": 1}), json!({"number": 2})]);
    }
}
