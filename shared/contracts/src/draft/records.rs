//! Nested JSON records as a flat sample: every value under its path, the arrays of one chain exploded.

use std::collections::HashSet;

use serde_json::Value;

use super::Sample;
use crate::path::{JsonPath, Step};

/// Rows of a sample, at most.
const MOST_ROWS: usize = 50_000;
/// Columns of a sample, at most.
const MOST_COLUMNS: usize = 500;

/// A sample of nested records, with JSON paths as column names: `visits[].code`, `visits[#]` for the position.
///
/// Arrays of objects are exploded along the chain that holds most values; an array beside it, and FHIR's extensions, are
/// left out and remarked on.
pub fn sample_of_records(records: &[Value]) -> Sample {
    let mut found = Found::default();
    for record in records {
        found.look(record, "");
    }
    found.settle();
    let chain = found.chain();
    let on_chain = |path: &String| level(path).is_empty() || chain.iter().any(|array| array == level(path));
    let mut columns: Vec<String> = Vec::new();
    for path in found.leaves.iter().filter(|path| on_chain(path)) {
        columns.push(path.clone());
    }
    for array in &chain {
        let first =
            columns.iter().position(|column| column.starts_with(&format!("{array}[]."))).unwrap_or(columns.len());
        columns.insert(first, format!("{array}[#]"));
    }
    let mut remarks = found.remarks;
    for array in found.arrays.iter().filter(|array| !chain.contains(array)) {
        remarks
            .push(format!("The array {} lies beside the ones read here: give it a dataset of its own.", shown(array)));
    }
    let paths: Vec<JsonPath> = columns.iter().filter_map(|column| JsonPath::parse(column).ok()).collect();
    let levels = paths.iter().map(|path| &path.levels).max_by_key(|levels| levels.len()).cloned().unwrap_or_default();
    let mut rows = Vec::new();
    for record in records {
        explode(&mut vec![(Some(record), None)], &levels, &paths, &mut rows);
    }
    Sample { columns, rows, remarks }
}

/// A key as it may stand in a comment: keys are no place for a person's data, but some senders use them so.
fn shown(path: &str) -> String {
    let fits = path.len() <= 100 && path.chars().all(|c| c.is_ascii_alphanumeric() || "_.[]-".contains(c));
    if fits { path.to_owned() } else { "(name not shown)".to_owned() }
}

#[derive(Default)]
struct Found {
    /// Paths to values.
    leaves: Vec<String>,
    /// Paths to arrays of objects, without their own [].
    arrays: Vec<String>,
    known: HashSet<String>,
    remarks: Vec<String>,
}

impl Found {
    fn look(&mut self, value: &Value, prefix: &str) {
        let Value::Object(object) = value else { return };
        for (key, inner) in object {
            if key.is_empty() || key.contains(['.', '[', ']']) {
                self.remark(format!(
                    "A key of {} holds a dot or a bracket and cannot be read.",
                    if prefix.is_empty() { "the record" } else { "a nested object" }
                ));
                continue;
            }
            let path = format!("{prefix}{key}");
            match inner {
                Value::Object(_) => self.look(inner, &format!("{path}.")),
                Value::Array(items) if key == "extension" && items.iter().any(Value::is_object) => {
                    self.remark("Extensions are left out.".to_owned());
                }
                Value::Array(items) if items.iter().any(Value::is_object) => {
                    note(&mut self.arrays, &path);
                    for item in items {
                        self.look(item, &format!("{path}[]."));
                    }
                }
                // An empty array says nothing of what it holds.
                Value::Array(items) if items.is_empty() => {}
                _ if self.leaves.len() >= MOST_COLUMNS => {
                    self.remark(format!("More than {MOST_COLUMNS} values; the rest is left out."))
                }
                _ => {
                    if self.known.insert(path.clone()) {
                        self.leaves.push(path);
                    }
                }
            }
        }
    }

    /// A value that is NULL in one record and an object or array in another is the latter.
    fn settle(&mut self) {
        let arrays = &self.arrays;
        let inner: HashSet<String> = self
            .leaves
            .iter()
            .flat_map(|leaf| leaf.match_indices('.').map(|(dot, _)| leaf.get(..dot).unwrap_or("").to_owned()))
            .collect();
        self.leaves.retain(|leaf| !arrays.contains(leaf) && !inner.contains(leaf));
    }

    fn remark(&mut self, text: String) {
        note(&mut self.remarks, &text);
    }

    /// The chain of arrays, outermost first, along which most values are read; of two such the first in the record.
    fn chain(&self) -> Vec<String> {
        let to = |array: &String| {
            let mut chain: Vec<String> =
                array.match_indices("[]").map(|(end, _)| array.get(..end).unwrap_or("").to_owned()).collect();
            chain.push(array.clone());
            chain
        };
        let values = |chain: &Vec<String>| {
            let levels: Vec<&str> = self.leaves.iter().map(|leaf| level(leaf)).collect();
            let on = levels.iter().filter(|level| chain.iter().any(|array| array == *level)).count();
            (on, chain.len())
        };
        // The last of equals wins in max_by_key: look at them backwards, so that the first in the record does.
        self.arrays.iter().rev().map(to).max_by_key(values).unwrap_or_default()
    }
}

/// The array that a path ends in, without its own [].
fn level(path: &str) -> &str {
    path.rfind("[]").and_then(|end| path.get(..end)).unwrap_or("")
}

fn note(list: &mut Vec<String>, text: &str) {
    if !list.iter().any(|known| known == text) {
        list.push(text.to_owned());
    }
}

type Element<'v> = (Option<&'v Value>, Option<usize>);

fn explode<'v>(
    elements: &mut Vec<Element<'v>>,
    levels: &[Vec<Step>],
    paths: &[JsonPath],
    rows: &mut Vec<Vec<Option<String>>>,
) {
    if rows.len() >= MOST_ROWS {
        return;
    }
    let Some(level) = levels.get(elements.len() - 1) else {
        rows.push(paths.iter().map(|path| value(path, elements)).collect());
        return;
    };
    let parent = elements.last().and_then(|(element, _)| *element);
    let items = parent
        .and_then(|parent| follow(parent, level))
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let inner: Vec<Element<'v>> = if items.is_empty() {
        vec![(None, None)]
    } else {
        items.iter().enumerate().map(|(index, item)| (Some(item), Some(index + 1))).collect()
    };
    for element in inner {
        elements.push(element);
        explode(elements, levels, paths, rows);
        elements.pop();
    }
}

fn value(path: &JsonPath, elements: &[Element<'_>]) -> Option<String> {
    let (element, position) = elements.get(path.levels.len())?;
    if path.position {
        return position.map(|position| position.to_string());
    }
    match follow((*element)?, &path.tail)? {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// The value at the end of a path of keys; drafted paths have no other steps.
fn follow<'v>(value: &'v Value, steps: &[Step]) -> Option<&'v Value> {
    steps.iter().try_fold(value, |current, step| match step {
        Step::Key(key) => current.get(key),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(text: &str) -> Sample {
        let records: Vec<Value> = serde_json::from_str(text).unwrap_or_default();
        assert!(!records.is_empty());
        sample_of_records(&records)
    }

    #[test]
    fn nested_arrays_become_paths_with_positions() {
        let sample = sample(
            r#"[{"id":"a","visits":[{"code":1,"dx":[{"c":"x"},{"c":"y"}]},{"code":2,"dx":[]}]},{"id":"b","visits":[]}]"#,
        );
        assert_eq!(sample.columns, ["id", "visits[#]", "visits[].code", "visits[].dx[#]", "visits[].dx[].c"]);
        let row = |cells: [Option<&str>; 5]| cells.map(|cell| cell.map(str::to_owned)).to_vec();
        let wanted = vec![
            row([Some("a"), Some("1"), Some("1"), Some("1"), Some("x")]),
            row([Some("a"), Some("1"), Some("1"), Some("2"), Some("y")]),
            row([Some("a"), Some("2"), Some("2"), None, None]),
            row([Some("b"), None, None, None, None]),
        ];
        assert_eq!(sample.rows, wanted);
    }

    #[test]
    fn an_array_beside_the_chain_is_remarked_on_and_left_out() {
        let sample = sample(r#"[{"id":1,"a":[{"x":1,"y":2}],"b":[{"z":1}],"tags":["t"]}]"#);
        assert_eq!(sample.columns, ["id", "a[#]", "a[].x", "a[].y", "tags"]);
        assert_eq!(sample.remarks, ["The array b lies beside the ones read here: give it a dataset of its own."]);
    }

    #[test]
    fn nulls_do_not_hide_objects_and_odd_keys_are_left_out() {
        let sample = sample(r#"[{"home":null,"v":null,"a.b":1},{"home":{"city":"x"},"v":[{"c":1}]}]"#);
        assert_eq!(sample.columns, ["home.city", "v[#]", "v[].c"]);
        assert_eq!(sample.remarks.len(), 1);
    }
}
