"""Rows for others: the Safe Harbor profile on generated data, and a scanner that finds what does not belong there."""

import csv
import json
import shutil

import polars
import pytest
from conftest import CONTRACTS, Lake, carelake


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    lake = Lake(tmp_path_factory.mktemp("export"))
    carelake("generate", "--patients", 80, "--seed", 9, "--as-of", "2025-06-30", "--out", lake.landing)
    old = "Id,BIRTHDATE,GENDER,ZIP,RACE,FIRST,LAST\nold1,1930-05-05,F,3601,white,Zenobia,Quartermain\nnew1,1990-02-02,M,02118,black,Aurelio,Vandersteen\nout1,1935-07-01,M,00601,white,Bo,Li\n"
    lake.write("synthea/patients/2025-06-01/few.csv", old)
    lake.run()
    out = lake.folder.parent / "shared"
    done = carelake("export", "--lake", lake.folder, "--profile", "safe-harbor", "--out", out)
    return lake, out, done


def table(out, name):
    return polars.read_parquet(out / f"{name}.parquet")


def test_the_scan_of_an_export_finds_nothing(exported):
    lake, out, done = exported
    assert "found nothing" in done.stdout
    assert json.loads((out / "manifest.json").read_text())["findings"] == []
    assert "found nothing" in carelake("export", "--lake", lake.folder, "--profile", "safe-harbor", "--out", out, "--scan").stdout


def test_no_value_of_the_identity_layer_leaves(exported):
    lake, out, _ = exported
    known = {
        value
        for row in lake.sql("SELECT * FROM identity.patients")
        for name, value in row.items()
        if len(value) > 2 and name not in ("source", "feed", "_order", "_row", "ingest_date", "updated_at")
    }
    known |= {row["encounter_id"] for row in lake.sql("SELECT encounter_id FROM silver.encounters")}
    assert len(known) > 500
    for file in out.glob("*.parquet"):
        for column in polars.read_parquet(file).iter_columns():
            if column.dtype == polars.String:
                assert not known & set(column.drop_nulls().to_list()), (file.name, column.name)


def test_dates_are_years_and_no_column_is_a_date(exported):
    _, out, _ = exported
    for file in out.glob("*.parquet"):
        assert not any(kind.is_temporal() for kind in polars.read_parquet(file).dtypes), file.name
    years = table(out, "encounters")["start_year"].drop_nulls()
    assert years.dtype == polars.Int32
    assert years.min() > 1900


def test_ages_over_89_are_one_class_and_no_birth_year_tells_them(exported):
    lake, out, _ = exported
    born = table(out, "patients")["birth_year"].drop_nulls()
    assert born.min() >= 2025 - 89
    truly = lake.sql("SELECT count(*) AS n FROM silver.patients WHERE year(birth_date) < 1936")[0]["n"]
    assert int(truly) >= 2
    ages = set(table(out, "patients")["age"].drop_nulls().to_list())
    assert all(age == "90+" or 0 <= int(age) <= 89 for age in ages)


def test_zip_codes_have_three_digits_and_those_of_few_people_none(exported):
    _, out, _ = exported
    with (CONTRACTS / "codes/restricted_zip3.csv").open() as file:
        few = {row["code"] for row in csv.DictReader(file)}
    assert len(few) == 17
    zips = set(table(out, "patients")["zip3"].drop_nulls().to_list())
    assert "000" in zips
    assert "021" in zips
    assert all(len(zip3) == 3 for zip3 in zips)
    assert not zips & few


def test_rows_still_belong_together(exported):
    lake, out, _ = exported
    encounters, patients = table(out, "encounters"), table(out, "patients")
    assert patients["patient_id"].n_unique() == len(patients)
    joined = encounters.join(patients, on=["source", "patient_id"], how="inner")
    wanted = lake.one("SELECT count(*) FROM silver.encounters e JOIN silver.patients p ON p.source = e.source AND p.patient_id = e.patient_id")
    assert len(joined) == int(wanted) > 0


def test_codes_are_drawn_anew_for_each_export(exported, tmp_path):
    lake, out, _ = exported
    carelake("export", "--lake", lake.folder, "--profile", "safe-harbor", "--out", tmp_path / "again", "--source", "synthea")
    again = table(tmp_path / "again", "patients")
    assert not set(again["patient_id"]) & set(table(out, "patients")["patient_id"])
    assert again["source"].n_unique() == 1


@pytest.mark.parametrize(
    ("column", "value", "what"),
    [
        ("race", "Quartermain", "a value by which the lake knows a person"),
        ("race", "555-201-3344", "a telephone number"),
        ("race", "999-12-3456", "a social security number"),
        ("race", "a@b.example", "an e-mail address"),
        ("race", "born 2020-01-02", "a date"),
        ("race", "https://example.org", "a web address"),
        ("race", "10.0.0.1", "a network address"),
        ("zip3", "036", "three digits of a ZIP code of few people"),
        ("zip3", "02118", "more of a ZIP code than three digits"),
        ("age", "93", "a great age"),
        ("birth_year", 1930, "a year that tells a great age"),
        ("patient_id", "P-17", "an identifier that is no code"),
        ("nickname", "x", "a column that the profile does not name"),
    ],
)
def test_the_scanner_finds_what_does_not_belong_there(exported, tmp_path, column, value, what):
    lake, out, _ = exported
    folder = tmp_path / "spoilt"
    shutil.copytree(out, folder)
    rows = table(folder, "patients")
    kind = rows.schema.get(column, polars.String)
    spoilt = [value, *(rows[column].to_list()[1:] if column in rows.columns else [None] * (len(rows) - 1))]
    rows.with_columns(polars.Series(column, spoilt, dtype=kind)).write_parquet(folder / "patients.parquet")
    done = carelake("export", "--lake", lake.folder, "--profile", "safe-harbor", "--out", folder, "--scan", check=False)
    assert done.returncode == 1
    assert what in done.stdout
    if column != "nickname":
        assert str(value) not in done.stdout


def test_a_date_column_is_found(exported, tmp_path):
    lake, out, _ = exported
    folder = tmp_path / "dated"
    shutil.copytree(out, folder)
    rows = table(folder, "patients")
    rows.with_columns(polars.lit("2020-01-02").str.to_date().alias("death_year")).write_parquet(folder / "patients.parquet")
    done = carelake("export", "--lake", lake.folder, "--profile", "safe-harbor", "--out", folder, "--scan", check=False)
    assert done.returncode == 1
    assert "a date" in done.stdout


def test_an_export_does_not_write_into_a_folder_that_holds_something(exported, tmp_path):
    (tmp_path / "note.txt").write_text("mine")
    done = carelake("export", "--lake", exported[0].folder, "--profile", "safe-harbor", "--out", tmp_path, check=False)
    assert done.returncode == 2
    assert "not empty" in done.stderr


def test_an_unknown_profile_names_those_there_are(exported, tmp_path):
    done = carelake("export", "--lake", exported[0].folder, "--profile", "open", "--out", tmp_path / "x", check=False)
    assert done.returncode == 2
    assert "safe-harbor" in done.stderr
