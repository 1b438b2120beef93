//! From one nested JSON record to flat rows: arrays on the contract's paths are exploded, outermost first.

use std::collections::{BTreeMap, BTreeSet};

use carelake_contracts::{Contract, JsonPath};
use serde_json::{Map, Value};

use super::cells::Cells;
use super::{DecodeError, Header, presentable};

/// Keys of an object that the contract reads.
#[derive(Default)]
struct Known(BTreeMap<String, Known>);

impl Known {
    fn add(&mut self, keys: &[String]) {
        if let Some((first, rest)) = keys.split_first() {
            self.0.entry(first.clone()).or_default().add(rest);
        }
    }

    /// Puts everything in `value` that no path leads to under its dotted name into `found`.
    fn unknown(&self, value: &Value, prefix: &str, found: &mut Map<String, Value>) {
        let Value::Object(object) = value else { return };
        for (key, inner) in object {
            match self.0.get(key) {
                Some(known) if known.0.is_empty() => {}
                Some(known) => known.unknown(inner, &format!("{prefix}{key}."), found),
                None => {
                    found.insert(format!("{prefix}{key}"), inner.clone());
                }
            }
        }
    }
}

/// Turns records into rows.
pub struct Exploder<'a> {
    paths: Vec<&'a JsonPath>,
    chain: Vec<Vec<String>>,
    known: Vec<Known>,
    seen: Vec<bool>,
    names: Vec<&'a str>,
    unknown: BTreeSet<String>,
}

impl<'a> Exploder<'a> {
    pub fn new(contract: &'a Contract) -> Result<Self, DecodeError> {
        let paths: Vec<&JsonPath> = contract.columns.iter().map(|column| &column.path).collect();
        let chain =
            paths.iter().map(|path| &path.levels).max_by_key(|levels| levels.len()).cloned().unwrap_or_default();
        if paths.iter().any(|path| !chain.starts_with(&path.levels)) {
            return Err(DecodeError::Unreadable(
                "the contract's paths explode two arrays side by side; split it into two datasets",
            ));
        }
        let mut known: Vec<Known> = (0..=chain.len()).map(|_| Known::default()).collect();
        for (depth, level) in chain.iter().enumerate() {
            if let Some(keys) = known.get_mut(depth) {
                keys.add(level);
            }
        }
        for path in &paths {
            if let Some(keys) = known.get_mut(path.levels.len()) {
                keys.add(&path.tail);
            }
        }
        let seen = vec![false; paths.len()];
        let names = contract.columns.iter().map(|column| column.name.as_str()).collect();
        Ok(Self { paths, chain, known, seen, names, unknown: BTreeSet::new() })
    }

    /// Adds the rows of one record. A record that is not an object is damage.
    pub fn push(&mut self, row: i64, record: &Value, cells: &mut Cells) {
        if !record.is_object() {
            cells.damage(row, ".row.encoding");
            return;
        }
        self.explode(row, &mut vec![(Some(record), None)], cells);
    }

    /// `elements` holds, per depth, the element and its 1-based position.
    fn explode(&mut self, row: i64, elements: &mut Vec<(Option<&Value>, Option<usize>)>, cells: &mut Cells) {
        let depth = elements.len() - 1;
        let Some(level) = self.chain.get(depth) else {
            self.emit(row, elements, cells);
            return;
        };
        let parent = elements.last().and_then(|(element, _)| *element);
        let items = parent.and_then(|parent| follow(parent, level)).and_then(Value::as_array);
        match items {
            Some(items) if !items.is_empty() => {
                for (index, item) in items.iter().enumerate() {
                    elements.push((Some(item), Some(index + 1)));
                    self.explode(row, elements, cells);
                    elements.pop();
                }
            }
            _ => {
                elements.push((None, None));
                self.explode(row, elements, cells);
                elements.pop();
            }
        }
    }

    fn emit(&mut self, row: i64, elements: &[(Option<&Value>, Option<usize>)], cells: &mut Cells) {
        let mut extra = Map::new();
        for (depth, (element, _)) in elements.iter().enumerate() {
            if let (Some(element), Some(known)) = (element, self.known.get(depth)) {
                let prefix: String =
                    self.chain.iter().take(depth).map(|level| format!("{}[].", level.join("."))).collect();
                known.unknown(element, &prefix, &mut extra);
            }
        }
        self.unknown.extend(extra.keys().map(|name| presentable(name)));
        let mut texts: Vec<Option<String>> = Vec::with_capacity(self.paths.len());
        for (path, seen) in self.paths.iter().zip(&mut self.seen) {
            let text = elements.get(path.levels.len()).and_then(|(element, position)| {
                if path.position {
                    return position.map(|position| position.to_string());
                }
                let value = follow((*element)?, &path.tail)?;
                *seen = true;
                text_of(value)
            });
            *seen |= path.position;
            texts.push(text);
        }
        let extra = (!extra.is_empty()).then(|| Value::Object(extra).to_string());
        cells.push(row, extra.as_deref(), |index| texts.get(index)?.as_deref());
    }

    pub fn header(self) -> Header {
        let missing = self.names.iter().zip(&self.seen).filter(|(_, seen)| !**seen);
        Header {
            unknown: self.unknown.into_iter().collect(),
            missing: missing.map(|(name, _)| (*name).to_owned()).collect(),
        }
    }
}

/// The value at the end of a list of keys, which are matched exactly, else without case.
fn follow<'v>(value: &'v Value, keys: &[String]) -> Option<&'v Value> {
    keys.iter().try_fold(value, |current, key| {
        let object = current.as_object()?;
        object
            .get(key)
            .or_else(|| object.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value))
    })
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}
