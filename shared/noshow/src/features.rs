//! The feature list: which columns a model reads, what they mean, and how a reason is worded.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::error::{ErrorKind, ModelError};

/// How a feature is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A quantity or an order; missing is NaN.
    Numeric,
    /// One of a set of words; a word not seen in training counts as missing.
    Categorical,
    /// Yes or no.
    Boolean,
}

/// One column that a model reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// The column's name.
    pub name: String,
    /// How it is read.
    pub kind: Kind,
    /// What it means, in one sentence.
    pub description: String,
    /// The unit of a numeric feature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Said when the feature raises the probability; `{value}` stands for the row's value.
    pub up: String,
    /// Said when the feature lowers the probability.
    pub down: String,
    /// Said instead when the value is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

/// What the two costs behind a threshold stand for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostWords {
    /// An outcome on which nobody acted: "a missed slot".
    pub missed: String,
    /// What is done for a person at risk: "a reminder call".
    pub acted: String,
}

/// The features of a model, its label, and what the model is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureSet {
    /// The name of the list, which is that of the table.
    pub name: String,
    /// Raised with every change of meaning.
    pub version: u32,
    /// The column of the outcome.
    pub label: String,
    /// What the outcome is, for people: "missed appointment".
    pub outcome: String,
    /// What the model may be used for.
    pub intended_use: String,
    /// What it must not be used for.
    pub not_for: String,
    /// What every reader of the card is warned of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caution: Option<String>,
    /// What the two costs behind the threshold stand for, if not for an empty slot and a reminder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub costs: Option<CostWords>,
    /// The columns, in the order in which a model keeps them.
    #[serde(rename = "feature")]
    pub features: Vec<Feature>,
}

impl FeatureSet {
    /// Reads and checks a feature list in TOML.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        let set: Self = toml::from_str(text)
            .map_err(|error| ModelError::new(ErrorKind::FeatureList, error.message().to_owned()))?;
        set.check().map(|()| set)
    }

    /// Checks that names are there, unique, and apart from the label.
    pub(crate) fn check(&self) -> Result<(), ModelError> {
        let fail = |what: String| Err(ModelError::new(ErrorKind::FeatureList, what));
        if self.features.is_empty() {
            return fail("it has no feature".to_owned());
        }
        let mut names = std::collections::BTreeSet::from([self.label.as_str()]);
        for feature in &self.features {
            if feature.name.trim().is_empty() {
                return fail("a feature has no name".to_owned());
            }
            if !names.insert(&feature.name) {
                return fail(format!("{} stands twice, or is the label", feature.name));
            }
        }
        Ok(())
    }

    /// The same list with those features alone, in its own order: a baseline to measure a model against.
    pub fn only(&self, names: &[&str]) -> Self {
        let mut list = self.clone();
        list.features.retain(|feature| names.contains(&feature.name.as_str()));
        list
    }

    /// Identifies the label, the names, kinds and order of the features: what a model depends on. Words may change
    /// without training again. SHA-256 in hex.
    pub fn schema_hash(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(format!("{}\n{}\n{}\n", self.name, self.version, self.label));
        for feature in &self.features {
            hash.update(format!("{}\t{:?}\n", feature.name, feature.kind));
        }
        hex::encode(hash.finalize())
    }
}
