"""DuckDB: a file of appointments or visit events → ZSTD Parquet. Types are read; nothing is validated, split or masked.

python duckdb_ingest.py csv|ndjson|events FILE OUT THREADS
"""

import json
import sys
import time

import duckdb

APPOINTMENT = {
    "appointment_id": "VARCHAR",
    "patient_id": "VARCHAR",
    "physician_id": "VARCHAR",
    "appointment_date": "DATE",
    "appointment_time": "TIMESTAMP",
    "duration_minutes": "INTEGER",
    "reason": "VARCHAR",
    "status": "VARCHAR",
    "no_show": "BOOLEAN",
    "notes": "VARCHAR",
    "created_at": "TIMESTAMP",
    "updated_at": "TIMESTAMP",
}
TREATMENT = "STRUCT(drug VARCHAR, dose VARCHAR)"
DIAGNOSIS = f"STRUCT(code VARCHAR, description VARCHAR, treatments {TREATMENT}[])"
VISIT = f'STRUCT(visit_id VARCHAR, "date" VARCHAR, provider_notes STRUCT("text" VARCHAR, author VARCHAR), diagnoses {DIAGNOSIS}[])'
EVENT = {"patient_id": "VARCHAR", "name": "VARCHAR", "visits": f"{VISIT}[]"}
ONE_ROW_A_TREATMENT = """
SELECT patient_id, name, v.visit_id, TRY_CAST(v."date" AS DATE) AS visit_date, v.provider_notes."text" AS note,
    v.provider_notes.author AS note_author, d.position AS diagnosis_position, d.item.code AS diagnosis_code,
    d.item.description AS diagnosis_description, t.position AS treatment_position, t.item.drug AS drug, t.item.dose AS dose
FROM {source}
LEFT JOIN LATERAL (SELECT unnest(visits) AS v) ON true
LEFT JOIN LATERAL (SELECT unnest(v.diagnoses) AS item, generate_subscripts(v.diagnoses, 1) AS position) d ON true
LEFT JOIN LATERAL (SELECT unnest(d.item.treatments) AS item, generate_subscripts(d.item.treatments, 1) AS position) t ON true
"""


def columns(types: dict) -> str:
    return "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in types.items()) + "}"


def source(kind: str, file: str) -> str:
    """The file as a relation. Rows that cannot be read are left out, as carelake does."""
    if kind == "csv":
        return f"FROM read_csv('{file}', header = true, columns = {columns(APPOINTMENT)}, ignore_errors = true)"
    if kind == "ndjson":
        return f"FROM read_json('{file}', format = 'newline_delimited', columns = {columns(APPOINTMENT)}, ignore_errors = true)"
    return ONE_ROW_A_TREATMENT.format(source=f"read_json('{file}', format = 'array', columns = {columns(EVENT)})")


def main() -> None:
    kind, file, out, threads = sys.argv[1:]
    session = duckdb.connect(config={"threads": int(threads)})
    # The order of rows need not be kept: in DuckDB's favour.
    session.execute("SET preserve_insertion_order = false")
    start = time.perf_counter()
    session.execute(f"COPY ({source(kind, file)}) TO '{out}' (FORMAT parquet, COMPRESSION zstd)")
    seconds = time.perf_counter() - start
    (rows,) = session.execute(f"SELECT count(*) FROM read_parquet('{out}')").fetchall()[0]
    print(json.dumps({"seconds": seconds, "rows": rows}))


if __name__ == "__main__":
    main()
