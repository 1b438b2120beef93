"""Who a patient is stands in landing and identity and nowhere else."""

import json
import os
import re
import stat

import polars
from conftest import CONTRACTS, DOCTORS, PATIENTS, VISITS, carelake, clinic


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


def test_gold_can_be_read_without_the_key(lake):
    clinic(lake)
    lake.run()
    os.rename(lake.folder / "identity", lake.folder.parent / "elsewhere")
    assert lake.one("SELECT count(*) FROM gold.doctor_summary") == "1"
    assert carelake("tables", "--lake", lake.folder).returncode == 0
