//! The rules engine: which rows of a batch are good, and why the others are not.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Scalar, StringArray};
use arrow::compute::kernels::cmp;
use arrow::compute::{cast, nullif, prep_null_mask_filter};
use arrow::datatypes::{DataType, TimestampMicrosecondType};
use arrow::error::ArrowError;
use regex::Regex;

use crate::convert::convert;
use crate::model::{Column, Contract, Level, OnInvalid, Rule, RuleKind, Severity};

/// A check that runs at ingest, implicit or from `[[rules]]`.
#[derive(Debug)]
pub struct Check {
    /// Stable id.
    pub id: String,
    /// What it looks at.
    pub level: Level,
    /// What a failing row leads to.
    pub severity: Severity,
    /// Share of failing rows above which the check fails.
    pub threshold: f64,
    /// Constant text for people; never holds a value.
    pub reason: String,
    /// Index of the checked column in the contract.
    pub column: Option<usize>,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Type,
    Required,
    Domain(Words),
    NotIn(Words),
    Range {
        min: Option<Scalar<ArrayRef>>,
        max: Option<Scalar<ArrayRef>>,
        set_null: bool,
    },
    Pattern(Regex),
    NotBefore(usize),
    NotNull,
    /// Found while reading: by the decoder, or by the duplicate filter.
    Reader,
}

/// A failing row of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failure {
    /// Row within the batch.
    pub row: usize,
    /// Index of the check in [`Checks::all`].
    pub check: usize,
}

/// What the checks said of a batch.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Failing rows, by check.
    pub failures: Vec<Failure>,
    /// Rows each check looked at, in the order of [`Checks::all`].
    pub checked: Vec<u64>,
}

/// The checks of one contract, ready to run.
#[derive(Debug)]
pub struct Checks {
    all: Vec<Check>,
    columns: usize,
}

/// The value of a range bound in a column's type, as an array of one; `None` when the text is no such value.
pub(crate) fn bound(text: &str, column: &Column) -> Option<ArrayRef> {
    let converted = convert(&StringArray::from(vec![text]), column.column_type, None);
    converted.invalid.is_empty().then_some(converted.values)
}

impl Checks {
    /// Compiles the checks of a contract that passed validation.
    pub fn new(contract: &Contract) -> Self {
        let name = contract.name();
        let mut all = vec![
            Check::reader(format!("{name}.file.readable"), Level::Table, "The file cannot be read to its end."),
            Check::reader(
                format!("{name}.row.shape"),
                Level::Row,
                "The row does not have as many fields as the header.",
            ),
            Check::reader(format!("{name}.row.encoding"), Level::Row, "The row is not valid UTF-8 text or JSON."),
            Check::reader(
                format!("{name}.row.size"),
                Level::Row,
                "The row is too large: over 16 MiB, 65,536 fields, 500,000 JSON values or 256 MiB of exploded rows.",
            ),
        ];
        if !contract.key.is_empty() && contract.duplicates == crate::model::Duplicates::Reject {
            all.push(Check::reader(
                format!("{name}.key.unique"),
                Level::Table,
                "An earlier good row of the file has the same key.",
            ));
        }
        for (index, column) in contract.columns.iter().enumerate() {
            let implicit = |what: &str, severity, reason: &str, test| Check {
                id: format!("{name}.{}.{what}", column.name),
                level: Level::Column,
                severity,
                threshold: column.threshold,
                reason: reason.to_owned(),
                column: Some(index),
                test,
            };
            if column.column_type != crate::types::ColumnType::String {
                let severity = match column.on_invalid {
                    OnInvalid::Reject => Severity::Reject,
                    OnInvalid::Null => Severity::Warn,
                };
                let reason = format!("The value cannot be read as {}.", column.column_type);
                all.push(implicit("type", severity, &reason, Test::Type));
            }
            if column.required {
                let reason = match column.extract {
                    Some(_) => "The value is missing, or not of the form that the contract reads.",
                    None => "The value is missing.",
                };
                all.push(implicit("required", Severity::Reject, reason, Test::Required));
            }
        }
        all.extend(contract.rules.iter().filter_map(|rule| Check::explicit(rule, &contract.columns)));
        Self { all, columns: contract.columns.len() }
    }

    /// Every check, in a fixed order.
    pub fn all(&self) -> &[Check] {
        &self.all
    }

    /// Index of the check of that id suffix, for the reader's own checks (`row.shape`, `key.unique`).
    pub fn reader_check(&self, suffix: &str) -> Option<usize> {
        self.all.iter().position(|check| matches!(check.test, Test::Reader) && check.id.ends_with(suffix))
    }

    /// Runs every check on the typed columns of a batch. Values that a warning turns to NULL are replaced in `columns`.
    ///
    /// `texts` are the columns as read, `invalid` the rows of each column whose text could not be typed.
    ///
    /// # Errors
    /// When the columns do not have the contract's types.
    pub fn run(
        &self,
        texts: &[StringArray],
        columns: &mut [ArrayRef],
        invalid: &[Vec<usize>],
    ) -> Result<Outcome, ArrowError> {
        if texts.len() != self.columns || columns.len() != self.columns || invalid.len() != self.columns {
            return Err(ArrowError::InvalidArgumentError("a batch must have the contract's columns".into()));
        }
        let mut outcome = Outcome { failures: Vec::new(), checked: vec![0; self.all.len()] };
        for (index, check) in self.all.iter().enumerate() {
            let (checked, failed) = check.test(texts, columns, invalid)?;
            if let Some(count) = outcome.checked.get_mut(index) {
                *count = checked as u64;
            }
            outcome.failures.extend(failed.into_iter().map(|row| Failure { row, check: index }));
        }
        Ok(outcome)
    }
}

impl Check {
    fn reader(id: String, level: Level, reason: &str) -> Self {
        Self {
            id,
            level,
            severity: Severity::Reject,
            threshold: 0.0,
            reason: reason.to_owned(),
            column: None,
            test: Test::Reader,
        }
    }

    fn explicit(rule: &Rule, columns: &[Column]) -> Option<Self> {
        let position = |name: &str| columns.iter().position(|column| column.name == name);
        let (name, test) = match &rule.kind {
            RuleKind::Domain { column, values, ignore_case } => {
                (column, Test::Domain(Words::new(values, *ignore_case)))
            }
            RuleKind::NotIn { column, values } => (column, Test::NotIn(Words::new(values, false))),
            RuleKind::Range { column, min, max, set_null } => {
                let typed = columns.get(position(column)?)?;
                let scalar = |text: &Option<String>| text.as_ref().and_then(|text| bound(text, typed)).map(Scalar::new);
                (column, Test::Range { min: scalar(min), max: scalar(max), set_null: *set_null })
            }
            RuleKind::Pattern { column, pattern } => {
                (column, Test::Pattern(Regex::new(&format!("^(?:{pattern})$")).ok()?))
            }
            RuleKind::NotBefore { column, other } => (column, Test::NotBefore(position(other)?)),
            RuleKind::NotNull { column } => (column, Test::NotNull),
            RuleKind::Reference { .. } | RuleKind::Joined { .. } => return None,
        };
        Some(Self {
            id: rule.id.clone(),
            level: rule.level,
            severity: rule.severity,
            threshold: rule.threshold,
            reason: rule.description.clone(),
            column: Some(position(name)?),
            test,
        })
    }

    /// Rows looked at, and rows that fail.
    fn test(
        &self,
        texts: &[StringArray],
        columns: &mut [ArrayRef],
        invalid: &[Vec<usize>],
    ) -> Result<(usize, Vec<usize>), ArrowError> {
        let Some(index) = self.column else { return Ok((0, Vec::new())) };
        let (Some(text), Some(bad)) = (texts.get(index), invalid.get(index)) else { return Ok((0, Vec::new())) };
        let Some(values) = columns.get(index) else { return Ok((0, Vec::new())) };
        let present = values.len() - values.null_count();
        Ok(match &self.test {
            Test::Reader => (0, Vec::new()),
            Test::Type => (text.len() - text.null_count(), bad.clone()),
            Test::Required => (text.len(), nulls(text)),
            // A value that could not be typed is reported as such, not as missing too.
            Test::NotNull => (text.len(), nulls(text)),
            Test::Domain(allowed) => {
                let words = cast(&without_zone(values), &DataType::Utf8)?;
                (present, rows_where(words.as_string::<i32>(), |word| !allowed.contain(word)))
            }
            Test::NotIn(refused) => {
                let words = cast(&without_zone(values), &DataType::Utf8)?;
                (present, rows_where(words.as_string::<i32>(), |word| refused.contain(word)))
            }
            Test::Pattern(pattern) => {
                let words = cast(&without_zone(values), &DataType::Utf8)?;
                (present, rows_where(words.as_string::<i32>(), |word| !pattern.is_match(word)))
            }
            Test::NotBefore(other) => {
                let Some(earlier) = columns.get(*other) else { return Ok((0, Vec::new())) };
                let later = without_zone(values);
                let earlier = cast(&without_zone(earlier), later.data_type())?;
                let before = cmp::lt(&later, &earlier)?;
                (before.len() - before.null_count(), set_rows(&before))
            }
            Test::Range { min, max, set_null } => {
                let mut failed = Vec::new();
                for outside in
                    [min.as_ref().map(|min| cmp::lt(values, min)), max.as_ref().map(|max| cmp::gt(values, max))]
                        .into_iter()
                        .flatten()
                {
                    failed.extend(set_rows(&outside?));
                }
                if *set_null && !failed.is_empty() {
                    let wrong: HashSet<usize> = failed.iter().copied().collect();
                    let mask: BooleanArray = (0..values.len()).map(|row| Some(wrong.contains(&row))).collect();
                    let mended = nullif(values, &mask)?;
                    if let Some(column) = columns.get_mut(index) {
                        *column = mended;
                    }
                }
                (present, failed)
            }
        })
    }
}

/// Moments as they are in UTC: casting a zone by name needs a database of zones.
fn without_zone(values: &ArrayRef) -> ArrayRef {
    match values.as_primitive_opt::<TimestampMicrosecondType>() {
        Some(moments) => Arc::new(moments.clone().with_timezone_opt::<Arc<str>>(None)),
        None => values.clone(),
    }
}

fn nulls(array: &StringArray) -> Vec<usize> {
    if array.null_count() == 0 {
        return Vec::new();
    }
    (0..array.len()).filter(|&row| array.is_null(row)).collect()
}

fn rows_where(words: &StringArray, wrong: impl Fn(&str) -> bool) -> Vec<usize> {
    words.iter().enumerate().filter(|(_, word)| word.is_some_and(&wrong)).map(|(row, _)| row).collect()
}

fn set_rows(mask: &BooleanArray) -> Vec<usize> {
    if mask.null_count() == 0 {
        return mask.values().set_indices().collect();
    }
    prep_null_mask_filter(mask).values().set_indices().collect()
}

/// The words of a domain. Most domains are so short that comparing beats hashing.
#[derive(Debug)]
struct Words {
    few: Vec<String>,
    many: HashSet<String>,
    ignore_case: bool,
}

impl Words {
    const FEW: usize = 12;

    fn new(values: &[String], ignore_case: bool) -> Self {
        let fold = |value: &String| if ignore_case { value.to_lowercase() } else { value.clone() };
        let mut few: Vec<String> = values.iter().map(fold).collect();
        let many = if few.len() > Self::FEW { few.drain(..).collect() } else { HashSet::new() };
        Self { few, many, ignore_case }
    }

    fn contain(&self, word: &str) -> bool {
        if self.few.iter().any(|one| one == word) || self.many.contains(word) {
            return true;
        }
        if !self.ignore_case {
            return false;
        }
        let word = word.to_lowercase();
        self.few.contains(&word) || self.many.contains(&word)
    }
}
