"""Writes the benchmark's big files: appointments as CSV and NDJSON, visit events as nested JSON. The same every time.

python tests/bench/data.py csv|ndjson|events FILE ROWS
python tests/bench/data.py plain FOLDER      decompresses its files: PySpark from PyPI cannot read zstd
"""

import os
import shutil
import sys
from pathlib import Path

import duckdb
import pyarrow as pa

# A row number mixed into numbers that look random, one for each column.
PICK = "CAST(hash(i * 16 + {column}) % {count} AS BIGINT)"
NAMES = {
    "reason": ["Annual check-up", "Consultation", "Follow-up", "New complaint", "Therapy", "Test results", "Vaccination"],
    "status": ["Scheduled", "Completed", "Cancelled", "No-show"],
    "notes": ["", "", "", "", "", "Needs step-free access", 'Prefers "early" slots, if any', "Café voucher"],
    "duration_minutes": ["15", "20", "30", "45", "60"],
    "no_show": ["true", "false", ""],
}
COLUMNS = [
    "appointment_id",
    "patient_id",
    "physician_id",
    "appointment_date",
    "appointment_time",
    "duration_minutes",
    "reason",
    "status",
    "no_show",
    "notes",
    "created_at",
    "updated_at",
]
# One row in 2,000 is bad, in turn: an impossible day, no patient, no identifier, a field too many.
BAD_EVERY = 2000


def pick(column: int, values: list[str], quote) -> str:
    """SQL that draws one of the values, each written out by `quote`."""
    texts = ", ".join("'" + quote(value).replace("'", "''") + "'" for value in values)
    return f"[{texts}][{PICK.format(column=column, count=len(values))} + 1]"


def fields(quote) -> dict[str, str]:
    """SQL of the text of each column of an appointment, for row number `i`."""
    day = "DATE '2024-01-01' + CAST(" + PICK.format(column=1, count=700) + " AS INTEGER)"
    time = f"strftime({day} + to_minutes(CAST(480 + 15 * {PICK.format(column=2, count=36)} AS BIGINT)), '%Y-%m-%dT%H:%M:%S')"
    booked = f"strftime({day} - to_minutes(CAST(1440 + {PICK.format(column=3, count=40000)} AS BIGINT)), '%Y-%m-%dT%H:%M:%S')"
    bad = f"CASE WHEN i % {BAD_EVERY} = 77 THEN i // {BAD_EVERY} % 4 ELSE -1 END"
    drawn = {name: pick(4 + place, NAMES[name], quote) for place, name in enumerate(NAMES)}
    return {
        "appointment_id": f"CASE WHEN ({bad}) = 2 THEN '' ELSE 'A' || (1000000 + i) END",
        "patient_id": f"CASE WHEN ({bad}) = 1 THEN '' ELSE 'P' || (100000 + {PICK.format(column=9, count=400000)}) END",
        "physician_id": f"'D' || (2000 + {PICK.format(column=10, count=500)})",
        "appointment_date": f"CASE WHEN ({bad}) = 0 THEN '2025-02-30' ELSE strftime({day}, '%Y-%m-%d') END",
        "appointment_time": time,
        **drawn,
        "created_at": booked,
        "updated_at": f"CASE WHEN ({bad}) = 3 THEN {time} || '{{extra}}' ELSE {time} END",
    }


def quoted(value: str) -> str:
    """A CSV field."""
    return '"' + value.replace('"', '""') + '"' if any(mark in value for mark in ',"') else value


def csv(rows: int) -> str:
    """SELECT of the lines of a CSV file of appointments."""
    texts = fields(quoted)
    line = ", ".join(texts[name] for name in COLUMNS).replace("{extra}", ",surplus")
    return f"SELECT '{','.join(COLUMNS)}' AS line UNION ALL SELECT concat_ws(',', {line}) FROM range({rows}) r(i)"


def ndjson(rows: int) -> str:
    """SELECT of the lines of an NDJSON file of the same appointments; the row with a field too many has a bad time."""
    texts = fields(lambda value: value.replace("\\", "\\\\").replace('"', '\\"'))
    bare = {"duration_minutes", "no_show"}
    parts = []
    for name in COLUMNS:
        text = texts[name].replace("{extra}", ",surplus")
        value = f"CASE WHEN ({text}) = '' THEN 'null' ELSE ({text}) END" if name in bare else f"'\"' || ({text}) || '\"'"
        parts.append(f"'\"{name}\":' || {value}")
    return "SELECT '{' || " + " || ',' || ".join(parts) + f" || '}}' AS line FROM range({rows}) r(i)"


DIAGNOSES = [
    '{"code":"ICD-10:E11.9","description":"Type 2 diabetes","treatments":[{"drug":"Metformin","dose":"500mg"},{"drug":"Insulin","dose":"10 units"}]}',
    '{"code":"ICD-10:I10","description":"Essential hypertension","treatments":[{"drug":"Lisinopril","dose":"10mg"}]}',
    '{"code":"ICD-10:J06.9","description":"Upper respiratory infection","treatments":[]}',
]
NOTES = ["Patient is stable.", "Referred for blood tests.", "Advised rest and fluids."]


def events(records: int) -> str:
    """SELECT of the lines of a JSON array of visit events: a patient with two visits of two diagnoses each."""
    visits = []
    for visit in (0, 1):
        day = f"strftime(DATE '2024-01-01' + CAST({PICK.format(column=visit, count=700)} AS INTEGER), '%Y-%m-%d')"
        first, second = (pick(column, DIAGNOSES, str) for column in (4 + visit, 8 + visit))
        note = pick(2 + visit, NOTES, str)
        author = f"'Dr. ' || {PICK.format(column=12 + visit, count=90)}"
        visits.append(
            f'\'{{"visit_id":"V\' || (i * 2 + {visit}) || \'","date":"\' || CASE WHEN i % {BAD_EVERY} = 77 THEN \'2024-02-31\' ELSE {day} END || '
            f'\'","provider_notes":{{"text":"\' || {note} || \'","author":"\' || {author} || \'"}},"diagnoses":[\' || {first} || \',\' || {second} || \']}}\''
        )
    record = f"'{{\"patient_id\":\"P-' || i || '\",\"name\":\"Person ' || i || '\",\"visits\":[' || {visits[0]} || ',' || {visits[1]} || ']}}'"
    return f"SELECT CASE WHEN i = 0 THEN '[' ELSE '' END || {record} || CASE WHEN i = {records - 1} THEN ']' ELSE ',' END AS line FROM range({records}) r(i)"


def plain(folder: Path) -> None:
    """Replaces compressed files by their content, with the same modification time."""
    for file in [*folder.rglob("*.gz"), *folder.rglob("*.zst")]:
        times = file.stat()
        with pa.input_stream(str(file), compression="zstd" if file.suffix == ".zst" else "gzip") as packed, file.with_suffix("").open("wb") as out:
            shutil.copyfileobj(packed, out, 1 << 20)
        os.utime(file.with_suffix(""), ns=(times.st_atime_ns, times.st_mtime_ns))
        file.unlink()


def main() -> None:
    if sys.argv[1] == "plain":
        return plain(Path(sys.argv[2]))
    kind, file, rows = sys.argv[1:]
    select = {"csv": csv, "ndjson": ndjson, "events": events}[kind](int(rows))
    duckdb.sql(f"COPY ({select}) TO '{file}' (FORMAT csv, HEADER false, DELIMITER '\x01', QUOTE '', ESCAPE '')")


if __name__ == "__main__":
    main()
