//! Contract files as they are written: TOML with spans, before any meaning is checked.

use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub(crate) fn into_vec(self) -> Vec<String> {
        match self {
            Self::One(text) => vec![text],
            Self::Many(list) => list,
        }
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Contract {
    pub description: String,
    #[serde(default)]
    pub aliases: Vec<Spanned<String>>,
    pub version: u32,
    #[serde(default)]
    pub key: Vec<Spanned<String>>,
    pub duplicates: Option<Spanned<String>>,
    pub latest_by: Option<Spanned<String>>,
    pub unknown_columns: Option<Spanned<String>>,
    pub null_values: Option<Vec<String>>,
    pub gate: Option<Gate>,
    #[serde(default)]
    pub columns: Vec<Column>,
    #[serde(default)]
    pub rules: Vec<Rule>,
    #[serde(default)]
    pub targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gate {
    pub reject_rate: Option<Spanned<f64>>,
    pub on_fail: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Column {
    pub name: Spanned<String>,
    pub from: Option<Spanned<OneOrMany>>,
    #[serde(rename = "type")]
    pub kind: Spanned<String>,
    #[serde(default)]
    pub required: bool,
    pub phi: Option<Spanned<String>>,
    pub format: Option<Spanned<String>>,
    pub on_invalid: Option<Spanned<String>>,
    pub default: Option<Spanned<String>>,
    pub pad: Option<usize>,
    pub extract: Option<Spanned<String>>,
    #[serde(default)]
    pub complete: bool,
    #[serde(default)]
    pub null_values: Vec<String>,
    pub threshold: Option<Spanned<f64>>,
    #[serde(default)]
    pub description: String,
    pub unit: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub id: Spanned<String>,
    pub kind: Spanned<String>,
    pub level: Spanned<String>,
    pub severity: Spanned<String>,
    pub threshold: Option<Spanned<f64>>,
    #[serde(default)]
    pub description: String,
    pub column: Option<Spanned<String>>,
    pub other: Option<Spanned<String>>,
    pub values: Option<Vec<String>>,
    #[serde(default)]
    pub ignore_case: bool,
    pub min: Option<Spanned<toml::Value>>,
    pub max: Option<Spanned<toml::Value>>,
    #[serde(default)]
    pub set_null: bool,
    pub pattern: Option<Spanned<String>>,
    pub target: Option<Spanned<String>>,
    pub parent: Option<Spanned<String>>,
    pub parent_column: Option<Spanned<String>>,
    pub file_column: Option<Spanned<String>>,
    pub on: Option<Vec<Spanned<String>>>,
    pub violation: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    pub table: Spanned<String>,
    pub sql: Spanned<String>,
    pub load: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Feed {
    pub description: String,
    #[serde(default)]
    pub areas: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table {
    pub description: String,
    pub grain: String,
    #[serde(default)]
    pub key: Vec<Spanned<String>>,
    pub partition_by: Vec<Spanned<String>>,
    pub period_of: Option<Spanned<String>>,
    pub record: Option<Spanned<String>>,
    #[serde(default)]
    pub z_order: Vec<Spanned<String>>,
    #[serde(default)]
    pub columns: Vec<TableColumn>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TableColumn {
    pub name: Spanned<String>,
    #[serde(rename = "type")]
    pub kind: Spanned<String>,
    #[serde(default)]
    pub description: String,
    pub unit: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sources {
    #[serde(default)]
    pub sources: std::collections::BTreeMap<String, Source>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    pub feed: Spanned<String>,
}
