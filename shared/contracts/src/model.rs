//! The contract model: what a feed's files look like, which rows are good, and where they go.

use serde::Serialize;

use crate::path::JsonPath;
use crate::types::ColumnType;

/// What a column tells about a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phi {
    /// Nothing about a patient.
    None,
    /// A quasi-identifier that a HIPAA limited data set may keep (dates, city, ZIP): stays in bronze.
    Quasi,
    /// The identifier of a person: a pseudonym in bronze, the true value in identity.
    PersonId,
    /// Name, contact, number, street address, exact coordinates: identity only.
    Identifier,
    /// Free text, which may name anyone: identity only.
    FreeText,
}

impl Phi {
    /// True when the value may not stand in bronze.
    pub fn restricted(self) -> bool {
        matches!(self, Self::Identifier | Self::FreeText)
    }
}

/// What becomes of a value that cannot be typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnInvalid {
    /// The row is rejected.
    Reject,
    /// The value becomes NULL, with a warning.
    Null,
}

/// One column of a dataset.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Column {
    /// Name in bronze, snake_case.
    pub name: String,
    /// Header names it may have, matched case-insensitively; the first that is present is read.
    pub headers: Vec<String>,
    /// Where it stands in a JSON record.
    pub path: JsonPath,
    /// Where it may stand instead, in the order in which the places are looked at.
    #[serde(skip)]
    pub others: Vec<JsonPath>,
    /// Its type.
    pub column_type: ColumnType,
    /// NULL rejects the row.
    pub required: bool,
    /// What it tells about a person.
    pub phi: Phi,
    /// chrono format of dates and timestamps; ISO 8601 when absent.
    pub format: Option<String>,
    /// What becomes of a value that cannot be typed.
    pub on_invalid: OnInvalid,
    /// Value in place of NULL.
    pub default: Option<String>,
    /// Width to which text is left-padded with zeros.
    pub pad: Option<usize>,
    /// Regular expression of which the first group that took part is the value; a text that it does not match is NULL.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extract: Option<String>,
    /// A date given as a year, or as year and month, is its first day.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub complete: bool,
    /// Texts that mean NULL, beside the contract's.
    pub null_values: Vec<String>,
    /// Share of failing rows above which the implicit checks fail.
    pub threshold: f64,
    /// For readers.
    pub description: String,
    /// Unit of measure.
    pub unit: Option<String>,
}

impl Column {
    /// The places where it may stand in a JSON record, in the order in which they are looked at.
    pub fn paths(&self) -> impl Iterator<Item = &JsonPath> {
        std::iter::once(&self.path).chain(&self.others)
    }
}

/// What a failing row leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Counted; the row stays.
    Warn,
    /// The row goes to quarantine.
    Reject,
}

impl Severity {
    /// The word used in contract files and quarantine.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Reject => "reject",
        }
    }
}

/// What a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// A table as a whole.
    Table,
    /// A column: presence, type.
    Column,
    /// One value.
    Value,
    /// Several values of a row.
    Row,
    /// Rows of two tables.
    Reference,
}

/// The kind of a rule and its parameters.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RuleKind {
    /// The value is one of a list.
    Domain {
        /// The column.
        column: String,
        /// Allowed values.
        values: Vec<String>,
        /// Compare without case.
        ignore_case: bool,
    },
    /// The value lies between two bounds, inclusive.
    Range {
        /// The column.
        column: String,
        /// Lower bound, as text of the column's type.
        min: Option<String>,
        /// Upper bound, as text of the column's type.
        max: Option<String>,
        /// A value outside becomes NULL.
        set_null: bool,
    },
    /// The whole value matches a regular expression.
    Pattern {
        /// The column.
        column: String,
        /// The expression, without anchors.
        pattern: String,
    },
    /// `column` is not before `other`.
    NotBefore {
        /// The later column.
        column: String,
        /// The earlier column.
        other: String,
    },
    /// The value is present.
    NotNull {
        /// The column.
        column: String,
    },
    /// The value is none of a list.
    NotIn {
        /// The column.
        column: String,
        /// Values that fail.
        values: Vec<String>,
    },
    /// The value exists in a parent silver table of the same source.
    Reference {
        /// Silver table (`silver.encounters`) that holds the referring rows.
        target: String,
        /// Column of the target.
        column: String,
        /// Parent table, `silver.patients`.
        parent: String,
        /// Column of the parent.
        parent_column: String,
        /// The file's column that the mapping passes on as `column`, where it has another name.
        #[serde(skip_serializing_if = "Option::is_none")]
        file_column: Option<String>,
    },
    /// A comparison with a row of another silver table; only counted.
    Joined {
        /// Silver table of the checked rows, alias `child`.
        target: String,
        /// Silver table joined, alias `parent`.
        parent: String,
        /// Columns equal in both, beside source.
        on: Vec<String>,
        /// SQL condition that a bad pair of rows meets.
        violation: String,
    },
}

/// A data-quality check with a stable id.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rule {
    /// `<feed>.<dataset>.<id>`.
    pub id: String,
    /// What it looks at.
    pub level: Level,
    /// What a failing row leads to.
    pub severity: Severity,
    /// Share of failing rows above which the check fails.
    pub threshold: f64,
    /// For readers; the reason in quarantine.
    pub description: String,
    /// Kind and parameters.
    #[serde(flatten)]
    pub kind: RuleKind,
}

/// How rows enter a silver table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Load {
    /// Every row of every file is kept.
    Append,
    /// One row a key: the latest.
    Upsert,
    /// The rows of (source, job date) replace those there.
    ReplacePartition,
    /// A cumulative snapshot a job date.
    Snapshot,
}

/// A silver table fed by a dataset.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Target {
    /// Qualified name: `silver.patients`, `identity.patients`.
    pub table: String,
    /// The mapping query.
    pub sql: String,
    /// How its rows enter the table.
    pub load: Load,
}

impl Target {
    /// True when the mapping marks rows as deleted.
    pub fn deletes(&self) -> bool {
        self.sql.contains(DELETED)
    }
}

/// The column by which a mapping marks rows whose record is to leave the table.
pub const DELETED: &str = "_deleted";

/// What is done with two rows of one key in one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Duplicates {
    /// The first good row is kept, later ones are rejected.
    Reject,
    /// One row survives, the others are counted as deduplicated.
    Dedupe,
}

/// When the rejects of a day are too many, and what then becomes of the rows that are good.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Gate {
    /// Share of rejected rows above which a day does not pass.
    pub reject_rate: f64,
    /// What then becomes of the good rows.
    pub on_fail: OnFail,
}

impl Default for Gate {
    fn default() -> Self {
        Self { reject_rate: 0.1, on_fail: OnFail::Publish }
    }
}

/// What becomes of the good rows of a day that does not pass its gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFail {
    /// They go on.
    Publish,
    /// They wait until somebody has looked.
    Hold,
}

/// A dataset of a feed: one kind of file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Contract {
    /// The feed.
    pub feed: String,
    /// The dataset.
    pub dataset: String,
    /// For readers.
    pub description: String,
    /// Other names of its landing folder, and names with which its files begin in other folders; `*` is any.
    #[serde(skip)]
    pub aliases: Vec<String>,
    /// Raised with every change of meaning.
    pub version: u32,
    /// Columns that identify a row within a source; empty: every row is its own.
    pub key: Vec<String>,
    /// Two rows of one key in one file.
    pub duplicates: Duplicates,
    /// Column whose greatest value wins among versions of a key.
    pub latest_by: Option<String>,
    /// True when columns the contract does not know go to identity rather than bronze.
    pub restrict_unknown: bool,
    /// Texts that mean NULL in every column.
    pub null_values: Vec<String>,
    /// Judges the rejects of a day. It shapes no output, and stands in no hash.
    #[serde(skip)]
    pub gate: Gate,
    /// The columns.
    pub columns: Vec<Column>,
    /// Explicit rules.
    pub rules: Vec<Rule>,
    /// Silver tables fed by it.
    pub targets: Vec<Target>,
}

impl Contract {
    /// `<feed>_<dataset>`: the table's name in bronze, identity and quarantine.
    pub fn table(&self) -> String {
        format!("{}_{}", self.feed, self.dataset)
    }

    /// `<feed>.<dataset>`: the name people use, and the prefix of rule ids.
    pub fn name(&self) -> String {
        format!("{}.{}", self.feed, self.dataset)
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// True when the dataset holds anything that belongs in identity.
    pub fn has_identity(&self) -> bool {
        self.restrict_unknown
            || self.columns.iter().any(|column| column.phi == Phi::PersonId || column.phi.restricted())
    }

    /// Hash of all that shapes the bronze output. Thresholds, texts and targets do not: changing them needs no re-ingest.
    pub fn fingerprint(&self) -> String {
        let mut shape = self.clone();
        shape.description.clear();
        shape.targets.clear();
        shape.rules.retain(|rule| !matches!(rule.kind, RuleKind::Reference { .. } | RuleKind::Joined { .. }));
        for column in &mut shape.columns {
            column.threshold = 0.0;
            column.description.clear();
            column.unit = None;
        }
        for rule in &mut shape.rules {
            rule.threshold = 0.0;
        }
        short_hash(&shape)
    }

    /// Hash of all that shapes the silver output of this dataset, beside the silver tables themselves.
    pub fn mapping_fingerprint(&self) -> String {
        let references: Vec<&RuleKind> = self
            .rules
            .iter()
            .map(|rule| &rule.kind)
            .filter(|kind| matches!(kind, RuleKind::Reference { .. }))
            .collect();
        short_hash(&(&self.targets, &self.latest_by, references))
    }
}

/// First 16 hexadecimal digits of the SHA-256 of a value's JSON form.
pub(crate) fn short_hash<T: Serialize>(value: &T) -> String {
    use sha2::{Digest, Sha256};
    // The model holds only maps with text keys and finite numbers, which always serialise.
    let json = serde_json::to_vec(value).unwrap_or_default();
    let mut text = hex::encode(Sha256::digest(json));
    text.truncate(16);
    text
}

/// A shape of data that senders send.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Feed {
    /// Its name.
    pub name: String,
    /// For readers.
    pub description: String,
    /// The gold subject areas its sources take part in.
    pub areas: Vec<String>,
}
