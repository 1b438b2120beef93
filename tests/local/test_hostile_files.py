"""Hostile files beside good ones: each is typed rightly or set aside with what to do, in bounded memory, naming nobody."""

import gzip
import io
import json
import re
import struct
import subprocess
import sys
from collections import Counter
from datetime import datetime

import polars
import pyarrow
import pyarrow.parquet
import pytest
from conftest import BINARY, PATIENTS, VISITS, Lake, carelake, clinic, dataset

HEADER = PATIENTS.splitlines()[0] + "\n"
MEMORY = 256 << 20


def packed(codec: str, content: bytes) -> bytes:
    return pyarrow.compress(content, codec, asbytes=True)


def parquet(columns: dict, **options) -> bytes:
    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), out, **options)
    return out.getvalue()


def sentinels(lake, *outputs: str):
    """Nothing outside identity names anyone of the hostile files."""
    for output in outputs:
        assert "Sentinel" not in output
    for path in lake.folder.rglob("*"):
        if path.is_dir() or lake.folder / "identity" in path.parents:
            continue
        content = str(polars.read_parquet(path).to_dicts()) if path.suffix == ".parquet" else path.read_bytes().decode("utf-8", "replace")
        assert "Sentinel" not in content, path


NOBODY = f"{HEADER}S1,Carl Sentinel,M,1970-01-01,A+,Bonn\n".encode()
RECORD = b'{"patient_id": "S1", "name": "Carl Sentinel"}'
SMALL = parquet({"patient_id": ["S1"], "name": ["Carl Sentinel"]})

UNREADABLE = {
    "zero.csv": (b"", "the file is empty"),
    "zero.ndjson": (b"", "the file is empty"),
    "zero.parquet": (b"", "the file is empty"),
    "utf16-le.csv": (NOBODY.decode().encode("utf-16"), "the file is UTF-16 text; save it as UTF-8"),
    "utf16-be.csv": (NOBODY.decode().encode("utf-16-be"), "the file is UTF-16 text or binary; save it as UTF-8"),
    "gzip.csv": (gzip.compress(NOBODY), "the content is gzip; end the name in .gz, and compress it once"),
    "plain.csv.gz": (NOBODY, "the name ends in .gz, but the content is not gzip"),
    "gzip.csv.zst": (gzip.compress(NOBODY), "the name ends in .zst, but the content is not Zstandard"),
    "cut.csv.gz": (gzip.compress(NOBODY)[:-9], "the compressed data is damaged or cut short"),
    "cut.csv.zst": (packed("zstd", NOBODY)[:-5], "the compressed data is damaged or cut short"),
    "parquet.csv": (SMALL, "the content is Parquet; end the name in .parquet"),
    "sheet.csv": (b"PK\x03\x04Sentinel", "the content is a ZIP archive or a spreadsheet; export it as CSV"),
    "headless.csv": (NOBODY.splitlines()[1], "the first line has none of the contract's column names"),
    "csv.json": (NOBODY, "the file is not one JSON array of records"),
    "more.json": (b"[" + RECORD + b"] Sentinel", "text follows the end of the JSON; one record a line is called .ndjson"),
    "lines.json": (RECORD + b"\n" + RECORD, "text follows the end of the JSON; one record a line is called .ndjson"),
    "cut.json": (b"[" + RECORD, "the file breaks off within a record or before its last ]"),
    "array.ndjson": (b"[" + RECORD + b"]", "the content is a JSON array; end the name in .json"),
    "csv.parquet": (NOBODY, "the file is not Parquet, or damaged"),
    "cut.parquet": (SMALL[:-20], "the file is not Parquet, or damaged"),
    "sealed.parquet": (SMALL[:-1] + b"E", "the Parquet file is encrypted; send it decrypted"),
    "claims.parquet": (
        b"PAR1" + bytes.fromhex("1502191c480172150000160019fcffffffff07") + struct.pack("<I", 19) + b"PAR1",
        "the file is not Parquet, or damaged",
    ),
}


def test_each_unreadable_file_is_quarantined_with_what_to_do_and_its_neighbours_are_taken(lake):
    for name, (content, _) in UNREADABLE.items():
        lake.write(f"clinic/patients/{name}", content)
    clinic(lake)
    done = carelake(*lake.arguments())
    report = dataset(json.loads(done.stdout), "clinic", "patients")
    assert (report["accepted"], report["unreadable_files"]) == (2, len(UNREADABLE))
    found = lake.quarantined("clinic.patients.file.readable")
    assert Counter(row["reason"] for row in found) == Counter(reason for _, reason in UNREADABLE.values())
    assert lake.one("SELECT count(*) FROM silver.patients") == "2"
    sentinels(lake, done.stdout, done.stderr, str(found))


def test_bad_records_spoil_no_other_record_of_their_file(lake):
    good = '{"patient_id": "G%s", "name": "Ann", "gender": "F"}'
    bad = [
        '{"patient_id": "S1", "name": "Carl Sentinel", "more": %s}' % ("[" * 10_000 + "]" * 10_000),
        '{"patient_id": "S2", "name": NaN}',
        '{"patient_id": "S3", "name": "Carl Sentinel \\ud800"}',
        '{"patient_id": "S4", "patient_id": "S5", "name": "Carl Sentinel"}',
        '"Carl Sentinel"',
    ]
    records = [good % 1, *bad, good % 2]
    lake.write("clinic/patients/a.ndjson", "\n".join(records))
    lake.write("clinic/patients/b.json", "\ufeff[" + ",".join(records).replace("G", "H") + "]")
    lake.write("clinic/patients/c.csv", PATIENTS)
    done = carelake(*lake.arguments())
    report = dataset(json.loads(done.stdout), "clinic", "patients")
    assert (report["rows_in"], report["accepted"], report["rejected"]) == (16, 6, 10)
    assert sorted(row["_row"] for row in lake.quarantined("clinic.patients.row.encoding")) == sorted([2, 3, 4, 5, 6] * 2)
    assert {row["real_patient_id"] for row in lake.sql("SELECT real_patient_id FROM identity.patients")} == {"G1", "G2", "H1", "H2", "P1", "P2"}
    sentinels(lake, done.stdout, done.stderr)


def test_dates_that_are_none_are_rejected_and_no_guess_is_made_between_day_and_month(lake):
    days = ["2024-02-29", "2023-02-29", "0000-01-01", "10000-01-01", "31/12/1990", "01/02/1990", "2999-01-01"]
    rows = "".join(f"P{index},Ann,F,{day},A+,Oslo\n" for index, day in enumerate(days))
    clinic(lake, patients=HEADER + rows, visits=VISITS.replace("P1", "P6").replace("P3", "P0"))
    lake.run()
    assert [row["_row"] for row in lake.quarantined("clinic.patients.dob.type")] == [2, 3, 4, 5, 6]
    assert [str(row["dob"]) for row in lake.sql("SELECT dob FROM bronze.clinic_patients ORDER BY dob")] == ["2024-02-29", "2999-01-01"]
    # Born in the future, and seen before that: counted; born on 29 February of that year, and seen in January: so too.
    assert lake.quality()["clinic", "clinic.visits.visit_before_birth"]["failed"] == 2


def test_numbers_keep_every_digit_and_moments_their_zone(lake):
    lake.write("clinic/patients/a.ndjson", '{"patient_id": 12345678901234567890123, "name": "Ann", "gender": "F", "seen": 9007199254740993}\n')
    columns = {"patient_id": ["P2", "P3"], "name": ["Bob", "Eve"], "gender": ["M", "F"]}
    moments = [datetime(1, 1, 1), datetime(9999, 12, 31)]
    lake.write("clinic/patients/b.parquet", parquet({**columns, "dob": moments}, use_deprecated_int96_timestamps=True))
    zoned = pyarrow.array([datetime(1990, 1, 1), None], pyarrow.timestamp("us", "Europe/Oslo"))
    lake.write("clinic/patients/c.parquet", parquet({**columns, "patient_id": ["P4", "P5"], "dob": zoned}))
    assert dataset(lake.run(), "clinic", "patients")["accepted"] == 5
    ids = {row["real_patient_id"] for row in lake.sql("SELECT real_patient_id FROM identity.clinic_patients")}
    assert ids == {"12345678901234567890123", "P2", "P3", "P4", "P5"}
    assert lake.one("SELECT _extra FROM identity.clinic_patients WHERE _extra IS NOT NULL") == '{"seen":9007199254740993}'
    days = [row["dob"] for row in lake.sql("SELECT dob FROM bronze.clinic_patients WHERE dob IS NOT NULL ORDER BY dob")]
    assert days == ["0001-01-01", "1990-01-01", "9999-12-31"]


def test_an_identifier_that_looks_like_sql_is_a_value_everywhere(lake):
    evil = "P1'; DROP TABLE patients; --"
    clinic(lake, patients=PATIENTS.replace("P1", evil), visits=VISITS.replace("P1", evil))
    lake.run()
    lake.write("clinic/visits/later.csv", VISITS.replace("V1", "V3").replace("P1", evil))
    lake.run()
    out = carelake("call", "--lake", lake.folder, "get_patient_history", evil, "--format", "csv").stdout
    assert len(re.findall("Ann Sentinel", out)) == 2
    assert lake.one("SELECT count(*) FROM silver.patients") == "2"


def test_a_formula_behind_a_tab_is_neutralised_on_export(lake):
    clinic(lake)
    lake.run()
    assert lake.one("SELECT chr(9) || '=1+1' AS cell") == "'\t=1+1"


def test_ten_thousand_columns_are_read(lake):
    names = "".join(f",c{index}" for index in range(10_000))
    lake.write("clinic/patients/wide.csv", f"{HEADER.strip()}{names}\nP1,Ann,F,1980-01-01,A+,Oslo{',1' * 10_000}\n")
    lake.write("clinic/patients/good.csv", PATIENTS.replace("P1", "P3"))
    assert dataset(lake.run(), "clinic", "patients")["accepted"] == 3


def hollow(lake, name: str, start: bytes, size: int, end: bytes):
    """A file with a hole of `size` zeros in its middle: it takes no room on the disk."""
    file = lake.write(f"clinic/patients/{name}", start)
    with file.open("r+b") as handle:
        handle.seek(len(start) + size)
        handle.write(end)


@pytest.fixture(scope="module")
def small_run(tmp_path_factory) -> int:
    """Peak memory of a run of small files: the program itself."""
    lake = Lake(tmp_path_factory.mktemp("small"))
    clinic(lake)
    return measured(lake)[1]


# A small process between this one and the command: a new process begins with the peak of the one that made it.
BETWEEN = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(done.returncode)
"""


def measured(lake) -> tuple[dict, int]:
    """The report of a run and its peak of resident memory in bytes."""
    command = [sys.executable, "-S", "-c", BETWEEN, BINARY, *lake.arguments("--workers", "1")]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "Sentinel" not in done.stdout + done.stderr
    return json.loads(done.stdout), int(done.stderr.splitlines()[-1]) << 10


HUGE = {
    "a CSV field of 500 MB": ("a.csv", f"{HEADER}S1,".encode(), 500 << 20, b",F,,,\nG1,Ann,F,,,\n", "row.size"),
    "a JSON record of 200 MB": ("a.json", b'[{"name": "', 200 << 20, b'"}, {"patient_id": "G1", "name": "Ann", "gender": "F"}]', "row.size"),
    "an NDJSON line of 200 MB": ("a.ndjson", b'{"name": "', 200 << 20, b'"}\n{"patient_id": "G1", "name": "Ann", "gender": "F"}', "row.size"),
}


@pytest.mark.parametrize("case", HUGE)
def test_a_record_of_any_size_is_set_aside_in_bounded_memory(lake, small_run, case):
    name, start, size, end, check = HUGE[case]
    hollow(lake, name, start, size, end)
    lake.write("clinic/patients/good.csv", PATIENTS)
    report, memory = measured(lake)
    assert dataset(report, "clinic", "patients")["accepted"] == 3
    assert [row["_row"] for row in lake.quarantined(f"clinic.patients.{check}")] == [1]
    assert memory < small_run + MEMORY


def test_bombs_and_huge_claims_are_refused_in_bounded_memory(lake, small_run):
    big = NOBODY + b"x" * (100 << 20)
    lake.write("clinic/patients/bomb.csv.gz", gzip.compress(big, 6))
    lake.write("clinic/patients/bomb.csv.zst", packed("zstd", big))
    lake.write("clinic/patients/bomb.json.zst", packed("zstd", b"[" * (100 << 20)))
    lake.write("clinic/patients/bomb.ndjson.gz", gzip.compress(b'{"a":' * (20 << 20), 6))
    many = '[{"a": [' + "0," * 3_000_000 + "0]}]"
    lake.write("clinic/patients/values.json", many)
    page = {"patient_id": [f"S{index}" for index in range(100)], "name": ["x" * (1 << 20)] * 100}
    lake.write("clinic/patients/page.parquet", parquet(page, compression="zstd", use_dictionary=False, data_page_size=1 << 30))
    lake.write("clinic/patients/repeat.parquet", parquet({**page, "name": ["x" * (1 << 20)] * 100}, compression="zstd"))
    hollow(lake, "footer.parquet", b"PAR1", 900 << 20, struct.pack("<I", 900 << 20) + b"PAR1")
    lake.write("clinic/patients/good.csv", PATIENTS)
    report, memory = measured(lake)
    taken = dataset(report, "clinic", "patients")
    assert (taken["accepted"], taken["rejected"], taken["unreadable_files"]) == (2, 1, 7)
    reasons = Counter(row["reason"] for row in lake.quarantined("clinic.patients.file.readable"))
    assert reasons == {
        "the file unpacks to more than 64 GiB or 250 times its size": 5,
        "pages of the Parquet file are too large to read in bounded memory; write smaller ones": 1,
        "the footer of the Parquet file is larger than 16 MiB; split the file": 1,
    }
    assert memory < small_run + MEMORY
