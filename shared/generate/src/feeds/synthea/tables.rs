//! The twelve tables in the shapes of two exports: upper-case headers with every optional column,
//! and lower-case headers with a `location` column but without middle names, income, FIPS codes,
//! code systems and procedure intervals.

use crate::plant::Change::{DaysBefore, Encoding, Long, Repeat, Set, Short};
use crate::plant::Fault;
use crate::write::{Fresh, Table};

const FEED: &str = "synthea";

/// An id that no patient or encounter has.
const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// The tables, in the order of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Patients,
    Encounters,
    Conditions,
    Medications,
    Observations,
    Procedures,
    Organizations,
    Providers,
    Payers,
    Immunizations,
    Allergies,
    Careplans,
}

/// A table: its columns as the code fills them, and its two headers, which pick from them by name.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) dataset: &'static str,
    pub(super) columns: &'static [&'static str],
    pub(super) headers: [&'static [&'static str]; 2],
    /// Rows per patient, roughly, for spreading the planted errors.
    pub(super) per_patient: f64,
    key: Fresh,
    faults: &'static [Fault],
}

impl Shape {
    /// The table as the first (0) or second (1) export writes it.
    pub(super) fn table(&self, export: usize) -> Table {
        Table {
            feed: FEED,
            header: self.headers.get(export).copied().unwrap_or_default(),
            fresh: self.key,
            faults: self.faults,
            crlf: export == 0,
        }
    }
}

/// The shapes in the order of [`Kind`].
pub(super) const SHAPES: [Shape; 12] = [
    Shape {
        dataset: "patients",
        columns: &[
            "Id", "BIRTHDATE", "DEATHDATE", "SSN", "DRIVERS", "PASSPORT", "PREFIX", "FIRST",
            "MIDDLE", "LAST", "SUFFIX", "MAIDEN", "MARITAL", "RACE", "ETHNICITY", "GENDER",
            "BIRTHPLACE", "ADDRESS", "CITY", "STATE", "COUNTY", "FIPS", "ZIP", "LAT", "LON",
            "HEALTHCARE_EXPENSES", "HEALTHCARE_COVERAGE", "INCOME", "LOCATION",
        ],
        headers: [
            &[
                "Id", "BIRTHDATE", "DEATHDATE", "SSN", "DRIVERS", "PASSPORT", "PREFIX", "FIRST",
                "MIDDLE", "LAST", "SUFFIX", "MAIDEN", "MARITAL", "RACE", "ETHNICITY", "GENDER",
                "BIRTHPLACE", "ADDRESS", "CITY", "STATE", "COUNTY", "FIPS", "ZIP", "LAT", "LON",
                "HEALTHCARE_EXPENSES", "HEALTHCARE_COVERAGE", "INCOME",
            ],
            &[
                "id", "birthdate", "deathdate", "ssn", "drivers", "passport", "prefix", "first",
                "last", "suffix", "maiden", "marital", "race", "ethnicity", "gender", "birthplace",
                "address", "city", "state", "county", "zip", "lat", "lon", "healthcare_expenses",
                "healthcare_coverage", "location",
            ],
        ],
        per_patient: 1.0,
        key: Fresh::Uuid("Id"),
        faults: &[
            Fault::reject("patient_id.required", Set("Id", "")),
            Fault::reject("birth_date.type", Set("BIRTHDATE", "19XX-05-01")),
            Fault::reject("row.shape", Short),
            Fault::reject("row.encoding", Encoding("LAST")),
            Fault::warn("gender_domain", Set("GENDER", "U")),
            Fault::warn("death_not_before_birth", DaysBefore("DEATHDATE", "BIRTHDATE", 30)),
        ],
    },
    Shape {
        dataset: "encounters",
        columns: &[
            "Id", "START", "STOP", "PATIENT", "ORGANIZATION", "PROVIDER", "PAYER",
            "ENCOUNTERCLASS", "CODE", "DESCRIPTION", "BASE_ENCOUNTER_COST", "TOTAL_CLAIM_COST",
            "PAYER_COVERAGE", "REASONCODE", "REASONDESCRIPTION",
        ],
        headers: [
            &[
                "Id", "START", "STOP", "PATIENT", "ORGANIZATION", "PROVIDER", "PAYER",
                "ENCOUNTERCLASS", "CODE", "DESCRIPTION", "BASE_ENCOUNTER_COST", "TOTAL_CLAIM_COST",
                "PAYER_COVERAGE", "REASONCODE", "REASONDESCRIPTION",
            ],
            &[
                "id", "start", "stop", "patient", "organization", "provider", "payer",
                "encounterclass", "code", "description", "base_encounter_cost", "total_claim_cost",
                "payer_coverage", "reasoncode", "reasondescription",
            ],
        ],
        per_patient: 12.0,
        key: Fresh::Uuid("Id"),
        faults: &[
            Fault::reject("encounter_id.required", Set("Id", "")),
            Fault::reject("patient_id.required", Set("PATIENT", "")),
            Fault::reject("start_at.type", Set("START", "2024-05-01 at noon")),
            Fault::reject("stop_not_before_start", DaysBefore("STOP", "START", 1)),
            Fault::reject("row.shape", Short),
            Fault::warn("class_domain", Set("ENCOUNTERCLASS", "telepathy")),
            Fault::warn_at_conform("patient_known", Set("PATIENT", NOBODY)),
        ],
    },
    Shape {
        dataset: "conditions",
        columns: &["START", "STOP", "PATIENT", "ENCOUNTER", "SYSTEM", "CODE", "DESCRIPTION"],
        headers: [
            &["START", "STOP", "PATIENT", "ENCOUNTER", "SYSTEM", "CODE", "DESCRIPTION"],
            &["start", "stop", "patient", "encounter", "code", "description"],
        ],
        per_patient: 14.0,
        key: Fresh::None,
        faults: &[
            Fault::reject("patient_id.required", Set("PATIENT", "")),
            Fault::reject("code.required", Set("CODE", "")),
            Fault::reject("start_date.type", Set("START", "unknown")),
            Fault::warn_at_conform("starts_before_encounter", DaysBefore("START", "START", 10)),
        ],
    },
    Shape {
        dataset: "medications",
        columns: &[
            "START", "STOP", "PATIENT", "PAYER", "ENCOUNTER", "CODE", "DESCRIPTION", "BASE_COST",
            "PAYER_COVERAGE", "DISPENSES", "TOTALCOST", "REASONCODE", "REASONDESCRIPTION",
        ],
        headers: [
            &[
                "START", "STOP", "PATIENT", "PAYER", "ENCOUNTER", "CODE", "DESCRIPTION",
                "BASE_COST", "PAYER_COVERAGE", "DISPENSES", "TOTALCOST", "REASONCODE",
                "REASONDESCRIPTION",
            ],
            &[
                "start", "stop", "patient", "payer", "encounter", "code", "description",
                "base_cost", "payer_coverage", "dispenses", "totalcost", "reasoncode",
                "reasondescription",
            ],
        ],
        per_patient: 7.4,
        key: Fresh::None,
        faults: &[
            Fault::reject("stop_not_before_start", DaysBefore("STOP", "START", 1)),
            Fault::reject("total_cost.type", Set("TOTALCOST", "n/a")),
            Fault::warn("base_cost_not_negative", Set("BASE_COST", "-1.00")),
            Fault::warn_at_conform("encounter_known", Set("ENCOUNTER", NOBODY)),
            Fault::reject("code.required", Set("CODE", "")),
        ],
    },
    Shape {
        dataset: "observations",
        columns: &[
            "DATE", "PATIENT", "ENCOUNTER", "CATEGORY", "CODE", "DESCRIPTION", "VALUE", "UNITS",
            "TYPE",
        ],
        headers: [
            &[
                "DATE", "PATIENT", "ENCOUNTER", "CATEGORY", "CODE", "DESCRIPTION", "VALUE",
                "UNITS", "TYPE",
            ],
            &[
                "date", "patient", "encounter", "category", "code", "description", "value",
                "units", "type",
            ],
        ],
        per_patient: 85.0,
        key: Fresh::None,
        faults: &[
            Fault::dedupe("key.unique", Repeat),
            Fault::reject("patient_id.required", Set("PATIENT", "")),
            Fault::reject("observed_at.type", Set("DATE", "2024-99-99T00:00:00Z")),
            Fault::reject("row.shape", Long),
            Fault::warn("value_present", Set("VALUE", "")),
        ],
    },
    Shape {
        dataset: "procedures",
        columns: &[
            "START", "DATE", "STOP", "PATIENT", "ENCOUNTER", "SYSTEM", "CODE", "DESCRIPTION",
            "BASE_COST", "REASONCODE", "REASONDESCRIPTION",
        ],
        headers: [
            &[
                "START", "STOP", "PATIENT", "ENCOUNTER", "SYSTEM", "CODE", "DESCRIPTION",
                "BASE_COST", "REASONCODE", "REASONDESCRIPTION",
            ],
            &[
                "date", "patient", "encounter", "code", "description", "base_cost", "reasoncode",
                "reasondescription",
            ],
        ],
        per_patient: 22.0,
        key: Fresh::None,
        faults: &[Fault::reject("base_cost.type", Set("BASE_COST", "free"))],
    },
    Shape {
        dataset: "organizations",
        columns: ORGANIZATION,
        headers: [
            &["Id", "NAME", "ADDRESS", "CITY", "STATE", "ZIP", "LAT", "LON", "PHONE", "REVENUE", "UTILIZATION"],
            &["id", "name", "address", "city", "state", "zip", "lat", "lon", "phone", "revenue", "utilization", "location"],
        ],
        per_patient: 0.02,
        key: Fresh::Uuid("Id"),
        faults: &[],
    },
    Shape {
        dataset: "providers",
        columns: &[
            "Id", "ORGANIZATION", "NAME", "GENDER", "SPECIALITY", "ADDRESS", "CITY", "STATE",
            "ZIP", "LAT", "LON", "ENCOUNTERS", "PROCEDURES", "UTILIZATION", "LOCATION",
        ],
        headers: [
            &[
                "Id", "ORGANIZATION", "NAME", "GENDER", "SPECIALITY", "ADDRESS", "CITY", "STATE",
                "ZIP", "LAT", "LON", "ENCOUNTERS", "PROCEDURES",
            ],
            &[
                "id", "organization", "name", "gender", "speciality", "address", "city", "state",
                "zip", "lat", "lon", "utilization", "location",
            ],
        ],
        per_patient: 0.04,
        key: Fresh::Uuid("Id"),
        faults: &[Fault::reject("provider_id.required", Set("Id", ""))],
    },
    Shape {
        dataset: "payers",
        columns: PAYER,
        headers: [
            PAYER,
            &[
                "id", "name", "address", "city", "state_headquartered", "zip", "phone",
                "amount_covered", "amount_uncovered", "revenue", "covered_encounters",
                "uncovered_encounters", "covered_medications", "uncovered_medications",
                "covered_procedures", "uncovered_procedures", "covered_immunizations",
                "uncovered_immunizations", "unique_customers", "qols_avg", "member_months",
            ],
        ],
        per_patient: 0.0,
        key: Fresh::Uuid("Id"),
        faults: &[],
    },
    Shape {
        dataset: "immunizations",
        columns: &["DATE", "PATIENT", "ENCOUNTER", "CODE", "DESCRIPTION", "BASE_COST"],
        headers: [
            &["DATE", "PATIENT", "ENCOUNTER", "CODE", "DESCRIPTION", "BASE_COST"],
            &["date", "patient", "encounter", "code", "description", "base_cost"],
        ],
        per_patient: 4.5,
        key: Fresh::None,
        faults: &[],
    },
    Shape {
        dataset: "allergies",
        columns: &[
            "START", "STOP", "PATIENT", "ENCOUNTER", "CODE", "SYSTEM", "DESCRIPTION", "TYPE",
            "CATEGORY", "REACTION1", "DESCRIPTION1", "SEVERITY1", "REACTION2", "DESCRIPTION2",
            "SEVERITY2",
        ],
        headers: [
            &[
                "START", "STOP", "PATIENT", "ENCOUNTER", "CODE", "SYSTEM", "DESCRIPTION", "TYPE",
                "CATEGORY", "REACTION1", "DESCRIPTION1", "SEVERITY1", "REACTION2", "DESCRIPTION2",
                "SEVERITY2",
            ],
            &["start", "stop", "patient", "encounter", "code", "description"],
        ],
        per_patient: 0.2,
        key: Fresh::None,
        faults: &[],
    },
    Shape {
        dataset: "careplans",
        columns: CAREPLAN,
        headers: [
            CAREPLAN,
            &[
                "id", "start", "stop", "patient", "encounter", "code", "description", "reasoncode",
                "reasondescription",
            ],
        ],
        per_patient: 0.3,
        key: Fresh::Uuid("Id"),
        faults: &[],
    },
];

const ORGANIZATION: &[&str] = &[
    "Id", "NAME", "ADDRESS", "CITY", "STATE", "ZIP", "LAT", "LON", "PHONE", "REVENUE",
    "UTILIZATION", "LOCATION",
];

const PAYER: &[&str] = &[
    "Id", "NAME", "OWNERSHIP", "ADDRESS", "CITY", "STATE_HEADQUARTERED", "ZIP", "PHONE",
    "AMOUNT_COVERED", "AMOUNT_UNCOVERED", "REVENUE", "COVERED_ENCOUNTERS", "UNCOVERED_ENCOUNTERS",
    "COVERED_MEDICATIONS", "UNCOVERED_MEDICATIONS", "COVERED_PROCEDURES", "UNCOVERED_PROCEDURES",
    "COVERED_IMMUNIZATIONS", "UNCOVERED_IMMUNIZATIONS", "UNIQUE_CUSTOMERS", "QOLS_AVG",
    "MEMBER_MONTHS",
];

const CAREPLAN: &[&str] = &[
    "Id", "START", "STOP", "PATIENT", "ENCOUNTER", "CODE", "DESCRIPTION", "REASONCODE",
    "REASONDESCRIPTION",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_header_is_filled_from_a_column() {
        for shape in &SHAPES {
            for header in shape.headers {
                for name in header {
                    assert!(
                        shape.columns.iter().any(|column| column.eq_ignore_ascii_case(name)),
                        "{} of {}",
                        name,
                        shape.dataset
                    );
                }
            }
        }
    }
}
