"""FHIR R4: a real export whole, and a generated hospital whose measures are the same from CSV and from FHIR."""

import gzip
import json
import os
from collections import Counter

import pytest
from conftest import Lake, carelake

FOLDER = "fhir_bulk"


@pytest.fixture(scope="module")
def real(shared_data, tmp_path_factory):
    lake = Lake(tmp_path_factory.mktemp("real"))
    files = sorted((shared_data / FOLDER).glob("*.ndjson.gz"))
    lake.land("hospital", "bulk", *files, feed="fhir", date="2024-08-06")
    lines = Counter()
    kinds = {"MedicationRequest": "medication_requests", "AllergyIntolerance": "allergy_intolerances"}
    known = {
        "Patient",
        "Encounter",
        "Condition",
        "MedicationRequest",
        "Observation",
        "Procedure",
        "Practitioner",
        "Organization",
        "Appointment",
        "Immunization",
        "AllergyIntolerance",
    }
    for file in files:
        kind = file.name.split(".")[0]
        name = kinds.get(kind, kind.lower() + "s") if kind in known else "other"
        with gzip.open(file, "rt", encoding="utf-8") as text:
            lines[name] += sum(1 for line in text if line.strip())
    return lake, lake.run(), lines


def test_a_real_export_loads_whole(real):
    _, report, lines = real
    found = {one["dataset"]: one for one in report["datasets"]}
    assert {name: one["rows_in"] for name, one in found.items()} == dict(lines)
    assert not report["ignored_files"]
    for name, one in found.items():
        assert one["rows_in"] == one["accepted"] + one["rejected"] + one["deduplicated"]
        assert one["rejected"] == (one["rows_in"] if name == "other" else 0), name


def test_a_real_export_is_in_silver_with_every_parent(real):
    lake, report, _ = real
    accepted = {one["dataset"]: str(one["accepted"]) for one in report["datasets"]}
    for name, table in {
        "patients": "patients",
        "encounters": "encounters",
        "conditions": "conditions",
        "medication_requests": "medications",
        "procedures": "procedures",
        "immunizations": "immunizations",
        "organizations": "organizations",
    }.items():
        assert lake.one(f"SELECT count(*) FROM silver.{table}") == accepted[name], table
    for child in ("encounters", "conditions", "medications", "procedures", "immunizations"):
        assert lake.one(f"SELECT count(*) FROM silver.{child} c LEFT JOIN silver.patients p ON p.patient_id = c.patient_id WHERE p.patient_id IS NULL") == "0"
    assert (
        lake.one(
            "SELECT count(*) FROM silver.encounters e LEFT JOIN silver.organizations o ON o.organization_id = e.organization_id WHERE o.organization_id IS NULL"
        )
        == "0"
    )
    assert (
        lake.one(
            "SELECT count(*) FROM silver.medications WHERE reason_record_id IS NOT NULL AND reason_record_id NOT IN (SELECT record_id FROM silver.conditions)"
        )
        == "0"
    )
    systems = {row["code_system"] for row in lake.sql("SELECT DISTINCT code_system FROM silver.conditions")}
    assert systems == {"SNOMED-CT"}


def test_measures_run_over_a_real_export(real):
    lake, _, _ = real
    assert int(lake.one("SELECT count(*) FROM gold.patient_journey WHERE first_medication IS NOT NULL")) > 0
    assert int(lake.one("SELECT count(*) FROM gold.readmission_30d")) > 0
    assert lake.one("SELECT count(*) FROM gold.prevalence WHERE prevalence < 0 OR prevalence > 1") == "0"
    names = [row["real_patient_id"] for row in lake.sql("SELECT real_patient_id FROM identity.patients")]
    silver_text = json.dumps(lake.sql("SELECT * FROM silver.patients"))
    assert not any(name in silver_text for name in names)


# Views of the clinical measures that name no patient, and the columns in which the two deliveries may differ.
MEASURES = (
    "encounters_per_disease",
    "encounters_per_disease_by_age_group",
    "avg_stay_duration",
    "readmission_30d",
    "medication_adherence_summary",
    "encounter_to_diagnosis_latency",
    "disease_trends",
    "vw_disease_trends",
    "disease_signals",
    "disease_alerts",
    "prevalence",
    "top_5_conditions",
    "avg_bmi",
    "avg_cholesterol",
    "condition_names",
    "vw_quality_metrics",
)
OF_PATIENTS = ("patient_journey", "medication_adherence", "patient_feature_store", "disease_risk_features", "readmission_stays")


@pytest.fixture(scope="module")
def twins(tmp_path_factory):
    """A hospital delivered as Synthea CSV and as FHIR."""
    lake = Lake(tmp_path_factory.mktemp("twins"))
    carelake("generate", "--patients", os.environ.get("CARELAKE_TWINS", "300"), "--seed", 11, "--as-of", "2025-06-30", "--out", lake.landing, "--clean")
    for other in lake.landing.iterdir():
        if other.is_dir() and other.name not in {"synthea", "fhir"}:
            other.rename(other.with_name("." + other.name))
    report = lake.run()
    assert not any(one["rejected"] for one in report["datasets"])
    return lake


def counted(rows: list[dict], hidden: set[str]) -> Counter:
    """Rows without some columns. A mean depends in its last digit on the order in which numbers were added."""

    def plain(value: str) -> str:
        whole, point, digits = value.partition(".")
        return f"{float(value):.9g}" if point and digits.isdigit() and whole.lstrip("-").isdigit() else value

    return Counter(tuple(plain(value) for name, value in row.items() if name not in hidden) for row in rows)


@pytest.mark.parametrize("view", MEASURES)
def test_a_hospital_gives_the_same_measures_in_both_forms(twins, view):
    rows = {}
    for source in ("synthea", "fhir"):
        rows[source] = counted(twins.sql(f"SELECT * FROM gold.{view} WHERE source = '{source}'"), {"source"})
    assert rows["synthea"]
    assert rows["fhir"] == rows["synthea"]


@pytest.mark.parametrize("view", OF_PATIENTS)
def test_a_patient_has_the_same_measures_in_both_forms(twins, view):
    rows = {}
    for source in ("synthea", "fhir"):
        query = f"SELECT i.real_patient_id, v.* FROM gold.{view} v JOIN identity.patients i ON i.source = v.source AND i.patient_id = v.patient_id WHERE v.source = '{source}'"
        rows[source] = counted(twins.sql(query), {"source", "patient_id"})
    assert rows["synthea"]
    assert rows["fhir"] == rows["synthea"]
