"""Laws of any lake: late parents, later versions, time travel, crashes, changed contracts, runs at once."""

import json
import os
import re
import subprocess
import time

import pytest
from conftest import BINARY, CONTRACTS, DOCTORS, PATIENTS, carelake, clinic, dataset


def test_an_orphan_waits_in_quarantine_until_its_parent_arrives(lake):
    clinic(lake)
    report = dataset(lake.run(), "clinic", "visits")
    assert (report["accepted"], report["rejected"], report["waiting"]) == (1, 1, 1)
    (orphan,) = lake.quarantined("clinic.visits.patient_known")
    assert orphan["_row"] == 2
    lake.write("clinic/patients/late.csv", "patient_id,name,gender,dob,blood_group,city\nP3,Cy Late,M,1970-01-01,O+,Bern\n")
    assert lake.run()["replayed_rows"] == 1
    assert lake.one("SELECT count(*) FROM silver.encounters") == "2"
    assert lake.quarantined("clinic.visits.patient_known") == []


def test_the_first_good_row_of_a_key_is_kept(lake):
    bad_then_good = "P1,,F,1980-01-01,A+,Oslo\nP1,Ann,F,1980-01-01,A+,Paris\nP1,Eve,F,1980-01-01,A+,Lima\n"
    lake.write("clinic/patients/patients.csv", PATIENTS.splitlines()[0] + "\n" + bad_then_good)
    report = dataset(lake.run(), "clinic", "patients")
    assert (report["accepted"], report["rejected"]) == (1, 2)
    assert lake.one("SELECT city FROM silver.patients") == "Paris"
    assert [row["_row"] for row in lake.quarantined("clinic.patients.key.unique")] == [3]


def test_a_later_file_updates_and_time_travel_shows_what_was(lake):
    lake.write("clinic/patients/2024-01-01/patients.csv", PATIENTS)
    lake.run()
    time.sleep(1.1)
    between = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    time.sleep(1.1)
    lake.write("clinic/patients/2024-01-02/patients.csv", PATIENTS.replace("Oslo", "Quito"))
    lake.run()
    query = "SELECT city FROM silver.patients ORDER BY city"
    assert [row["city"] for row in lake.sql(query)] == ["Quito", "Rome"]
    assert [row["city"] for row in lake.sql(query, "--as-of", between)] == ["Oslo", "Rome"]
    assert lake.sql(query, "--as-of", "2020-01-01") == []


def test_an_older_file_that_arrives_late_does_not_win(lake):
    lake.write("clinic/patients/2024-01-02/patients.csv", PATIENTS.replace("Oslo", "Quito"))
    lake.run()
    lake.write("clinic/patients/2024-01-01/patients.csv", PATIENTS)
    lake.run()
    assert [row["city"] for row in lake.sql("SELECT city FROM silver.patients ORDER BY city")] == ["Quito", "Rome"]


def test_the_latest_update_wins_within_and_across_files(lake):
    header = "patient_id,first_name,last_name,city,created_at,updated_at\n"
    one = "S1,A,B,Old,2024-01-01T00:00:00,2024-03-01T00:00:00\nS1,A,B,New,2024-01-01T00:00:00,2024-05-01T00:00:00\nS1,A,B,Mid,2024-01-01T00:00:00,2024-04-01T00:00:00\n"
    lake.write("scheduling/patients/2024-06-01/patients.csv", header + one)
    report = dataset(lake.run(), "scheduling", "patients")
    assert (report["accepted"], report["deduplicated"]) == (1, 2)
    lake.write("scheduling/patients/2024-06-02/patients.csv", header + "S1,A,B,Stale,2024-01-01T00:00:00,2024-02-01T00:00:00\n")
    lake.run()
    assert lake.one("SELECT city FROM silver.patients") == "New"


def test_the_lake_can_be_rebuilt_byte_for_byte_under_the_same_key(lake, tmp_path):
    clinic(lake)
    lake.run()

    def bronze():
        return {path.relative_to(lake.folder): path.read_bytes() for path in lake.folder.glob("bronze/**/*.parquet")}

    before = bronze()
    key = (lake.folder / "identity/.key").read_bytes()
    subprocess.run(["rm", "-rf", lake.folder], check=True)
    (lake.folder / "identity").mkdir(parents=True)
    (lake.folder / "identity/.key").write_bytes(key)
    os.chmod(lake.folder / "identity/.key", 0o600)
    lake.run()
    assert bronze() == before
    assert len(before) == 3


@pytest.mark.parametrize("delay", [0.05, 0.3, 0.8, 1.6, 2.6])
def test_a_killed_run_is_completed_by_the_next(lake, tmp_path, delay):
    carelake("generate", "--patients", 40, "--seed", 5, "--out", lake.landing)
    process = subprocess.Popen([BINARY, *map(str, lake.arguments())], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(delay)
    process.kill()
    process.wait()
    lake.run()
    whole = type(lake)(tmp_path / "whole")
    carelake("generate", "--patients", 40, "--seed", 5, "--out", whole.landing)
    whole.run()
    for query in (
        "SELECT source, count(*) AS n, sum(treatment_cost) AS cost FROM silver.treatments GROUP BY source ORDER BY source",
        "SELECT source, feed, count(*) AS n FROM silver.patients GROUP BY source, feed ORDER BY source, feed",
        "SELECT * FROM gold.department_treatment_summary ORDER BY source, department",
        "SELECT source, count(*) AS n FROM silver.observations GROUP BY source ORDER BY source",
        "SELECT count(*) AS n FROM quarantine.clinic_visits",
    ):
        assert lake.sql(query) == whole.sql(query)


def test_a_mended_threshold_is_judged_without_a_rerun(lake, tmp_path):
    lake.write("clinic/patients/patients.csv", PATIENTS + "P3,Cy,X,1970-01-01,O+,Bern\n")
    lake.run()
    check = lake.quality()["clinic", "clinic.patients.gender_domain"]
    assert (check["failed"], check["checked"], check["passed"]) == (1, 3, False)
    feeds = tmp_path / "own/feeds/clinic"
    feeds.mkdir(parents=True)
    source = CONTRACTS / "feeds/clinic"
    for file in source.iterdir():
        text = file.read_text()
        if file.name == "patients.toml":
            text = re.sub(r'(id = "gender_domain"[^\[]*?threshold = )[0-9.]+', r"\g<1>0.5", text)
        (feeds / file.name).write_text(text)
    out = carelake("dq", "--lake", lake.folder, "--contracts", tmp_path / "own", "--format", "json").stdout
    (check,) = [check for line in out.splitlines() if (check := json.loads(line))["rule"] == "clinic.patients.gender_domain"]
    assert (check["passed"], check["threshold"]) == (True, 0.5)


def test_a_mended_contract_takes_rejected_rows_again(lake, tmp_path):
    lake.write("clinic/patients/patients.csv", PATIENTS + "P3,Cy,X,1970-01-01,O+,Bern\n")
    assert dataset(lake.run(), "clinic", "patients")["rejected"] == 1
    feeds = tmp_path / "own/feeds/clinic"
    feeds.mkdir(parents=True)
    text = (CONTRACTS / "feeds/clinic/patients.toml").read_text()
    (feeds / "patients.toml").write_text(text.replace('"Other"]', '"Other", "X"]'))
    report = lake.run("--contracts", tmp_path / "own")
    assert dataset(report, "clinic", "patients")["accepted"] == 3
    assert lake.one("SELECT count(*) FROM silver.patients") == "3"
    assert lake.one("SELECT count(*) FROM bronze.clinic_patients") == "3"
    assert lake.quarantined("clinic.patients.gender_domain") == []


def test_a_new_silver_column_is_added_to_the_table(lake, tmp_path):
    lake.write("clinic/doctors/doctors.csv", DOCTORS)
    lake.run()
    own = tmp_path / "own"
    (own / "silver").mkdir(parents=True)
    table = (CONTRACTS / "silver/practitioners.toml").read_text()
    (own / "silver/practitioners.toml").write_text(table + '\n[[columns]]\nname = "pager"\ntype = "string"\ndescription = "Pager."\n')
    lake.write("clinic/doctors/more.csv", DOCTORS.replace("D1", "D2"))
    lake.run("--contracts", own)
    assert [row["pager"] for row in lake.sql("SELECT practitioner_id, pager FROM silver.practitioners ORDER BY 1")] == ["", ""]


def test_an_overwritten_file_counts_as_it_is_now(lake):
    """Also when it goes back to what it was before."""
    for city in ("Oslo", "Quito", "Oslo"):
        lake.write("clinic/patients/patients.csv", PATIENTS.replace("Oslo", city))
        lake.run()
        assert lake.one("SELECT city FROM silver.patients WHERE gender = 'F'") == city


@pytest.mark.parametrize("attempt", range(4))
def test_two_runs_at_once_on_a_new_lake_lose_and_double_nothing(lake, attempt):
    carelake("generate", "--patients", 60, "--seed", attempt, "--out", lake.landing)
    runs = [subprocess.Popen([BINARY, *map(str, lake.arguments())], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in runs:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, out + err
    for table in ("patients", "encounters", "treatments", "observations", "lab_reports"):
        key = {"patients": "patient_id", "encounters": "encounter_id", "treatments": "treatment_id", "lab_reports": "lab_report_id"}.get(table)
        rows = lake.one(f"SELECT count(*) FROM silver.{table}")
        again = f"SELECT count(*) FROM (SELECT DISTINCT source, {key} FROM silver.{table}) k" if key else None
        assert int(rows) > 0
        if again:
            assert lake.one(again) == rows
    assert lake.one("SELECT count(*) FROM gold.as_of") == "1"
    assert lake.one("SELECT sum(total_cost) FROM gold.treatment_type_summary") == lake.one("SELECT sum(treatment_cost) FROM silver.treatments")


def test_a_mart_before_its_first_version_is_empty(lake):
    clinic(lake)
    lake.run()
    assert lake.sql("SELECT * FROM gold.dim_patients", "--as-of", "2020-01-01") == []


def test_a_corrected_file_has_no_rejects_any_more(lake):
    lake.write("clinic/patients/patients.csv", PATIENTS + "P3,Cy,X,1970-01-01,O+,Bern\n")
    lake.run()
    assert len(lake.quarantined("clinic.patients")) == 1
    lake.write("clinic/patients/patients.csv", PATIENTS + "P3,Cy,M,1970-01-01,O+,Bern\n")
    lake.run()
    assert lake.quarantined("clinic.patients") == []
    check = lake.quality()["clinic", "clinic.patients.gender_domain"]
    assert (check["failed"], check["checked"]) == (0, 3)
