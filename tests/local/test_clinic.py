"""The clinic feed on the real files: nothing lost, the known warnings, the views against another engine."""

import duckdb
import pytest
from conftest import Lake, carelake, dataset

ROWS = {"patients": 10_000, "doctors": 1_000, "visits": 50_000, "lab_reports": 30_000}


@pytest.fixture(scope="module")
def clinic(shared_data, tmp_path_factory):
    lake = Lake(tmp_path_factory.mktemp("clinic"))
    for name in ROWS:
        lake.land("clinic", name, shared_data / f"clinic_csv/{name}.csv")
    report = lake.run()
    return lake, report


def test_every_row_of_the_clinic_is_accepted(clinic):
    _, report = clinic
    for name, rows in ROWS.items():
        found = dataset(report, "clinic", name)
        assert (found["rows_in"], found["accepted"], found["rejected"]) == (rows, rows, 0)


def test_the_known_oddities_are_warnings(clinic):
    checks = clinic[0].quality()
    before_visit = checks["clinic", "clinic.lab_reports.report_before_visit"]
    before_birth = checks["clinic", "clinic.visits.visit_before_birth"]
    assert (before_visit["failed"], before_visit["checked"]) == (14_939, 30_000)
    assert (before_birth["failed"], before_birth["checked"]) == (379, 50_000)


REFERENCE = {
    "doctor_summary": """SELECT doctor_id, count(*) total_visits, count(DISTINCT patient_id) unique_patients,
        trim(any_value(d.name)) AS name, trim(any_value(specialization)) specialization, trim(any_value(hospital)) hospital
        FROM visits JOIN doctors d USING (doctor_id) GROUP BY doctor_id""",
    "city_distribution": "SELECT trim(city) city, count(*) patient_count FROM patients GROUP BY ALL",
    "visit_reason_analysis": """SELECT trim(reason) reason, count(*) total_visits, count(DISTINCT patient_id) unique_patients
        FROM visits GROUP BY ALL""",
    "lab_result_distribution": "SELECT test_type, result, count(*) report_count FROM lab_reports GROUP BY ALL",
    "hospital_visits": """SELECT trim(hospital) hospital, count(*) total_visits, count(DISTINCT patient_id) unique_patients,
        count(DISTINCT doctor_id) active_doctors FROM visits JOIN doctors USING (doctor_id) GROUP BY ALL""",
}


@pytest.mark.parametrize("view", REFERENCE)
def test_a_clinic_view_equals_another_engine_row_for_row(clinic, shared_data, view):
    db = duckdb.connect()
    for name in ROWS:
        db.execute(f"CREATE VIEW {name} AS SELECT * FROM read_csv('{shared_data}/clinic_csv/{name}.csv', all_varchar = true)")
    cursor = db.execute(REFERENCE[view])
    names = [column[0] for column in cursor.description]
    expected = sorted(tuple("" if value is None else str(value) for value in row) for row in cursor.fetchall())
    found = sorted(tuple(row[name] for name in names) for row in clinic[0].sql(f"SELECT * FROM gold.{view}"))
    assert found == expected


def test_a_patient_history_is_found_by_the_real_identifier(clinic):
    out = carelake("call", "--lake", clinic[0].folder, "--format", "csv", "get_patient_history", "P100001").stdout
    lines = out.splitlines()
    assert len(lines) == 1 + 6
    assert "2024-09-04,Chest Pain,Emergency" in lines[1]


def test_an_unknown_doctor_has_no_summary_and_an_idle_one_has_zeros(clinic):
    def call(doctor):
        return carelake("call", "--lake", clinic[0].folder, "--format", "csv", "get_doctor_summary", doctor).stdout.splitlines()

    assert len(call("D9999")) == 1
    assert len(call("D2000")) == 2
    assert len(call("D2000' OR '1'='1")) == 1
