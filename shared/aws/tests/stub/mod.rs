//! A server on loopback that answers as the test says, and keeps what it was asked.
#![allow(dead_code, missing_docs, reason = "each test takes what it needs")]

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use carelake_aws::{Clients, Config};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// Path and query.
    pub target: String,
    /// Names in small letters.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Asked {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// What Glue is asked to do.
    pub fn action(&self) -> &str {
        self.header("x-amz-target").unwrap_or_default().trim_start_matches("AWSGlue.")
    }
}

/// An answer.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    /// Length that is told, where it is not that of the body.
    pub told: Option<usize>,
}

pub fn answer(status: u16, body: impl Into<String>) -> Answer {
    Answer { status, body: body.into(), ..Answer::default() }
}

/// An error as S3 writes it.
pub fn s3_error(status: u16, code: &str) -> Answer {
    answer(status, format!("<Error><Code>{code}</Code><Message>about a secret key</Message></Error>"))
}

/// An error as Glue writes it.
pub fn glue_error(status: u16, code: &str) -> Answer {
    answer(status, format!(r#"{{"__type":"{code}","Message":"about a secret table"}}"#))
}

pub struct Stub {
    pub clients: Clients,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Stub {
    pub fn new(reply: impl Fn(&Asked) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (kept, reply) = (asked.clone(), Arc::new(reply));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, reply) = (kept.clone(), reply.clone());
                std::thread::spawn(move || serve(&stream, &kept, reply.as_ref()));
            }
        });
        Self { clients: Clients::new(&config(&endpoint)), asked }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

pub fn config(endpoint: &str) -> Config {
    let variable = |name: &str| match name {
        "CARELAKE_LAKE_BUCKET" => Some("lake".to_owned()),
        "CARELAKE_IDENTITY_BUCKET" => Some("identity".to_owned()),
        "CARELAKE_LANDING_BUCKET" => Some("landing".to_owned()),
        "AWS_REGION" => Some("us-east-1".to_owned()),
        "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => Some("test".to_owned()),
        "AWS_ENDPOINT_URL" => Some(endpoint.to_owned()),
        _ => None,
    };
    Config::read("test", variable).unwrap()
}

fn serve(stream: &TcpStream, kept: &Mutex<Vec<Asked>>, reply: &dyn Fn(&Asked) -> Answer) {
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader) {
        let answer = reply(&asked);
        kept.lock().unwrap().push(asked);
        let length = answer.told.unwrap_or(answer.body.len());
        let mut text = format!("HTTP/1.1 {} X\r\ncontent-length: {length}\r\n", answer.status);
        for (name, value) in &answer.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text.push_str("\r\n");
        text.push_str(&answer.body);
        let mut writer = stream;
        if writer.write_all(text.as_bytes()).is_err() || answer.told.is_some() {
            let _ = stream.shutdown(std::net::Shutdown::Both);
            return;
        }
    }
}

fn read(reader: &mut impl BufRead) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    Some(Asked { method, target, headers, body: String::from_utf8_lossy(&body).into_owned() })
}
