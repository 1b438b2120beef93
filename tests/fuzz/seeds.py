"""Writes small files for the fuzzers to begin with: `seeds.py FOLDER` makes FOLDER/<target>/."""

import gzip
import io
import json
import sys
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
CONTRACTS = HERE.parent.parent / "shared/contracts"
PATIENTS = b'patient_id,name,gender,dob,blood_group,city\nP1,Ann,F,1980-01-01,A+,Oslo\nP2,"Bob, ""B""",M,1990-02-29,B+,\n'
VISIT = {
    "patient_id": "P1",
    "visits": [{"visit_id": "V1", "diagnoses": [{"code": "A", "treatments": [{"drug": "x", "cost": 1.5}, {"drug": "y"}]}]}],
}


def csv_seeds():
    yield PATIENTS
    yield b"\xef\xbb\xbf" + PATIENTS.replace(b"\n", b"\r\n")
    yield PATIENTS.replace(b"Ann", b"A\nn\x00n\xff") + b"P3,few\n"
    yield PATIENTS.replace(b"city", b"name,unknown")
    yield gzip.compress(PATIENTS, mtime=0)
    yield pa.compress(PATIENTS, "zstd", asbytes=True)
    yield PATIENTS.decode().encode("utf-16")


def records():
    yield {"patient_id": "P1", "name": "Ann", "dob": "1980-01-01", "more": [1, {"a": None}], "NAME": 1.5e300}
    yield VISIT
    yield {"patient_id": 12345678901234567890123, "name": "\ud83d\ude00\u0000"}


def json_seeds():
    yield json.dumps(list(records())).encode()
    yield b"\xef\xbb\xbf [ ]"
    yield json.dumps(VISIT, indent=1).encode()
    yield b'[1, "x", null, {"a": "\\ud800"}, {"a": 1, "a": 2}, {"a": NaN}, [[]]]'


def ndjson_seeds():
    yield b"\n".join(json.dumps(record).encode() for record in records())
    yield b'{"patient_id": "P1"}\r\n\r\n{"patient_id":\n'


def parquet_seeds():
    text = pa.table({"patient_id": ["P1", "P2", None], "name": ["Ann", "Bob", "Ann"]})
    kinds = pa.table(
        {
            "patient_id": pa.array([b"P1", b"\xff", None]),
            "dob": pa.array([date(1980, 1, 1), None, date(9999, 12, 31)]),
            "at": pa.array([datetime(2024, 2, 29, 1, 2, 3), None, datetime(1, 1, 1)], pa.timestamp("us", "UTC")),
            "cost": pa.array([1, 2, None], pa.decimal128(18, 2)),
            "list": [[1, 2], [], None],
            "struct": [{"a": 1, "b": ["x"]}, None, {"a": 2, "b": None}],
            "flag": [True, None, False],
            "half": pa.array([1.5, None, 2.5], pa.float32()),
        }
    )
    for table in (text, kinds):
        for options in (
            {"compression": "none"},
            {"compression": "snappy", "data_page_version": "2.0"},
            {"compression": "gzip", "use_dictionary": False},
            {"compression": "zstd", "store_schema": False, "write_page_index": True},
        ):
            out = io.BytesIO()
            pq.write_table(table, out, **options)
            yield out.getvalue()
    deltas = {"patient_id": "DELTA_BYTE_ARRAY", "name": "DELTA_LENGTH_BYTE_ARRAY"}
    for version in ("1.0", "2.0"):
        out = io.BytesIO()
        pq.write_table(text, out, use_dictionary=False, column_encoding=deltas, data_page_version=version)
        yield out.getvalue()
    out = io.BytesIO()
    numbers = pa.table({"patient_id": list(range(300)), "half": [float(number) for number in range(300)]})
    packed = {"patient_id": "DELTA_BINARY_PACKED", "half": "BYTE_STREAM_SPLIT"}
    pq.write_table(numbers, out, use_dictionary=False, column_encoding=packed)
    yield out.getvalue()
    out = io.BytesIO()
    pq.write_table(kinds.select(["patient_id", "at"]), out, use_deprecated_int96_timestamps=True, compression="none")
    yield out.getvalue()


def contract_seeds():
    for file in sorted(CONTRACTS.glob("feeds/*/*.toml")):
        yield file.read_bytes().replace(file.stem.encode(), b"d")
    for file in sorted(CONTRACTS.glob("silver/*.toml")):
        yield file.read_bytes()
    yield b'[sources.st_mary]\nfeed = "clinic"\n'
    yield (
        b'description = ""\nversion = 1\nkey = ["a"]\nduplicates = "reject"\n[[columns]]\nname = "a"\ntype = "date"\n'
        b'from = ["A", "x[].y"]\nformat = "%d/%m/%Y"\npad = 8\ndefault = "01/01/2020"\n[[rules]]\nid = "r"\nkind = "range"\n'
        b'level = "value"\nseverity = "warn"\ncolumn = "a"\nmin = "2020-01-01"\n[[targets]]\ntable = "silver.t"\nsql = "d.sql"\n'
        b'load = "upsert"\n'
    )


def path_seeds():
    yield b"clinic/visits/2025-03-03/visits.csv.gz"
    yield b"clinic/visits/20250303/visits.ndjson"
    yield "clinic/visits/Jos\u00e9 \U0001f600 a=b:c.parquet".encode()
    yield b"clinic/visits/../../x.csv"


def key_seeds():
    yield from path_seeds()
    yield b"clinic/visits/this+im+%2B+age+blah.csv"
    yield b"clinic%2Fvisits%2F2025-03-03%2Fa%0Ab.csv"
    yield b"clinic/visits/%ff%c3.csv"


SEEDS = {
    "csv": csv_seeds,
    "json": json_seeds,
    "ndjson": ndjson_seeds,
    "parquet": parquet_seeds,
    "contract": contract_seeds,
    "landing_path": path_seeds,
    "event_key": key_seeds,
}

for target, seeds in SEEDS.items():
    folder = Path(sys.argv[1]) / target
    folder.mkdir(parents=True, exist_ok=True)
    for index, seed in enumerate(seeds()):
        (folder / f"seed-{index:02}").write_bytes(seed)
