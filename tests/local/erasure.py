"""Landing folders without some persons, made without carelake, and what two lakes hold."""

import csv
import gzip
import io
import json
import os
import shutil
from pathlib import Path

import polars
import pyarrow
from conftest import Lake
from sentinels import ID, contracts, headers

CHILDREN = {("clinic", "lab_reports"): "visit_id", ("network", "treatments"): "visit_id"}
PARENTS = {"clinic": ("visits", "visit_id"), "network": ("visits", "visit_id")}
KNOWN = contracts()


def raw(path: Path) -> str:
    """The text of a file, a character a byte."""
    with pyarrow.input_stream(str(path), compression="detect") as stream:
        return stream.read().decode("latin-1")


def records(text: str):
    """The header's fields, then the fields and the lines of each record."""
    lines = io.StringIO(text, newline="").readlines()
    reader, done = csv.reader(lines), 0
    for fields in reader:
        yield fields, "".join(lines[done : reader.line_num])
        done = reader.line_num


def person_column(feed: str, dataset: str) -> list[str] | None:
    for column in KNOWN[feed, dataset]["columns"]:
        if column.get("phi") == "person_id":
            return [name.lower() for name in headers(column)]
    return None


def place(header: list[str], names: list[str]) -> int | None:
    return next((at for at, name in enumerate(header) if name.strip().lower() in names), None)


def files(landing: Path):
    for path in sorted(landing.glob("*/*/**/*")):
        if path.is_file():
            feed, dataset = path.relative_to(landing).parts[:2]
            head = path.name.partition(".")[0]
            yield path, feed, next((name for (of, name), one in KNOWN.items() if of == feed and head in one.get("aliases", [])), dataset)


def patient_of(resource: dict) -> str | None:
    """The patient of a FHIR resource as it is generated."""
    if resource["resourceType"] == "Patient" or {"birthDate", "address"} <= resource.keys():
        return resource["id"]
    reference = (resource.get("subject") or resource.get("patient") or {}).get("reference", "")
    found = ID.search(reference)
    return found and found.group()


def persons(landing: Path, source: str) -> dict[str, int]:
    """Identifiers in a source's files, with the number of their records."""
    found: dict[str, int] = {}
    for path, feed, dataset in files(landing):
        names = person_column(feed, dataset)
        if feed != source or names is None:
            continue
        if ".ndjson" in path.name:
            ids = [patient_of(json.loads(line)) for line in raw(path).splitlines()]
        elif ".json" in path.name:
            ids = [record.get("patient_id") for record in json.loads(path.read_text()) if isinstance(record, dict)]
        else:
            rows = list(records(raw(path)))
            header = rows[0][0]
            at = place(header, names)
            ids = [fields[at].strip() for fields, _ in rows[1:] if len(fields) == len(header)]
        for one in filter(None, ids):
            found[str(one)] = found.get(str(one), 0) + 1
    return found


def keys_of(landing: Path, source: str, ids: set[str]) -> set[str]:
    """Keys of the parents that belong to persons."""
    found: set[str] = set()
    if source not in PARENTS:
        return found
    parent, key = PARENTS[source]
    for path, feed, dataset in files(landing):
        if (feed, dataset) == (source, parent):
            rows = list(records(raw(path)))
            header = rows[0][0]
            at, of = place(header, [key]), place(header, person_column(feed, dataset))
            found |= {fields[at].strip() for fields, _ in rows[1:] if len(fields) == len(header) and fields[of].strip() in ids}
    return found - {""}


def without(landing: Path, source: str, ids: set[str]):
    """Takes persons out of a landing folder; every file keeps its time."""
    keys = keys_of(landing, source, ids)
    for path, feed, dataset in files(landing):
        if feed != source:
            continue
        time = path.stat().st_mtime_ns
        if ".ndjson" in path.name:
            text = raw(path)
            left = "".join(line for line in text.splitlines(keepends=True) if patient_of(json.loads(line)) not in ids)
            if left != text:
                write(path, left.encode("latin-1"))
        elif ".json" in path.name:
            kept = [record for record in json.loads(path.read_text()) if not (isinstance(record, dict) and record.get("patient_id") in ids)]
            if len(kept) < len(json.loads(path.read_text())):
                path.write_text(json.dumps(kept))
        else:
            text = raw(path)
            rows = list(records(text))
            names, child = person_column(feed, dataset), CHILDREN.get((feed, dataset))
            wanted, values = (names, ids) if names else ([child], keys)
            if wanted == [None]:
                continue
            at = place(rows[0][0], wanted)
            left = rows[0][1]
            for fields, lines in rows[1:]:
                broken = len(fields) != len(rows[0][0]) or not is_utf8(lines)
                mine = any(field.strip() in ids | keys for field in fields) if broken else at is not None and fields[at].strip() in values
                left += "" if mine else lines
            if left != text:
                write(path, left.encode("latin-1"))
        os.utime(path, ns=(time, time))


def is_utf8(text: str) -> bool:
    try:
        text.encode("latin-1").decode()
    except UnicodeDecodeError:
        return False
    return True


def write(path: Path, content: bytes):
    if path.suffix == ".gz":
        content = gzip.compress(content)
    elif path.suffix == ".zst":
        content = pyarrow.compress(content, codec="zstd", asbytes=True)
    path.write_bytes(content)


def copy(lake: Lake, folder: Path) -> Lake:
    """Another lake that has the same landing folder and the same key, and nothing else."""
    other = Lake(folder)
    shutil.rmtree(other.landing)
    shutil.copytree(lake.landing, other.landing)
    (other.folder / "identity").mkdir(parents=True, mode=0o700)
    for name in (".key", ".erasures-key"):
        if (lake.folder / "identity" / name).exists():
            shutil.copy2(lake.folder / "identity" / name, other.folder / "identity" / name)
    return other


def same_landing(one: Path, other: Path):
    """Same files, same text, same times."""
    names = {path.relative_to(one) for path, _, _ in files(one)}
    assert names == {path.relative_to(other) for path, _, _ in files(other)}
    for name in names:
        left, right = one / name, other / name
        if ".json" in name.name:
            assert json.loads(left.read_text()) == json.loads(right.read_text()), name
        else:
            assert raw(left) == raw(right), name
        assert left.stat().st_mtime_ns == right.stat().st_mtime_ns, name


def rows(folder: Path, apart: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """Every row of every table of a lake, as text, by table. Columns `apart` are left out."""
    tables: dict[str, list[str]] = {}
    for layer in ("bronze", "identity", "quarantine"):
        for path in sorted((folder / layer).glob("*/source=*/ingest_date=*/*.parquet")):
            frame = polars.read_parquet(path, hive_partitioning=False)
            place = "/".join(path.relative_to(folder).parts[:4])
            tables.setdefault(place, []).extend(text_of(frame, apart))
    for log in sorted(folder.glob("*/*/_delta_log")):
        frame = polars.read_delta(str(log.parent))
        tables["/".join(log.parent.relative_to(folder).parts)] = text_of(frame, apart)
    return {name: sorted(lines) for name, lines in tables.items() if lines}


def text_of(frame: polars.DataFrame, apart: tuple[str, ...]) -> list[str]:
    names = sorted(name for name in frame.columns if name not in apart)
    return [str(row) for row in frame.select(names).rows()]


def ledger(folder: Path) -> list[str]:
    """What the ledger says, but for times taken."""
    entries = []
    for path in sorted((folder / "_carelake/ledger").rglob("*.json")):
        entry = json.loads(path.read_text())
        # A file that was compressed again has other bytes and so another name.
        for name in ("seconds", "parents", "orphans_tag", "name", "version", "bytes"):
            entry.pop(name, None)
        entry.get("checks", {}).pop(f"{entry.get('feed')}.{entry.get('dataset')}.person.erased", None)
        entries.append(f"{path.parent.relative_to(folder)} {json.dumps(entry, sort_keys=True)}")
    return sorted(entries)


def differences(one: dict[str, list[str]], other: dict[str, list[str]]) -> dict[str, tuple[list[str], list[str]]]:
    """Rows of each table that only one of two lakes has."""
    found = {}
    for table in sorted({*one, *other}):
        left, right = one.get(table, []), other.get(table, [])
        if left != right:
            found[table] = ([row for row in left if row not in right][:3], [row for row in right if row not in left][:3], len(left), len(right))
    return found
