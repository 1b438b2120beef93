"""The measures explain themselves: on the command line, in the documentation, in the lake."""

import csv

import pytest
from conftest import CONTRACTS, ROOT, Lake, carelake
from synthea_files import Export


def test_list_names_every_measure():
    out = carelake("measures", "list").stdout
    for name in ("readmission_30d", "medication_adherence", "vw_patient_journey", "disease_alerts", "patient_feature_store"):
        assert f" {name} " in out
    headers = [file.read_text() for file in (ROOT / "shared/sql/gold").glob("*.sql")]
    assert f"{sum('-- measure: ' in text for text in headers)} measures" in out


def test_explain_gives_definition_version_source_and_exclusions():
    out = carelake("measures", "explain", "readmission_stays").stdout
    for words in ("version 1", "CMS hospital-wide readmission", "HEDIS", "transferred", "planned_readmission", "silver.procedures", "UTC"):
        assert words in out
    assert "SELECT" not in out
    assert "SELECT" in carelake("measures", "explain", "readmission_stays", "--sql").stdout


def test_explain_of_an_unknown_measure_names_those_there_are():
    done = carelake("measures", "explain", "nonsense", check=False)
    assert done.returncode == 2
    assert "readmission_30d" in done.stderr


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    lake = Lake(tmp_path_factory.mktemp("explained"))
    export = Export()
    export.patient("p1")
    export.condition("p1", "e1", "44054006", "2024-01-01")
    export.write(lake)
    lake.run()
    return lake


def test_code_lists_are_tables_with_a_source_and_a_date_for_every_entry(lake):
    for file in sorted((CONTRACTS / "codes").glob("*.csv")):
        rows = list(csv.DictReader(file.open()))
        assert lake.sql(f"SELECT * FROM codes.{file.stem}") == rows
        for row in rows:
            assert row["source"], (file.stem, row)
            assert row["as_of"][:2] == "20", (file.stem, row)


def test_a_list_of_ones_own_changes_the_measure(lake, tmp_path):
    before = lake.one("SELECT COUNT(*) FROM disease_trends WHERE kind = 'cohort'")
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes/named_cohorts.csv").write_text("cohort,code,description,source,as_of\nsweet,44054006,D,S,2026-01-01\nother,44054006,D,S,2026-01-01\n")
    lake.run("--contracts", tmp_path)
    assert lake.one("SELECT COUNT(*) FROM disease_trends WHERE kind = 'cohort'") == str(2 * int(before))
    assert {row["code"] for row in lake.sql("SELECT code FROM disease_trends WHERE kind = 'cohort'")} == {"sweet", "other"}
    lake.run()
    assert lake.one("SELECT COUNT(*) FROM disease_trends WHERE kind = 'cohort'") == before


def versions(lake, table):
    return carelake("history", "--lake", lake.folder, table).stdout.count("WRITE")


def test_a_mart_is_left_alone_while_nothing_under_it_changes(tmp_path):
    lake, export = Lake(tmp_path), Export()
    export.patient("p1")
    export.condition("p1", "e1", "44054006", "2024-01-01")
    export.write(lake)
    lake.run()
    assert versions(lake, "disease_trends") == versions(lake, "dim_doctors") == 1
    lake.write("network/doctors/doctors.csv", "doctor_id,doctor_name,department,years_experience\nD1,Ann,Cardiology,3\n")
    lake.run()
    assert (versions(lake, "dim_doctors"), versions(lake, "readmission_stays")) == (2, 2)  # the sources are others
    lake.write("network/doctors/more.csv", "doctor_id,doctor_name,department,years_experience\nD2,Bob,Cardiology,4\n")
    lake.run()
    assert (versions(lake, "dim_doctors"), versions(lake, "readmission_stays"), versions(lake, "disease_trends")) == (3, 2, 2)
    lake.write("synthea/conditions/more.csv", "START,PATIENT,ENCOUNTER,CODE,DESCRIPTION\n2024-02-01,p1,e1,59621000,Hypertension\n")
    lake.run()
    assert (versions(lake, "dim_doctors"), versions(lake, "readmission_stays"), versions(lake, "disease_trends")) == (3, 2, 3)
    assert lake.one("SELECT COUNT(*) FROM disease_trends WHERE code = '59621000'") == "2"
