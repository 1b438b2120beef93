//! A small, slow reading of the contract files: enough to say which rows break which rule at ingest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use chrono::{NaiveDate, NaiveDateTime};
use toml::{Table, Value};

/// Rule id to the 1-based records that break it.
pub type Found = BTreeMap<String, BTreeSet<u64>>;

pub struct Contract {
    pub name: String,
    pub table: Table,
}

/// A column's typed value, in a form that compares.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub enum Typed {
    Text(String),
    Number(f64),
    Time(NaiveDateTime),
}

/// A record after typing: its values, `None` for NULL, and whether it was rejected.
pub struct Row {
    pub values: BTreeMap<String, Typed>,
    pub rejected: bool,
}

impl Contract {
    /// The contract of a feed's dataset.
    pub fn load(feed: &str, dataset: &str) -> Self {
        // From the package's folder, where cargo runs its tests.
        let path = PathBuf::from("../contracts/feeds").join(feed).join(format!("{dataset}.toml"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|_| panic!("{}", path.display()));
        Self { name: format!("{feed}.{dataset}"), table: text.parse().unwrap() }
    }

    /// Every rule id that the contract knows, implicit ones included.
    pub fn rule_ids(&self) -> BTreeSet<String> {
        let mut ids: BTreeSet<String> = ["row.shape", "row.encoding", "key.unique"].map(|id| self.id(id)).into();
        for column in self.list("columns") {
            let name = text(column, "name").unwrap();
            ids.extend(["type", "required"].map(|check| self.id(&format!("{name}.{check}"))));
        }
        ids.extend(self.list("rules").map(|rule| self.id(text(rule, "id").unwrap())));
        ids
    }

    /// Which records break which rule, and the rows as typed.
    pub fn check(&self, header: &[String], records: &[Vec<Vec<u8>>]) -> (Found, Vec<Row>) {
        let mut found = Found::new();
        let mut rows = Vec::new();
        for (number, record) in (1..).zip(records) {
            let mut broken = Vec::new();
            let row = self.check_record(header, record, &mut broken);
            for rule in broken {
                found.entry(rule).or_default().insert(number);
            }
            rows.push(row);
        }
        for number in self.repeated(&rows) {
            found.entry(self.id("key.unique")).or_default().insert(number);
        }
        (found, rows)
    }

    fn check_record(&self, header: &[String], record: &[Vec<u8>], broken: &mut Vec<String>) -> Row {
        let mut row = Row { values: BTreeMap::new(), rejected: true };
        if record.len() != header.len() {
            broken.push(self.id("row.shape"));
            return row;
        }
        let texts: Option<Vec<&str>> = record.iter().map(|field| std::str::from_utf8(field).ok()).collect();
        let Some(texts) = texts else {
            broken.push(self.id("row.encoding"));
            return row;
        };
        row.rejected = false;
        let mut given = BTreeSet::new();
        for column in self.list("columns") {
            let name = text(column, "name").unwrap();
            let field = sources(column)
                .iter()
                .find_map(|from| header.iter().position(|h| h.eq_ignore_ascii_case(from)))
                .map_or("", |position| texts[position].trim());
            let nulls = [Some("")].into_iter().chain(strings(column, "null_values").map(Some));
            if nulls.flatten().any(|null| null == field) {
                if column.get("required").and_then(Value::as_bool) == Some(true) {
                    broken.push(self.id(&format!("{name}.required")));
                    row.rejected = true;
                }
                continue;
            }
            given.insert(name);
            match typed(text(column, "type").unwrap(), field) {
                Some(value) => {
                    row.values.insert(name.to_owned(), value);
                }
                None => {
                    broken.push(self.id(&format!("{name}.type")));
                    row.rejected |= text(column, "on_invalid") != Some("null");
                }
            }
        }
        for rule in self.list("rules") {
            if self.breaks(rule, &row, &given) {
                broken.push(self.id(text(rule, "id").unwrap()));
                row.rejected |= text(rule, "severity") == Some("reject");
            }
        }
        row
    }

    fn breaks(&self, rule: &Table, row: &Row, given: &BTreeSet<&str>) -> bool {
        let column = text(rule, "column").unwrap_or_default();
        let kind = text(rule, "kind").unwrap();
        if kind == "not_null" {
            return !given.contains(column);
        }
        let Some(value) = row.values.get(column) else {
            return false;
        };
        let word = if let Typed::Text(word) = value { word.as_str() } else { "" };
        match kind {
            "domain" => {
                let fold = rule.get("ignore_case").and_then(Value::as_bool) == Some(true);
                !strings(rule, "values").any(|known| known == word || (fold && known.eq_ignore_ascii_case(word)))
            }
            "pattern" => {
                let pattern = format!("^(?:{})$", text(rule, "pattern").unwrap());
                !regex::Regex::new(&pattern).unwrap().is_match(word)
            }
            "range" => {
                bound(rule, "min").is_some_and(|min| *value < min) || bound(rule, "max").is_some_and(|max| *value > max)
            }
            "not_before" => {
                let other = row.values.get(text(rule, "other").unwrap());
                let day_only = self.is_date(column);
                other.is_some_and(|other| match (value, other) {
                    (Typed::Time(a), Typed::Time(b)) if day_only => a.date() < b.date(),
                    (a, b) => a < b,
                })
            }
            _ => false,
        }
    }

    /// The records that give way to another of the same key: for duplicates that are rejected the
    /// later ones, else those that are not the latest.
    fn repeated(&self, rows: &[Row]) -> Vec<u64> {
        let key: Vec<&str> = strings(&self.table, "key").collect();
        let latest_by = text(&self.table, "latest_by");
        let mut seen: BTreeMap<String, (u64, Option<Typed>)> = BTreeMap::new();
        let mut losers = Vec::new();
        for (number, row) in (1..).zip(rows).filter(|(_, row)| !row.rejected && !key.is_empty()) {
            let key = if key == ["*"] {
                format!("{:?}", row.values)
            } else {
                format!("{:?}", key.iter().map(|name| row.values.get(*name)).collect::<Vec<_>>())
            };
            let moment = latest_by.and_then(|by| row.values.get(by).cloned());
            match seen.get(&key) {
                Some((first, best)) if moment > *best => {
                    losers.push(*first);
                    seen.insert(key, (number, moment));
                }
                Some(_) => losers.push(number),
                None => {
                    seen.insert(key, (number, moment));
                }
            }
        }
        losers
    }

    fn is_date(&self, name: &str) -> bool {
        self.list("columns").any(|column| text(column, "name") == Some(name) && text(column, "type") == Some("date"))
    }

    fn id(&self, rule: &str) -> String {
        format!("{}.{rule}", self.name)
    }

    fn list(&self, name: &str) -> impl Iterator<Item = &Table> {
        self.table.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_table)
    }
}

fn text<'a>(table: &'a Table, name: &str) -> Option<&'a str> {
    table.get(name).and_then(Value::as_str)
}

fn strings<'a>(table: &'a Table, name: &str) -> impl Iterator<Item = &'a str> {
    table.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn sources(column: &Table) -> Vec<String> {
    match column.get("from") {
        Some(Value::String(from)) => vec![from.clone()],
        Some(Value::Array(_)) => strings(column, "from").map(str::to_owned).collect(),
        _ => vec![text(column, "name").unwrap().to_owned()],
    }
}

fn bound(rule: &Table, name: &str) -> Option<Typed> {
    match rule.get(name)? {
        Value::Integer(number) => Some(Typed::Number(*number as f64)),
        Value::Float(number) => Some(Typed::Number(*number)),
        Value::String(date) => typed("date", date),
        _ => None,
    }
}

fn typed(kind: &str, field: &str) -> Option<Typed> {
    match kind {
        "string" => Some(Typed::Text(field.to_owned())),
        "boolean" => ["true", "false", "yes", "no", "1", "0"]
            .iter()
            .any(|word| word.eq_ignore_ascii_case(field))
            .then(|| Typed::Text(field.to_lowercase())),
        "int" => field.parse::<i32>().ok().map(|number| Typed::Number(number.into())),
        "date" => {
            let (date, rest) = field.split_at_checked(10)?;
            let midnight = date.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0)?;
            (rest.is_empty() || typed("timestamp", field).is_some()).then_some(Typed::Time(midnight))
        }
        "timestamp" => NaiveDateTime::parse_from_str(field, "%Y-%m-%dT%H:%M:%SZ").ok().map(Typed::Time),
        _ => field.parse().ok().map(Typed::Number),
    }
}
