//! From one nested JSON record to flat rows: arrays on the contract's paths are exploded, outermost first.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use carelake_contracts::{Contract, JsonPath, Step};
use serde_json::{Map, Value};

use crate::batches::Batches;
use crate::extract::Extract;
use crate::json_path::{first, text};
use crate::limits::RECORD_ROWS_BYTES;
use crate::{DecodeError, Header, SIZE, presentable};

/// Keys of an object that the contract reads.
#[derive(Default)]
struct Known(BTreeMap<String, Known>);

impl Known {
    /// An array from which elements are picked is known as a whole.
    fn add(&mut self, steps: &[Step]) {
        match steps.split_first() {
            Some((Step::Key(key), rest)) => self.0.entry(key.clone()).or_default().add(rest),
            Some((Step::Anywhere { anywhere }, _)) => {
                self.0.entry(anywhere.clone()).or_default();
            }
            _ => {}
        }
    }

    /// What leads on from a key of an object; a key in other case counts where `follow` would take it.
    fn of(&self, key: &str, object: &Map<String, Value>) -> Option<&Known> {
        self.0.get(key).or_else(|| {
            let (wanted, known) = self.0.iter().find(|(wanted, _)| wanted.eq_ignore_ascii_case(key))?;
            let taken = !object.contains_key(wanted)
                && object.keys().find(|other| other.eq_ignore_ascii_case(wanted)).is_some_and(|first| first == key);
            taken.then_some(known)
        })
    }

    /// Puts everything in `value` that no path leads to under its dotted name into `found`.
    fn unknown(&self, value: &Value, prefix: &str, found: &mut Map<String, Value>) {
        let Value::Object(object) = value else { return };
        for (key, inner) in object {
            match self.of(key, object) {
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
    columns: Vec<(Vec<&'a JsonPath>, Extract)>,
    chain: Vec<Vec<Step>>,
    known: Vec<Known>,
    seen: Vec<bool>,
    names: Vec<&'a str>,
    unknown: BTreeSet<String>,
}

impl<'a> Exploder<'a> {
    pub fn new(contract: &'a Contract) -> Result<Self, DecodeError> {
        let paths: Vec<&JsonPath> = contract.columns.iter().flat_map(|column| column.paths()).collect();
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
        let seen = vec![false; contract.columns.len()];
        let columns = contract.columns.iter().map(|column| (column.paths().collect(), Extract::of(column))).collect();
        let names = contract.columns.iter().map(|column| column.name.as_str()).collect();
        Ok(Self { columns, chain, known, seen, names, unknown: BTreeSet::new() })
    }

    /// Adds the rows of a record of `length` bytes. One whose rows would be too large together is damage.
    pub fn push(
        &mut self,
        row: i64,
        record: &Value,
        length: usize,
        batches: &mut Batches<'_, '_>,
    ) -> Result<(), DecodeError> {
        // Almost always enough: no row holds more than the whole record.
        let sure = self.rows(Some(record), 0).saturating_mul(length as u64) <= RECORD_ROWS_BYTES;
        if !sure && self.weight(Some(record), 0).1 > RECORD_ROWS_BYTES {
            return batches.damage(row, SIZE);
        }
        self.explode(row, &mut vec![(Some(record), None)], batches)
    }

    fn items<'v>(&self, element: Option<&'v Value>, depth: usize) -> &'v [Value] {
        let items = self.chain.get(depth).and_then(|level| first(element?, level)).and_then(Value::as_array);
        items.map(Vec::as_slice).unwrap_or_default()
    }

    /// Rows that an element of a depth becomes.
    fn rows(&self, element: Option<&Value>, depth: usize) -> u64 {
        self.items(element, depth).iter().map(|item| self.rows(Some(item), depth + 1)).sum::<u64>().max(1)
    }

    /// Rows that an element of a depth becomes, and bytes of text in all of them.
    fn weight(&self, element: Option<&Value>, depth: usize) -> (u64, u64) {
        let items = self.items(element, depth);
        let own = element.map_or(0, size).saturating_sub(items.iter().map(size).sum());
        let below = items.iter().map(|item| self.weight(Some(item), depth + 1));
        let (rows, bytes) = below.fold((0, 0), |(rows, bytes): (u64, u64), (more_rows, more_bytes)| {
            (rows + more_rows, bytes.saturating_add(more_bytes))
        });
        (rows.max(1), bytes.saturating_add(own.saturating_mul(rows.max(1))))
    }

    /// `elements` holds, per depth, the element and its 1-based position.
    fn explode(
        &mut self,
        row: i64,
        elements: &mut Vec<(Option<&Value>, Option<usize>)>,
        batches: &mut Batches<'_, '_>,
    ) -> Result<(), DecodeError> {
        let depth = elements.len() - 1;
        if depth == self.chain.len() {
            return self.emit(row, elements, batches);
        }
        let items = self.items(elements.last().and_then(|(element, _)| *element), depth);
        let missing = items.is_empty().then_some((None, None));
        let items = items.iter().enumerate().map(|(index, item)| (Some(item), Some(index + 1)));
        for element in items.chain(missing) {
            elements.push(element);
            self.explode(row, elements, batches)?;
            elements.pop();
        }
        Ok(())
    }

    fn emit(
        &mut self,
        row: i64,
        elements: &[(Option<&Value>, Option<usize>)],
        batches: &mut Batches<'_, '_>,
    ) -> Result<(), DecodeError> {
        let mut extra = Map::new();
        for (depth, (element, _)) in elements.iter().enumerate() {
            if let (Some(element), Some(known)) = (element, self.known.get(depth)) {
                let prefix: String = self.chain.iter().take(depth).map(|level| prefix_of(level)).collect();
                known.unknown(element, &prefix, &mut extra);
            }
        }
        self.unknown.extend(extra.keys().map(|name| presentable(name)));
        let mut texts: Vec<Option<Cow<'_, str>>> = Vec::with_capacity(self.columns.len());
        for ((paths, extract), seen) in self.columns.iter().zip(&mut self.seen) {
            *seen |= paths.iter().any(|path| path.position);
            texts.push(paths.iter().find_map(|path| {
                let text = value(path, elements)?;
                *seen = true;
                let filled = !text.trim().is_empty() && extract.takes(text.trim());
                filled.then_some(text)
            }));
        }
        let extra = (!extra.is_empty()).then(|| Value::Object(extra).to_string());
        batches.push(row, extra.as_deref(), |index| texts.get(index)?.as_deref())
    }

    pub fn header(self) -> Header {
        let missing = self.names.iter().zip(&self.seen).filter(|(_, seen)| !**seen);
        Header {
            unknown: self.unknown.into_iter().collect(),
            missing: missing.map(|(name, _)| (*name).to_owned()).collect(),
        }
    }
}

/// The text that a path finds: of the element of its depth, or the element's position.
fn value<'v>(path: &JsonPath, elements: &[(Option<&'v Value>, Option<usize>)]) -> Option<Cow<'v, str>> {
    let (element, position) = elements.get(path.levels.len())?;
    if path.position {
        return position.map(|position| position.to_string().into());
    }
    text((*element)?, path)
}

/// The names of an array on the way to unknown keys in it.
fn prefix_of(level: &[Step]) -> String {
    let names: Vec<String> = level.iter().map(ToString::to_string).collect();
    format!("{}[].", names.join("."))
}

/// Bytes of a value as text, roughly.
fn size(value: &Value) -> u64 {
    match value {
        Value::Null => 0,
        Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len() as u64 + 2,
        Value::Array(items) => items.iter().map(|item| size(item) + 1).sum(),
        Value::Object(fields) => fields.iter().map(|(key, value)| key.len() as u64 + 4 + size(value)).sum(),
    }
}
