//! A first contract for a file nobody has described yet. Every guess is marked as one, and no value of a person is kept.

mod infer;
mod names;
mod person;
mod records;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

pub use records::sample_of_records;

use crate::model::Phi;
use crate::path::JsonPath;
use crate::types::ColumnType;
use crate::validate::is_name;
use infer::Guess;

/// The beginning of a file as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sample {
    /// Header names, or JSON paths.
    pub columns: Vec<String>,
    /// The rows; a row may be shorter than the header.
    pub rows: Vec<Vec<Option<String>>>,
    /// What the sample could not show, for the draft's reader.
    pub remarks: Vec<String>,
}

/// The files of a drafted contract, to be placed in `feeds/<feed>/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// `<dataset>.toml`.
    pub contract_toml: String,
    /// `feed.toml`.
    pub feed_toml: String,
    /// Name and text of mapping queries for the targets that are commented out in the contract.
    pub mappings: Vec<(String, String)>,
}

/// Most values in the draft of a domain rule.
const DOMAIN: usize = 12;
/// How often the sample must hold a value for it to be shown: in a row whose fields have shifted, it may be a name.
const AGREED: usize = 3;
/// Texts that mean NULL wherever they stand.
const NULLS: &[&str] = &["NULL", "null", "N/A", "n/a", "\\N"];

struct Drafted<'a> {
    header: &'a str,
    name: String,
    guess: Guess,
    required: bool,
    unique: bool,
    phi: Option<(Phi, &'static str)>,
    domain: Vec<&'a str>,
}

impl Drafted<'_> {
    fn phi(&self) -> Phi {
        self.phi.map_or(Phi::None, |(phi, _)| phi)
    }
}

/// Drafts the contract of a dataset from a sample of it. It loads as it is and lands the dataset in bronze.
///
/// # Errors
/// When the names cannot be used, or the sample has no header.
pub fn draft(feed: &str, dataset: &str, sample: &Sample) -> Result<Draft, String> {
    if !is_name(feed) || !is_name(dataset) {
        return Err("feed and dataset are named with lower-case letters, digits and _".to_owned());
    }
    if sample.columns.is_empty() {
        return Err("the sample has no columns".to_owned());
    }
    if names::look_like_data(&sample.columns) {
        return Err("the first line of the sample does not look like a header; ask for a file that has one".to_owned());
    }
    let nulls: BTreeSet<&str> = cells(sample).map(str::trim).filter(|text| NULLS.contains(text)).collect();
    let (columns, unreadable) = columns(dataset, sample);
    if columns.is_empty() {
        return Err("no column of the sample can be read by its name".to_owned());
    }
    let mut remarks = sample.remarks.clone();
    if unreadable > 0 {
        remarks.push(format!("{unreadable} columns have brackets in their names and cannot be read."));
    }
    let mut toml = head(feed, dataset, sample.rows.len(), &remarks);
    top(&mut toml, dataset, &columns, &nulls);
    for column in &columns {
        describe(&mut toml, column);
    }
    rules(&mut toml, &columns);
    let mappings = mappings(feed, dataset, &columns);
    targets(&mut toml, &mappings);
    let feed_toml = "# The gold subject areas: appointments, clinic, clinical, cost, visit_events, or areas of your own.\n\
                     description = \"Who sends this, and what: to be written.\"\nareas = []\n";
    Ok(Draft { contract_toml: toml, feed_toml: feed_toml.to_owned(), mappings })
}

fn cells(sample: &Sample) -> impl Iterator<Item = &str> {
    sample.rows.iter().flatten().filter_map(Option::as_deref)
}

/// The columns, and how many could not be named in a contract.
fn columns<'a>(dataset: &str, sample: &'a Sample) -> (Vec<Drafted<'a>>, usize) {
    let names = names::names(&sample.columns);
    let mut columns = Vec::with_capacity(names.len());
    let mut unreadable = 0;
    for (index, (header, name)) in sample.columns.iter().zip(names).enumerate() {
        let header = header.trim();
        if JsonPath::parse(header).is_err() && (header.contains("[]") || header.contains("[#]")) {
            unreadable += 1;
            continue;
        }
        let given = sample.rows.iter().map(|row| row.get(index).and_then(Option::as_deref).map(str::trim));
        let values: Vec<&str> = given.flatten().filter(|text| !text.is_empty() && !NULLS.contains(text)).collect();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for value in &values {
            *counts.entry(value).or_default() += 1;
        }
        let mut guess = infer::guess(&name, &values);
        let phi = person::guess(dataset, header, &name, guess.column_type, &values);
        if matches!(phi, Some((Phi::PersonId | Phi::Identifier | Phi::FreeText, _))) {
            guess = Guess { column_type: ColumnType::String, format: None, remark: None };
        }
        let full = !values.is_empty() && values.len() == sample.rows.len();
        let agreed: Vec<&str> = counts.iter().filter(|(_, times)| **times >= AGREED).map(|(value, _)| *value).collect();
        let rare = counts.values().filter(|times| **times < AGREED).sum::<usize>();
        let few = agreed.len() <= DOMAIN && rare * 10 <= values.len() && agreed.iter().all(|value| value.len() <= 40);
        let listed = phi.is_none()
            && !person::is_of_staff(&name)
            && guess.column_type == ColumnType::String
            && guess.remark.is_none()
            && few;
        columns.push(Drafted {
            header,
            required: full,
            unique: full && counts.len() == values.len(),
            domain: if listed { agreed } else { Vec::new() },
            name,
            guess,
            phi,
        });
    }
    (columns, unreadable)
}

fn head(feed: &str, dataset: &str, rows: usize, remarks: &[String]) -> String {
    let mut toml = format!(
        "# Drafted from {rows} rows of a sample. What is marked \"guess\" was inferred: review it, then remove the mark.\n\
         # Place it in feeds/{feed}/{dataset}.toml; the format is described in docs/contracts.md.\n"
    );
    for remark in remarks {
        let _ = writeln!(toml, "# {remark}");
    }
    toml
}

fn top(toml: &mut String, dataset: &str, columns: &[Drafted<'_>], nulls: &BTreeSet<&str>) {
    let _ = writeln!(toml, "description = \"One row of {dataset}: to be written.\"\nversion = 1");
    match key(dataset, columns) {
        Some(name) => {
            let _ = writeln!(toml, "# A guess: unique in the sample.\nkey = [\"{name}\"]");
        }
        None => toml.push_str(
            "# No column is unique and named like an identifier; without a key every row is kept.\n# key = [\"…\"]\n",
        ),
    }
    toml.push_str("# Of two rows of one key in one file the later is rejected; \"dedupe\" keeps one and counts the other.\nduplicates = \"reject\"\n");
    if let Some(column) =
        columns.iter().find(|column| column.name == "updated_at" && column.guess.column_type == ColumnType::Timestamp)
    {
        let _ =
            writeln!(toml, "# A guess: of several versions of a key the latest wins.\nlatest_by = \"{}\"", column.name);
    }
    if columns.iter().any(|column| column.phi() != Phi::None) {
        toml.push_str(
            "# Columns that appear later are restricted until they are classified.\nunknown_columns = \"identity\"\n",
        );
    }
    if !nulls.is_empty() {
        let list: Vec<String> = std::iter::once("").chain(nulls.iter().copied()).map(quoted).collect();
        let _ =
            writeln!(toml, "# A guess: these texts mean that there is no value.\nnull_values = [{}]", list.join(", "));
    }
}

/// The first column that is unique and named like an identifier; the dataset's own before others, a person's last.
fn key<'a>(dataset: &str, columns: &'a [Drafted<'_>]) -> Option<&'a str> {
    let own = format!("{}_id", names::singular(dataset));
    let fit = |column: &&Drafted<'_>| column.unique && infer::is_identifier(&column.name) && !column.phi().restricted();
    let rank = |column: &&Drafted<'_>| match column.phi() {
        _ if column.name == own || column.name == "id" => 0,
        Phi::PersonId => 2,
        _ => 1,
    };
    columns.iter().filter(fit).min_by_key(rank).map(|column| column.name.as_str())
}

fn describe(toml: &mut String, column: &Drafted<'_>) {
    let _ = writeln!(toml, "\n[[columns]]\nname = \"{}\"", column.name);
    if !column.header.eq_ignore_ascii_case(&column.name) {
        let _ = writeln!(toml, "from = {}", quoted(column.header));
    }
    if let Some(remark) = &column.guess.remark {
        let _ = writeln!(toml, "# {remark}");
    }
    let _ = writeln!(toml, "type = \"{}\"", column.guess.column_type);
    if let Some(format) = &column.guess.format {
        let _ = writeln!(
            toml,
            "# A guess: the values of the sample have this format, and no other.\nformat = \"{format}\""
        );
    }
    if column.required {
        toml.push_str("# A guess: never empty in the sample.\nrequired = true\n");
    }
    if let Some((phi, why)) = column.phi {
        let word = match phi {
            Phi::None => "none",
            Phi::Quasi => "quasi",
            Phi::PersonId => "person_id",
            Phi::Identifier => "identifier",
            Phi::FreeText => "free_text",
        };
        let _ = writeln!(toml, "# A guess to review: {why}.\nphi = \"{word}\"");
    }
    toml.push_str("description = \"\"\n");
}

fn rules(toml: &mut String, columns: &[Drafted<'_>]) {
    for column in columns.iter().filter(|column| !column.domain.is_empty()) {
        let values: Vec<String> = column.domain.iter().map(|value| quoted(value)).collect();
        let _ = write!(
            toml,
            "\n# A guess to review: the values that the sample holds {AGREED} times or more. Remove the marks to have others counted.\n\
             # [[rules]]\n# id = \"{name}_domain\"\n# kind = \"domain\"\n# level = \"value\"\n# severity = \"warn\"\n# threshold = 0.0\n\
             # column = \"{name}\"\n# values = [{}]\n# description = \"{name} is one of the agreed values.\"\n",
            values.join(", "),
            name = column.name,
        );
    }
}

/// One query for the silver table, and one for identity.patients where the sample tells who a person is.
fn mappings(feed: &str, dataset: &str, columns: &[Drafted<'_>]) -> Vec<(String, String)> {
    let open: Vec<&str> =
        columns.iter().filter(|column| !column.phi().restricted()).map(|column| column.name.as_str()).collect();
    let select = |about: &str, names: &[String], from: &str| {
        format!("-- A draft: {about}\nSELECT\n  _order,\n  _row,\n  {}\nFROM {from}\n", names.join(",\n  "))
    };
    let names: Vec<String> = open.iter().map(|name| (*name).to_owned()).collect();
    let about = format!(
        "name {feed}.{dataset}'s columns as the silver table does (x AS y), and leave out those it does not have."
    );
    let mut mappings = vec![(format!("{dataset}.mapping.sql"), select(&about, &names, "bronze"))];
    let person = columns.iter().find(|column| column.phi() == Phi::PersonId);
    let restricted = columns.iter().filter(|column| column.phi() == Phi::Identifier);
    if let Some(person) = person {
        let mut names =
            vec![aliased(&person.name, "patient_id"), aliased(&format!("real_{}", person.name), "real_patient_id")];
        names.extend(restricted.map(|column| column.name.clone()));
        if names.len() > 2 {
            let about =
                "name the columns as identity.patients does (x AS full_name), and leave out those it does not have.";
            mappings.push((format!("{dataset}.identity.sql"), select(about, &names, "identity")));
        }
    }
    mappings
}

fn aliased(name: &str, wanted: &str) -> String {
    if name == wanted { name.to_owned() } else { format!("{name} AS {wanted}") }
}

fn targets(toml: &mut String, mappings: &[(String, String)]) {
    toml.push_str("\n# Without a target the rows stay in bronze. Name a table of silver/, yours or carelake's, and how rows enter it:\n# append, upsert (the latest row of a key), replace_partition (a day at a time) or snapshot.\n");
    for (file, _) in mappings {
        let table = if file.ends_with(".identity.sql") { "identity.patients" } else { "silver.encounters" };
        let _ = write!(toml, "#\n# [[targets]]\n# table = \"{table}\"\n# sql = \"{file}\"\n# load = \"upsert\"\n");
    }
}

/// A TOML basic string.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(letter);
            }
            control if control.is_control() => {
                let _ = write!(quoted, "\\u{:04X}", u32::from(control));
            }
            plain => quoted.push(plain),
        }
    }
    quoted.push('"');
    quoted
}
