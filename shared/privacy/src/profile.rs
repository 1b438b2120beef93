//! Profiles: which columns leave a lake when its rows are shared, and in what form. They are data files.

use std::collections::BTreeMap;

use serde::Deserialize;

const SAFE_HARBOR: &str = include_str!("../profiles/safe-harbor.toml");

/// What becomes of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// A word of a closed vocabulary goes as it is.
    Word,
    /// A code system goes by its name; an address that no list knows is another one.
    System,
    /// A number goes as it is.
    Keep,
    /// An identifier becomes a code of one export.
    Code,
    /// A date becomes its year.
    Year,
    /// A birth date becomes its year, unless that tells a great age.
    Birth,
    /// A great age becomes one class.
    Age,
    /// A ZIP code becomes its first three digits.
    Zip3,
}

/// An identifier that the profile removes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identifier {
    /// Its place in the rule.
    pub letter: String,
    /// What it is.
    pub name: String,
    /// What becomes of it.
    pub done: String,
}

/// A form of text that may not leave.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// What has the form.
    pub name: String,
    /// A regular expression that finds it.
    pub pattern: String,
}

/// A profile of what leaves a lake.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Raised with every change.
    pub version: u32,
    /// The rule that it follows.
    pub source: String,
    /// The greatest age that goes as it is.
    pub oldest: u32,
    /// What it removes.
    pub identifiers: Vec<Identifier>,
    /// What may not be in any text.
    pub patterns: Vec<Pattern>,
    /// Rules of columns by silver table.
    pub tables: BTreeMap<String, BTreeMap<String, Rule>>,
}

impl Profile {
    /// The profiles that ship with carelake.
    pub const NAMES: [&str; 1] = ["safe-harbor"];

    /// The profile of that name.
    ///
    /// # Errors
    /// When there is none, or its file is wrong.
    pub fn named(name: &str) -> Result<Self, String> {
        match name {
            "safe-harbor" => toml::from_str(SAFE_HARBOR).map_err(|error| error.to_string()),
            _ => Err(format!("there is no profile \"{name}\"; there is {}", Self::NAMES.join(", "))),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_is_read_and_no_other() {
        for name in Profile::NAMES {
            assert_eq!(Profile::named(name).unwrap().name, name);
        }
        assert!(Profile::named("open").unwrap_err().contains("safe-harbor"));
    }
}
