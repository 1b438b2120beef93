"""What holds for any lake: late parents, versions, time travel, formats, privacy, clear errors."""

import gzip
import json
import os
import re
import signal
import stat
import subprocess
import time

import polars
import pytest
from conftest import BINARY, ROOT, carelake, dataset

PATIENTS = "patient_id,name,gender,dob,blood_group,city\nP1,Ann Sentinel,F,1980-01-01,A+,Oslo\nP2,Bob Sentinel,M,1990-01-01,B+,Rome\n"
DOCTORS = "doctor_id,name,specialization,hospital\nD1,Dr. One,Cardiology,North\n"
VISITS = "visit_id,patient_id,doctor_id,visit_date,reason,visit_type\nV1,P1,D1,2024-01-01,Fever,Consultation\nV2,P3,D1,2024-01-02,Cough,Consultation\n"


def clinic(lake, **files):
    for name, text in {"patients": PATIENTS, "doctors": DOCTORS, "visits": VISITS, **files}.items():
        lake.write(f"clinic/{name}/{name}.csv", text)


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


def test_children_before_parents_give_the_same_lake(lake):
    lake.write("clinic/visits/visits.csv", VISITS)
    assert dataset(lake.run(), "clinic", "visits")["waiting"] == 2
    clinic(lake)
    lake.run()
    assert [row["encounter_id"] for row in lake.sql("SELECT encounter_id FROM silver.encounters")] == ["V1"]


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


@pytest.mark.parametrize("form", ["csv.gz", "csv.zst", "parquet", "ndjson", "ndjson.gz", "json"])
def test_every_format_gives_the_same_rows(lake, form, tmp_path):
    rows = [dict(zip(PATIENTS.splitlines()[0].split(","), line.split(","), strict=True)) for line in PATIENTS.splitlines()[1:]]
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    name = f"clinic/patients/patients.{form}"
    match form:
        case "csv.gz":
            lake.write(name, gzip.compress(PATIENTS.encode()))
        case "csv.zst":
            import pyarrow

            lake.write(name, pyarrow.compress(PATIENTS.encode(), "zstd", asbytes=True))
        case "parquet":
            file = lake.write(name, b"")
            polars.DataFrame(rows).write_parquet(file)
        case "ndjson":
            lake.write(name, lines)
        case "ndjson.gz":
            lake.write(name, gzip.compress(lines.encode()))
        case "json":
            lake.write(name, json.dumps(rows))
    assert dataset(lake.run(), "clinic", "patients")["accepted"] == 2
    found = lake.sql("SELECT real_patient_id, full_name FROM identity.patients ORDER BY 1")
    assert [tuple(row.values()) for row in found] == [("P1", "Ann Sentinel"), ("P2", "Bob Sentinel")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.csv.gz", gzip.compress(PATIENTS.encode() * 100)[:-20]),
        ("not.csv.gz", PATIENTS.encode()),
        ("empty.csv", b""),
        ("headless.csv", b"P1,Ann Sentinel,F,1980-01-01,A+,Oslo\n"),
        ("broken.json", b'[{"patient_id": "P1"}, {'),
        ("not.parquet", b"PAR1 nothing PAR1"),
    ],
)
def test_an_unreadable_file_is_quarantined_whole_and_its_neighbours_are_not(lake, name, content):
    lake.write(f"clinic/patients/{name}", content)
    lake.write("clinic/patients/good.csv", PATIENTS)
    report = dataset(lake.run(), "clinic", "patients")
    assert (report["accepted"], report["unreadable_files"]) == (2, 1)
    assert [row["_row"] for row in lake.quarantined("clinic.patients.file.readable")] == [0]


def test_bad_rows_do_not_fail_the_read(lake):
    header = PATIENTS.splitlines()[0].encode() + b"\n"
    rows = [
        b"P1,Ann,F,1980-01-01,A+,Oslo",
        b"P2,Bob,M,1980-13-01,A+,Oslo",
        b"P3,too,few",
        b"P4,\xff\xfe,F,1980-01-01,A+,Oslo",
        b'P5,"Quote, ""d""",F,1980-01-01,A+,Oslo',
    ]
    lake.write("clinic/patients/patients.csv", header + b"\n".join(rows))
    report = dataset(lake.run(), "clinic", "patients")
    assert (report["rows_in"], report["accepted"], report["rejected"]) == (5, 2, 3)
    assert {(row["rule"], row["_row"]) for row in lake.quarantined("clinic.patients")} == {
        ("clinic.patients.dob.type", 2),
        ("clinic.patients.row.shape", 3),
        ("clinic.patients.row.encoding", 4),
    }


def test_identifiers_are_nowhere_but_in_landing_and_identity(lake):
    bad = "P9,Zed Sentinel,X,1980-01-01,A+,Oslo\n"
    lake.write("clinic/patients/Sentinel_P1.csv", PATIENTS + bad)
    lake.write("clinic/doctors/doctors.csv", DOCTORS)
    lake.write("clinic/visits/visits.csv", VISITS)
    done = carelake(*lake.arguments())
    assert "Sentinel" not in done.stdout + done.stderr
    for path in lake.folder.rglob("*"):
        if path.is_dir() or lake.folder / "identity" in path.parents:
            continue
        assert "Sentinel" not in str(path)
        if path.suffix == ".parquet":
            content = str(polars.read_parquet(path, hive_partitioning=False).to_dicts())
        else:
            content = path.read_bytes().decode("utf-8", "replace")
        assert "Sentinel" not in content, path
        assert not re.search(r"\bP[1239]\b", content), path
    assert "Sentinel" in str(lake.sql("SELECT * FROM identity.clinic_patients"))


def test_the_key_and_identity_are_private(lake):
    clinic(lake)
    lake.run()
    assert stat.S_IMODE(os.stat(lake.folder / "identity").st_mode) == 0o700
    assert stat.S_IMODE(os.stat(lake.folder / "identity/.key").st_mode) == 0o600


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


@pytest.mark.parametrize("delay", [0.02, 0.05, 0.1, 0.2, 0.3])
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
        "SELECT source, count(*) AS n FROM silver.observations GROUP BY source",
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


CONTRACTS = ROOT / "shared/contracts"


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


def test_quarantine_replay_takes_the_files_again(lake):
    lake.write("clinic/patients/patients.csv", PATIENTS + "P3,,F,1970-01-01,O+,Bern\n")
    lake.run()
    before = lake.quarantined("clinic.patients")
    out = carelake("quarantine", "replay", "--source", "clinic", "--landing", lake.landing, "--lake", lake.folder).stdout
    assert "1 files are taken again" in out
    assert lake.quarantined("clinic.patients") == before
    assert lake.one("SELECT count(*) FROM silver.patients") == "2"


def test_watch_takes_files_as_they_arrive(lake):
    lake.write("clinic/patients/patients.csv", PATIENTS)
    arguments = ["watch", "--every", "1", "--landing", lake.landing, "--lake", lake.folder]
    process = subprocess.Popen([BINARY, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        deadline = time.monotonic() + 60
        wanted = 2
        while time.monotonic() < deadline:
            done = carelake("sql", "--lake", lake.folder, "--format", "csv", "SELECT count(*) FROM silver.patients", check=False)
            if done.returncode == 0 and done.stdout.split()[-1] == str(wanted):
                if wanted == 3:
                    return
                wanted = 3
                lake.write("clinic/patients/more.csv", PATIENTS.splitlines()[0] + "\nP3,Cy,M,1970-01-01,O+,Bern\n")
            time.sleep(0.3)
        pytest.fail("the new file was not taken")
    finally:
        process.terminate()
        process.communicate()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--landing", "/no/such/folder"], "is not a folder"),
        (["sql", "--lake", "/no/such/lake", "select 1"], "is not a lake"),
        (["land", "clinic", "patients", "notes.docx"], "not a file that carelake reads"),
        (["land", "Clinic", "patients", "a.csv"], "cannot be a folder"),
    ],
)
def test_errors_say_what_to_do(arguments, words, tmp_path):
    done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "panicked" not in done.stderr


def test_queries_read_and_never_write(lake):
    clinic(lake)
    lake.run()
    for query in ("DROP TABLE silver.patients", "CREATE TABLE x AS SELECT 1", "COPY (SELECT 1) TO '/tmp/x.csv'"):
        assert carelake("sql", "--lake", lake.folder, query, check=False).returncode == 2


def test_hostile_landing_paths_are_ignored_and_counted(lake):
    clinic(lake)
    for path in ("Clinic/patients/a.csv", "clinic/patients/not-a-date/a.csv", "clinic/patients/a.exe", "unknown/patients/a.csv", "clinic/x y/a.csv"):
        lake.write(path, PATIENTS)
    report = lake.run()
    assert sum(report["ignored_files"].values()) == 5
    assert dataset(report, "clinic", "patients")["files"] == 1


def test_formula_like_text_is_neutralised_only_on_export(lake):
    lake.write("clinic/doctors/doctors.csv", DOCTORS.replace("Cardiology", "=1+1"))
    lake.run()
    assert lake.one("SELECT specialty FROM silver.practitioners") == "'=1+1"
    frame = polars.read_delta(str(lake.folder / "silver/practitioners"))
    assert frame["specialty"].to_list() == ["=1+1"]


def test_an_overwritten_file_counts_as_it_is_now(lake):
    """Also when it goes back to what it was before."""
    for city in ("Oslo", "Quito", "Oslo"):
        lake.write("clinic/patients/patients.csv", PATIENTS.replace("Oslo", city))
        lake.run()
        assert lake.one("SELECT city FROM silver.patients WHERE gender = 'F'") == city


def test_an_error_of_a_query_names_no_value(lake):
    clinic(lake)
    lake.run()
    done = carelake("sql", "--lake", lake.folder, "SELECT CAST(full_name AS INTEGER) FROM identity.patients", check=False)
    assert done.returncode == 2
    assert "Sentinel" not in done.stderr + done.stdout


def test_a_mapping_that_cannot_take_a_value_fails_its_dataset_alone_and_names_no_value(lake, tmp_path):
    clinic(lake)
    own = tmp_path / "own/feeds/clinic"
    own.mkdir(parents=True)
    mapping = (CONTRACTS / "feeds/clinic/patients.identity.sql").read_text()
    (own / "patients.identity.sql").write_text(mapping.replace("name AS full_name", "CAST(CAST(name AS INTEGER) AS VARCHAR) AS full_name"))
    assert mapping != (own / "patients.identity.sql").read_text()
    done = carelake(*lake.arguments("--contracts", tmp_path / "own"), check=False)
    assert done.returncode == 3
    report = json.loads(done.stdout)
    assert len(report["failures"]) == 1
    assert "clinic/patients" in report["failures"][0]
    assert "Sentinel" not in done.stdout + done.stderr
    assert lake.one("SELECT count(*) FROM silver.practitioners") == "1"
    lake.run()
    assert lake.one("SELECT count(*) FROM identity.patients") == "2"


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


def test_gold_can_be_read_without_the_key(lake):
    clinic(lake)
    lake.run()
    os.rename(lake.folder / "identity", lake.folder.parent / "elsewhere")
    assert lake.one("SELECT count(*) FROM gold.doctor_summary") == "1"
    assert carelake("tables", "--lake", lake.folder).returncode == 0


def test_a_mart_before_its_first_version_is_empty(lake):
    clinic(lake)
    lake.run()
    assert lake.sql("SELECT * FROM gold.dim_patients", "--as-of", "2020-01-01") == []


def test_an_interrupted_watch_ends_at_once(lake):
    carelake("generate", "--patients", 300, "--seed", 1, "--out", lake.landing)
    process = subprocess.Popen([BINARY, "watch", "--landing", lake.landing, "--lake", lake.folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 0
