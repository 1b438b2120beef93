//! One JSON record, from its text: bounded in values and depth, no key twice, no digit lost.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::limits::RECORD_VALUES;
use crate::{ENCODING, SIZE};

/// Digits that a double holds in any case.
const SURE_DIGITS: usize = 15;

/// Reads a record.
///
/// Numbers that a 64-bit integer or double would change become texts of the same digits.
///
/// # Errors
/// The ending of the id of the check that the record fails.
pub fn parse(text: &[u8]) -> Result<Value, &'static str> {
    if has_long_number(text) { read(&quote_long_numbers(text)) } else { read(text) }
}

fn read(text: &[u8]) -> Result<Value, &'static str> {
    let mut left = RECORD_VALUES;
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let read = Build { left: &mut left }.deserialize(&mut deserializer);
    match read.and_then(|record| deserializer.end().map(|()| record)) {
        Ok(record) if record.is_object() => Ok(record),
        Err(_) if left == 0 => Err(SIZE),
        _ => Err(ENCODING),
    }
}

fn has_long_number(text: &[u8]) -> bool {
    let mut digits = 0;
    text.iter().any(|byte| {
        digits = match byte {
            b'0'..=b'9' => digits + 1,
            b'.' => digits,
            _ => 0,
        };
        digits > SURE_DIGITS
    })
}

/// Puts quotes around every number that would lose digits. What is no JSON stays no JSON.
fn quote_long_numbers(text: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(text.len() + 64);
    let mut rest = text;
    while let Some(first) = rest.first() {
        let length = match first {
            b'"' => text_length(rest),
            b'-' | b'0'..=b'9' => rest.iter().position(|byte| !in_number(*byte)).unwrap_or(rest.len()),
            _ => 1,
        };
        let (token, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        if *first != b'"' && token.len() > SURE_DIGITS && loses_digits(token) {
            quoted.push(b'"');
            quoted.extend_from_slice(token);
            quoted.push(b'"');
        } else {
            quoted.extend_from_slice(token);
        }
        rest = after;
    }
    quoted
}

fn in_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')
}

/// Length of the text that begins here, with its quotes.
fn text_length(text: &[u8]) -> usize {
    let mut escaped = false;
    let end = text.iter().skip(1).position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    });
    end.map_or(text.len(), |end| end + 2)
}

/// True for a JSON number whose value as it would be read is written otherwise.
fn loses_digits(token: &[u8]) -> bool {
    serde_json::from_slice::<Number>(token).is_ok_and(|number| number.to_string().as_bytes() != token)
}

/// Builds a value, counting what it is made of.
struct Build<'l> {
    left: &'l mut usize,
}

impl Build<'_> {
    fn count<E: Error>(&mut self) -> Result<(), E> {
        *self.left = self.left.saturating_sub(1);
        if *self.left == 0 { Err(E::custom("too many values")) } else { Ok(()) }
    }
}

impl<'de> DeserializeSeed<'de> for Build<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(mut self, deserializer: D) -> Result<Value, D::Error> {
        self.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Build<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(value) = elements.next_element_seed(Build { left: &mut *self.left })? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            let value = entries.next_value_seed(Build { left: &mut *self.left })?;
            if object.insert(key, value).is_some() {
                return Err(A::Error::custom("a key stands twice"));
            }
        }
        Ok(Value::Object(object))
    }
}
