//! Numbers in JSON such that every one comes back bit for bit, the infinite and NaN too.
//!
//! JSON has no infinity, and readers differ in how they round. A number is therefore written as the shortest text that
//! gives it back, in a string; a list of numbers is one string, with spaces between.

use serde::{Deserialize, Deserializer, Serializer, de::Error};
use serde_json::Value;

/// For `#[serde(with = "exact::list")]`.
pub(crate) mod list {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(values: &[f64], out: S) -> Result<S::Ok, S::Error> {
        let words: Vec<String> = values.iter().map(f64::to_string).collect();
        out.serialize_str(&words.join(" "))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<f64>, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(input)?;
        text.split_ascii_whitespace().map(|word| word.parse().map_err(|_| D::Error::custom("not a number"))).collect()
    }
}

/// For `#[serde(with = "exact::number")]`.
pub(crate) mod number {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(value: &f64, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(&value.to_string())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<f64, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(input)?;
        text.parse().map_err(|_| D::Error::custom("not a number"))
    }
}

/// A document in which every number with a fraction is a string that begins with `~`. Strings that begin so anyway get
/// one more.
pub(crate) fn freeze(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            Value::String(number.as_f64().map_or_else(String::new, |number| format!("~{number}")))
        }
        Value::String(text) if text.starts_with('~') => Value::String(format!("~{text}")),
        Value::Array(values) => Value::Array(values.into_iter().map(freeze).collect()),
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(name, value)| (name, freeze(value))).collect()),
        other => other,
    }
}

/// Undoes [`freeze`].
pub(crate) fn thaw(value: Value) -> Value {
    match value {
        Value::String(text) => match text.strip_prefix('~') {
            Some(rest) if !rest.starts_with('~') => rest.parse::<f64>().map_or(Value::Null, Value::from),
            Some(rest) => Value::String(rest.to_owned()),
            None => Value::String(text),
        },
        Value::Array(values) => Value::Array(values.into_iter().map(thaw).collect()),
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(name, value)| (name, thaw(value))).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_come_back_as_they_were() {
        let document =
            serde_json::json!({"a": [0.1, 1e-300, 3, "~x", "x", "~~", "~0.5"], "b": {"c": 0.300_000_000_000_000_04}});
        assert_eq!(thaw(freeze(document.clone())), document);
    }
}
