"""Nested visit events: flattened, replaced by (source, job date), cumulative snapshots, whatever the order of jobs."""

import json
import shutil
import subprocess

import pytest
from conftest import BINARY, Lake


def visit(number, date, code, drugs):
    treatments = [{"drug": drug, "dose": f"{number} mg"} for drug in drugs]
    diagnoses = [{"code": f"ICD-10:{code}", "description": f"about {code}", "treatments": treatments}]
    return {
        "visit_id": f"V-{number}",
        "date": date,
        "diagnoses": diagnoses,
        "provider_notes": {"text": "well", "author": "Dr. A"},
    }


def patient(identifier, *visits):
    return {"patient_id": identifier, "name": f"Name of {identifier}", "visits": list(visits)}


JOBS = {
    "20240101": [patient("P1", visit(1, "2024-01-01", "E11", ["Metformin", "Metformin"])), patient("P2")],
    "20240102": [patient("P3", visit(2, "2023-12-30", "J10", ["Rest"])), patient("P1", visit(3, "2024-01-02", "E11", []))],
    "20240105": [patient("P2", visit(4, "2024-01-05", "I10", ["Amlodipine"]))],
}


def write(lake, job, content=None, source="source_a"):
    lake.write(f"{source}/visit_events/{job}/visit_events.json", json.dumps(content or JOBS[job], indent=1))


TABLES = {
    "patient_snapshots": "snapshot_date, patient_id, created_date",
    "encounters": "encounter_id, patient_id, encounter_date, job_date",
    "conditions": "patient_id, encounter_id, code, start_date, job_date",
    "treatments": "treatment_id, encounter_id, drug, dose, job_date",
    "patients": "patient_id",
}


def contents(lake):
    """Rows of every silver table, in a form that does not depend on the lake's key."""
    rows = {}
    for table, columns in TABLES.items():
        names = columns.replace("patient_id", "real_patient_id AS patient_id")
        query = f"SELECT t.source, {names} FROM (SELECT t.*, p.real_patient_id FROM silver.{table} t LEFT JOIN identity.patients p ON p.source = t.source AND p.patient_id = t.patient_id) t"
        rows[table] = sorted(tuple(row.values()) for row in lake.sql(query))
    return rows


@pytest.fixture
def undisturbed(tmp_path):
    lake = Lake(tmp_path / "undisturbed")
    for job in JOBS:
        write(lake, job)
    lake.run()
    return contents(lake)


def test_the_sample_files_give_the_reference_counts(shared_data, lake):
    for file in sorted((shared_data / "visit_events").glob("*/*/*.json")):
        lake.land(file.parts[-3], "visit_events", file, date=file.parts[-2])
    lake.run()
    count = {table: int(lake.one(f"SELECT count(*) FROM silver.{table}")) for table in TABLES}
    assert count == {"patient_snapshots": 11, "encounters": 8, "conditions": 8, "treatments": 16, "patients": 7}
    assert lake.one("SELECT count(*) FROM gold.patient_treatment_summary") == "16"
    names = [row["name"] for row in lake.sql("SELECT name FROM gold_identified.patient_treatment_summary WHERE treatments_drug = 'Metformin'")]
    assert sorted(names) == ["John Doe", "John Doe", "Samira Mullins", "Samira Mullins"]
    assert lake.one("SELECT count(*) FROM gold.patient_treatment_summary WHERE treatments_drug = 'Metformin'") == "4"


def test_snapshots_are_cumulative_over_gaps_and_keep_the_first_day(undisturbed):
    days = {}
    for _, day, identifier, created in undisturbed["patient_snapshots"]:
        days.setdefault(day, {})[identifier] = created
    assert days == {
        "2024-01-01": {"P1": "2024-01-01", "P2": "2024-01-01"},
        "2024-01-02": {"P1": "2024-01-01", "P2": "2024-01-01", "P3": "2024-01-02"},
        "2024-01-05": {"P1": "2024-01-01", "P2": "2024-01-01", "P3": "2024-01-02"},
    }


def test_two_equal_drugs_of_one_diagnosis_stay_two_treatments(undisturbed):
    assert sum(1 for row in undisturbed["treatments"] if row[3] == "Metformin") == 2


def test_a_rerun_of_a_job_changes_nothing(undisturbed, lake):
    for job in JOBS:
        write(lake, job)
    lake.run()
    for job in reversed(JOBS):
        write(lake, job, JOBS[job] + [])
        lake.run()
    assert contents(lake) == undisturbed


def test_a_corrected_job_replaces_exactly_its_own_partition(undisturbed, lake):
    for job in JOBS:
        write(lake, job)
    lake.run()
    corrected = [patient("P9", visit(9, "2024-01-02", "A00", ["Water"]))]
    write(lake, "20240102", corrected)
    lake.run()
    after = contents(lake)
    assert [row for row in after["encounters"] if row[4] != "2024-01-02"] == [row for row in undisturbed["encounters"] if row[4] != "2024-01-02"]
    assert [row[1] for row in after["encounters"] if row[4] == "2024-01-02"] == ["V-9"]
    last = {row[2] for row in after["patient_snapshots"] if row[1] == "2024-01-05"}
    assert last == {"P1", "P2", "P9"}


def test_concurrent_runs_lose_and_double_nothing(undisturbed, lake):
    for job in JOBS:
        write(lake, job)
    runs = [subprocess.Popen([BINARY, *map(str, lake.arguments())], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for process in runs:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, out + err
    assert contents(lake) == undisturbed


def test_a_null_patient_id_is_rejected_from_every_table(lake):
    write(lake, "20240101", JOBS["20240101"] + [patient(None, visit(8, "2024-01-01", "B00", ["X"]))])
    report = lake.run()
    assert report["datasets"][0]["rejected"] == 1
    assert [row["_row"] for row in lake.quarantined("source_a.visit_events.patient_id.required")] == [3]
    assert "V-8" not in str(contents(lake))


def test_the_same_ids_of_two_sources_stay_apart(lake):
    for source in ("source_a", "source_b"):
        jobs = json.dumps(JOBS["20240101"])
        renamed = jobs.replace('"drug"', '"drug_test"').replace('"dose"', '"dose_test"').replace('"author"', '"author_test"')
        lake.write(f"{source}/visit_events/20240101/visit_events.json", renamed if source == "source_b" else jobs)
    lake.run()
    found = lake.sql("SELECT source, count(*) AS rows, min(patient_id) AS id FROM silver.treatments GROUP BY source ORDER BY source")
    assert [row["rows"] for row in found] == ["2", "2"]
    assert found[0]["id"] != found[1]["id"]


def test_a_lake_can_be_moved(undisturbed, lake):
    for job in JOBS:
        write(lake, job)
    lake.run()
    moved = lake.folder.with_name("moved")
    shutil.move(lake.folder, moved)
    lake.folder = moved
    assert contents(lake) == undisturbed
