//! The log of a function: one JSON object a line on standard output.
//!
//! Messages are constants, values stand in fields, and a field holds what this crate gives it: ids, counts, kinds of
//! errors, and error texts, which name places and causes, never values of rows. What libraries would log is not
//! written at all: they may name keys.

use std::io::Write;

use serde_json::{Map, Value};

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// What was done.
    Info,
    /// What somebody should look at.
    Warn,
    /// What failed.
    Error,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
        }
    }
}

/// The log of one invocation: every line carries its ids.
#[derive(Debug, Clone, Default)]
pub struct Log {
    ids: Map<String, Value>,
}

impl Log {
    /// A log whose lines carry those ids.
    pub fn new(ids: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        Self { ids: ids.into_iter().map(|(name, id)| (name.to_owned(), Value::from(id))).collect() }
    }

    /// Writes a line.
    pub fn write(&self, level: Level, message: &'static str, fields: &[(&'static str, Value)]) {
        print(&self.line(level, message, fields));
    }

    fn line(&self, level: Level, message: &'static str, fields: &[(&'static str, Value)]) -> Value {
        let mut line = Map::new();
        line.insert("level".to_owned(), Value::from(level.word()));
        line.insert("message".to_owned(), Value::from(message));
        line.extend(self.ids.clone());
        line.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        Value::Object(line)
    }
}

/// Writes one object as one line; that the log is closed is no reason to stop.
pub fn print(line: &Value) {
    let mut text = line.to_string();
    text.push('\n');
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Makes a panic a line of the log that says where, and not what: its text may hold anything.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|place| format!("{}:{}", place.file(), place.line()));
        Log::default().write(Level::Error, "stopped by a defect", &[("place", Value::from(place))]);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_carries_the_ids_and_its_fields() {
        let log = Log::new([("request_id", "r-1".to_owned())]);
        let line = log.line(Level::Warn, "file ignored", &[("files", Value::from(1))]);
        assert_eq!(line.to_string(), r#"{"level":"WARN","message":"file ignored","request_id":"r-1","files":1}"#);
    }
}
