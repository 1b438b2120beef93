//! Numbers in JSON such that every one comes back bit for bit, the infinite and NaN too.
//!
//! JSON has no infinity, and readers differ in how they round. A number is therefore written as the shortest text that
//! gives it back, in a string; a list of numbers is one string, with spaces between.

use serde::{Deserialize, Deserializer, Serializer, de::Error};

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
