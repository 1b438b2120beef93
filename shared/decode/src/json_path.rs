//! Walking the steps of a path through a JSON record.

use std::borrow::Cow;

use carelake_contracts::{JsonPath, Step};
use serde_json::{Map, Value};

/// Hears of a value at the end of a path; true when it has heard enough.
type Found<'f, 'v> = dyn FnMut(&'v Value) -> bool + 'f;

/// The text at the end of a path within a record or array element: of the first value that is not NULL, or of all values
/// where the path asks for every one.
pub fn text<'v>(value: &'v Value, path: &JsonPath) -> Option<Cow<'v, str>> {
    if !path.joins() {
        return first(value, &path.tail).and_then(text_of);
    }
    let mut joined = String::new();
    walk(value, &path.tail, &mut |value| {
        if let Some(text) = text_of(value) {
            if !joined.is_empty() {
                joined.push(' ');
            }
            joined.push_str(&text);
        }
        false
    });
    (!joined.is_empty()).then_some(joined.into())
}

/// The first value that is not NULL at the end of a list of steps.
pub fn first<'v>(value: &'v Value, steps: &[Step]) -> Option<&'v Value> {
    let mut found = None;
    walk(value, steps, &mut |value| {
        found = Some(value).filter(|value| !value.is_null());
        found.is_some()
    });
    found
}

fn walk<'v>(value: &'v Value, steps: &[Step], found: &mut Found<'_, 'v>) -> bool {
    let Some((step, rest)) = steps.split_first() else { return found(value) };
    let elements = || value.as_array().map(Vec::as_slice).unwrap_or_default();
    match step {
        Step::Key(key) => {
            value.as_object().and_then(|object| get(object, key)).is_some_and(|next| walk(next, rest, found))
        }
        Step::At(place) => elements().get(*place).is_some_and(|next| walk(next, rest, found)),
        Step::Every => elements().iter().any(|next| walk(next, rest, found)),
        Step::Where { path, value: wanted } => {
            elements().iter().filter(|element| holds(element, path, wanted)).any(|next| walk(next, rest, found))
        }
        Step::Anywhere { anywhere } => {
            let here = value.as_object().and_then(|object| object.get(anywhere));
            here.is_some_and(|next| walk(next, rest, found)) || inner(value).any(|next| walk(next, steps, found))
        }
    }
}

/// The value under a key, which is matched exactly, else without case.
pub fn get<'v>(object: &'v Map<String, Value>, key: &str) -> Option<&'v Value> {
    object.get(key).or_else(|| object.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value))
}

fn inner(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(elements) => Box::new(elements.iter()),
        Value::Object(object) => Box::new(object.values()),
        _ => Box::new(std::iter::empty()),
    }
}

/// True when a value at the end of the keys is the text; arrays on the way are looked through.
fn holds(value: &Value, path: &[String], wanted: &str) -> bool {
    if let Value::Array(elements) = value {
        return elements.iter().any(|element| holds(element, path, wanted));
    }
    match path.split_first() {
        Some((key, rest)) => value.get(key).is_some_and(|next| holds(next, rest, wanted)),
        None => text_of(value).is_some_and(|text| text == wanted),
    }
}

fn text_of(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.as_str().into()),
        other => Some(other.to_string().into()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_step_finds_what_it_says() {
        let record = json!({
            "name": [{"use": "old", "family": "O"}, {"use": "official", "family": "F", "given": ["A", null, "B"]}],
            "code": {"coding": [{"system": "s", "code": null}, {"system": "s", "code": "2"}, {"system": "t", "code": "3"}]},
            "id": [{"type": {"coding": [{"code": "X"}, {"code": "DL"}]}, "value": 7}],
            "part": [{"more": {"mark": [{"url": "u"}]}}, {"mark": [{"url": "v"}]}],
        });
        for (path, wanted) in [
            ("name[0].family", Some("O")),
            ("name[use=official].family", Some("F")),
            ("name[use=official].given[*]", Some("A B")),
            ("name[use=maiden].family", None),
            ("name[9].family", None),
            ("name.family", None),
            ("code.coding[system=s].code", Some("2")),
            ("code.coding[0].code", None),
            ("id[type.coding.code=DL].value", Some("7")),
            ("..mark[*].url", Some("u v")),
            ("..mark[0].url", Some("u")),
            ("..nothing", None),
        ] {
            assert_eq!(text(&record, &JsonPath::parse(path).unwrap()).as_deref(), wanted, "{path}");
        }
    }
}
