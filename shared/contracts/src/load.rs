//! Loading contracts, silver tables and code lists: those that ship with carelake, and a folder of one's own on top.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use include_dir::{Dir, include_dir};
use toml::Spanned;

use crate::error::{ContractError, ContractErrors};
use crate::model::{Contract, Feed};
use crate::raw;
use crate::references;
use crate::sources::{LandingPath, Sources};
use crate::table::{Period, Table, TableColumn};
use crate::types::ColumnType;
use crate::validate::{self, Problems, is_name, parse};

static FEEDS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/feeds");
static SILVER: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/silver");
static IDENTITY: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/identity");
static CODES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/codes");

/// Every contract, canonical table and code list known to a run.
#[derive(Debug, Clone, Default)]
pub struct ContractSet {
    /// Feeds by name.
    pub feeds: BTreeMap<String, Feed>,
    /// Contracts by feed and dataset.
    pub contracts: BTreeMap<(String, String), Contract>,
    /// Canonical tables by qualified name.
    pub tables: BTreeMap<String, Table>,
    /// Code lists (CSV text) by name.
    pub codes: BTreeMap<String, String>,
}

/// Files by path relative to the contract folder: `feeds/clinic/visits.toml`.
type Files = BTreeMap<String, String>;

impl ContractSet {
    /// The contracts that ship with carelake.
    ///
    /// # Errors
    /// Every problem found, with file and line.
    pub fn embedded() -> Result<Self, ContractErrors> {
        Self::from_files(&embedded_files())
    }

    /// The shipped contracts, with the files of `folder` (`feeds/…`, `silver/…`, `codes/…`) added or put in their place.
    ///
    /// # Errors
    /// Every problem found, with file and line, or what keeps the folder from being read.
    pub fn with_folder(folder: &Path) -> Result<Self, ContractErrors> {
        let mut files = embedded_files();
        // A folder that cannot be read is an error; other files may lie in it.
        std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
        for part in ["feeds", "silver", "identity", "codes"] {
            let inner = folder.join(part);
            if inner.is_dir() {
                read_folder(folder, &inner, &mut files)?;
            }
        }
        Self::from_files(&files)
    }

    /// Contracts from texts by their path relative to the contract folder, `feeds/clinic/visits.toml`; nothing else.
    ///
    /// # Errors
    /// Every problem found, with file and line.
    pub fn from_files(files: &BTreeMap<String, String>) -> Result<Self, ContractErrors> {
        let mut set = Self::default();
        let mut problems = Vec::new();
        for (file, text) in files {
            if let Err(found) = set.add(file, text, files) {
                problems.extend(found.0);
            }
        }
        if problems.is_empty() {
            problems.extend(set.dangling(files));
        }
        if problems.is_empty() { Ok(set) } else { Err(ContractErrors(problems)) }
    }

    fn add(&mut self, file: &str, text: &str, files: &Files) -> Result<(), ContractErrors> {
        let parts: Vec<&str> = file.split('/').collect();
        match parts.as_slice() {
            ["feeds", feed, "feed.toml"] => {
                let raw: raw::Feed = parse(file, text)?;
                let name = (*feed).to_owned();
                self.feeds.insert(name.clone(), Feed { name, description: raw.description, areas: raw.areas });
            }
            ["feeds", feed, dataset] => {
                let Some(dataset) = dataset.strip_suffix(".toml") else { return Ok(()) };
                // A feed that differs in names alone may use the mapping of another: sql = "../<feed>/<file>.sql".
                let sql = |name: &str| {
                    let path = match name.strip_prefix("../") {
                        Some(elsewhere) => format!("feeds/{elsewhere}"),
                        None => format!("feeds/{feed}/{name}"),
                    };
                    files.get(&path).cloned()
                };
                let contract = validate::contract(feed, dataset, file, text, &sql)?;
                self.contracts.insert(((*feed).to_owned(), dataset.to_owned()), contract);
            }
            [database @ ("silver" | "identity"), name] => {
                let Some(name) = name.strip_suffix(".toml") else { return Ok(()) };
                let table = table(database, name, file, text)?;
                self.tables.insert(table.qualified(), table);
            }
            ["codes", name] => {
                if let Some(name) = name.strip_suffix(".csv") {
                    self.codes.insert(name.to_owned(), text.to_owned());
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// References from contracts to tables and columns that do not exist.
    fn dangling(&self, files: &Files) -> Vec<ContractError> {
        let mut found = Vec::new();
        for contract in self.contracts.values() {
            let file = format!("feeds/{}/{}.toml", contract.feed, contract.dataset);
            if !self.feeds.contains_key(&contract.feed) {
                found.push(ContractError::new(
                    format!("feeds/{}/feed.toml", contract.feed),
                    "the file is missing",
                    "write it with description = \"…\" and areas = []",
                ));
            }
            found.extend(references::check(self, contract, &file, files.get(&file).map_or("", String::as_str)));
        }
        found
    }

    /// What a landing key says of its file, and the contract that covers it: of the dataset that its folder is called
    /// by, else of the one with whose name the file begins, else the feed's contract for all others.
    ///
    /// # Errors
    /// Why none does.
    pub fn covering(&self, sources: &Sources, key: &str) -> Result<(LandingPath, &Contract), &'static str> {
        let called = |source: &str, folder: &str, file: &str| {
            let feed = sources.feed(source);
            let of_feed = || self.contracts.values().filter(|contract| contract.feed == feed);
            let head = file.split('.').next().unwrap_or_default();
            let aliased = |name: &str| of_feed().find(|contract| contract.aliases.iter().any(|alias| alias == name));
            let found = of_feed().find(|contract| contract.dataset == folder).or_else(|| aliased(folder));
            let found = found.or_else(|| aliased(head)).or_else(|| aliased("*"));
            found.map(|contract| contract.dataset.as_str())
        };
        let path = LandingPath::parse_as(key, &called)?;
        let contract = self.contract(sources.feed(&path.source), &path.dataset);
        let missing = "no contract has this feed and dataset; add one, or bind the source in sources.toml";
        contract.map(|contract| (path, contract)).ok_or(missing)
    }

    /// The contract of a feed's dataset.
    pub fn contract(&self, feed: &str, dataset: &str) -> Option<&Contract> {
        self.contracts.get(&(feed.to_owned(), dataset.to_owned()))
    }
}

fn table(database: &str, name: &str, file: &str, text: &str) -> Result<Table, ContractErrors> {
    let raw: raw::Table = parse(file, text)?;
    let mut problems = Problems::new(file, text);
    if !is_name(name) {
        problems.add_file(format!("\"{name}\" is not a table name"), "use lower-case letters, digits and _");
    }
    let mut columns: Vec<TableColumn> = Vec::new();
    for column in raw.columns {
        match column.kind.get_ref().parse::<ColumnType>() {
            Ok(column_type) => columns.push(TableColumn {
                name: column.name.into_inner(),
                column_type,
                description: column.description,
                unit: column.unit,
            }),
            Err(problem) => problems.add(&column.kind, problem, "mend the type"),
        }
    }
    let known = |name: &str| {
        ["source", "feed", "year", "month"].contains(&name) || columns.iter().any(|column| column.name == name)
    };
    for name in raw.key.iter().chain(&raw.partition_by).chain(&raw.z_order).chain(&raw.period_of).chain(&raw.record) {
        if !known(name.get_ref()) {
            problems.add(name, format!("there is no column \"{}\"", name.get_ref()), "name a column of this table");
        }
    }
    let partitions_by = |period: Period| raw.partition_by.iter().any(|name| name.get_ref() == period.column());
    let period = [Period::Year, Period::Month].into_iter().find(|period| partitions_by(*period));
    let period = match (period, &raw.period_of) {
        (Some(period), Some(column)) => Some((period, column.get_ref().clone())),
        (Some(period), None) => {
            problems.add_file(
                format!("partition {} has no period_of", period.column()),
                "add period_of = \"<date column>\"",
            );
            None
        }
        (None, _) => None,
    };
    if !problems.found.is_empty() {
        return Err(ContractErrors(problems.found));
    }
    let names = |list: Vec<Spanned<String>>| list.into_iter().map(Spanned::into_inner).collect();
    Ok(Table {
        database: database.to_owned(),
        name: name.to_owned(),
        description: raw.description,
        grain: raw.grain,
        key: names(raw.key),
        record: raw.record.map(Spanned::into_inner),
        partition_by: names(raw.partition_by),
        period,
        z_order: names(raw.z_order),
        columns,
    })
}

fn embedded_files() -> Files {
    let mut files = Files::new();
    for (prefix, dir) in [("feeds", &FEEDS), ("silver", &SILVER), ("identity", &IDENTITY), ("codes", &CODES)] {
        collect(prefix, dir, &mut files);
    }
    files
}

fn collect(prefix: &str, dir: &Dir<'_>, files: &mut Files) {
    for file in dir.files() {
        if let (Some(path), Some(text)) = (file.path().to_str(), file.contents_utf8()) {
            files.insert(format!("{prefix}/{path}"), text.to_owned());
        }
    }
    for inner in dir.dirs() {
        collect(prefix, inner, files);
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> ContractError {
    ContractError::new(
        path.display().to_string(),
        format!("cannot be read ({})", error.kind()),
        "check the path and its permissions",
    )
}

fn read_folder(root: &Path, folder: &Path, files: &mut Files) -> Result<(), ContractErrors> {
    let entries = std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?;
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(|error| unreadable(folder, &error))?.path());
    }
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read_folder(root, &path, files)?;
        } else if matches!(path.extension().and_then(|ext| ext.to_str()), Some("toml" | "sql" | "csv")) {
            let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
            let relative = path.strip_prefix(root).unwrap_or(&path);
            let name: Vec<String> = relative.iter().map(|part| part.to_string_lossy().into_owned()).collect();
            files.insert(name.join("/"), text);
        }
    }
    Ok(())
}
