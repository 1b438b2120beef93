//! Paths into nested JSON records: `visits[].diagnoses[].code`, `visits[#]`.

use std::fmt;

use serde::Serialize;

/// A path from the root of a JSON record to one value.
///
/// `levels` are the arrays that are exploded on the way, outermost first; `tail` leads from the innermost element
/// (or from the record) to the value. A path that ends in `[#]` asks for the 1-based position in its last array.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JsonPath {
    /// Object keys leading to each exploded array.
    pub levels: Vec<Vec<String>>,
    /// Object keys from the last element to the value.
    pub tail: Vec<String>,
    /// True when the value is the position in the last array.
    pub position: bool,
}

impl JsonPath {
    /// Reads a path; `Err` says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut path = Self { levels: Vec::new(), tail: Vec::new(), position: false };
        for step in text.split('.') {
            if path.position {
                return Err(format!("\"{text}\": nothing may follow [#]"));
            }
            let (name, explodes) = match step.strip_suffix("[]") {
                Some(name) => (name, true),
                None => match step.strip_suffix("[#]") {
                    Some(name) => {
                        path.position = true;
                        (name, true)
                    }
                    None => (step, false),
                },
            };
            if name.is_empty() || name.contains(['[', ']']) {
                return Err(format!("\"{text}\" is not a path such as visits[].code"));
            }
            path.tail.push(name.to_owned());
            if explodes {
                path.levels.push(std::mem::take(&mut path.tail));
            }
        }
        if path.tail.is_empty() && !path.position {
            return Err(format!("\"{text}\" names an array, not a value in it"));
        }
        Ok(path)
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.levels.len();
        for (index, level) in self.levels.iter().enumerate() {
            let mark = if self.position && index + 1 == last { "[#]" } else { "[]" };
            write!(f, "{}{mark}", level.join("."))?;
            if index + 1 < last || !self.tail.is_empty() {
                f.write_str(".")?;
            }
        }
        f.write_str(&self.tail.join("."))
    }
}
