//! The comment header of a definition file.
//!
//! ```text
//! -- name: city_distribution
//! -- version: 1
//! -- description: Number of clinic patients by the city they live in.
//! -- grain: one row per source and city
//! -- owner: analytics
//! -- materialised: no
//! -- source: clinic analytics: all patients
//! -- column source: sender
//! -- column patient_count: number of patients
//! ```
//!
//! A clinical measure names its family (`-- measure: quality`) and what it leaves out (`-- exclusion died: …`).
//! A mart names its partition columns (`-- partition_by: …`), the columns by which its rows lie close (`-- z_order: …`) and
//! the keys of joins whose sides are too large to be held in memory and are sorted instead (`-- sort_joins: …`).
//! One that has rows of many as-of dates is parted by `as_of_date`, and names the view that says which dates
//! (`-- dates: …`); its rows of a date may depend on no other date.
//! A line that starts with three blanks after the dashes continues the entry above it. A unit stands in brackets at the
//! end of a column's description.

use super::{DATE, View, ViewColumn, ViewError, ViewParameter};

const KEYS: &str = "name, version, description, grain, owner, materialised, partition_by, z_order, sort_joins, \
                    dates, source, measure, exclusion <name>, parameter <name> or column <name>";

/// One `-- key: value` entry.
struct Entry {
    line: usize,
    key: String,
    value: String,
}

/// Reads the header of `text` and keeps the rest as the view's SQL. The SQL itself is not looked at.
pub(super) fn parse(database: &str, file: &str, text: &str) -> Result<View, ViewError> {
    let entries = entries(file, text)?;
    let mut fields = Fields::default();
    for entry in &entries {
        fields.read(file, entry)?;
    }
    let mut view = fields.finish(file)?;
    view.database = database.to_owned();
    let body: Vec<&str> = text.lines().skip_while(|line| line.starts_with("--")).collect();
    body.join("\n").trim().trim_end_matches(';').trim_end().clone_into(&mut view.sql);
    if view.sql.is_empty() {
        return Err(ViewError::new(file, None, "no SQL follows the header", "write one SELECT below the header"));
    }
    Ok(view)
}

fn entries(file: &str, text: &str) -> Result<Vec<Entry>, ViewError> {
    let mut entries: Vec<Entry> = Vec::new();
    for (index, line) in text.lines().take_while(|line| line.starts_with("--")).enumerate() {
        let line_number = index.saturating_add(1);
        let rest = line.trim_start_matches("--");
        if rest.trim().is_empty() {
            continue;
        }
        if let (true, Some(last)) = (rest.starts_with("   "), entries.last_mut()) {
            last.value.push(' ');
            last.value.push_str(rest.trim());
            continue;
        }
        let (key, value) = rest.split_once(':').ok_or_else(|| {
            ViewError::new(
                file,
                Some(line_number),
                format!("the header line `{line}` has no colon"),
                "write `-- key: value`, or start the line with three blanks to continue the entry above",
            )
        })?;
        let key = key.split_whitespace().collect::<Vec<_>>().join(" ");
        entries.push(Entry { line: line_number, key, value: value.trim().to_owned() });
    }
    Ok(entries)
}

#[derive(Default)]
struct Fields {
    name: Option<String>,
    version: Option<u32>,
    description: Option<String>,
    grain: Option<String>,
    owner: Option<String>,
    materialised: Option<bool>,
    partition_by: Option<Vec<String>>,
    z_order: Option<Vec<String>>,
    sort_joins: Option<Vec<String>>,
    dates: Option<String>,
    source: Option<String>,
    measure: Option<String>,
    exclusions: Vec<ViewParameter>,
    columns: Vec<ViewColumn>,
    parameters: Vec<ViewParameter>,
}

impl Fields {
    fn read(&mut self, file: &str, entry: &Entry) -> Result<(), ViewError> {
        let value = entry.value.as_str();
        if value.is_empty() {
            return Err(ViewError::new(
                file,
                Some(entry.line),
                format!("`{}` is empty", entry.key),
                "write its value after the colon",
            ));
        }
        let fresh = match entry.key.split_once(' ') {
            Some(("column", name)) => self.column(name, value),
            Some(("parameter", name)) => described(&mut self.parameters, name, value),
            Some(("exclusion", name)) => described(&mut self.exclusions, name, value),
            Some(_) => return Err(unknown(file, entry)),
            None => match entry.key.as_str() {
                "name" => self.name.replace(value.to_owned()).is_none(),
                "version" => {
                    let version = value.parse().map_err(|_| {
                        ViewError::new(
                            file,
                            Some(entry.line),
                            format!("version `{value}` is no number"),
                            "write a whole number such as 1",
                        )
                    })?;
                    self.version.replace(version).is_none()
                }
                "description" => self.description.replace(value.to_owned()).is_none(),
                "grain" => self.grain.replace(value.to_owned()).is_none(),
                "owner" => self.owner.replace(value.to_owned()).is_none(),
                "materialised" => self.materialised.replace(materialised(file, entry)?).is_none(),
                "partition_by" => self.partition_by.replace(names(value)).is_none(),
                "z_order" => self.z_order.replace(names(value)).is_none(),
                "sort_joins" => self.sort_joins.replace(names(value)).is_none(),
                "dates" => self.dates.replace(value.to_owned()).is_none(),
                "measure" => self.measure.replace(value.to_owned()).is_none(),
                "source" => self.source.replace(value.to_owned()).is_none(),
                _ => return Err(unknown(file, entry)),
            },
        };
        if fresh {
            Ok(())
        } else {
            Err(ViewError::new(
                file,
                Some(entry.line),
                format!("`{}` stands twice", entry.key),
                "keep one of the two lines",
            ))
        }
    }

    fn column(&mut self, name: &str, value: &str) -> bool {
        let fresh = self.columns.iter().all(|column| column.name != name);
        let (description, unit) = match value.strip_suffix(']').and_then(|text| text.rsplit_once('[')) {
            Some((text, unit)) => (text.trim_end(), Some(unit.to_owned())),
            None => (value, None),
        };
        self.columns.push(ViewColumn { name: name.to_owned(), description: description.to_owned(), unit });
        fresh
    }

    fn finish(self, file: &str) -> Result<View, ViewError> {
        let view = View {
            database: String::new(),
            name: required(file, "name", self.name)?,
            version: required(file, "version", self.version)?,
            description: required(file, "description", self.description)?,
            grain: required(file, "grain", self.grain)?,
            owner: required(file, "owner", self.owner)?,
            materialised: required(file, "materialised", self.materialised)?,
            partition_by: self.partition_by.unwrap_or_default(),
            z_order: self.z_order.unwrap_or_default(),
            sort_joins: self.sort_joins.unwrap_or_default(),
            dates: self.dates,
            source_of_definition: required(file, "source", self.source)?,
            measure: self.measure,
            exclusions: self.exclusions,
            columns: self.columns,
            parameters: self.parameters,
            sql: String::new(),
        };
        if view.columns.first().is_none_or(|column| column.name != "source") {
            return Err(ViewError::new(
                file,
                None,
                "the first column is not `source`",
                "select the sender first and describe it as `-- column source: …`: equal ids of two senders are two things",
            ));
        }
        let laid_out = !view.partition_by.is_empty() || !view.z_order.is_empty() || !view.sort_joins.is_empty();
        if laid_out && !view.materialised {
            return Err(ViewError::new(
                file,
                None,
                "a view that is not materialised has no partition_by, z_order or sort_joins",
                "write `-- materialised: delta` or remove those lines",
            ));
        }
        if view.dates.is_some() && view.partition_by != [DATE] {
            return Err(ViewError::new(
                file,
                None,
                "a view with `dates` is not parted by the date",
                format!("write `-- materialised: delta` and `-- partition_by: {DATE}`"),
            ));
        }
        for name in view.partition_by.iter().chain(&view.z_order) {
            if view.columns.iter().all(|column| &column.name != name) {
                return Err(ViewError::new(
                    file,
                    None,
                    format!("partition_by or z_order names `{name}`, which is no column of the view"),
                    "name a column that the header describes",
                ));
            }
        }
        Ok(view)
    }
}

/// Adds a named description; false when the name is taken.
fn described(list: &mut Vec<ViewParameter>, name: &str, value: &str) -> bool {
    let fresh = list.iter().all(|known| known.name != name);
    list.push(ViewParameter { name: name.to_owned(), description: value.to_owned() });
    fresh
}

fn names(value: &str) -> Vec<String> {
    value.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

fn materialised(file: &str, entry: &Entry) -> Result<bool, ViewError> {
    match entry.value.as_str() {
        "no" => Ok(false),
        "delta" => Ok(true),
        other => Err(ViewError::new(
            file,
            Some(entry.line),
            format!("materialised is `{other}`"),
            "write `no` for a view or `delta` for a Delta Lake table",
        )),
    }
}

fn required<T>(file: &str, key: &str, value: Option<T>) -> Result<T, ViewError> {
    value.ok_or_else(|| {
        ViewError::new(file, None, format!("the header has no `{key}`"), format!("add a line `-- {key}: …` at the top"))
    })
}

fn unknown(file: &str, entry: &Entry) -> ViewError {
    ViewError::new(file, Some(entry.line), format!("unknown header key `{}`", entry.key), format!("use one of {KEYS}"))
}
