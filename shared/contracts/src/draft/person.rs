//! What a column may tell about a person: a guess from its name and the look of its values.

use super::names::{singular, snake};
use crate::model::Phi;
use crate::types::ColumnType;

const PERSONS: &[&str] = &["patient", "person", "member", "subject", "beneficiary", "client", "insured"];
/// Words for staff: their names are no patient's, and are not listed all the same.
const STAFF: &[&str] = &[
    "doctor",
    "physician",
    "practitioner",
    "provider",
    "nurse",
    "dentist",
    "therapist",
    "surgeon",
    "staff",
    "author",
    "clinician",
    "operator",
];
/// Words before `name` that make it the name of a thing or of staff.
const NOT_PERSONS: &[&str] = &[
    "doctor",
    "physician",
    "practitioner",
    "provider",
    "nurse",
    "dentist",
    "therapist",
    "surgeon",
    "staff",
    "drug",
    "medication",
    "medicine",
    "product",
    "brand",
    "test",
    "procedure",
    "treatment",
    "department",
    "hospital",
    "clinic",
    "facility",
    "ward",
    "organization",
    "organisation",
    "company",
    "payer",
    "insurer",
    "insurance",
    "plan",
    "city",
    "country",
    "state",
    "file",
    "code",
    "service",
    "device",
    "lab",
    "category",
];
const IDENTIFIERS: &[&str] = &[
    "phone",
    "mobile",
    "telephone",
    "tel",
    "fax",
    "email",
    "mail",
    "ssn",
    "passport",
    "address",
    "street",
    "surname",
    "lastname",
    "firstname",
    "fullname",
    "maiden",
    "birthplace",
    "latitude",
    "longitude",
    "lat",
    "lon",
    "lng",
    "iban",
    "photo",
    "contact",
    "licence",
    "license",
    "drivers",
];
/// Parts of a person's name when they stand alone.
const NAMES: &[&str] = &["first", "last", "middle", "given", "family", "prefix", "suffix", "initials"];
const TEXTS: &[&str] =
    &["note", "notes", "comment", "comments", "remark", "remarks", "narrative", "anamnesis", "freetext"];
const QUASI: &[&str] = &[
    "dob",
    "birthdate",
    "birthday",
    "birth",
    "death",
    "deathdate",
    "zip",
    "postal",
    "postcode",
    "city",
    "town",
    "county",
    "neighbourhood",
    "neighborhood",
    "gender",
    "sex",
    "race",
    "ethnicity",
    "age",
    "marital",
];

/// The guess: a class, and why. `header` is the name in the file, or the path: `address[].line`.
pub(super) fn guess(
    dataset: &str,
    header: &str,
    name: &str,
    column_type: ColumnType,
    values: &[&str],
) -> Option<(Phi, &'static str)> {
    if header.ends_with("[#]") {
        return None;
    }
    let parts: Vec<&str> = name.split('_').collect();
    let has = |words: &[&str]| parts.iter().any(|part| words.contains(part));
    if is_person_id(dataset, name) {
        return Some((Phi::PersonId, "who the person is; bronze gets a pseudonym"));
    }
    if name.contains("birth_place") || name.contains("place_of_birth") {
        return Some((Phi::Identifier, "where the person comes from"));
    }
    let policy = has(&["insurance", "policy", "account", "card", "subscriber"]) && has(&["id", "number", "no", "nr"]);
    let displayed = name.ends_with("_display") && has(PERSONS);
    let social = name.contains("social_security") || name.contains("national_id") || name.contains("e_mail");
    if has(IDENTIFIERS)
        || NAMES.contains(&name)
        || policy
        || social
        || displayed
        || is_name_of_person(&parts)
        || looks_like_contact(values)
    {
        return Some((Phi::Identifier, "names, reaches or numbers a person"));
    }
    if has(TEXTS) || is_prose(values) {
        return Some((Phi::FreeText, "free text, which may name anyone"));
    }
    if has(QUASI) {
        return Some((Phi::Quasi, "narrows down who the person is"));
    }
    // Within an address or a name every part tells of a person, but for the wide ones.
    let inside = header.rsplit_once('.').is_some_and(|(above, _)| {
        above
            .split(['.', '[', ']'])
            .any(|key| ["address", "name", "contact", "telecom", "identifier"].contains(&snake(key).as_str()))
    });
    if inside && !has(&["state", "country", "use", "system", "type", "coding", "display"]) {
        return Some((Phi::Identifier, "part of a person's address, name, contact or numbers"));
    }
    let of_record = has(&["created", "updated", "modified", "extracted", "loaded", "hire", "exported"]);
    let temporal = matches!(column_type, ColumnType::Date | ColumnType::Timestamp);
    (temporal && !of_record).then_some((Phi::Quasi, "a day in a person's life"))
}

/// True for a column that may hold names of staff.
pub(super) fn is_of_staff(name: &str) -> bool {
    name.split('_').any(|part| STAFF.contains(&part))
}

fn is_person_id(dataset: &str, name: &str) -> bool {
    let of_person = |word: &str| PERSONS.contains(&word);
    let numbered = ["_id", "_no", "_nr", "_number", "_key", "_ref", "_reference", "id"]
        .iter()
        .any(|end| name.strip_suffix(end).is_some_and(of_person));
    let record = matches!(name, "mrn" | "patient" | "medical_record_number" | "chart_no" | "chart_number");
    numbered || record || (name == "id" && dataset.split('_').any(|word| of_person(&singular(word))))
}

fn is_name_of_person(parts: &[&str]) -> bool {
    match parts.split_last() {
        Some((&("name" | "names"), before)) => !before.iter().any(|word| NOT_PERSONS.contains(word)),
        _ => false,
    }
}

/// Mail addresses, social security and telephone numbers in at least half of the values.
fn looks_like_contact(values: &[&str]) -> bool {
    let mail = |value: &str| {
        value
            .split_once('@')
            .is_some_and(|(left, right)| !left.is_empty() && right.contains('.') && !value.contains(' '))
    };
    let form = |value: &str| value.chars().map(|c| if c.is_ascii_digit() { '9' } else { c }).collect::<String>();
    let phone = |value: &str| {
        let digits = value.bytes().filter(u8::is_ascii_digit).count();
        let international = value.starts_with('+') || value.starts_with('(') || value.starts_with("00");
        let grouped = ["999-999-9999", "999 999 9999", "999.999.9999"].contains(&form(value).as_str());
        value.chars().all(|c| c.is_ascii_digit() || "+()-. /".contains(c))
            && (8..=15).contains(&digits)
            && (international || grouped)
    };
    let ssn = |value: &str| form(value) == "999-99-9999";
    let found = values.iter().filter(|value| mail(value) || ssn(value) || phone(value)).count();
    found > 0 && found * 2 >= values.len()
}

/// Sentences, or texts so long that anything may stand in them.
fn is_prose(values: &[&str]) -> bool {
    let letters: usize = values.iter().map(|value| value.chars().count()).sum();
    let spaces: usize = values.iter().map(|value| value.matches(' ').count()).sum();
    let mean = |sum: usize| sum.checked_div(values.len()).unwrap_or_default();
    mean(letters) >= 200 || (mean(letters) >= 60 && mean(spaces) >= 6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(dataset: &str, name: &str, values: &[&str]) -> Phi {
        let kind = if name.contains("date") { ColumnType::Date } else { ColumnType::String };
        guess(dataset, name, name, kind, values).map_or(Phi::None, |(phi, _)| phi)
    }

    #[test]
    fn names_of_columns_decide() {
        for (name, phi) in [
            ("patient_id", Phi::PersonId),
            ("patientid", Phi::PersonId),
            ("mrn", Phi::PersonId),
            ("member_number", Phi::PersonId),
            ("first_name", Phi::Identifier),
            ("name", Phi::Identifier),
            ("patient_name", Phi::Identifier),
            ("emergency_contact", Phi::Identifier),
            ("email", Phi::Identifier),
            ("insurance_id", Phi::Identifier),
            ("ssn", Phi::Identifier),
            ("street_address", Phi::Identifier),
            ("doctor_name", Phi::None),
            ("drug_name", Phi::None),
            ("insurance_provider", Phi::None),
            ("doctor_id", Phi::None),
            ("clinical_notes", Phi::FreeText),
            ("comment", Phi::FreeText),
            ("birth_date", Phi::Quasi),
            ("zip_code", Phi::Quasi),
            ("gender", Phi::Quasi),
            ("visit_date", Phi::Quasi),
            ("created_date", Phi::None),
            ("tooth", Phi::None),
            ("percentage", Phi::None),
        ] {
            assert_eq!(class("visits", name, &[]), phi, "{name}");
        }
        for (name, phi) in [
            ("first", Phi::Identifier),
            ("subject_reference", Phi::PersonId),
            ("subject_display", Phi::Identifier),
            ("first_visit", Phi::None),
        ] {
            assert_eq!(class("visits", name, &[]), phi, "{name}");
        }
        assert_eq!(class("patients", "id", &[]), Phi::PersonId);
        assert_eq!(class("payers", "id", &[]), Phi::None);
    }

    #[test]
    fn the_path_decides_within_addresses_and_names() {
        let class = |header: &str, name: &str| {
            guess("patients", header, name, ColumnType::String, &[]).map_or(Phi::None, |(phi, _)| phi)
        };
        assert_eq!(class("address[].line", "line"), Phi::Identifier);
        assert_eq!(class("address[].city", "city"), Phi::Quasi);
        assert_eq!(class("address[].state", "state"), Phi::None);
        assert_eq!(class("address[#]", "address_position"), Phi::None);
        assert_eq!(class("visits[].line", "line"), Phi::None);
    }

    #[test]
    fn values_decide_where_the_name_says_nothing() {
        assert_eq!(class("visits", "column_7", &["ann@example.org", "bo@example.org"]), Phi::Identifier);
        assert_eq!(class("visits", "column_7", &["999-12-3456"]), Phi::Identifier);
        assert_eq!(class("visits", "column_7", &["+49 89 1234567"]), Phi::Identifier);
        let prose = "The patient came in with a swollen cheek and was sent home with advice to cool it.";
        assert_eq!(class("visits", "column_7", &[prose]), Phi::FreeText);
        assert_eq!(class("visits", "column_7", &["2024-01-01", "A12"]), Phi::None);
    }
}
