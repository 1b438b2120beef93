"""Synthea exports: the six real ones, and drift in header names, order and columns."""

import gzip

import pytest
from conftest import Lake, dataset


@pytest.fixture(scope="module")
def exports(shared_data, tmp_path_factory):
    lake = Lake(tmp_path_factory.mktemp("synthea"))
    rows = {}
    for folder in sorted((shared_data / "synthea_csv").iterdir()):
        for file in sorted(folder.glob("*.csv.gz")):
            table = file.name.removesuffix(".csv.gz")
            lake.land(folder.name, table, file, feed="synthea")
            with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
                rows[folder.name, table] = sum(1 for _ in text) - 1
    return lake, lake.run(), rows


def test_every_export_loads_with_every_row_accounted_for(exports):
    _, report, rows = exports
    found = {(one["source"], one["dataset"]): one for one in report["datasets"]}
    assert {key: one["rows_in"] for key, one in found.items()} == rows
    for one in found.values():
        assert one["rows_in"] == one["accepted"] + one["rejected"] + one["deduplicated"]


def test_only_medications_that_end_before_they_begin_are_rejected(exports):
    lake, report, _ = exports
    rejected = {(one["source"], one["dataset"]): one["rejected"] for one in report["datasets"] if one["rejected"]}
    assert rejected == {("export_3", "medications"): 8, ("export_4", "medications"): 4, ("export_5", "medications"): 2, ("export_6", "medications"): 1}
    assert {row["rule"] for row in lake.quarantined("synthea")} == {"synthea.medications.stop_not_before_start"}


def test_silver_holds_what_was_accepted(exports):
    lake, report, _ = exports
    for table in ("patients", "encounters", "conditions", "medications", "procedures", "observations"):
        accepted = sum(one["accepted"] for one in report["datasets"] if one["dataset"] == table)
        assert int(lake.one(f"SELECT count(*) FROM silver.{table}")) == accepted


def test_all_exports_as_one_source_give_the_same_events(exports, shared_data, tmp_path_factory):
    one = Lake(tmp_path_factory.mktemp("one"))
    for number, folder in enumerate(sorted((shared_data / "synthea_csv").iterdir()), start=1):
        for table in ("patients", "encounters", "conditions"):
            one.land("synthea", table, folder / f"{table}.csv.gz", date=f"2024-01-{number:02}")
    one.run()
    for table in ("patients", "encounters", "conditions"):
        assert one.one(f"SELECT count(*) FROM silver.{table}") == exports[0].one(f"SELECT count(*) FROM silver.{table}")


PATIENTS = "Id,BIRTHDATE,GENDER,ZIP,RACE\np1,1980-01-01,F,1234,white\np2,1990-02-02,M,00000,black\n"


@pytest.mark.parametrize(
    "text",
    [
        PATIENTS,
        PATIENTS.replace("Id,BIRTHDATE,GENDER,ZIP,RACE", "id,birthdate,gender,zip,race"),
        "\ufeff" + PATIENTS,
        PATIENTS.replace("\n", "\r\n"),
        PATIENTS.rstrip("\n"),
        "RACE,ZIP,GENDER,BIRTHDATE,Id\nwhite,1234,F,1980-01-01,p1\nblack,00000,M,1990-02-02,p2\n",
    ],
    ids=["plain", "lower case", "byte order mark", "CRLF", "no final newline", "other order"],
)
def test_headers_are_matched_by_name(lake, text):
    lake.write("synthea/patients/patients.csv", text)
    assert dataset(lake.run(), "synthea", "patients")["accepted"] == 2
    found = lake.sql("SELECT gender, zip_code, birth_date, race FROM silver.patients ORDER BY birth_date")
    assert [tuple(row.values()) for row in found] == [("F", "01234", "1980-01-01", "white"), ("M", "", "1990-02-02", "black")]


def test_an_unknown_column_is_reported_and_kept_never_fatal(lake):
    lake.write("synthea/conditions/conditions.csv", "START,PATIENT,ENCOUNTER,CODE,DESCRIPTION,VERIFIED\n2020-01-01,p1,e1,44054006,Diabetes,yes\n")
    report = dataset(lake.run(), "synthea", "conditions")
    assert (report["accepted"], report["unknown_columns"]) == (1, ["VERIFIED"])
    assert lake.one("SELECT _extra FROM bronze.synthea_conditions") == '{"VERIFIED":"yes"}'


def test_an_unknown_column_of_patients_is_kept_where_only_the_restricted_role_reads(lake):
    lake.write("synthea/patients/patients.csv", "Id,BIRTHDATE,NICKNAME\np1,1980-01-01,Speedy\n")
    assert dataset(lake.run(), "synthea", "patients")["unknown_columns"] == ["NICKNAME"]
    assert lake.one("SELECT _extra FROM bronze.synthea_patients") == ""
    assert lake.one("SELECT _extra FROM identity.synthea_patients") == '{"NICKNAME":"Speedy"}'
