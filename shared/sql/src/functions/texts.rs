//! Functions of text that DataFusion lacks or has with another meaning.
//!
//! | function | differs from DataFusion's |
//! |---|---|
//! | `regexp_extract(text, pattern[, group])` | not there |
//! | `regexp_replace(text, pattern[, replacement])` | replaces every match, not the first |
//! | `split(text, separator)` | not there |
//! | `split_part(text, separator, n)` | NULL, not '', where there is no part n |
//! | `concat(a, b, …)` | NULL when any value is NULL |
//! | `codepoint(letter)` | not there |

use std::sync::Arc;

use arrow::array::builder::{ListBuilder, StringBuilder};
use arrow::array::{Array, ArrayRef, AsArray, Int32Array, StringArray};
use arrow::datatypes::{DataType, Field, Int64Type};
use datafusion::common::{exec_datafusion_err, exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use regex::Regex;

use super::arguments::{arrays, result};
use super::simple::Simple;

/// All of them but `concat`.
pub(super) fn all() -> Vec<Simple> {
    let (text, number) = (DataType::Utf8, DataType::Int64);
    let pair = vec![text.clone(), text.clone()];
    let with = |last: &DataType| [pair.clone(), vec![last.clone()]].concat();
    let list = DataType::List(Arc::new(Field::new_list_field(text.clone(), true)));
    vec![
        Simple::new("regexp_extract", vec![pair.clone(), with(&number)], text.clone(), regexp_extract),
        Simple::new("regexp_replace", vec![pair.clone(), with(&text)], text.clone(), regexp_replace),
        Simple::new("split", vec![pair.clone()], list, split),
        Simple::new("split_part", vec![with(&number)], text.clone(), split_part),
        Simple::new("codepoint", vec![vec![text]], DataType::Int32, codepoint),
    ]
}

/// Texts of an argument.
fn texts(arrays: &[ArrayRef], index: usize) -> Result<&StringArray> {
    let array = arrays.get(index).ok_or_else(|| exec_datafusion_err!("argument {} is missing", index + 1))?;
    array.as_string_opt::<i32>().ok_or_else(|| exec_datafusion_err!("argument {} is no text", index + 1))
}

/// Numbers of an argument; `otherwise` where there is no such argument.
fn number(arrays: &[ArrayRef], index: usize, row: usize, otherwise: i64) -> Result<Option<i64>> {
    let Some(array) = arrays.get(index) else { return Ok(Some(otherwise)) };
    let numbers = array.as_primitive_opt::<Int64Type>();
    let numbers = numbers.ok_or_else(|| exec_datafusion_err!("argument {} is no number", index + 1))?;
    Ok(numbers.is_valid(row).then(|| numbers.value(row)))
}

/// The pattern used last: mostly the only one.
#[derive(Default)]
struct Patterns(Option<(String, Regex)>);

impl Patterns {
    fn get(&mut self, text: &str) -> Result<&Regex> {
        if self.0.as_ref().is_none_or(|(known, _)| known != text) {
            let pattern = Regex::new(text).map_err(|_| {
                exec_datafusion_err!("the pattern is no regular expression of Trino that is known here")
            })?;
            self.0 = Some((text.to_owned(), pattern));
        }
        self.0.as_ref().map(|(_, pattern)| pattern).ok_or_else(|| exec_datafusion_err!("no pattern"))
    }
}

fn regexp_extract(arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let (values, patterns) = (texts(arrays, 0)?, texts(arrays, 1)?);
    let (mut known, mut found) = (Patterns::default(), StringBuilder::new());
    for (row, (value, pattern)) in values.iter().zip(patterns).enumerate() {
        let (Some(value), Some(pattern), Some(group)) = (value, pattern, number(arrays, 2, row, 0)?) else {
            found.append_null();
            continue;
        };
        let pattern = known.get(pattern)?;
        let group = usize::try_from(group).ok().filter(|group| *group < pattern.captures_len());
        let Some(group) = group else { return exec_err!("regexp_extract: the pattern has no such group") };
        found.append_option(pattern.captures(value).and_then(|captures| captures.get(group)).map(|part| part.as_str()));
    }
    Ok(Arc::new(found.finish()))
}

fn regexp_replace(arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let (values, patterns) = (texts(arrays, 0)?, texts(arrays, 1)?);
    let replacements = if arrays.len() > 2 { Some(texts(arrays, 2)?) } else { None };
    let group = Regex::new(r"\$(\d+)").map_err(|error| exec_datafusion_err!("{error}"))?;
    let (mut known, mut replaced) = (Patterns::default(), StringBuilder::new());
    for (row, (value, pattern)) in values.iter().zip(patterns).enumerate() {
        let replacement = match replacements {
            Some(texts) => texts.is_valid(row).then(|| texts.value(row)),
            None => Some(""),
        };
        let (Some(value), Some(pattern), Some(replacement)) = (value, pattern, replacement) else {
            replaced.append_null();
            continue;
        };
        // `$1x` is group 1 and an x in Trino, and a group named 1x here.
        let replacement = group.replace_all(replacement, "$${$1}");
        replaced.append_value(known.get(pattern)?.replace_all(value, replacement.as_ref()));
    }
    Ok(Arc::new(replaced.finish()))
}

fn split(arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for (value, separator) in texts(arrays, 0)?.iter().zip(texts(arrays, 1)?) {
        let (Some(value), Some(separator)) = (value, separator) else {
            lists.append_null();
            continue;
        };
        if separator.is_empty() {
            return exec_err!("split: the separator is empty");
        }
        for part in value.split(separator) {
            lists.values().append_value(part);
        }
        lists.append(true);
    }
    Ok(Arc::new(lists.finish()))
}

fn split_part(arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let mut parts = StringBuilder::new();
    for (row, (value, separator)) in texts(arrays, 0)?.iter().zip(texts(arrays, 1)?).enumerate() {
        let (Some(value), Some(separator), Some(index)) = (value, separator, number(arrays, 2, row, 1)?) else {
            parts.append_null();
            continue;
        };
        let Some(index) = usize::try_from(index).ok().filter(|index| *index > 0) else {
            return exec_err!("split_part: parts are counted from 1");
        };
        if separator.is_empty() {
            // Every letter is a part, as in Trino.
            let letter =
                value.char_indices().nth(index - 1).and_then(|(at, letter)| value.get(at..at + letter.len_utf8()));
            parts.append_option(letter);
        } else {
            parts.append_option(value.split(separator).nth(index - 1));
        }
    }
    Ok(Arc::new(parts.finish()))
}

fn codepoint(arrays: &[ArrayRef]) -> Result<ArrayRef> {
    let code = |text: Option<&str>| {
        let Some(text) = text else { return Ok(None) };
        let mut letters = text.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) => Ok(i32::try_from(u32::from(letter)).ok()),
            _ => exec_err!("codepoint needs one letter"),
        }
    };
    Ok(Arc::new(texts(arrays, 0)?.iter().map(code).collect::<Result<Int32Array>>()?))
}

/// `concat` of texts.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Concat {
    signature: Signature,
}

impl Concat {
    /// The function.
    pub fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl Default for Concat {
    fn default() -> Self {
        Self::new()
    }
}

impl ScalarUDFImpl for Concat {
    fn name(&self) -> &str {
        "concat"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let is_text = |given: &DataType| given.is_string() || given.is_null();
        match types.iter().find(|given| !is_text(given)) {
            Some(DataType::List(_)) => plan_err!("concat joins texts; arrays are joined with ||"),
            Some(other) => plan_err!("concat joins texts, not {other}; write CAST(x AS varchar)"),
            None if types.is_empty() => plan_err!("concat needs a value"),
            None => Ok(vec![DataType::Utf8; types.len()]),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (arrays, single) = arrays(&args.args)?;
        let rows = arrays.first().map_or(0, |array| array.len());
        let columns = (0..arrays.len()).map(|index| texts(&arrays, index)).collect::<Result<Vec<_>>>()?;
        let mut joined = StringBuilder::new();
        let mut text = String::new();
        for row in 0..rows {
            text.clear();
            let whole = columns.iter().all(|column| {
                let there = column.is_valid(row);
                text.push_str(if there { column.value(row) } else { "" });
                there
            });
            joined.append_option(whole.then_some(&text));
        }
        result(Arc::new(joined.finish()), single)
    }
}
