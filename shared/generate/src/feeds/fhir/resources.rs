//! From a row of the CSV export to the FHIR resource that says the same.

use serde_json::{Map, Value, json};

const SNOMED: &str = "http://snomed.info/sct";
const LOINC: &str = "http://loinc.org";
const SYNTHEA: &str = "https://github.com/synthetichealth/synthea";
const TERMINOLOGY: &str = "http://terminology.hl7.org/CodeSystem";
const CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition";

/// Tables of which a resource type exists that carelake reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::feeds) enum Record {
    Patient,
    Encounter,
    Condition,
    Medication,
    Observation,
    Procedure,
    Organization,
    Practitioner,
    Immunization,
    Allergy,
}

impl Record {
    pub(super) const ALL: [Self; 10] = [
        Self::Patient,
        Self::Encounter,
        Self::Condition,
        Self::Medication,
        Self::Observation,
        Self::Procedure,
        Self::Organization,
        Self::Practitioner,
        Self::Immunization,
        Self::Allergy,
    ];

    /// Type of the resource, and the dataset that reads it.
    pub(super) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Patient => ("Patient", "patients"),
            Self::Encounter => ("Encounter", "encounters"),
            Self::Condition => ("Condition", "conditions"),
            Self::Medication => ("MedicationRequest", "medication_requests"),
            Self::Observation => ("Observation", "observations"),
            Self::Procedure => ("Procedure", "procedures"),
            Self::Organization => ("Organization", "organizations"),
            Self::Practitioner => ("Practitioner", "practitioners"),
            Self::Immunization => ("Immunization", "immunizations"),
            Self::Allergy => ("AllergyIntolerance", "allergy_intolerances"),
        }
    }
}

/// A row of a CSV table, by the names of its columns; a column that the export lacks is empty.
#[derive(Debug, Clone, Copy)]
pub(in crate::feeds) struct Row<'a> {
    pub(in crate::feeds) columns: &'a [&'a str],
    pub(in crate::feeds) header: &'a [&'a str],
    pub(in crate::feeds) values: &'a [String],
}

impl<'a> Row<'a> {
    pub(super) fn get(&self, name: &str) -> &'a str {
        if !self.header.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return "";
        }
        let place = self.columns.iter().position(|column| *column == name);
        place.and_then(|place| self.values.get(place)).map_or("", String::as_str)
    }

    fn concept(&self, system: &str) -> Value {
        let (code, text) = (self.get("CODE"), self.get("DESCRIPTION"));
        json!({ "coding": [{ "system": system, "code": code, "display": text }], "text": text })
    }

    fn subject(&self) -> Value {
        reference("Patient", self.get("PATIENT"))
    }

    fn encounter(&self) -> Value {
        json!({ "reference": format!("Encounter/{}", self.get("ENCOUNTER")) })
    }

    fn reason(&self) -> Value {
        let (code, text) = (self.get("REASONCODE"), self.get("REASONDESCRIPTION"));
        match code {
            "" => Value::Null,
            _ => json!([{ "coding": [{ "system": SNOMED, "code": code, "display": text }] }]),
        }
    }
}

/// A reference in one of the forms that servers write, the same for the same id.
fn reference(kind: &str, id: &str) -> Value {
    let text = match id.bytes().last().map(|last| last % 4) {
        Some(0) => format!("urn:uuid:{id}"),
        Some(1) => format!("https://fhir.example.org/r4/{kind}/{id}"),
        Some(2) => format!("{kind}/{id}/_history/2"),
        _ => format!("{kind}/{id}"),
    };
    json!({ "reference": text })
}

/// The resource of a row. `id` names it where the row has no name of its own; `condition` is the resource that the
/// reason of the row is.
pub(super) fn resource(record: Record, row: &Row<'_>, id: &str, condition: Option<&str>) -> Value {
    let mut resource = match record {
        Record::Patient => patient(row),
        Record::Encounter => encounter(row),
        Record::Condition => json!({
            "clinicalStatus": status("condition-clinical", if row.get("STOP").is_empty() { "active" } else { "resolved" }),
            "verificationStatus": status("condition-ver-status", "confirmed"),
            "code": row.concept(SNOMED),
            "subject": row.subject(),
            "encounter": row.encounter(),
            "onsetDateTime": local(row.get("START")),
            "abatementDateTime": local(row.get("STOP")),
        }),
        Record::Medication => medication(row, condition),
        Record::Observation => observation(row),
        Record::Procedure => json!({
            "status": "completed",
            "code": row.concept(SNOMED),
            "subject": row.subject(),
            "encounter": row.encounter(),
            "performedDateTime": row.get("DATE"),
            "performedPeriod": { "start": row.get("START"), "end": row.get("STOP") },
            "reasonCode": row.reason(),
        }),
        Record::Organization => json!({
            "active": true,
            "name": row.get("NAME"),
            "telecom": [{ "system": "phone", "value": row.get("PHONE") }],
            "address": [address(row)],
        }),
        Record::Practitioner => json!({
            "active": true,
            "name": [{ "text": row.get("NAME") }],
            "gender": gender(row.get("GENDER")),
            "qualification": [{ "code": { "text": row.get("SPECIALITY") } }],
            "address": [address(row)],
        }),
        Record::Immunization => json!({
            "status": "completed",
            "vaccineCode": row.concept("http://hl7.org/fhir/sid/cvx"),
            "patient": row.subject(),
            "encounter": row.encounter(),
            "occurrenceDateTime": row.get("DATE"),
        }),
        Record::Allergy => json!({
            "verificationStatus": status("allergyintolerance-verification", "confirmed"),
            "type": "allergy",
            "category": [row.get("CATEGORY")],
            "code": row.concept(SNOMED),
            "patient": row.subject(),
            "encounter": row.encounter(),
            "recordedDate": row.get("START"),
            "reaction": [{
                "manifestation": [{ "coding": [{
                    "system": SNOMED, "code": row.get("REACTION1"), "display": row.get("DESCRIPTION1"),
                }] }],
                "severity": row.get("SEVERITY1").to_lowercase(),
            }],
        }),
    };
    if let Some(fields) = resource.as_object_mut() {
        fields.insert("resourceType".to_owned(), record.names().0.into());
        let own = row.get("Id");
        fields.insert("id".to_owned(), if own.is_empty() { id } else { own }.into());
    }
    tidy(resource)
}

/// A panel of two observations made at once.
pub(super) fn panel(first: &Row<'_>, second: &Row<'_>, id: &str) -> Value {
    let component = |row: &Row<'_>| json!({ "code": row.concept(LOINC), "valueQuantity": quantity(row) });
    let mut panel = observation(first);
    if let Some(fields) = panel.as_object_mut() {
        fields.insert("resourceType".to_owned(), "Observation".into());
        fields.insert("id".to_owned(), id.into());
        fields.insert(
            "code".to_owned(),
            json!({ "coding": [{
            "system": LOINC, "code": "85354-9", "display": "Blood pressure panel with all children optional",
        }] }),
        );
        fields.remove("valueQuantity");
        fields.insert("component".to_owned(), json!([component(first), component(second)]));
    }
    tidy(panel)
}

fn patient(row: &Row<'_>) -> Value {
    let identifier = |code: &str, value: &str| match value {
        "" => Value::Null,
        _ => json!({
            "type": { "coding": [{ "system": format!("{TERMINOLOGY}/v2-0203"), "code": code }] }, "value": value,
        }),
    };
    let maiden = match row.get("MAIDEN") {
        "" => Value::Null,
        maiden => json!({ "use": "maiden", "family": maiden }),
    };
    let full = format!("{} {}", row.get("FIRST"), row.get("LAST"));
    json!({
        "text": { "status": "generated", "div": format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{full}</div>") },
        "extension": [
            category("us-core-race", row.get("RACE")),
            category("us-core-ethnicity", row.get("ETHNICITY")),
            {
                "url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
                "valueAddress": { "city": row.get("BIRTHPLACE") },
            },
        ],
        "identifier": [
            { "system": SYNTHEA, "value": row.get("Id") },
            identifier("SS", row.get("SSN")),
            identifier("DL", row.get("DRIVERS")),
            identifier("PPN", row.get("PASSPORT")),
        ],
        "name": [maiden, {
            "use": "official",
            "family": row.get("LAST"),
            "given": [row.get("FIRST"), row.get("MIDDLE")],
            "prefix": [row.get("PREFIX")],
        }],
        "gender": gender(row.get("GENDER")),
        "birthDate": row.get("BIRTHDATE"),
        "deceasedDateTime": row.get("DEATHDATE"),
        "maritalStatus": { "coding": [{ "system": format!("{TERMINOLOGY}/v3-MaritalStatus"), "code": row.get("MARITAL") }] },
        "address": [{
            "use": "home",
            "line": [row.get("ADDRESS")],
            "city": row.get("CITY"),
            "district": row.get("COUNTY"),
            "state": row.get("STATE"),
            "postalCode": match row.get("ZIP") {
                "" | "00000" => String::new(),
                zip => format!("{zip:0>5}"),
            },
            "country": "US",
        }],
    })
}

fn category(name: &str, word: &str) -> Value {
    let (code, display) = match word {
        "white" => ("2106-3", "White"),
        "black" => ("2054-5", "Black or African American"),
        "asian" => ("2028-9", "Asian"),
        "native" => ("1002-5", "American Indian or Alaska Native"),
        "hawaiian" => ("2076-8", "Native Hawaiian or Other Pacific Islander"),
        "hispanic" => ("2135-2", "Hispanic or Latino"),
        "nonhispanic" => ("2186-5", "Not Hispanic or Latino"),
        other => ("", other),
    };
    let system = "urn:oid:2.16.840.1.113883.6.238";
    let coding = match code {
        "" => Value::Null,
        _ => json!({ "url": "ombCategory", "valueCoding": { "system": system, "code": code, "display": display } }),
    };
    json!({ "url": format!("{CORE}/{name}"), "extension": [coding, { "url": "text", "valueString": display }] })
}

fn encounter(row: &Row<'_>) -> Value {
    let class = match row.get("ENCOUNTERCLASS") {
        "emergency" => "EMER",
        "inpatient" => "IMP",
        "home" => "HH",
        "virtual" => "VR",
        _ => "AMB",
    };
    let organization = format!("Organization?identifier={SYNTHEA}|{}", row.get("ORGANIZATION"));
    json!({
        "status": if row.get("STOP").is_empty() { "in-progress" } else { "finished" },
        "class": { "system": format!("{TERMINOLOGY}/v3-ActCode"), "code": class },
        "type": [row.concept(SNOMED)],
        "subject": row.subject(),
        "participant": [{
            "type": [{ "coding": [{ "system": format!("{TERMINOLOGY}/v3-ParticipationType"), "code": "PPRF" }] }],
            "individual": reference("Practitioner", row.get("PROVIDER")),
        }],
        "period": { "start": row.get("START"), "end": row.get("STOP") },
        "reasonCode": row.reason(),
        "serviceProvider": { "reference": organization },
    })
}

fn medication(row: &Row<'_>, condition: Option<&str>) -> Value {
    let repeats = row.get("DISPENSES").parse::<u32>().ok().map(|fills| fills.saturating_sub(1));
    let over = !row.get("STOP").is_empty();
    let pointed = condition
        .map(|id| json!([{ "reference": format!("Condition/{id}"), "display": row.get("REASONDESCRIPTION") }]));
    json!({
        "status": if over { "completed" } else { "active" },
        "intent": "order",
        "medicationCodeableConcept": row.concept("http://www.nlm.nih.gov/research/umls/rxnorm"),
        "subject": row.subject(),
        "encounter": row.encounter(),
        "authoredOn": row.get("START"),
        "reasonCode": if pointed.is_some() { Value::Null } else { row.reason() },
        "reasonReference": pointed,
        "dispenseRequest": {
            "validityPeriod": { "start": row.get("START"), "end": row.get("STOP") },
            "numberOfRepeatsAllowed": repeats,
        },
    })
}

fn observation(row: &Row<'_>) -> Value {
    let number = row.get("TYPE") == "numeric";
    json!({
        "status": "final",
        "category": [{ "coding": [{ "system": format!("{TERMINOLOGY}/observation-category"), "code": row.get("CATEGORY") }] }],
        "code": row.concept(LOINC),
        "subject": row.subject(),
        "encounter": row.encounter(),
        "effectiveDateTime": row.get("DATE"),
        "valueQuantity": if number { quantity(row) } else { Value::Null },
        "valueCodeableConcept": {
            "coding": [{ "system": SNOMED, "display": if number { "" } else { row.get("VALUE") } }],
        },
    })
}

/// The number with the digits that the row has.
fn quantity(row: &Row<'_>) -> Value {
    let value = row.get("VALUE").parse::<f64>().ok();
    json!({ "value": value, "unit": row.get("UNITS"), "system": "http://unitsofmeasure.org" })
}

fn address(row: &Row<'_>) -> Value {
    json!({
        "line": [row.get("ADDRESS")],
        "city": row.get("CITY"),
        "state": row.get("STATE"),
        "postalCode": row.get("ZIP"),
        "country": "US",
    })
}

fn gender(letter: &str) -> &'static str {
    match letter {
        "M" => "male",
        "F" => "female",
        _ => "unknown",
    }
}

fn status(system: &str, code: &str) -> Value {
    json!({ "coding": [{ "system": format!("{TERMINOLOGY}/{system}"), "code": code }] })
}

/// A local day as the moment at which it was noted.
fn local(day: &str) -> String {
    if day.is_empty() { String::new() } else { format!("{day}T18:30:00-05:00") }
}

/// FHIR has no empty texts, objects or arrays.
fn tidy(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| (key, tidy(value))).filter(|(_, value)| !empty(value));
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(tidy).filter(|value| !empty(value)).collect()),
        other => other,
    }
}

fn empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}
