//! Paths into nested JSON records: `visits[].diagnoses[].code`, `visits[#]`, `name[use=official].given[*]`.

use std::fmt;

use serde::Serialize;

/// A step of a path within one record or array element.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Step {
    /// `key`: the value under a key of an object.
    Key(String),
    /// `[2]`: the element of an array at a place, from 0.
    At(usize),
    /// `[use=official]`: the elements of an array in which a value is that text.
    Where {
        /// Keys that lead to the value; arrays on the way are looked through.
        path: Vec<String>,
        /// The text.
        value: String,
    },
    /// `[*]`: every element of an array; the values are joined with a blank.
    Every,
    /// `..key` at the head of a path: the value under a key of any object, however deep.
    Anywhere {
        /// The key.
        anywhere: String,
    },
}

/// A path from the root of a JSON record to one value.
///
/// `levels` are the arrays that are exploded on the way, outermost first; `tail` leads from the innermost element
/// (or from the record) to the value. A path that ends in `[#]` asks for the 1-based position in its last array.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JsonPath {
    /// Steps that lead to each exploded array.
    pub levels: Vec<Vec<Step>>,
    /// Steps from the last element to the value.
    pub tail: Vec<Step>,
    /// True when the value is the position in the last array.
    pub position: bool,
}

impl JsonPath {
    /// Reads a path; `Err` says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("\"{text}\" is not a path such as visits[].code");
        let mut path = Self { levels: Vec::new(), tail: Vec::new(), position: false };
        let (mut rest, mut anywhere) = match text.strip_prefix("..") {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        loop {
            if path.position {
                return Err(format!("\"{text}\": nothing may follow [#]"));
            }
            let (name, after) =
                rest.split_at_checked(rest.find(['.', '[', ']']).unwrap_or(rest.len())).ok_or_else(wrong)?;
            if name.is_empty() {
                return Err(wrong());
            }
            path.tail.push(match std::mem::take(&mut anywhere) {
                true => Step::Anywhere { anywhere: name.to_owned() },
                false => Step::Key(name.to_owned()),
            });
            rest = path.brackets(after).ok_or_else(wrong)?;
            if rest.is_empty() {
                break;
            }
            rest = rest.strip_prefix('.').ok_or_else(wrong)?;
        }
        if path.tail.is_empty() && !path.position {
            return Err(format!("\"{text}\" names an array, not a value in it"));
        }
        Ok(path)
    }

    /// Takes the brackets at the head of a text and gives what follows; `None` when one is wrong.
    fn brackets<'t>(&mut self, mut text: &'t str) -> Option<&'t str> {
        while let Some(inner) = text.strip_prefix('[') {
            let (inside, after) = inner.split_once(']')?;
            match inside {
                "" | "#" => {
                    if self.tail.is_empty() || self.position {
                        return None;
                    }
                    self.levels.push(std::mem::take(&mut self.tail));
                    self.position = inside == "#";
                }
                "*" => self.tail.push(Step::Every),
                place => self.tail.push(selector(place)?),
            }
            text = after;
        }
        Some(text)
    }

    /// True when the path may lead to several values, which are joined.
    pub fn joins(&self) -> bool {
        self.tail.contains(&Step::Every)
    }
}

fn selector(inside: &str) -> Option<Step> {
    if let Ok(place) = inside.parse() {
        return Some(Step::At(place));
    }
    let (path, value) = inside.split_once('=')?;
    let path: Vec<String> = path.split('.').map(str::to_owned).collect();
    let named = path.iter().all(|key| !key.is_empty()) && !value.is_empty();
    named.then(|| Step::Where { path, value: value.to_owned() })
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => f.write_str(key),
            Self::At(place) => write!(f, "[{place}]"),
            Self::Where { path, value } => write!(f, "[{}={value}]", path.join(".")),
            Self::Every => f.write_str("[*]"),
            Self::Anywhere { anywhere } => write!(f, "..{anywhere}"),
        }
    }
}

fn steps(f: &mut fmt::Formatter<'_>, steps: &[Step]) -> fmt::Result {
    for (index, step) in steps.iter().enumerate() {
        if index > 0 && matches!(step, Step::Key(_)) {
            f.write_str(".")?;
        }
        write!(f, "{step}")?;
    }
    Ok(())
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.levels.len();
        for (index, level) in self.levels.iter().enumerate() {
            let mark = if self.position && index + 1 == last { "[#]" } else { "[]" };
            steps(f, level)?;
            f.write_str(mark)?;
            if index + 1 < last || !self.tail.is_empty() {
                f.write_str(".")?;
            }
        }
        steps(f, &self.tail)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_written_as_it_was_read() {
        for text in [
            "a",
            "address.city",
            "visits[].diagnoses[].code",
            "visits[#]",
            "name[0].given[*]",
            "identifier[system=http://hl7.org/fhir/sid/us-ssn].value",
            "identifier[type.coding.code=DL].value",
            "component[].code.coding[0].code",
            "extension[url=http://a.b/c].extension[url=text].valueString",
            "..modifierExtension[*].url",
        ] {
            assert_eq!(JsonPath::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in
            ["", ".", "a.", "a[", "a]", "[0]", "a[b]", "a[=b]", "a[b=]", "a[]", "a[#].b", "a[][]", "a..b", "a[0]b"]
        {
            assert!(JsonPath::parse(text).is_err(), "{text}");
        }
    }
}
