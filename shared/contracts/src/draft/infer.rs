//! The type of a column, from its texts and its name.

use arrow::array::StringArray;
use chrono::{Datelike, NaiveDate, NaiveDateTime};

use crate::convert::{convert, parse_iso_date};
use crate::types::ColumnType;

/// A guessed type.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Guess {
    pub column_type: ColumnType,
    pub format: Option<String>,
    pub remark: Option<String>,
}

const MONEY: ColumnType = ColumnType::Decimal { precision: 18, scale: 2 };
const MONEY_WORDS: &[&str] =
    &["cost", "costs", "price", "fee", "fees", "amount", "charge", "charges", "copay", "payment", "paid", "expenses"];
/// Words that mark a column as an identifier or code, whatever its digits.
const TEXT_WORDS: &[&str] = &[
    "id", "code", "no", "nr", "number", "key", "zip", "postal", "postcode", "phone", "mobile", "fax", "ssn", "npi",
    "mrn", "uuid", "guid", "icd", "cpt", "loinc", "snomed",
];
const DAY_WORDS: &[&str] = &["date", "day", "dob", "birth", "birthdate", "birthday", "deathdate"];

/// Tells whether a text can be read as a type.
type Reader<'a> = Box<dyn Fn(&str) -> bool + 'a>;

fn has(name: &str, words: &[&str]) -> bool {
    name.split('_').any(|part| words.contains(&part))
}

/// True for a column named like an identifier.
pub(super) fn is_identifier(name: &str) -> bool {
    matches!(name, "uuid" | "guid")
        || ["id", "no", "nr", "number", "key", "uuid"]
            .iter()
            .any(|word| name == *word || name.ends_with(&format!("_{word}")))
}

/// The type that every value has, or all but a few that look like mistakes; string when in doubt.
pub(super) fn guess(name: &str, values: &[&str]) -> Guess {
    let strict = strict(name, values);
    let spare = if values.len() < 5 { 0 } else { (values.len() / 50).max(1) };
    if strict.column_type != ColumnType::String || strict.remark.is_some() || spare == 0 {
        return strict;
    }
    let Some(good) = without_mistakes(values, spare) else { return strict };
    let (mistakes, all) = (values.len() - good.len(), values.len());
    let mut likely = self::strict(name, &good);
    if likely.remark.is_none() && likely.column_type != ColumnType::String {
        likely.remark = Some(format!("A guess: {mistakes} of the {all} values of the sample are not of this type."));
    }
    if likely.remark.is_some() { likely } else { strict }
}

/// The values without the few that keep the others from being dates, moments or numbers.
fn without_mistakes<'a>(values: &[&'a str], spare: usize) -> Option<Vec<&'a str>> {
    let least = |reads: &dyn Fn(&str) -> bool| {
        let wrong = values.iter().filter(|value| !reads(value)).take(spare + 1).count();
        (1..=spare).contains(&wrong).then_some(wrong)
    };
    let number =
        |value: &str| value.starts_with(|c: char| c.is_ascii_digit() || c == '-') && value.parse::<f64>().is_ok();
    let moment = |value: &str| {
        value.get(..10).is_some_and(|day| parse_iso_date(day).is_some()) && fits(&[value], ColumnType::Timestamp, None)
    };
    let formats = formats();
    let mut readers: Vec<Reader<'_>> = vec![Box::new(number), Box::new(moment)];
    for (format, timed) in &formats {
        readers.push(Box::new(|value| reads(value, format, *timed)));
    }
    let (_, reads) =
        readers.iter().filter_map(|reads| Some((least(reads.as_ref())?, reads))).min_by_key(|(wrong, _)| *wrong)?;
    Some(values.iter().copied().filter(|value| reads(value)).collect())
}

fn strict(name: &str, values: &[&str]) -> Guess {
    let plain = |column_type| Guess { column_type, format: None, remark: None };
    if values.is_empty() {
        let remark = Some("Empty in the sample: the type is not known.".to_owned());
        return Guess { remark, ..plain(ColumnType::String) };
    }
    if is_boolean(name, values) {
        return plain(ColumnType::Boolean);
    }
    if let Some(guess) = temporal(name, values) {
        return guess;
    }
    plain(if has(name, TEXT_WORDS) || name.ends_with("code") { ColumnType::String } else { number(name, values) })
}

fn is_boolean(name: &str, values: &[&str]) -> bool {
    let all = |pair: [&str; 2]| values.iter().all(|value| pair.iter().any(|word| value.eq_ignore_ascii_case(word)));
    let both = |pair: [&str; 2]| {
        all(pair) && pair.iter().all(|word| values.iter().any(|value| value.eq_ignore_ascii_case(word)))
    };
    let flag = ["is_", "has_"].iter().any(|start| name.starts_with(start)) || name.ends_with("_flag");
    all(["true", "false"]) || all(["yes", "no"]) || both(["t", "f"]) || both(["y", "n"]) || (flag && all(["0", "1"]))
}

fn number(name: &str, values: &[&str]) -> ColumnType {
    let digits = |value: &str| {
        let bare = value.strip_prefix(['-', '+']).unwrap_or(value);
        !bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit())
    };
    // A leading zero carries meaning: the text is a code.
    let coded = |value: &&str| value.len() > 1 && value.starts_with('0') && digits(value);
    if values.iter().any(coded) {
        return ColumnType::String;
    }
    let money = has(name, MONEY_WORDS);
    if values.iter().all(|value| digits(value)) {
        return match () {
            () if money => MONEY,
            () if values.iter().all(|value| value.parse::<i32>().is_ok()) => ColumnType::Int,
            () if values.iter().all(|value| value.parse::<i64>().is_ok()) => ColumnType::Long,
            () => ColumnType::String,
        };
    }
    let decimals = |value: &str| {
        value.split_once('.').map_or(Some(0), |(whole, part)| (digits(whole) && digits(part)).then_some(part.len()))
    };
    let places: Option<Vec<usize>> = values.iter().map(|value| decimals(value)).collect();
    let exact = places.is_some_and(|places| {
        places.iter().all(|count| *count == 2) || (money && places.iter().all(|count| *count <= 2))
    });
    if exact && fits(values, MONEY, None) {
        return MONEY;
    }
    let written = |value: &&str| value.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if values.iter().all(written) && fits(values, ColumnType::Double, None) {
        ColumnType::Double
    } else {
        ColumnType::String
    }
}

fn fits(values: &[&str], column_type: ColumnType, format: Option<&str>) -> bool {
    convert(&StringArray::from(values.to_vec()), column_type, format).invalid.is_empty()
}

fn temporal(name: &str, values: &[&str]) -> Option<Guess> {
    let of = |column_type| Some(Guess { column_type, format: None, remark: None });
    let day = has(name, DAY_WORDS);
    if values.iter().all(|value| {
        parse_iso_date(value).is_some_and(|date| (1000..=9999).contains(&date.year())) && (value.contains('-') || day)
    }) {
        return of(ColumnType::Date);
    }
    if values.iter().any(|value| value.len() > 10) && fits(values, ColumnType::Timestamp, None) {
        let midnight = |value: &&str| {
            value.len() <= 10 || value.get(11..).is_some_and(|time| time.bytes().all(|byte| b"0:.Z".contains(&byte)))
        };
        return of(if day && values.iter().all(midnight) { ColumnType::Date } else { ColumnType::Timestamp });
    }
    let found: Vec<(String, bool)> = formats()
        .into_iter()
        .filter(|(format, timed)| values.iter().all(|value| reads(value, format, *timed)))
        .collect();
    let (format, timed) = found.first()?;
    let column_type = if *timed { ColumnType::Timestamp } else { ColumnType::Date };
    match found.get(1) {
        None => Some(Guess { column_type, format: Some(format.clone()), remark: None }),
        Some((other, _)) => {
            let remark = format!(
                "Day or month first? The sample fits {format} and {other}. Ask the sender, then write type = \"{column_type}\" and the format."
            );
            Some(Guess { column_type: ColumnType::String, format: None, remark: Some(remark) })
        }
    }
}

/// chrono formats, and whether they hold a time.
fn formats() -> Vec<(String, bool)> {
    let mut days = Vec::new();
    for mark in ["/", "-", "."] {
        for year in ["%Y", "%y"] {
            days.push(format!("%d{mark}%m{mark}{year}"));
            if mark != "." {
                days.push(format!("%m{mark}%d{mark}{year}"));
            }
        }
        if mark != "-" {
            days.push(format!("%Y{mark}%m{mark}%d"));
        }
    }
    days.extend(["%d-%b-%Y", "%d %b %Y", "%b %d, %Y"].map(str::to_owned));
    let times = ["", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p"];
    let timed = |day: &String| times.map(|time| (format!("{day}{time}"), !time.is_empty()));
    days.iter().flat_map(timed).collect()
}

fn reads(value: &str, format: &str, timed: bool) -> bool {
    let year = if timed {
        NaiveDateTime::parse_from_str(value, format).map(|moment| moment.year())
    } else {
        NaiveDate::parse_from_str(value, format).map(|date| date.year())
    };
    // %y reads one digit too, and then a version 1.2.3 is a date.
    let day = value.split(' ').next().unwrap_or(value);
    let short =
        day.len() < 8 && (format.contains('.') || day.rsplit(['/', '-']).next().is_none_or(|year| year.len() != 2));
    if format.contains("%y") && short {
        return false;
    }
    // %Y reads "24" as the year 24.
    year.is_ok_and(|year| (1000..=9999).contains(&year))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(name: &str, values: &[&str]) -> String {
        let guess = guess(name, values);
        format!("{} {}", guess.column_type, guess.format.unwrap_or_default()).trim().to_owned()
    }

    #[test]
    fn types_are_inferred() {
        for (name, values, wanted) in [
            ("age", &["4", "77"][..], "int"),
            ("cells", &["3000000000", "1"], "long"),
            ("rate", &["0.5", "1e-3"], "double"),
            ("latitude", &["48.13743", "11.5"], "double"),
            ("cost", &["12.50", "3.00"], "decimal(18,2)"),
            ("cost", &["12.5", "3"], "decimal(18,2)"),
            ("weight", &["70.5", "71"], "double"),
            ("patient_id", &["1", "2"], "string"),
            ("ward", &["007", "12"], "string"),
            ("zip", &["12345"], "string"),
            ("reasoncode", &["44054006"], "string"),
            ("alive", &["true", "false"], "boolean"),
            ("no_show", &["Yes", "No"], "boolean"),
            ("gender", &["F", "F"], "string"),
            ("gender", &["F", "M"], "string"),
            ("is_new", &["0", "1"], "boolean"),
            ("children", &["0", "1"], "int"),
            ("seen", &["2024-01-31"], "date"),
            ("visit_date", &["20240131"], "date"),
            ("count", &["20240131"], "int"),
            ("seen", &["2024-01-31T10:00:00Z"], "timestamp"),
            ("dob", &["1980-01-31 00:00:00"], "date"),
            ("seen", &["31/01/2024", "02/03/2024"], "date %d/%m/%Y"),
            ("seen", &["01/31/2024", "02/03/2024"], "date %m/%d/%Y"),
            ("seen", &["01/02/2024"], "string"),
            ("seen", &["31.01.2024"], "date %d.%m.%Y"),
            ("seen", &["31/01/24"], "date %d/%m/%y"),
            ("seen", &["13/01/2024 08:30"], "timestamp %d/%m/%Y %H:%M"),
            ("seen", &["1/31/2024 8:30 PM"], "timestamp %m/%d/%Y %I:%M %p"),
            ("version", &["1.2.3"], "string"),
            ("none", &[], "string"),
            ("x", &["nan", "inf"], "string"),
            ("huge", &["99999999999999999999"], "string"),
        ] {
            assert_eq!(shown(name, values), wanted, "{name} {values:?}");
        }
    }

    #[test]
    fn a_few_mistakes_do_not_hide_a_type() {
        let good = ["31/01/2025", "03/02/2025", "17/02/2025", "28/02/2025"];
        let with = |mistake: &'static str| [&good[..], &[mistake]].concat();
        assert_eq!(shown("seen", &with("31/02/2025")), "date %d/%m/%Y");
        assert_eq!(shown("seen", &[with("31/02/2025"), vec!["n.a."]].concat()), "string");
        assert_eq!(shown("seen", &["2025-01-01", "2025-01-02", "2025-01-03", "2025-01-04", "2025-02-30"]), "date");
        assert_eq!(shown("seen", &["01/02/2025", "02/02/2025", "03/02/2025", "04/02/2025", "?"]), "string");
        assert_eq!(shown("age", &["1", "2", "3", "4", "many"]), "int");
        assert_eq!(shown("ward", &["01", "2", "3", "4", "many"]), "string");
        assert!(guess("age", &["1", "2", "3", "4", "many"]).remark.is_some_and(|remark| remark.contains("1 of the 5")));
    }

    #[test]
    fn a_date_that_may_be_read_both_ways_stays_text_with_a_remark() {
        let remark = guess("seen", &["01/02/2024"]).remark.unwrap_or_default();
        assert!(remark.contains("%d/%m/%Y") && remark.contains("%m/%d/%Y"), "{remark}");
    }
}
