//! The definitions of gold: views, marts and prepared queries, read from SQL files with a header.
//!
//! The files of this crate are embedded; a lake may add its own, or replace one of ours, in a folder with the same
//! layout: `gold/<view>.sql`, `gold_identified/<view>.sql`, `prepared/<query>.sql`.

mod error;
mod header;
mod order;
mod references;

use std::collections::BTreeMap;
use std::path::Path;

use include_dir::{Dir, include_dir};

pub use error::ViewError;

/// The database of views and marts without names and real identifiers of patients.
pub const GOLD: &str = "gold";
/// The database of the twins with names and real identifiers, for the restricted role.
pub const GOLD_IDENTIFIED: &str = "gold_identified";
/// The folder of the parameterised queries; they run where `gold_identified` may be read.
pub const PREPARED: &str = "prepared";

/// The column of a mart's as-of date, and of the view that names its dates.
pub const DATE: &str = "as_of_date";

const FOLDERS: [&str; 3] = [GOLD, GOLD_IDENTIFIED, PREPARED];

static GOLD_FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/gold");
static GOLD_IDENTIFIED_FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/gold_identified");
static PREPARED_FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/prepared");

/// One view, mart or prepared query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// [`GOLD`], [`GOLD_IDENTIFIED`] or [`PREPARED`].
    pub database: String,
    /// Name within the database; also the file's name.
    pub name: String,
    /// Version of the definition, raised when its meaning changes.
    pub version: u32,
    /// What it shows, in one sentence.
    pub description: String,
    /// What one row stands for.
    pub grain: String,
    /// Who answers for the definition.
    pub owner: String,
    /// Whether publish writes it as a Delta Lake table; otherwise it is a view.
    pub materialised: bool,
    /// Partition columns of a materialised one.
    pub partition_by: Vec<String>,
    /// Z-order columns of a materialised one.
    pub z_order: Vec<String>,
    /// Keys of joins whose sides are sorted, because they are too large to be held in memory; of a materialised one.
    pub sort_joins: Vec<String>,
    /// The view of the same database that names the dates of a materialised one, by source: a mart that has a partition
    /// for each as-of date, of which publish computes those that are due.
    pub dates: Option<String>,
    /// Where the definition comes from.
    pub source_of_definition: String,
    /// The family of a clinical measure, such as quality or surveillance; none for other views.
    pub measure: Option<String>,
    /// What the measure leaves out, by reason.
    pub exclusions: Vec<ViewParameter>,
    /// The output columns in order.
    pub columns: Vec<ViewColumn>,
    /// The `?` parameters in order; prepared queries only.
    pub parameters: Vec<ViewParameter>,
    /// One SELECT in Athena's dialect, without the header.
    pub sql: String,
}

/// An output column of a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewColumn {
    /// Name.
    pub name: String,
    /// Meaning.
    pub description: String,
    /// Unit, where there is one.
    pub unit: Option<String>,
}

/// A parameter of a prepared query, or an exclusion of a measure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewParameter {
    /// Name.
    pub name: String,
    /// Meaning.
    pub description: String,
}

impl View {
    /// `gold.doctor_summary`.
    pub fn qualified(&self) -> String {
        format!("{}.{}", self.database, self.name)
    }

    /// Reads a definition. `file` is the file's path as errors should name it; its stem must be the view's name.
    pub fn parse(database: &str, file: &str, text: &str) -> Result<Self, ViewError> {
        let view = header::parse(database, file, text)?;
        if Path::new(file).file_stem().is_none_or(|stem| stem != view.name.as_str()) {
            return Err(ViewError::new(
                file,
                None,
                format!("the header calls it `{}`", view.name),
                format!("name the file {}.sql, or change the header", view.name),
            ));
        }
        // The whole text is parsed, so that the parser's line numbers are the file's.
        let statement = references::query(file, text.trim_end().trim_end_matches(';'))?;
        let reads = references::tables(file, &statement)?;
        if let Some(dates) = &view.dates
            && !reads.contains(&(database.to_owned(), dates.clone()))
        {
            return Err(ViewError::new(
                file,
                None,
                format!("`dates` names `{dates}`, which the SQL does not read"),
                format!("join {database}.{dates} by source, and select its as_of_date"),
            ));
        }
        let (_, found) = references::number_parameters(file, &view.sql)?;
        if found != view.parameters.len() {
            return Err(ViewError::new(
                file,
                None,
                format!("the SQL has {found} `?` and the header describes {} parameters", view.parameters.len()),
                "describe each `?` in order with `-- parameter <name>: …`; only prepared queries have any",
            ));
        }
        if found > 0 && database != PREPARED {
            return Err(ViewError::new(file, None, "a view cannot have parameters", "move the file to prepared/"));
        }
        Ok(view)
    }

    /// Database and name.
    pub fn key(&self) -> (String, String) {
        (self.database.clone(), self.name.clone())
    }

    /// Whether this is a parameterised query and not a view.
    pub fn is_prepared(&self) -> bool {
        self.database == PREPARED
    }

    /// The tables and views it reads, as (database, name), sorted.
    pub fn tables(&self) -> Result<Vec<(String, String)>, ViewError> {
        let file = file_of(&self.database, &self.name);
        references::tables(&file, &references::query(&file, &self.sql)?)
    }

    /// The SQL with its `?` parameters numbered `$1`, `$2` …, as DataFusion wants them.
    pub fn numbered_sql(&self) -> Result<String, ViewError> {
        Ok(references::number_parameters(&file_of(&self.database, &self.name), &self.sql)?.0)
    }

    /// Checks that the planned output has exactly the columns the header describes, in that order.
    pub fn check_columns<'a>(&self, output: impl IntoIterator<Item = &'a str>) -> Result<(), ViewError> {
        let output: Vec<&str> = output.into_iter().collect();
        let described: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        if output == described {
            return Ok(());
        }
        Err(ViewError::new(
            &file_of(&self.database, &self.name),
            None,
            format!("the query returns ({}) and the header describes ({})", output.join(", "), described.join(", ")),
            "write one `-- column <name>: …` line per output column, in the query's order",
        ))
    }
}

/// All definitions, in an order in which they can be created.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Views(Vec<View>);

impl Views {
    /// The definitions of this crate.
    pub fn embedded() -> Result<Self, ViewError> {
        Self::ordered(embedded()?)
    }

    /// The definitions of this crate, and those of `overlay`, which win by database and name.
    pub fn with_overlay(overlay: &Path) -> Result<Self, ViewError> {
        let mut views = embedded()?;
        views.extend(from_folder(overlay)?);
        Self::ordered(views)
    }

    /// The given definitions; of two with the same database and name the later wins.
    pub fn ordered(views: Vec<View>) -> Result<Self, ViewError> {
        let unique: BTreeMap<(String, String), View> = views.into_iter().map(|view| (view.key(), view)).collect();
        order::sort(unique.into_values().collect()).map(Self)
    }

    /// Views and marts, each after those it reads; prepared queries are not among them.
    pub fn views(&self) -> impl Iterator<Item = &View> {
        self.0.iter().filter(|view| !view.is_prepared())
    }

    /// The clinical measures by family and name.
    pub fn measures(&self) -> Vec<&View> {
        let mut measures: Vec<&View> = self.0.iter().filter(|view| view.measure.is_some()).collect();
        measures.sort_by(|one, other| (&one.measure, &one.name).cmp(&(&other.measure, &other.name)));
        measures
    }

    /// The prepared queries by name.
    pub fn prepared(&self) -> impl Iterator<Item = &View> {
        self.0.iter().filter(|view| view.is_prepared())
    }

    /// The definition of that database and name.
    pub fn get(&self, database: &str, name: &str) -> Option<&View> {
        self.0.iter().find(|view| view.database == database && view.name == name)
    }
}

fn embedded() -> Result<Vec<View>, ViewError> {
    let mut views = Vec::new();
    for (folder, files) in FOLDERS.into_iter().zip([&GOLD_FILES, &GOLD_IDENTIFIED_FILES, &PREPARED_FILES]) {
        for entry in files.files().filter(|entry| entry.path().extension().is_some_and(|kind| kind == "sql")) {
            let file = format!("{folder}/{}", entry.path().display());
            let text = entry
                .contents_utf8()
                .ok_or_else(|| ViewError::new(&file, None, "the file is not UTF-8", "save it as UTF-8"))?;
            views.push(View::parse(folder, &file, text)?);
        }
    }
    Ok(views)
}

fn from_folder(overlay: &Path) -> Result<Vec<View>, ViewError> {
    if !overlay.is_dir() {
        return Err(ViewError::new(
            &overlay.display().to_string(),
            None,
            "there is no such folder of definitions",
            "create it with gold/, gold_identified/ or prepared/ inside, or leave the overlay out",
        ));
    }
    let mut views = Vec::new();
    for folder in FOLDERS {
        let directory = overlay.join(folder);
        if !directory.is_dir() {
            continue;
        }
        let unreadable = |error: std::io::Error| {
            ViewError::new(
                &directory.display().to_string(),
                None,
                format!("cannot be read: {error}"),
                "check its permissions",
            )
        };
        for entry in std::fs::read_dir(&directory).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_none_or(|kind| kind != "sql") {
                continue;
            }
            let file = path.display().to_string();
            let text = std::fs::read_to_string(&path).map_err(|error| {
                ViewError::new(&file, None, format!("cannot be read: {error}"), "save it as readable UTF-8")
            })?;
            views.push(View::parse(folder, &file, &text)?);
        }
    }
    Ok(views)
}

fn file_of(database: &str, name: &str) -> String {
    format!("{database}/{name}.sql")
}
