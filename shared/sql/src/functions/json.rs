//! `json_extract_scalar(json, path)`, `json_extract(json, path)`, `json_array_length(json)`.
//!
//! JSON is text here. A path is of names and positions, `$.a.b[0]["c d"]`, without wildcards. Text that is no JSON has
//! nothing at any path.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int64Array, StringArray};
use arrow::datatypes::DataType;
use datafusion::common::{exec_datafusion_err, exec_err};
use datafusion::error::Result;
use serde_json::Value;

use super::simple::Simple;

/// All of them.
pub(super) fn all() -> Vec<Simple> {
    let text = DataType::Utf8;
    let pair = vec![vec![text.clone(), text.clone()]];
    vec![
        Simple::new("json_extract_scalar", pair.clone(), text.clone(), |arrays| extract(arrays, scalar)),
        Simple::new("json_extract", pair, text.clone(), |arrays| extract(arrays, |value| Some(value.to_string()))),
        Simple::new("json_array_length", vec![vec![text]], DataType::Int64, length),
    ]
}

fn texts(arrays: &[ArrayRef], index: usize) -> Result<&StringArray> {
    let array = arrays.get(index).and_then(|array| array.as_string_opt::<i32>());
    array.ok_or_else(|| exec_datafusion_err!("argument {} is no text", index + 1))
}

fn extract(arrays: &[ArrayRef], written: fn(&Value) -> Option<String>) -> Result<ArrayRef> {
    let mut known: Option<(&str, Vec<Step>)> = None;
    let mut found = Vec::new();
    for (json, path) in texts(arrays, 0)?.iter().zip(texts(arrays, 1)?) {
        let (Some(json), Some(path)) = (json, path) else {
            found.push(None);
            continue;
        };
        if known.as_ref().is_none_or(|(text, _)| *text != path) {
            known = Some((path, steps(path)?));
        }
        let steps = known.as_ref().map_or(&[][..], |(_, steps)| steps);
        let value: Option<Value> = serde_json::from_str(json).ok();
        found.push(value.as_ref().and_then(|value| at(value, steps)).and_then(written));
    }
    Ok(Arc::new(StringArray::from(found)))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn length(arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let count = |json: Option<&str>| match serde_json::from_str(json?) {
        Ok(Value::Array(values)) => i64::try_from(values.len()).ok(),
        _ => None,
    };
    Ok(Arc::new(texts(arrays, 0)?.iter().map(count).collect::<Int64Array>()))
}

/// A step of a path.
enum Step {
    Name(String),
    Position(usize),
}

fn at<'a>(value: &'a Value, steps: &[Step]) -> Option<&'a Value> {
    steps.iter().try_fold(value, |value, step| match step {
        Step::Name(name) => value.get(name),
        Step::Position(position) => value.get(position),
    })
}

fn steps(path: &str) -> Result<Vec<Step>> {
    let wrong = || exec_err!("a JSON path is written $.name[0][\"other name\"], without wildcards");
    let Some(mut rest) = path.strip_prefix('$') else { return wrong() };
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(named) = rest.strip_prefix('.') {
            let end = named.find(['.', '[']).unwrap_or(named.len());
            let (name, after) = named.split_at_checked(end).unwrap_or((named, ""));
            if name.is_empty() || name == "*" {
                return wrong();
            }
            steps.push(Step::Name(name.to_owned()));
            rest = after;
        } else if let Some((inner, after)) = rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
            let quoted = ['"', '\''].iter().find_map(|quote| inner.strip_prefix(*quote)?.strip_suffix(*quote));
            match (quoted, inner.parse()) {
                (Some(name), _) => steps.push(Step::Name(name.to_owned())),
                (None, Ok(position)) => steps.push(Step::Position(position)),
                _ => return wrong(),
            }
            rest = after;
        } else {
            return wrong();
        }
    }
    Ok(steps)
}
