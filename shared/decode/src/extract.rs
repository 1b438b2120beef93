//! The part of a text that a contract reads.

use carelake_contracts::Column;
use regex::Regex;

/// What a column takes of the texts of a file.
pub struct Extract(Option<Regex>);

impl Extract {
    pub fn of(column: &Column) -> Self {
        // Contracts that do not compile are refused when they are loaded.
        Self(column.extract.as_ref().and_then(|pattern| Regex::new(&format!("^(?:{pattern})$")).ok()))
    }

    /// The first group of the expression that took part; all of the text for a column without an expression.
    pub fn part<'t>(&self, text: &'t str) -> Option<&'t str> {
        let Some(pattern) = &self.0 else { return Some(text) };
        let found = pattern.captures(text)?;
        found.iter().skip(1).flatten().next().map(|group| group.as_str())
    }

    /// True when the text holds what the column takes.
    pub fn takes(&self, text: &str) -> bool {
        self.0.as_ref().is_none_or(|pattern| pattern.is_match(text))
    }
}
