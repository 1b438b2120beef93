"""Sentinels: identifiers planted in files, and the search for them in everything that carelake writes or says."""

import csv
import gzip
import io
import itertools
import json
import re
import struct
import tomllib
from pathlib import Path

import polars
import pyarrow
from conftest import CONTRACTS

RESTRICTED = {"person_id", "identifier", "free_text"}
# A header is shown as it stands; zq123456 is one.
TEXT = re.compile(rb"(?i)zq(?!123456)\d{6}")
HEADER = "zq123456"
DIGITS = re.compile(rb"7391900\d{6}")
NUMBER = re.compile(rb"73\.9191\d{4}")


def contracts() -> dict[tuple[str, str], dict]:
    """Every contract that ships, by feed and dataset."""
    files = sorted(CONTRACTS.glob("feeds/*/*.toml"))
    return {(file.parent.name, file.stem): tomllib.loads(file.read_text()) for file in files if file.stem != "feed"}


def headers(column: dict) -> list[str]:
    names = column.get("from", column["name"])
    return [names] if isinstance(names, str) else names


class Planter:
    """Makes sentinels, each once, and knows which one stands for which person."""

    def __init__(self):
        self.numbers = itertools.count(1)
        self.persons: dict[tuple[str, str], str] = {}
        self.doubles: list[float] = []

    def text(self) -> str:
        return f"Zq{next(self.numbers):06d} Sentinel"

    def fitting(self, column: dict, value: str) -> str:
        """A sentinel of the shape that the column wants."""
        if column["type"] == "double":
            number = 73.9191 + next(self.numbers) % 10_000 / 1e8
            self.doubles.append(float(f"{number:.8f}"))
            return f"{number:.8f}"
        if "@" in value:
            return f"zq{next(self.numbers):06d}@sentinel.example"
        if value.replace("-", "").isdigit():
            return f"7391900{next(self.numbers):06d}"
        return self.text()

    def person(self, feed: str, column: dict, value: str) -> str:
        return self.persons.setdefault((feed, value), self.fitting(column, value))

    def value(self, feed: str, column: dict, value: str) -> str:
        if column["phi"] == "person_id":
            return self.person(feed, column, value)
        return self.fitting(column, value)


def read(path: Path) -> str:
    with pyarrow.input_stream(str(path), compression="detect") as stream:
        return stream.read().decode("utf-8", "replace")


def bad_value(rule: dict, columns: dict, planter: Planter) -> str | None:
    """A value that breaks the rule and, where it may, is a sentinel."""
    typed = columns[rule["column"]]["type"] if rule.get("column") in columns else ""
    match rule["kind"]:
        case "domain" | "pattern" if rule["severity"] == "reject":
            return planter.text()
        case "range" | "not_before":
            return "1000-01-01" if typed in ("date", "timestamp") else "-987654"
        case "not_null":
            return ""
    return None


def bad_rows(contract: dict, names: list[str], good: dict, planter: Planter) -> list[dict]:
    """The good row over and over, each time with another fault."""
    columns = {column["name"]: column for column in contract["columns"]}
    place = {name: next((h for h in headers(column) if h in names), None) for name, column in columns.items()}
    rows = [good]
    for name, column in columns.items():
        if place[name] and column.get("required"):
            rows.append(good | {place[name]: ""})
        if place[name] and column["type"] not in ("string", "boolean"):
            rows.append(good | {place[name]: planter.text()})
    for rule in contract.get("rules", []):
        value = bad_value(rule, columns, planter)
        if value is not None and place.get(rule.get("column")):
            rows.append(good | {place[rule["column"]]: value})
    return rows


def plant_csv(text: str, feed: str, contract: dict, planter: Planter) -> bytes:
    """The file with a sentinel in every PHI field, and with bad rows that hold sentinels."""
    reader = csv.DictReader(io.StringIO(text))
    names = list(reader.fieldnames)
    lines = [row for row in reader if None not in row and None not in row.values()]
    restricted = {}
    for column in contract["columns"]:
        if column.get("phi") in RESTRICTED:
            restricted |= {name: column for header in headers(column) for name in names if name.lower() == header.lower()}
    for row in lines:
        row.update({name: planter.value(feed, column, row[name]) for name, column in restricted.items() if row[name]})
    if lines and (restricted or contract.get("unknown_columns") == "identity"):
        lines += bad_rows(contract, names, lines[0], planter)
    if contract.get("unknown_columns") == "identity":
        names = [*names, "nickname", HEADER]
        for row in lines:
            row.update({"nickname": planter.text(), HEADER: planter.text()})
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    ragged = ",".join(planter.text() for _ in names[:-1]) + "\n" + ",".join(planter.text() for _ in [*names, ""]) + "\n"
    undecodable = ",".join(planter.text() for _ in names).encode() + b"\xff\n"
    return out.getvalue().encode() + ragged.encode() + undecodable


def plant_events(text: str, feed: str, contract: dict, planter: Planter) -> bytes:
    """The nested file with a sentinel in every PHI field, and with bad records that hold sentinels."""
    column = {column["name"]: column for column in contract["columns"]}
    records = json.loads(text)
    for record in records:
        if record.get("patient_id"):
            record["patient_id"] = planter.person(feed, column["patient_id"], str(record["patient_id"]))
        record["name"] = planter.text()
        record["nickname"] = planter.text()
        record[HEADER] = {"deeper": [planter.text()]}
        for visit in record.get("visits") or []:
            visit["provider_notes"] = {**(visit.get("provider_notes") or {}), "text": planter.text(), "aside": planter.text()}
    visit = {"visit_id": "V", "date": planter.text(), "diagnoses": [{"code": "ICD-10:A00", "treatments": []}]}
    records += [
        {"name": planter.text(), "visits": []},
        {"patient_id": planter.text(), "name": planter.text(), "visits": [visit]},
        {"patient_id": {"nested": planter.text()}, "name": [planter.text()]},
        planter.text(),
        [planter.text()],
    ]
    return json.dumps(records).encode()


ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f-]{22}")


def plant_resources(text: str, dataset: str, planter: Planter) -> bytes:
    """The FHIR resources with a sentinel in every element that names a person, and with bad lines that hold sentinels."""
    lines = []
    for line in text.splitlines():
        resource = json.loads(line)
        if dataset == "patients":
            resource["id"] = planter.persons.setdefault(("fhir", resource["id"]), f"zq{next(planter.numbers):06d}-sentinel")
            resource["identifier"] = [{**one, "value": planter.text()} for one in resource["identifier"]]
            resource["name"] = [{"use": "official", "text": planter.text(), "family": planter.text(), "given": [planter.text()]}]
            resource["telecom"] = [{"system": system, "value": planter.text()} for system in ("phone", "email")]
            resource["address"] = [{**one, "line": [planter.text()], "text": planter.text()} for one in resource["address"]]
            resource["photo"] = [{"data": planter.text()}]
            resource["contact"] = [{"name": {"text": planter.text()}}]
            resource["extension"] = [{"url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace", "valueAddress": {"city": planter.text()}}]
        for name in ("subject", "patient"):
            if name in resource:
                person = ID.search(resource[name]["reference"]).group()
                planter.persons.setdefault(("fhir", person), f"zq{next(planter.numbers):06d}-sentinel")
                resource[name] = {"reference": ID.sub(planter.persons["fhir", person], resource[name]["reference"]), "display": planter.text()}
        resource["text"] = {"div": planter.text()}
        resource["note"] = [{"text": planter.text()}]
        resource[HEADER] = {"deeper": [planter.text()]}
        lines.append(resource)
    for fault in ({"id": None}, {"resourceType": planter.text()}, {"modifierExtension": [{"url": planter.text()}]}):
        lines += [{**lines[0], **fault}] if lines else []
    return "\n".join([*map(json.dumps, lines), json.dumps(planter.text()), planter.text()]).encode()


def plant(lake, planter: Planter):
    """Replaces every file of a generated landing folder by one full of sentinels."""
    known = contracts()
    for path in sorted(lake.landing.glob("*/*/*/*")):
        feed, dataset = path.relative_to(lake.landing).parts[:2]
        head = path.name.partition(".")[0]
        if dataset == "bulk":
            dataset = next(name for (of, name), one in known.items() if of == feed and head in one.get("aliases", []))
        contract = known[feed, dataset]
        text = read(path)
        suffix = next(ending for ending in (".ndjson", ".json", ".csv") if ending in path.name)
        if suffix == ".ndjson":
            content = plant_resources(text, dataset, planter)
        else:
            content = plant_events(text, feed, contract, planter) if suffix == ".json" else plant_csv(text, feed, contract, planter)
        path.unlink()
        stem = f"Zq{next(planter.numbers):06d} Sentinel {head}"
        lake.write(f"{feed}/{dataset}/{path.parent.name}/{stem}{suffix}", content)
        day = f"{feed}/{dataset}/2025-07-01"
        lake.write(f"{day}/{stem}-cut{suffix}.gz", gzip.compress(content)[: len(content) // 20])
        lake.write(f"{day}/{stem}-headless.csv", b"\n".join(content.splitlines()[1:3]))
        lake.write(f"{day}/{stem}-other.parquet", content)
        lake.write(f"{day}/{stem}-broken.json", content[: len(content) // 2])
        lake.write(f"{day}/{stem}-lines.ndjson", content)
    for path in (
        "clinic/patients/Zq000001 Sentinel/a/b.csv",
        "clinic/patients/Zq000001/b.csv",
        "clinic/zq000001_sentinel/b.csv",
        "zq000001_sentinel/patients/b.csv",
    ):
        lake.write(path, f"patient_id,name\n{planter.text()},{planter.text()}\n")
    lake.write("clinic/patients/2025-07-02/no-ending", planter.text())
    rows = [{"patient_id": planter.text(), "name": planter.text(), "gender": gender} for gender in ("F", planter.text())]
    lake.write("clinic/patients/2025-07-02/Zq000002.parquet", b"")
    polars.DataFrame(rows).write_parquet(lake.landing / "clinic/patients/2025-07-02/Zq000002.parquet")
    lake.write("clinic/patients/2025-07-02/Zq000003.ndjson", "\n".join(map(json.dumps, rows)) + '\n{"patient_id": "Zq000004\n')


def found_in(content: bytes, doubles: list[float]) -> list[bytes]:
    """Sentinels in bytes: as text, as digits, as a number in binary."""
    found = [match.group() for pattern in (TEXT, DIGITS, NUMBER) for match in pattern.finditer(content)]
    return found + [str(number).encode() for number in doubles if struct.pack("<d", number) in content]


def findings(folder: Path, doubles: list[float]) -> list[tuple[str, list[bytes]]]:
    """Files under a lake, outside identity, in whose name or content a sentinel stands; Parquet is decoded as well."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if name.parts[0] == "identity":
            continue
        hits = found_in(str(name).encode(), [])
        if path.is_file():
            hits += found_in(path.read_bytes(), doubles)
            if path.suffix == ".parquet":
                hits += found_in(str(polars.read_parquet(path, hive_partitioning=False).to_dicts()).encode(), [])
        if hits:
            found.append((str(name), hits[:3]))
    return found
