"""Files of every form, good and bad: typed rightly or in quarantine with a reason, neighbours unharmed."""

import gzip
import json

import polars
import pytest
from conftest import DOCTORS, PATIENTS, clinic, dataset


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
