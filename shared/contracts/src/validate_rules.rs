//! Checks of the `[[rules]]` of a contract file.

use toml::Spanned;

use crate::model::{Column, Level, Rule, RuleKind, Severity, Target};
use crate::raw;
use crate::rules::bound;
use crate::types::ColumnType;
use crate::validate::{Problems, is_name, known_column};

const KINDS: &str = "domain, not_in, range, pattern, not_before, not_null, reference or joined";

pub(crate) fn rules(
    written: Vec<raw::Rule>,
    prefix: &str,
    columns: &[Column],
    targets: &[Target],
    problems: &mut Problems<'_>,
) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::with_capacity(written.len());
    for raw in written {
        let id = format!("{prefix}.{}", raw.id.get_ref());
        if !is_name(raw.id.get_ref()) {
            problems.add(
                &raw.id,
                format!("\"{}\" is not a rule id", raw.id.get_ref()),
                "use snake_case; the id is stable and appears in reports",
            );
        }
        if rules.iter().any(|rule| rule.id == id) {
            problems.add(&raw.id, format!("rule \"{}\" stands twice", raw.id.get_ref()), "give each rule its own id");
        }
        let threshold = problems.share("threshold", raw.threshold.as_ref());
        let level = problems.word(
            Some(&raw.level),
            "level",
            &[
                ("table", Level::Table),
                ("column", Level::Column),
                ("value", Level::Value),
                ("row", Level::Row),
                ("reference", Level::Reference),
            ],
            Level::Row,
        );
        let severity = problems.word(
            Some(&raw.severity),
            "severity",
            &[("reject", Severity::Reject), ("warn", Severity::Warn)],
            Severity::Warn,
        );
        if let Some(kind) = kind(&raw, severity, columns, targets, problems) {
            rules.push(Rule { id, level, severity, threshold, description: raw.description, kind });
        }
    }
    rules
}

fn needed(raw: &raw::Rule, field: Option<&Spanned<String>>, name: &str, problems: &mut Problems<'_>) -> Option<String> {
    if field.is_none() {
        problems.add(
            &raw.id,
            format!("a rule of kind {} needs {name}", raw.kind.get_ref()),
            &format!("add {name} = \"…\""),
        );
    }
    field.map(|value| value.get_ref().clone())
}

fn needed_column(
    raw: &raw::Rule,
    field: Option<&Spanned<String>>,
    name: &str,
    columns: &[Column],
    problems: &mut Problems<'_>,
) -> Option<String> {
    if let Some(value) = field {
        known_column(value, columns, problems);
    }
    needed(raw, field, name, problems)
}

fn kind(
    raw: &raw::Rule,
    severity: Severity,
    columns: &[Column],
    targets: &[Target],
    problems: &mut Problems<'_>,
) -> Option<RuleKind> {
    match raw.kind.get_ref().as_str() {
        "domain" => {
            let column = needed_column(raw, raw.column.as_ref(), "column", columns, problems)?;
            let Some(values) = raw.values.clone() else {
                problems.add(&raw.id, "a domain rule needs values", "add values = [\"…\"]");
                return None;
            };
            Some(RuleKind::Domain { column, values, ignore_case: raw.ignore_case })
        }
        "not_in" => {
            let column = needed_column(raw, raw.column.as_ref(), "column", columns, problems)?;
            let Some(values) = raw.values.clone() else {
                problems.add(&raw.id, "a not_in rule needs values", "add values = [\"…\"]");
                return None;
            };
            Some(RuleKind::NotIn { column, values })
        }
        "range" => range(raw, severity, columns, problems),
        "pattern" => {
            let column = needed_column(raw, raw.column.as_ref(), "column", columns, problems)?;
            let pattern = needed(raw, raw.pattern.as_ref(), "pattern", problems)?;
            if let (Err(error), Some(written)) = (regex::Regex::new(&pattern), &raw.pattern) {
                let last = error.to_string();
                problems.add(
                    written,
                    format!("pattern is not a regular expression: {}", last.lines().last().unwrap_or_default()),
                    "mend the pattern",
                );
            }
            Some(RuleKind::Pattern { column, pattern })
        }
        "not_before" => {
            let column = needed_column(raw, raw.column.as_ref(), "column", columns, problems)?;
            let other = needed_column(raw, raw.other.as_ref(), "other", columns, problems)?;
            let kind = |name: &str| columns.iter().find(|known| known.name == name).map(|known| known.column_type);
            if let (Some(later), Some(earlier), Some(written)) = (kind(&column), kind(&other), &raw.other)
                && !comparable(later, earlier)
            {
                problems.add(
                    written,
                    format!("a {later} cannot be compared with a {earlier}"),
                    "compare two dates or timestamps, or two columns of one type",
                );
            }
            Some(RuleKind::NotBefore { column, other })
        }
        "not_null" => {
            Some(RuleKind::NotNull { column: needed_column(raw, raw.column.as_ref(), "column", columns, problems)? })
        }
        "reference" => {
            let column = needed(raw, raw.column.as_ref(), "column", problems)?;
            let parent_column =
                raw.parent_column.as_ref().map_or_else(|| column.clone(), |name| name.get_ref().clone());
            if let Some(written) = &raw.file_column {
                known_column(written, columns, problems);
            }
            Some(RuleKind::Reference {
                target: target(raw, targets, problems)?,
                column,
                parent: qualified(&needed(raw, raw.parent.as_ref(), "parent", problems)?),
                parent_column,
                file_column: raw.file_column.as_ref().map(|name| name.get_ref().clone()),
            })
        }
        "joined" => joined(raw, severity, targets, problems),
        other => {
            problems.add(&raw.kind, format!("rule kind \"{other}\" is not known"), &format!("use {KINDS}"));
            None
        }
    }
}

fn comparable(one: ColumnType, other: ColumnType) -> bool {
    let temporal = |column_type| matches!(column_type, ColumnType::Date | ColumnType::Timestamp);
    one == other || (temporal(one) && temporal(other))
}

fn range(raw: &raw::Rule, severity: Severity, columns: &[Column], problems: &mut Problems<'_>) -> Option<RuleKind> {
    let column = needed_column(raw, raw.column.as_ref(), "column", columns, problems)?;
    let text = |value: &Option<Spanned<toml::Value>>| {
        value
            .as_ref()
            .map(Spanned::get_ref)
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
    };
    let (min, max) = (text(&raw.min), text(&raw.max));
    if min.is_none() && max.is_none() {
        problems.add(&raw.id, "a range rule needs min or max", "add min = 0 or max = 120");
    }
    if let Some(known) = columns.iter().find(|known| known.name == column) {
        for (value, written) in [(&min, &raw.min), (&max, &raw.max)] {
            if let (Some(value), Some(written)) = (value, written)
                && bound(value, known).is_none()
            {
                problems.add(
                    written,
                    format!("bound \"{value}\" is not a {}", known.column_type),
                    "give a bound of the column's type",
                );
            }
        }
    }
    if raw.set_null && severity == Severity::Reject {
        problems.add(
            &raw.id,
            "set_null with severity reject",
            "use severity = \"warn\": the row stays and the value becomes NULL",
        );
    }
    Some(RuleKind::Range { column, min, max, set_null: raw.set_null })
}

fn joined(raw: &raw::Rule, severity: Severity, targets: &[Target], problems: &mut Problems<'_>) -> Option<RuleKind> {
    if severity == Severity::Reject {
        problems.add(&raw.severity, "a joined rule cannot reject", "use severity = \"warn\"");
    }
    let target = target(raw, targets, problems)?;
    let parent = qualified(&needed(raw, raw.parent.as_ref(), "parent", problems)?);
    let (Some(on), Some(violation)) = (raw.on.as_ref(), raw.violation.clone()) else {
        problems.add(
            &raw.id,
            "a joined rule needs on and violation",
            "add on = [\"encounter_id\"] and violation = \"child.a < parent.b\"",
        );
        return None;
    };
    let on = on.iter().map(|name| name.get_ref().clone()).collect();
    Some(RuleKind::Joined { target, parent, on, violation })
}

fn target(raw: &raw::Rule, targets: &[Target], problems: &mut Problems<'_>) -> Option<String> {
    let Some(name) = &raw.target else {
        if targets.is_empty() {
            let problem = format!(
                "a rule of kind {} looks at a silver table, and the contract has no usable [[targets]]",
                raw.kind.get_ref()
            );
            problems.add(&raw.kind, problem, "add a target, or remove the rule");
        }
        return targets.first().map(|target| target.table.clone());
    };
    let wanted = qualified(name.get_ref());
    if !targets.iter().any(|target| target.table == wanted) {
        problems.add(
            name,
            format!("\"{}\" is not a target of this contract", name.get_ref()),
            "name the table of one of its [[targets]]",
        );
        return None;
    }
    Some(wanted)
}

fn qualified(name: &str) -> String {
    if name.contains('.') { name.to_owned() } else { format!("silver.{name}") }
}
