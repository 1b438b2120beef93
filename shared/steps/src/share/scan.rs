//! The proof on what left: a second look at the files, which does not know how they were made.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use carelake_lake::LakeError;
use carelake_privacy::{Profile, Rule};
use datafusion::error::DataFusionError;
use datafusion::prelude::ident;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use regex::Regex;
use serde::Serialize;

use super::shared_name;
use crate::conform::session;
use crate::context::Context;
use crate::error::{QueryError, StepError};

/// Something that may not leave, without its value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// Table of the export.
    pub table: String,
    /// Column.
    pub column: String,
    /// What was found.
    pub what: String,
    /// In how many rows.
    pub rows: u64,
}

/// What a column may hold.
struct Allowed {
    rule: Rule,
    zips: BTreeSet<String>,
}

/// Looks at every cell of every table of an export: forms of identifiers, great ages, restricted ZIP codes, dates, and every
/// value that the lake knows a person by.
///
/// # Errors
/// When a file cannot be read.
pub async fn scan(context: &Context, profile: &Profile, folder: &Path) -> Result<Vec<Finding>, StepError> {
    let known = known(context, profile).await?;
    let patterns: Vec<(&str, Regex)> = profile
        .patterns
        .iter()
        .map(|one| Ok((one.name.as_str(), Regex::new(&one.pattern)?)))
        .collect::<Result<_, regex::Error>>()
        .map_err(|error| StepError::Invalid(format!("a pattern of the profile is wrong: {error}")))?;
    let list = context.contracts.codes.get("restricted_zip3").map(String::as_str).unwrap_or_default();
    let zips: BTreeSet<String> =
        list.lines().skip(1).filter_map(|line| line.split(',').next()).map(str::to_owned).collect();
    let mut found: BTreeMap<(String, String, String), u64> = BTreeMap::new();
    for path in tables(folder)? {
        let table = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        let rules = profile.tables.get(&table);
        let unreadable = |error: parquet::errors::ParquetError| StepError::Invalid(format!("{table}.parquet: {error}"));
        let file = File::open(&path).map_err(|error| LakeError::io("opening an exported file", &error))?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).map_err(unreadable)?.build().map_err(unreadable)?;
        for batch in reader {
            let batch = batch.map_err(|error| unreadable(error.into()))?;
            for (field, values) in batch.schema().fields().iter().zip(batch.columns()) {
                let rule = rules.and_then(|rules| {
                    rules
                        .iter()
                        .find(|(column, rule)| shared_name(column, **rule) == *field.name())
                        .map(|(_, rule)| *rule)
                });
                let mut note = |what: &str, rows: u64| {
                    *found.entry((table.clone(), field.name().clone(), what.to_owned())).or_default() += rows;
                };
                let Some(rule) = rule else {
                    note("a column that the profile does not name", values.len() as u64);
                    continue;
                };
                if matches!(field.data_type(), DataType::Date32 | DataType::Date64 | DataType::Timestamp(..)) {
                    note("a date", (values.len() - values.null_count()) as u64);
                    continue;
                }
                let texts = cast(values, &DataType::Utf8).map_err(|error| StepError::Invalid(error.to_string()))?;
                let allowed = Allowed { rule, zips: zips.clone() };
                for text in texts.as_string::<i32>().iter().flatten() {
                    for what in wrong(text, &allowed, profile, context, &known, &patterns) {
                        note(what, 1);
                    }
                }
            }
        }
    }
    Ok(found.into_iter().map(|((table, column, what), rows)| Finding { table, column, what, rows }).collect())
}

fn tables(folder: &Path) -> Result<Vec<std::path::PathBuf>, StepError> {
    let failed = |error: std::io::Error| StepError::from(LakeError::io("listing an export", &error));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|ending| ending == "parquet") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// What is wrong with a value.
fn wrong<'p>(
    text: &str,
    allowed: &Allowed,
    profile: &'p Profile,
    context: &Context,
    known: &Known,
    patterns: &'p [(&'p str, Regex)],
) -> Vec<&'p str> {
    use chrono::Datelike;
    let number = || text.parse::<i64>().ok();
    let oldest = i64::from(profile.oldest);
    let year = i64::from(context.as_of.year());
    let mut found = Vec::new();
    let mut add = |wrong: bool, what: &'p str| {
        if wrong {
            found.push(what);
        }
    };
    match allowed.rule {
        Rule::Keep => add(
            number().is_none() && text.parse::<f64>().is_err() && !matches!(text, "true" | "false"),
            "a text among numbers",
        ),
        Rule::Year => add(!number().is_some_and(|year| (1..=9_999).contains(&year)), "more of a date than its year"),
        Rule::Birth => add(number().is_none_or(|born| year - born > oldest), "a year that tells a great age"),
        Rule::Age => add(
            text != format!("{}+", oldest + 1) && !number().is_some_and(|age| (0..=oldest).contains(&age)),
            "a great age",
        ),
        Rule::Zip3 => {
            let three = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_digit());
            add(!three, "more of a ZIP code than three digits");
            add(allowed.zips.contains(text), "three digits of a ZIP code of few people");
        }
        Rule::Code => {
            add(
                text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "an identifier that is no code",
            );
            add(known.records.contains(text) || known.persons.contains(text), "an identifier of the lake");
        }
        Rule::Word | Rule::System => add(known.persons.contains(text), "a value by which the lake knows a person"),
    }
    if matches!(allowed.rule, Rule::Word | Rule::System) {
        for (name, pattern) in patterns {
            add(pattern.is_match(text), name);
        }
    }
    found
}

/// Values by which the lake knows persons and records. Those of one or two letters tell nobody.
#[derive(Default)]
struct Known {
    /// The identity layer.
    persons: HashSet<String>,
    /// Pseudonyms, and keys of records.
    records: HashSet<String>,
}

async fn known(context: &Context, profile: &Profile) -> Result<Known, StepError> {
    let mut known = Known::default();
    let all = |column: &str| !["source", "feed", "_order"].contains(&column);
    known.persons = values(context, "identity.patients", &all).await?;
    for (table, rules) in &profile.tables {
        let coded = |column: &str| column != "source" && rules.get(column) == Some(&Rule::Code);
        known.records.extend(values(context, &format!("silver.{table}"), &coded).await?);
    }
    Ok(known)
}

/// The values of a table's text columns.
async fn values(context: &Context, table: &str, wanted: &dyn Fn(&str) -> bool) -> Result<HashSet<String>, StepError> {
    let failed = |error: DataFusionError| StepError::query(format!("reading {table}"), &error);
    let Some(open) = context.tables.open(table, None).await? else { return Ok(HashSet::new()) };
    let rows = session(context)?.read_table(context.tables.provider(&open).await?).map_err(failed)?;
    let text = |kind: &DataType| matches!(kind, DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8);
    let fields = rows.schema().fields().iter().filter(|field| text(field.data_type()) && wanted(field.name()));
    let columns: Vec<_> = fields.map(|field| ident(field.name())).collect();
    let mut found = HashSet::new();
    for batch in rows.select(columns).map_err(failed)?.collect().await.map_err(failed)? {
        for column in batch.columns() {
            let texts = cast(column, &DataType::Utf8).map_err(|error| failed(error.into()))?;
            found.extend(texts.as_string::<i32>().iter().flatten().filter(|text| text.len() > 2).map(str::to_owned));
        }
    }
    Ok(found)
}
