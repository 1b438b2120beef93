//! SHOW and DESCRIBE: rows of texts about the catalogue.

use carelake_lake::{Lake, TableFormat, ViewEntry};

use crate::catalogue::{Entry, Seen};
use crate::failure::Failure;
use crate::pattern::Pattern;
use crate::statement::{Name, Show};
use crate::types::hive;

/// Names of the columns shown, and the rows.
pub struct Shown {
    /// Names of the columns.
    pub columns: Vec<&'static str>,
    /// The rows.
    pub rows: Vec<Vec<String>>,
}

impl Shown {
    /// Rows of one column.
    pub fn list(column: &'static str, names: impl IntoIterator<Item = String>) -> Self {
        Self { columns: vec![column], rows: names.into_iter().map(|name| vec![name]).collect() }
    }
}

/// What `show` asks for, of what is seen.
///
/// # Errors
/// When it names what is not there.
pub async fn show(
    show: &Show,
    database: &str,
    seen: &Seen,
    lake: &Lake,
    functions: Vec<String>,
) -> Result<Shown, Failure> {
    let find = |name: &Name| find(name, database, seen);
    Ok(match show {
        Show::Databases(like) => {
            let like = pattern(like)?;
            Shown::list("database_name", names(seen.databases().into_keys().filter(|name| like.takes(name))))
        }
        Show::Tables(within, like) => listed("tab_name", within, like, database, seen, |_| true)?,
        Show::Views(within, like) => {
            listed("views", within, like, database, seen, |entry| matches!(entry, Entry::View(_)))?
        }
        Show::Columns(name) => {
            Shown::list("field", find(name)?.columns().into_iter().map(|column| column.name.clone()))
        }
        Show::Describe(name) => describe(find(name)?),
        Show::Partitions(name) => match find(name)? {
            Entry::Table(table) if !table.partition_by.is_empty() => {
                let depth = table.partition_by.len();
                Shown::list("partition", partitions(lake, &table.location, depth).await?)
            }
            other => {
                let words = format!("{}.{} is not a partitioned table", other.database(), other.name());
                return Err(Failure::user(1003, "FAILED", words));
            }
        },
        Show::CreateView(name) => match find(name)? {
            Entry::View(view) => Shown::list("Create View", create_view(view)),
            Entry::Table(table) => {
                let words = format!("Relation '{}.{}' is a table, not a view", table.database, table.name);
                return Err(Failure::not_supported(words));
            }
        },
        Show::CreateTable(name) => Shown::list("createtab_stmt", create_table(find(name)?)),
        Show::Properties(name) => {
            let entry = find(name)?.metadata();
            let parameters = entry.get("Parameters").and_then(|parameters| parameters.as_object());
            let rows = parameters
                .into_iter()
                .flatten()
                .map(|(name, value)| vec![name.clone(), value.as_str().unwrap_or_default().to_owned()]);
            Shown { columns: vec!["prpt_name", "prpt_value"], rows: rows.collect() }
        }
        Show::Functions(like) => {
            let like = pattern(like)?;
            Shown::list("Function", functions.into_iter().filter(|name| like.takes(name)))
        }
    })
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    names.map(str::to_owned).collect()
}

fn pattern(text: &Option<String>) -> Result<Pattern, Failure> {
    Pattern::new(text.as_deref()).map_err(|_| Failure::syntax("the pattern is no regular expression"))
}

fn listed(
    column: &'static str,
    within: &Option<String>,
    like: &Option<String>,
    database: &str,
    seen: &Seen,
    wanted: impl Fn(&Entry<'_>) -> bool,
) -> Result<Shown, Failure> {
    let database = within.as_deref().unwrap_or(database);
    if !seen.databases().contains_key(database) {
        return Err(Failure::user(1301, "SCHEMA_NOT_FOUND", format!("Schema '{database}' does not exist")));
    }
    let like = pattern(like)?;
    let entries = seen.entries().into_iter().filter(|entry| entry.database() == database && wanted(entry));
    Ok(Shown::list(column, names(entries.map(Entry::name).filter(|name| like.takes(name)))))
}

fn find<'a>(name: &Name, database: &str, seen: &'a Seen) -> Result<Entry<'a>, Failure> {
    let database = name.database.as_deref().unwrap_or(database);
    seen.get(database, &name.name).ok_or_else(|| {
        let words = format!("Table '{}.{database}.{}' does not exist", carelake_sql::session::CATALOG, name.name);
        Failure::user(1110, "TABLE_NOT_FOUND", words)
    })
}

fn describe(entry: Entry<'_>) -> Shown {
    let row = |column: &carelake_lake::ColumnEntry| {
        vec![column.name.clone(), hive(&column.column_type).to_owned(), column.description.clone()]
    };
    let mut rows: Vec<Vec<String>> = entry.columns().into_iter().map(row).collect();
    if let Entry::Table(table) = entry
        && !table.partition_by.is_empty()
    {
        let texts = |texts: [&str; 3]| texts.map(str::to_owned).to_vec();
        rows.push(texts(["", "", ""]));
        rows.push(texts(["# Partition Information", "", ""]));
        rows.push(texts(["# col_name", "data_type", "comment"]));
        rows.push(texts(["", "", ""]));
        rows.extend(table.partition_by.iter().map(row));
    }
    Shown { columns: vec!["col_name", "data_type", "comment"], rows }
}

fn create_view(view: &ViewEntry) -> Vec<String> {
    let head = format!("CREATE VIEW {}.{} AS", view.database, view.name);
    std::iter::once(head).chain(view.sql.lines().map(str::to_owned)).collect()
}

fn create_table(entry: Entry<'_>) -> Vec<String> {
    let table = match entry {
        Entry::Table(table) => table,
        Entry::View(view) => return create_view(view),
    };
    let columns = |columns: &[carelake_lake::ColumnEntry]| -> Vec<String> {
        let last = columns.len().saturating_sub(1);
        let line = |(index, column): (usize, &carelake_lake::ColumnEntry)| {
            let ending = if index == last { ")" } else { "," };
            format!("  `{}` {}{ending}", column.name, hive(&column.column_type))
        };
        columns.iter().enumerate().map(line).collect()
    };
    let mut lines = vec![format!("CREATE EXTERNAL TABLE `{}.{}`(", table.database, table.name)];
    lines.extend(columns(&table.columns));
    if !table.partition_by.is_empty() {
        lines.push("PARTITIONED BY (".to_owned());
        lines.extend(columns(&table.partition_by));
    }
    let format = if table.format == TableFormat::Delta { "delta" } else { "parquet" };
    lines.push(format!("TBLPROPERTIES ('classification'='{format}')"));
    lines
}

/// Partitions of a table by its folders: `source=a/month=2024-01`.
async fn partitions(lake: &Lake, location: &str, depth: usize) -> Result<Vec<String>, Failure> {
    let paths = lake.list(location).await.map_err(|error| Failure::storage(&error))?;
    let mut found: Vec<String> = paths
        .iter()
        .filter_map(|path| path.strip_prefix(location).map(|rest| rest.trim_start_matches('/')))
        .map(|rest| rest.split('/').take_while(|part| part.contains('=')).collect::<Vec<_>>())
        .filter(|parts| parts.len() == depth)
        .map(|parts| parts.join("/"))
        .collect();
    found.sort();
    found.dedup();
    Ok(found)
}
