//! HTTP/1.1 as clients of AWS on this machine speak it: a request with a length, an answer with a length.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// Bytes of a request's head, at most.
const HEAD: usize = 32 << 10;
/// Bytes of a request's body, at most: a statement has 262,144 characters at most.
const BODY: usize = 2 << 20;
/// Headers of a request, at most.
const HEADERS: usize = 64;
/// How long a connection may stay silent.
const IDLE: Duration = Duration::from_secs(75);
/// Bytes of a file sent at a time.
const CHUNK: usize = 1 << 18;

/// A request.
#[derive(Debug, Default)]
pub struct Request {
    /// The method, in capitals.
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in small letters, and values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The value of a header; its name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// What an answer holds.
#[derive(Debug)]
pub enum Body {
    /// These bytes.
    Bytes(Vec<u8>),
    /// Bytes `from..to` of a file.
    File(Arc<File>, u64, u64),
    /// Nothing, where a body of so many bytes would be: the answer to HEAD.
    Head(u64),
}

/// An answer.
#[derive(Debug)]
pub struct Response {
    /// Its status.
    pub status: u16,
    /// Its headers, without the length.
    pub headers: Vec<(&'static str, String)>,
    /// Its body.
    pub body: Body,
}

impl Response {
    /// An answer of bytes of a type.
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("Content-Type", content_type.to_owned())], body: Body::Bytes(body.into()) }
    }
}

/// Why no request was read.
#[derive(Debug)]
pub enum Unread {
    /// The client is gone, or silent.
    Closed,
    /// The request is none; the answer says why, and the connection ends.
    Refused(Response),
}

/// Requests of one connection.
pub struct Connection<S> {
    stream: S,
    buffer: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Connection<S> {
    /// The connection over `stream`.
    pub fn new(stream: S) -> Self {
        Self { stream, buffer: Vec::new() }
    }

    /// Reads the next request.
    ///
    /// # Errors
    /// When there is none, or none that is understood.
    pub async fn read(&mut self) -> Result<Request, Unread> {
        let (mut request, head) = loop {
            if let Some(found) = parse(&self.buffer)? {
                break found;
            }
            if self.buffer.len() > HEAD {
                return Err(refused(431, "the request's head is too large"));
            }
            self.fill().await?;
        };
        if head > HEAD {
            return Err(refused(431, "the request's head is too large"));
        }
        self.buffer.drain(..head);
        if request.header("transfer-encoding").is_some() {
            return Err(refused(411, "a request needs a Content-Length"));
        }
        let length = match request.header("content-length").map(str::parse::<usize>) {
            None => 0,
            Some(Ok(length)) if length <= BODY => length,
            Some(Ok(_)) => return Err(refused(413, "the request is too large")),
            Some(Err(_)) => return Err(refused(400, "the Content-Length is no number")),
        };
        if request.header("expect").is_some_and(|expected| expected.eq_ignore_ascii_case("100-continue")) {
            self.stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await.map_err(|_| Unread::Closed)?;
        }
        while self.buffer.len() < length {
            self.fill().await?;
        }
        request.body = self.buffer.drain(..length).collect();
        Ok(request)
    }

    async fn fill(&mut self) -> Result<(), Unread> {
        match timeout(IDLE, self.stream.read_buf(&mut self.buffer)).await {
            Ok(Ok(read)) if read > 0 => Ok(()),
            _ => Err(Unread::Closed),
        }
    }

    /// Sends an answer.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn write(&mut self, response: Response) -> io::Result<()> {
        let length = match &response.body {
            Body::Bytes(bytes) => bytes.len() as u64,
            Body::File(_, from, to) => to.saturating_sub(*from),
            Body::Head(length) => *length,
        };
        let mut head =
            format!("HTTP/1.1 {} {}\r\nContent-Length: {length}\r\n", response.status, words(response.status));
        for (name, value) in &response.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.stream.write_all(head.as_bytes()).await?;
        match response.body {
            Body::Bytes(bytes) => self.stream.write_all(&bytes).await?,
            Body::File(file, from, to) => self.send(&file, from, to).await?,
            Body::Head(_) => {}
        }
        self.stream.flush().await
    }

    /// Ends a conversation that went wrong: what the client still sends is read, or it would not see the answer.
    pub async fn end(&mut self) {
        let _ = self.stream.shutdown().await;
        let rest = async {
            while self.stream.read_buf(&mut self.buffer).await.is_ok_and(|read| read > 0) {
                self.buffer.clear();
            }
        };
        let _ = timeout(Duration::from_secs(1), rest).await;
    }

    async fn send(&mut self, file: &File, mut from: u64, to: u64) -> io::Result<()> {
        let mut chunk = vec![0; CHUNK];
        while from < to {
            let wanted = usize::try_from(to - from).unwrap_or(CHUNK).min(CHUNK);
            let part = chunk.get_mut(..wanted).unwrap_or_default();
            file.read_exact_at(part, from)?;
            self.stream.write_all(part).await?;
            from += wanted as u64;
        }
        Ok(())
    }
}

/// The head of a request and its length, when it is there whole.
fn parse(buffer: &[u8]) -> Result<Option<(Request, usize)>, Unread> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS];
    let mut parsed = httparse::Request::new(&mut headers);
    let length = match parsed.parse(buffer) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(_) => return Err(refused(400, "the request is no HTTP/1.1")),
    };
    let text = |value: &[u8]| String::from_utf8_lossy(value).trim().to_owned();
    let request = Request {
        method: parsed.method.unwrap_or_default().to_ascii_uppercase(),
        target: parsed.path.unwrap_or_default().to_owned(),
        headers: parsed.headers.iter().map(|one| (one.name.to_ascii_lowercase(), text(one.value))).collect(),
        body: Vec::new(),
    };
    Ok(Some((request, length)))
}

fn refused(status: u16, why: &str) -> Unread {
    Unread::Refused(Response::new(status, "text/plain", why))
}

fn words(status: u16) -> &'static str {
    match status {
        200 => "OK",
        206 => "Partial Content",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        411 => "Length Required",
        413 => "Content Too Large",
        416 => "Range Not Satisfiable",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        _ => "Bad Request",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(text: &[u8]) -> Result<Request, Unread> {
        let (mut client, server) = tokio::io::duplex(1 << 20);
        client.write_all(text).await.unwrap();
        drop(client);
        Connection::new(server).read().await
    }

    #[tokio::test]
    async fn a_request_is_read_with_its_body_and_the_next_one_after_it() {
        let (mut client, server) = tokio::io::duplex(1 << 20);
        client
            .write_all(b"POST / HTTP/1.1\r\nX-Amz-Target: A.B\r\nContent-Length: 2\r\n\r\n{}GET /x HTTP/1.1\r\n\r\n")
            .await
            .unwrap();
        let mut connection = Connection::new(server);
        let first = connection.read().await.unwrap();
        assert_eq!(
            (first.method.as_str(), first.header("x-amz-target"), first.body.as_slice()),
            ("POST", Some("A.B"), &b"{}"[..])
        );
        assert_eq!(connection.read().await.unwrap().target, "/x");
    }

    #[tokio::test]
    async fn what_is_no_request_is_refused_and_what_ends_early_is_dropped() {
        for (text, status) in [
            (&b"nonsense\r\n\r\n"[..], 400),
            (b"POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n", 400),
            (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", 413),
            (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        ] {
            assert!(matches!(read(text).await, Err(Unread::Refused(answer)) if answer.status == status), "{status}");
        }
        let endless = [b"GET / HTTP/1.1\r\nA: ".to_vec(), vec![b'a'; HEAD + 1]].concat();
        assert!(matches!(read(&endless).await, Err(Unread::Refused(answer)) if answer.status == 431));
        assert!(matches!(read(b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n{}").await, Err(Unread::Closed)));
    }
}
