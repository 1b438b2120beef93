//! Patterns that lists are filtered by: regular expressions in which a lone `*` stands for anything, as Hive reads them.

use regex::Regex;

use crate::error::Fault;

/// What a list is filtered by.
pub struct Pattern(Option<Regex>);

impl Pattern {
    /// The pattern of that text; all without one.
    ///
    /// # Errors
    /// When it is no pattern.
    pub fn new(text: Option<&str>) -> Result<Self, Fault> {
        let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(Self(None)) };
        let mut expression = String::new();
        let mut last = None;
        for letter in text.chars() {
            // `.*` and `)*` are of a regular expression already.
            if letter == '*' && !matches!(last, Some('.' | ')' | ']' | '\\')) {
                expression.push('.');
            }
            expression.push(letter);
            last = Some(letter);
        }
        let compiled = Regex::new(&format!("(?i)^(?:{expression})$"));
        compiled.map(Some).map(Self).map_err(|_| Fault::invalid("the pattern is no regular expression"))
    }

    /// Whether a name is meant.
    pub fn takes(&self, name: &str) -> bool {
        self.0.as_ref().is_none_or(|expression| expression.is_match(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_hives() {
        for (pattern, name, taken) in [
            ("pat*", "patients", true),
            ("pat.*", "patients", true),
            ("*ents", "patients", true),
            ("pat*|doc*", "doctors", true),
            ("pat", "patients", false),
            ("PATIENTS", "patients", true),
            ("", "patients", true),
        ] {
            assert_eq!(Pattern::new(Some(pattern)).unwrap().takes(name), taken, "{pattern}");
        }
        assert!(Pattern::new(Some("(")).is_err());
    }
}
