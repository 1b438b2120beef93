//! Column names: from a header or a JSON path to snake_case.

use std::collections::BTreeSet;

use crate::convert::parse_iso_date;
use crate::validate::is_name;

/// Words that SQL or the engine claims.
const CLAIMED: &[&str] = &[
    "source",
    "feed",
    "ingest_date",
    "order",
    "group",
    "select",
    "from",
    "where",
    "table",
    "end",
    "user",
    "case",
    "when",
    "then",
    "else",
    "join",
    "on",
    "union",
    "values",
    "by",
    "as",
    "in",
    "is",
    "or",
    "and",
    "not",
    "null",
    "with",
    "limit",
    "year",
    "month",
];

/// Words that say little without the name of the thing they belong to.
const VAGUE: &[&str] =
    &["id", "code", "date", "name", "text", "description", "type", "value", "status", "note", "notes"];

/// A free name for each header, in order.
pub(super) fn names(headers: &[String]) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut names = Vec::with_capacity(headers.len());
    for (index, header) in headers.iter().enumerate() {
        let wanted = match of(header) {
            name if CLAIMED.contains(&name.as_str()) => format!("record_{name}"),
            name if is_name(&name) && !name.starts_with('_') => name,
            _ => format!("column_{}", index + 1),
        };
        let numbered = (2..).map(|number| format!("{wanted}_{number}"));
        let free = std::iter::once(wanted.clone()).chain(numbered).find(|name| !taken.contains(name));
        let name = free.unwrap_or(wanted);
        taken.insert(name.clone());
        names.push(name);
    }
    names
}

/// The name for a header, or for the end of a JSON path.
fn of(header: &str) -> String {
    if let Some(array) = header.strip_suffix("[#]") {
        return format!("{}_position", singular(&snake(last(array))));
    }
    let Some((array, tail)) = header.rsplit_once("[].") else { return snake(header) };
    let name = snake(tail);
    if VAGUE.contains(&name.as_str()) { format!("{}_{name}", singular(&snake(last(array)))) } else { name }
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// `PatientId`, `Patient ID` and `patient-id` become `patient_id`.
pub(super) fn snake(text: &str) -> String {
    let mut name = String::with_capacity(text.len() + 4);
    let letters: Vec<char> = text.chars().collect();
    let at = |index: usize| letters.get(index).copied();
    for (index, letter) in letters.iter().enumerate() {
        if !letter.is_ascii_alphanumeric() {
            if !name.ends_with('_') {
                name.push('_');
            }
            continue;
        }
        let before = index.checked_sub(1).and_then(at);
        let begins = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                let next_is_small = at(index + 1).is_some_and(|next| next.is_ascii_lowercase());
                before.is_ascii_lowercase() || before.is_ascii_digit() || (before.is_ascii_uppercase() && next_is_small)
            });
        if begins && !name.ends_with('_') {
            name.push('_');
        }
        name.push(letter.to_ascii_lowercase());
    }
    let mut name = name.trim_matches('_').to_owned();
    name.truncate(60);
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("column_{name}") } else { name }
}

/// `visits` becomes `visit`, `diagnoses` `diagnosis`, `allergies` `allergy`, `teeth` `tooth`.
pub(super) fn singular(word: &str) -> String {
    if word == "teeth" {
        return "tooth".to_owned();
    }
    for (ending, one) in [("ies", "y"), ("oses", "osis"), ("sses", "ss"), ("s", "")] {
        if let Some(stem) = word.strip_suffix(ending)
            && !stem.is_empty()
            && !(ending == "s" && stem.ends_with('s'))
        {
            return format!("{stem}{one}");
        }
    }
    word.to_owned()
}

/// True when a line of headers looks like a line of data.
pub(super) fn look_like_data(headers: &[String]) -> bool {
    let value = |header: &&String| {
        let date = header.get(..10).unwrap_or(header);
        header.parse::<f64>().is_ok() || header.contains('@') || parse_iso_date(date).is_some()
    };
    let coded = |header: &&String| header.chars().filter(char::is_ascii_digit).count() > 4;
    headers.iter().any(|header| value(&header)) || headers.iter().filter(coded).count() * 3 >= headers.len().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_become_snake_case() {
        for (header, name) in [
            ("PatientId", "patient_id"),
            ("Patient ID", "patient_id"),
            ("patient-id", "patient_id"),
            ("DOB", "dob"),
            ("ZIPCode", "zip_code"),
            ("No-show", "no_show"),
            ("HbA1c", "hb_a1c"),
            ("2nd visit", "column_2nd_visit"),
            (" Name ", "name"),
            ("Cost (USD)", "cost_usd"),
        ] {
            assert_eq!(snake(header), name, "{header}");
        }
    }

    #[test]
    fn names_are_free_and_usable() {
        let headers =
            ["Id", "id", "source", "Straße", "___", "order", "visits[].date", "visits[].diagnoses[#]", "visits[].cost"];
        let headers = headers.map(str::to_owned);
        let names = names(&headers);
        let wanted = [
            "id",
            "id_2",
            "record_source",
            "stra_e",
            "column_5",
            "record_order",
            "visit_date",
            "diagnosis_position",
            "cost",
        ];
        assert_eq!(names, wanted);
    }

    #[test]
    fn rows_in_place_of_a_header_are_seen() {
        let line = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        assert!(look_like_data(&line("P001,12.5,x")));
        assert!(look_like_data(&line("id,2024-01-01")));
        assert!(look_like_data(&line("P0000017,Ada,x")));
        assert!(!look_like_data(&line("id,hb_a1c,2nd visit")));
        assert!(!look_like_data(&line("id,name,ward,rate 2023-2024")));
    }
}
