"""Polars: a file of appointments or visit events → ZSTD Parquet, streaming. Types are read; nothing is validated.

python polars_ingest.py csv|ndjson|events FILE OUT   (POLARS_MAX_THREADS sets the threads)
"""

import json
import sys
import time

import polars as pl

APPOINTMENT = {
    "appointment_id": pl.String,
    "patient_id": pl.String,
    "physician_id": pl.String,
    "appointment_date": pl.Date,
    "appointment_time": pl.Datetime("us"),
    "duration_minutes": pl.Int32,
    "reason": pl.String,
    "status": pl.String,
    "no_show": pl.Boolean,
    "notes": pl.String,
    "created_at": pl.Datetime("us"),
    "updated_at": pl.Datetime("us"),
}
TREATMENT = pl.Struct({"drug": pl.String, "dose": pl.String})
DIAGNOSIS = pl.Struct({"code": pl.String, "description": pl.String, "treatments": pl.List(TREATMENT)})
NOTES = pl.Struct({"text": pl.String, "author": pl.String})
VISIT = pl.Struct({"visit_id": pl.String, "date": pl.String, "provider_notes": NOTES, "diagnoses": pl.List(DIAGNOSIS)})
EVENT = {"patient_id": pl.String, "name": pl.String, "visits": pl.List(VISIT)}


def appointments(kind: str, file: str) -> pl.LazyFrame:
    """The file's rows. A value that cannot be read becomes NULL, a field too many is left out."""
    if kind == "csv":
        return pl.scan_csv(file, schema=APPOINTMENT, ignore_errors=True, truncate_ragged_lines=True)
    text = {name: pl.String if name.endswith(("_date", "_time", "_at")) else kind for name, kind in APPOINTMENT.items()}
    moments = [pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False) for name in ("appointment_time", "created_at", "updated_at")]
    day = pl.col("appointment_date").str.to_date("%Y-%m-%d", strict=False)
    return pl.scan_ndjson(file, schema=text).with_columns(day, *moments)


def events(file: str) -> pl.LazyFrame:
    """One row a treatment. Polars reads a JSON array as a whole."""
    rows = pl.read_json(file, schema=EVENT).lazy().explode("visits", empty_as_null=True).unnest("visits").unnest("provider_notes")
    rows = rows.explode("diagnoses", empty_as_null=True).unnest("diagnoses").explode("treatments", empty_as_null=True).unnest("treatments")
    return rows.with_columns(pl.col("date").str.to_date("%Y-%m-%d", strict=False))


def main() -> None:
    kind, file, out = sys.argv[1:]
    start = time.perf_counter()
    rows = events(file) if kind == "events" else appointments(kind, file)
    rows.sink_parquet(out, compression="zstd")
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "rows": pl.scan_parquet(out).select(pl.len()).collect().item(), "threads": pl.thread_pool_size()}))


if __name__ == "__main__":
    main()
