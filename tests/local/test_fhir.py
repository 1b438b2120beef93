"""FHIR R4: references, choices, versions, deletions, what is refused, what is kept of a person."""

import json

import polars
import pytest
from conftest import dataset
from fhir_files import PERSON, concept, condition, deletions, encounter, observation, order, patient, resource, write

PATIENT = patient()


def silver(lake, table, columns, order_by=None):
    rows = lake.sql(f"SELECT {columns} FROM silver.{table} ORDER BY {order_by or columns.split(' AS ')[0].split(',')[0]}")
    return [tuple(row.values()) for row in rows]


@pytest.mark.parametrize(
    "path",
    [
        "fhir/conditions/2024-02-01/any.ndjson",
        "fhir/Condition/2024-02-01/Condition.000.ndjson",
        "fhir/condition/part-1.ndjson.gz",
        "fhir/bulk/20240201/Condition.000.ndjson.gz",
        "fhir/output/Condition.ndjson",
    ],
)
def test_a_file_is_known_by_its_folder_or_its_name(lake, path):
    write(lake, path, condition())
    assert dataset(lake.run(), "fhir", "conditions")["accepted"] == 1


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/p1",
        "Patient/p1/_history/3",
        "https://hospital.example.org/fhir/Patient/p1",
        "https://hospital.example.org/fhir/r4/Patient/p1/_history/1",
        "urn:uuid:p1",
        "Patient?identifier=http://hospital.example.org/ids|p1",
        "https://hospital.example.org/fhir/Patient?identifier=http://hospital.example.org/ids%7Cp1",
    ],
)
def test_every_form_of_a_reference_leads_to_the_patient(lake, reference):
    write(lake, "fhir/patients/p.ndjson", PATIENT)
    write(lake, "fhir/conditions/c.ndjson", condition(subject={"reference": reference}))
    lake.run()
    assert lake.one("SELECT count(*) FROM silver.conditions c JOIN silver.patients p ON p.patient_id = c.patient_id") == "1"


def test_a_logical_reference_leads_to_the_patient_and_one_to_a_group_nowhere(lake):
    write(lake, "fhir/patients/p.ndjson", PATIENT)
    logical = condition("c1", subject={"identifier": {"value": "p1"}})
    group = condition("c2", subject={"reference": "Group/p1"})
    contained = condition("c3", subject={"reference": "#p1"})
    write(lake, "fhir/conditions/c.ndjson", logical, group, contained)
    report = dataset(lake.run(), "fhir", "conditions")
    assert (report["accepted"], report["rejected"]) == (1, 2)
    assert [row["_row"] for row in lake.quarantined("fhir.conditions.patient_id.required")] == [2, 3]
    assert lake.one("SELECT count(*) FROM silver.conditions c JOIN silver.patients p ON p.patient_id = c.patient_id") == "1"


@pytest.mark.parametrize(
    ("choice", "day"),
    [
        ({"onsetDateTime": "2023-05-06T23:30:00-05:00"}, "2023-05-06"),
        ({"onsetDateTime": "2023-05"}, "2023-05-01"),
        ({"onsetDateTime": "2023"}, "2023-01-01"),
        ({"onsetPeriod": {"start": "2023-05-06", "end": "2023-06-01"}}, "2023-05-06"),
        ({"onsetAge": {"value": 40}, "recordedDate": "2023-05-06"}, "2023-05-06"),
        ({"onsetString": "in spring", "recordedDate": "2023-05-06"}, "2023-05-06"),
    ],
)
def test_an_onset_is_read_under_every_name(lake, choice, day):
    one = condition()
    del one["onsetDateTime"]
    write(lake, "fhir/conditions/c.ndjson", {**one, **choice})
    lake.run()
    assert silver(lake, "conditions", "start_date") == [(day,)]


@pytest.mark.parametrize(
    ("choice", "value", "number", "kind"),
    [
        ({"valueQuantity": {"value": 27.50, "unit": "kg/m2"}}, "27.5", "27.5", "numeric"),
        ({"valueQuantity": {"value": 5, "comparator": "<", "unit": "kg/m2"}}, "<5", "", "numeric"),
        ({"valueInteger": 3}, "3", "3.0", "numeric"),
        ({"valueCodeableConcept": concept("8517006", "Ex-smoker")}, "Ex-smoker", "", "text"),
        ({"valueBoolean": True}, "true", "", "text"),
        ({"valueDateTime": "2024-01-01"}, "2024-01-01", "", "text"),
        ({"valueString": f"{PERSON} wrote"}, "", "", "text"),
        ({"dataAbsentReason": {"text": "unknown"}}, "", "", "text"),
    ],
)
def test_a_value_is_read_under_every_name_and_free_text_stays_restricted(lake, choice, value, number, kind):
    write(lake, "fhir/observations/o.ndjson", observation(**choice))
    lake.run()
    assert silver(lake, "observations", "value, value_number, value_type") == [(value, number, kind)]


def test_a_panel_is_a_row_for_each_component_and_one_for_a_value_of_its_own(lake):
    parts = [
        {"code": concept("8480-6", "Systolic", "http://loinc.org"), "valueQuantity": {"value": 120, "unit": "mm[Hg]"}},
        {"code": concept("8462-4", "Diastolic", "http://loinc.org"), "valueQuantity": {"value": 80, "unit": "mm[Hg]"}},
    ]
    panel = observation("o1", code=concept("85354-9", "Blood pressure", "http://loinc.org"), component=parts)
    score = observation("o2", code=concept("44249-1", "PHQ-9", "http://loinc.org"), component=parts[:1], valueInteger=7)
    write(lake, "fhir/observations/o.ndjson", panel, score)
    lake.run()
    found = silver(lake, "observations", "record_id, code, code_system, value_number", "record_id, code")
    assert found == [
        ("o1", "8462-4", "LOINC", "80.0"),
        ("o1", "8480-6", "LOINC", "120.0"),
        ("o2", "44249-1", "LOINC", "7.0"),
        ("o2", "8480-6", "LOINC", "120.0"),
    ]


def test_the_snomed_code_is_preferred_and_its_system_stays_with_it(lake):
    two = {
        "coding": [
            {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "E11.9"},
            {"system": "http://snomed.info/sct", "code": "44054006", "display": "Diabetes"},
        ]
    }
    other = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "I10", "display": "Hypertension"}]}
    local = {"coding": [{"system": "urn:hospital", "code": "X1"}], "text": "Local"}
    write(lake, "fhir/conditions/c.ndjson", condition("c1", code=two), condition("c2", code=other), condition("c3", code=local))
    lake.run()
    assert silver(lake, "conditions", "record_id, code, code_system") == [
        ("c1", "44054006", "SNOMED-CT"),
        ("c2", "I10", "ICD-10-CM"),
        ("c3", "X1", "urn:hospital"),
    ]


@pytest.mark.parametrize(
    "extension",
    [
        {"modifierExtension": [{"url": "http://example.org/negated", "valueBoolean": True}]},
        {"modifierExtension": [{"valueBoolean": True}]},
        {"stage": [{"modifierExtension": [{"url": "http://example.org/negated"}]}]},
        {"contained": [{"resourceType": "Basic", "modifierExtension": [{"url": "http://example.org/negated"}]}]},
    ],
    ids=["of the resource", "without a URL", "of an element", "of what is contained"],
)
def test_an_unknown_modifier_extension_sets_the_resource_aside(lake, extension):
    write(lake, "fhir/conditions/c.ndjson", condition("c1", **extension), condition("c2"))
    report = dataset(lake.run(), "fhir", "conditions")
    assert (report["accepted"], report["rejected"]) == (1, 1)
    (row,) = lake.quarantined("fhir.conditions.modifier_extension_known")
    assert (row["_row"], row["severity"]) == (1, "reject")
    assert "extension" in row["reason"].lower()
    assert silver(lake, "conditions", "record_id") == [("c2",)]


def test_unknown_types_wait_in_quarantine_whatever_file_they_come_in(lake):
    write(lake, "fhir/bulk/Device.000.ndjson.gz", resource("Device", "d1", patient={"reference": "Patient/p1"}), {"exportId": 1})
    write(lake, "fhir/bulk/Condition.000.ndjson", condition(), resource("Device", "d2"))
    report = lake.run()
    assert (dataset(report, "fhir", "other")["rows_in"], dataset(report, "fhir", "other")["rejected"]) == (2, 2)
    assert {row["rule"] for row in lake.quarantined("fhir.other.")} == {"fhir.other.resource_type_known", "fhir.other.resource_type.required"}
    assert [row["_row"] for row in lake.quarantined("fhir.conditions.resource_type_expected")] == [2]


def test_a_line_that_is_no_json_spoils_no_other(lake):
    lake.write("fhir/conditions/c.ndjson", "\ufeff" + json.dumps(condition()) + "\r\n\r\n{broken\n")
    report = dataset(lake.run(), "fhir", "conditions")
    assert (report["rows_in"], report["accepted"], report["rejected"]) == (2, 1, 1)


VERSIONS = {
    "first": ("fhir/conditions/2024-01-01/c.ndjson", [condition("c1"), condition("c2"), condition("c3")]),
    "changed": ("fhir/conditions/2024-02-01/c.ndjson", [condition("c1", code=concept("38341003", "Hypertensive disorder (disorder)"))]),
    "error": ("fhir/conditions/2024-03-01/c.ndjson", [condition("c2", verificationStatus={"coding": [{"code": "entered-in-error"}]})]),
    "deleted": ("fhir/deleted/2024-04-01/Bundle.000.ndjson", [deletions("Condition/c3", "Device/d1", "Patient/p9")]),
}


@pytest.mark.parametrize("names", [list(VERSIONS), list(reversed(VERSIONS)), ["error", "first", "deleted", "changed"]], ids=" ".join)
@pytest.mark.parametrize("together", [True, False], ids=["one run", "a run each"])
def test_the_latest_version_stands_and_what_was_taken_back_is_gone_in_any_order(lake, names, together):
    for name in names:
        write(lake, VERSIONS[name][0], *VERSIONS[name][1])
        if not together:
            lake.run()
    lake.run()
    assert silver(lake, "conditions", "record_id, code") == [("c1", "38341003")]
    (row,) = lake.quarantined("fhir.conditions.not_entered_in_error")
    assert row["severity"] == "warn"


def test_a_deleted_patient_leaves_silver_and_identity(lake):
    write(lake, "fhir/patients/2024-01-01/p.ndjson", PATIENT, patient("p2"))
    write(lake, "fhir/bulk/2024-02-01/Bundle.000.ndjson", deletions("https://example.org/fhir/Patient/p1"))
    lake.run()
    assert lake.sql("SELECT real_patient_id FROM identity.patients") == [{"real_patient_id": "p2"}]
    assert lake.one("SELECT count(*) FROM silver.patients") == "1"


def test_a_panel_that_loses_a_component_loses_its_row(lake):
    part = [{"code": concept(code, code, "http://loinc.org"), "valueQuantity": {"value": 1}} for code in ("8480-6", "8462-4")]
    write(lake, "fhir/observations/2024-01-01/o.ndjson", observation(component=part))
    lake.run()
    write(lake, "fhir/observations/2024-01-02/o.ndjson", observation(component=part[1:], effectiveDateTime="2023-05-05"))
    lake.run()
    assert silver(lake, "observations", "code, year") == [("8462-4", "2023")]


def test_events_that_did_not_take_place_are_not_in_silver(lake):
    write(lake, "fhir/encounters/e.ndjson", encounter("e1"), encounter("e2", status="planned"), encounter("e3", status="cancelled"))
    write(lake, "fhir/medication_requests/m.ndjson", order("m1"), order("m2", intent="proposal"), order("m3", status="draft"))
    write(lake, "fhir/conditions/c.ndjson", condition("c1", verificationStatus={"coding": [{"code": "refuted"}]}))
    lake.run()
    assert silver(lake, "encounters", "encounter_id") == [("e1",)]
    assert silver(lake, "medications", "record_id") == [("m1",)]
    assert silver(lake, "conditions", "record_id") == []


def test_the_end_of_an_order_is_its_validity_or_its_supply(lake):
    stated = {"dispenseRequest": {"validityPeriod": {"end": "2024-02-01T00:00:00Z"}}}
    supply = {"dispenseRequest": {"expectedSupplyDuration": {"value": 30, "code": "d"}, "numberOfRepeatsAllowed": 2}}
    write(lake, "fhir/medication_requests/m.ndjson", order("m1", **stated), order("m2", **supply), order("m3"), order("m4", status="stopped"))
    lake.run()
    ends = [str(row[0])[:10] for row in silver(lake, "medications", "stop_at", "record_id")]
    assert ends == ["2024-02-01", "2024-04-01", "", "2024-01-02"]


def test_a_reason_is_found_through_the_condition_it_points_to(lake):
    write(lake, "fhir/patients/p.ndjson", PATIENT)
    write(lake, "fhir/conditions/c.ndjson", condition())
    write(lake, "fhir/medication_requests/m.ndjson", order(reasonReference=[{"reference": "Condition/c1"}]))
    lake.run()
    assert lake.sql("SELECT first_medication_date, days_to_medication FROM gold.patient_journey") == [
        {"first_medication_date": "2024-01-02", "days_to_medication": "1"}
    ]


def test_an_appointment_names_its_patient_among_its_participants(lake):
    people = [{"actor": {"reference": "Practitioner/d1"}}, {"actor": {"reference": "https://x.org/fhir/Patient/p1"}}, {"actor": {"reference": "Location/l1"}}]
    write(lake, "fhir/patients/p.ndjson", PATIENT)
    write(
        lake, "fhir/appointments/a.ndjson", resource("Appointment", "a1", status="noshow", start="2024-05-01T10:00:00Z", minutesDuration=20, participant=people)
    )
    lake.run()
    query = "SELECT a.practitioner_id, a.status, a.no_show, a.duration_minutes FROM silver.appointments a JOIN silver.patients p ON p.patient_id = a.patient_id"
    assert [tuple(row.values()) for row in lake.sql(query)] == [("d1", "No-show", "true", "20")]


def content(path):
    """What stands in a file of a lake."""
    if path.suffix == ".parquet":
        return str(polars.read_parquet(path, hive_partitioning=False).to_dicts())
    return path.read_bytes().decode(errors="replace")


def test_a_person_is_in_landing_and_identity_alone(lake):
    write(lake, "fhir/patients/p.ndjson", PATIENT, patient("p2", modifierExtension=[{"url": "http://example.org/x"}]))
    write(lake, "fhir/conditions/c.ndjson", condition(), condition("c2", onsetDateTime="never"))
    write(lake, "fhir/encounters/e.ndjson", encounter())
    write(lake, "fhir/observations/o.ndjson", observation(valueString=f"{PERSON} wrote"))
    report = lake.run()
    (person,) = lake.sql("SELECT full_name, first_name, last_name, maiden_name, ssn, phone, email, address FROM identity.patients")
    assert list(person.values()) == [
        f"Ada Maria {PERSON}son",
        "Ada Maria",
        f"{PERSON}son",
        f"{PERSON}born",
        f"{PERSON}-ssn",
        f"{PERSON}-phone",
        f"{PERSON}@example.org",
        f"{PERSON} Street 1 Flat 2",
    ]
    assert PERSON not in json.dumps(report)
    layers = {path.relative_to(lake.folder).parts[0] for path in lake.folder.rglob("*") if path.is_file() and PERSON in content(path)}
    assert layers <= {"identity", "gold_identified"}, layers
    assert "identity" in layers
