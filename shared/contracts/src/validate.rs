//! From a contract file as written to a contract that can be used, or to every reason why not.

use arrow::array::StringArray;
use chrono::format::{Item, StrftimeItems};
use toml::Spanned;

use crate::convert::convert;
use crate::error::{ContractError, ContractErrors};
use crate::model::{Column, Contract, Duplicates, Gate, Load, OnFail, OnInvalid, Phi, Target};
use crate::path::{JsonPath, Step};
use crate::raw;
use crate::types::ColumnType;
use crate::validate_rules;

/// Width to which a value may be padded.
const WIDEST_PAD: usize = 1_000;

/// Collects what is wrong with one file.
pub(crate) struct Problems<'a> {
    file: &'a str,
    text: &'a str,
    pub found: Vec<ContractError>,
}

impl<'a> Problems<'a> {
    pub(crate) fn new(file: &'a str, text: &'a str) -> Self {
        let found = Vec::new();
        Self { file, text, found }
    }

    pub(crate) fn add<T>(&mut self, at: &Spanned<T>, problem: impl Into<String>, remedy: &str) {
        let error = ContractError::new(self.file, problem, remedy).at(self.text, at.span().start);
        self.found.push(error);
    }

    pub(crate) fn add_file(&mut self, problem: impl Into<String>, remedy: &str) {
        self.found.push(ContractError::new(self.file, problem, remedy));
    }

    /// A share of rows; 0 when it is absent.
    pub(crate) fn share(&mut self, what: &str, written: Option<&Spanned<f64>>) -> f64 {
        let Some(written) = written else { return 0.0 };
        if !(0.0..=1.0).contains(written.get_ref()) {
            self.add(written, format!("{what} is not a share"), "give a number from 0 to 1");
        }
        *written.get_ref()
    }

    /// The value of a word from a fixed list; the first of the list when it is absent or wrong.
    pub(crate) fn word<T: Copy>(
        &mut self,
        word: Option<&Spanned<String>>,
        what: &str,
        words: &[(&str, T)],
        absent: T,
    ) -> T {
        let Some(word) = word else { return absent };
        if let Some((_, value)) = words.iter().find(|(name, _)| name == word.get_ref()) {
            return *value;
        }
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        self.add(word, format!("{what} \"{}\" is not known", word.get_ref()), &format!("use {}", names.join(", ")));
        absent
    }
}

/// True for a name that is safe in paths, tables and SQL.
pub fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && text.len() <= 100
}

/// Reads a TOML file into its written form.
pub(crate) fn parse<T: serde::de::DeserializeOwned>(file: &str, text: &str) -> Result<T, ContractErrors> {
    toml::from_str(text).map_err(|error| {
        let remedy = "compare with the format in docs/contracts.md";
        let plain = ContractError::new(file, error.message().replace('\n', " "), remedy);
        match error.span() {
            Some(span) => plain.at(text, span.start).into(),
            None => plain.into(),
        }
    })
}

/// Checks a contract file. `sql` gives the text of a mapping file that stands next to it.
pub(crate) fn contract(
    feed: &str,
    dataset: &str,
    file: &str,
    text: &str,
    sql: &dyn Fn(&str) -> Option<String>,
) -> Result<Contract, ContractErrors> {
    let raw: raw::Contract = parse(file, text)?;
    let mut problems = Problems::new(file, text);
    for name in [feed, dataset] {
        if !is_name(name) {
            problems.add_file(
                format!("\"{name}\" is not a usable name"),
                "use lower-case letters, digits and _ in file and folder names",
            );
        }
    }
    let columns = columns(raw.columns, &mut problems);
    let targets = targets(raw.targets, sql, &mut problems);
    let key = key(&raw.key, &columns, &mut problems);
    let latest_by = raw.latest_by.as_ref().map(|name| {
        known_column(name, &columns, &mut problems);
        name.get_ref().clone()
    });
    let rules = validate_rules::rules(raw.rules, &format!("{feed}.{dataset}"), &columns, &targets, &mut problems);
    let duplicates = problems.word(
        raw.duplicates.as_ref(),
        "duplicates",
        &[("dedupe", Duplicates::Dedupe), ("reject", Duplicates::Reject)],
        Duplicates::Dedupe,
    );
    let restrict_unknown =
        problems.word(raw.unknown_columns.as_ref(), "unknown_columns", &[("bronze", false), ("identity", true)], false);
    let fits = |name: &str| name == "*" || (!name.is_empty() && !name.contains(['/', '.', '*']));
    for alias in raw.aliases.iter().filter(|alias| !fits(alias.get_ref())) {
        problems.add(
            alias,
            format!("\"{}\" cannot be another name", alias.get_ref()),
            "give the name of a folder, or the head of a file's name up to its first dot, or *",
        );
    }
    let gate = gate(raw.gate.as_ref(), &mut problems);
    if !problems.found.is_empty() {
        return Err(ContractErrors(problems.found));
    }
    Ok(Contract {
        gate,
        feed: feed.to_owned(),
        dataset: dataset.to_owned(),
        description: raw.description,
        aliases: raw.aliases.into_iter().map(Spanned::into_inner).collect(),
        version: raw.version,
        key,
        duplicates,
        latest_by,
        restrict_unknown,
        null_values: raw.null_values.unwrap_or_else(|| vec![String::new()]),
        columns,
        rules,
        targets,
    })
}

fn gate(raw: Option<&raw::Gate>, problems: &mut Problems<'_>) -> Gate {
    let absent = Gate::default();
    let Some(raw) = raw else { return absent };
    let reject_rate =
        raw.reject_rate.as_ref().map_or(absent.reject_rate, |written| problems.share("reject_rate", Some(written)));
    let words = [("publish", OnFail::Publish), ("hold", OnFail::Hold)];
    Gate { reject_rate, on_fail: problems.word(raw.on_fail.as_ref(), "on_fail", &words, absent.on_fail) }
}

fn key(written: &[Spanned<String>], columns: &[Column], problems: &mut Problems<'_>) -> Vec<String> {
    if written.len() == 1 && written.first().is_some_and(|name| name.get_ref() == "*") {
        return columns.iter().map(|column| column.name.clone()).collect();
    }
    for name in written {
        known_column(name, columns, problems);
    }
    written.iter().map(|name| name.get_ref().clone()).collect()
}

pub(crate) fn known_column(name: &Spanned<String>, columns: &[Column], problems: &mut Problems<'_>) {
    if !columns.iter().any(|column| &column.name == name.get_ref()) {
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        problems.add(
            name,
            format!("there is no column \"{}\"", name.get_ref()),
            &format!("use one of {}, or add the column", names.join(", ")),
        );
    }
}

fn columns(written: Vec<raw::Column>, problems: &mut Problems<'_>) -> Vec<Column> {
    if written.is_empty() {
        problems.add_file("no [[columns]]", "list every column of the file");
    }
    let mut columns: Vec<Column> = Vec::with_capacity(written.len());
    for raw in written {
        if columns.iter().any(|column| &column.name == raw.name.get_ref()) {
            problems.add(
                &raw.name,
                format!("column \"{}\" stands twice", raw.name.get_ref()),
                "give each column one entry",
            );
        }
        let name = raw.name.clone();
        if let Some(column) = column(raw, problems) {
            columns.push(column);
            side_by_side(&name, &columns, problems);
        }
    }
    columns
}

/// Reports a path of the last column that explodes another array than the paths before it.
fn side_by_side(name: &Spanned<String>, columns: &[Column], problems: &mut Problems<'_>) {
    let Some(last) = columns.last() else { return };
    let before = || columns.iter().flat_map(Column::paths);
    for path in last.paths() {
        if let Some(other) = before().find(|other| !one_chain(other, path)) {
            let problem = format!("\"{other}\" and \"{path}\" explode two arrays side by side");
            problems.add(name, problem, "leave one of them out, or describe it in a dataset of its own");
            return;
        }
    }
}

/// True when the arrays of one path begin with all arrays of the other.
fn one_chain(one: &JsonPath, other: &JsonPath) -> bool {
    one.levels.starts_with(&other.levels) || other.levels.starts_with(&one.levels)
}

/// A header as the path that it is in JSON files. Header names may hold any character.
fn path(header: &str, at: &Spanned<String>, problems: &mut Problems<'_>) -> Option<JsonPath> {
    match JsonPath::parse(header) {
        Ok(path) => Some(path),
        Err(problem) if header.contains("[]") || header.contains("[#]") => {
            problems.add(at, problem, "write it as visits[].diagnoses[].code, or visits[#] for the position");
            None
        }
        Err(_) => Some(JsonPath { levels: Vec::new(), tail: vec![Step::Key(header.to_owned())], position: false }),
    }
}

fn column(raw: raw::Column, problems: &mut Problems<'_>) -> Option<Column> {
    let name = raw.name.get_ref().clone();
    if !is_name(&name) || name.starts_with('_') || ["source", "feed", "ingest_date"].contains(&name.as_str()) {
        problems.add(
            &raw.name,
            format!("\"{name}\" cannot be a column name"),
            "use snake_case, no leading _, and not source, feed or ingest_date",
        );
    }
    let headers = match raw.from {
        Some(from) => from.into_inner().into_vec(),
        None => vec![name.clone()],
    };
    let mut paths = Vec::with_capacity(headers.len());
    for header in &headers {
        paths.push(path(header, &raw.name, problems)?);
    }
    if paths.is_empty() {
        problems.add(&raw.name, "from is an empty list", "name at least one header or path, or leave it out");
        return None;
    }
    let path = paths.remove(0);
    let column_type = match raw.kind.get_ref().parse::<ColumnType>() {
        Ok(column_type) => column_type,
        Err(problem) => {
            problems.add(&raw.kind, problem, "mend the type");
            return None;
        }
    };
    let phi = problems.word(
        raw.phi.as_ref(),
        "phi",
        &[
            ("none", Phi::None),
            ("quasi", Phi::Quasi),
            ("person_id", Phi::PersonId),
            ("identifier", Phi::Identifier),
            ("free_text", Phi::FreeText),
        ],
        Phi::None,
    );
    if phi == Phi::PersonId && column_type != ColumnType::String {
        problems.add(
            &raw.kind,
            format!("person_id column \"{name}\" is not a string"),
            "identifiers are strings: a number loses leading zeros",
        );
    }
    if let Some(format) = &raw.format {
        let wrong = StrftimeItems::new(format.get_ref()).any(|item| item == Item::Error);
        let temporal = matches!(column_type, ColumnType::Date | ColumnType::Timestamp);
        if wrong || !temporal {
            problems.add(
                format,
                format!("format \"{}\" is not usable here", format.get_ref()),
                "give date and timestamp columns a chrono format such as %d/%m/%Y",
            );
        }
    }
    let on_invalid = problems.word(
        raw.on_invalid.as_ref(),
        "on_invalid",
        &[("reject", OnInvalid::Reject), ("null", OnInvalid::Null)],
        OnInvalid::Reject,
    );
    if let Some(default) = &raw.default {
        let text = StringArray::from(vec![default.get_ref().as_str()]);
        let format = raw.format.as_ref().map(|format| format.get_ref().as_str());
        if !convert(&text, column_type, format).invalid.is_empty() {
            problems.add(
                default,
                format!("default \"{}\" is not a {column_type}", default.get_ref()),
                "give a value of the column's type",
            );
        }
    }
    if let Some(pattern) = &raw.extract {
        let groups = regex::Regex::new(pattern.get_ref()).map_or(0, |regex| regex.captures_len());
        if groups < 2 {
            problems.add(pattern, "extract is not a regular expression with a group", "write it as Patient/(.+)");
        }
    }
    if raw.complete && !matches!(column_type, ColumnType::Date | ColumnType::Timestamp) {
        problems.add(&raw.name, format!("complete of \"{name}\" is for dates and timestamps"), "leave it out");
    }
    if raw.pad.is_some_and(|width| width > WIDEST_PAD) {
        problems.add(&raw.name, format!("pad of \"{name}\" is too wide"), "give a width of at most 1000");
    }
    let threshold = problems.share("threshold", raw.threshold.as_ref());
    Some(Column {
        name,
        headers,
        path,
        others: paths,
        column_type,
        required: raw.required,
        phi,
        format: raw.format.map(Spanned::into_inner),
        on_invalid,
        default: raw.default.map(Spanned::into_inner),
        pad: raw.pad,
        extract: raw.extract.map(Spanned::into_inner),
        complete: raw.complete,
        null_values: raw.null_values,
        threshold,
        description: raw.description,
        unit: raw.unit,
    })
}

fn targets(
    written: Vec<raw::Target>,
    sql: &dyn Fn(&str) -> Option<String>,
    problems: &mut Problems<'_>,
) -> Vec<Target> {
    let mut targets: Vec<Target> = Vec::with_capacity(written.len());
    for raw in written {
        if targets.iter().any(|target| &target.table == raw.table.get_ref()) {
            problems.add(
                &raw.table,
                format!("target \"{}\" stands twice", raw.table.get_ref()),
                "write one mapping for it, with UNION ALL if need be",
            );
        }
        let load = problems.word(
            Some(&raw.load),
            "load",
            &[
                ("append", Load::Append),
                ("upsert", Load::Upsert),
                ("replace_partition", Load::ReplacePartition),
                ("snapshot", Load::Snapshot),
            ],
            Load::Append,
        );
        match sql(raw.sql.get_ref()) {
            Some(sql) => targets.push(Target { table: raw.table.into_inner(), sql, load }),
            None => problems.add(
                &raw.sql,
                format!("mapping file \"{}\" does not exist", raw.sql.get_ref()),
                "write it next to the contract",
            ),
        }
    }
    targets
}
