//! Senders and landing paths: who sent a file, for which dataset, for which day.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::convert::parse_iso_date;
use crate::error::{ContractError, ContractErrors};
use crate::raw;
use crate::validate::{is_name, parse};

/// Which feed a sender sends: the feed of its own name unless `sources.toml` says otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    bound: BTreeMap<String, String>,
}

impl Sources {
    /// Reads a `sources.toml`: `[sources.st_mary]` with `feed = "clinic"`.
    ///
    /// # Errors
    /// What is wrong, with the line.
    pub fn parse(file: &str, text: &str) -> Result<Self, ContractErrors> {
        let raw: raw::Sources = parse(file, text)?;
        let mut bound = BTreeMap::new();
        for (source, binding) in raw.sources {
            if !is_name(&source) {
                return Err(ContractError::new(
                    file,
                    format!("\"{source}\" is not a source name"),
                    "use lower-case letters, digits and _",
                )
                .at(text, binding.feed.span().start)
                .into());
            }
            bound.insert(source, binding.feed.into_inner());
        }
        Ok(Self { bound })
    }

    /// The feed a source sends.
    pub fn feed<'a>(&'a self, source: &'a str) -> &'a str {
        self.bound.get(source).map_or(source, String::as_str)
    }

    /// Binds a source to a feed.
    pub fn bind(&mut self, source: &str, feed: &str) {
        self.bound.insert(source.to_owned(), feed.to_owned());
    }

    /// The text of a `sources.toml` with these bindings.
    pub fn to_toml(&self) -> String {
        let mut text =
            String::from("# Which feed each sender sends; a sender not listed sends the feed of its own name.\n");
        for (source, feed) in &self.bound {
            text.push_str(&format!("\n[sources.{source}]\nfeed = \"{feed}\"\n"));
        }
        text
    }
}

/// How a file is encoded, by its name's ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileFormat {
    /// Comma-separated text with a header.
    Csv,
    /// A JSON array of records, or one record.
    Json,
    /// One JSON record a line.
    NdJson,
    /// Apache Parquet.
    Parquet,
}

/// How a file is compressed, by its name's ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip.
    Gzip,
    /// Zstandard.
    Zstd,
}

/// What a landing key says of its file. The file's own name is not kept: it may name a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LandingPath {
    /// Who sent it.
    pub source: String,
    /// Which dataset.
    pub dataset: String,
    /// The day of the date folder, if there is one.
    pub date: Option<NaiveDate>,
    /// Encoding.
    pub format: FileFormat,
    /// Compression.
    pub compression: Compression,
}

impl LandingPath {
    /// Reads `<source>/<dataset>/[<date>/]<file>`; `Err` says what is wrong without repeating any part of the key.
    pub fn parse(key: &str) -> Result<Self, &'static str> {
        Self::parse_as(key, &|_, _, _| None)
    }

    /// Reads a key; `called` may say which dataset a source's folder and file are of.
    pub(crate) fn parse_as<'n>(
        key: &str,
        called: &dyn Fn(&str, &str, &str) -> Option<&'n str>,
    ) -> Result<Self, &'static str> {
        let parts: Vec<&str> = key.split('/').collect();
        let (source, dataset, date, file) = match parts.as_slice() {
            [source, dataset, file] => (source, dataset, None, file),
            [source, dataset, date, file] => (source, dataset, Some(date), file),
            _ => return Err("the path is not <source>/<dataset>/[<date>/]<file>"),
        };
        let dataset = called(source, dataset, file).unwrap_or(dataset);
        if !is_name(source) || !is_name(dataset) {
            return Err("source and dataset folders must be lower-case letters, digits and _");
        }
        let date = match date {
            Some(text) => Some(parse_iso_date(text).ok_or("the date folder is not yyyy-mm-dd or yyyymmdd")?),
            None => None,
        };
        let (format, compression) =
            file_format(file).ok_or("the file's ending is not .csv, .json, .ndjson (.gz, .zst) or .parquet")?;
        Ok(Self { source: (*source).to_owned(), dataset: dataset.to_owned(), date, format, compression })
    }
}

/// Encoding and compression by a file's name.
pub fn file_format(name: &str) -> Option<(FileFormat, Compression)> {
    let name = name.to_ascii_lowercase();
    let (stem, compression) = match (name.strip_suffix(".gz"), name.strip_suffix(".zst")) {
        (Some(stem), _) => (stem, Compression::Gzip),
        (_, Some(stem)) => (stem, Compression::Zstd),
        _ => (name.as_str(), Compression::None),
    };
    let (_, extension) = stem.rsplit_once('.')?;
    match (extension, compression) {
        ("csv", _) => Some((FileFormat::Csv, compression)),
        ("json", _) => Some((FileFormat::Json, compression)),
        ("ndjson" | "jsonl", _) => Some((FileFormat::NdJson, compression)),
        ("parquet", Compression::None) => Some((FileFormat::Parquet, compression)),
        _ => None,
    }
}
