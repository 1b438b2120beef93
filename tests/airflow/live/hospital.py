"""What the tests land, and what they look at."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import polars
from deployment import Site, carelake

DAY = "2025-06-30"
HEADS = {
    "patients": "patient_id,name,gender,dob,blood_group,city\n",
    "doctors": "doctor_id,name,specialization,hospital\n",
    "visits": "visit_id,patient_id,doctor_id,visit_date,reason,visit_type\n",
}
CLINIC = {
    "patients": "Zq000001,Zq000001 Sentinel,F,1980-01-01,A+,Oslo\nZq000002,Zq000002 Sentinel,M,1990-01-01,B+,Rome\n",
    "doctors": "D1,Dr. One,Cardiology,North\n",
    "visits": "V1,Zq000001,D1,2024-01-01,Fever,Consultation\nV2,Zq000002,D1,2024-01-02,Cough,Consultation\n",
}
SOURCES = "".join(f'[sources.{name}]\nfeed = "clinic"\n\n' for name in ("north", "south", "east"))


def land(site: Site, source: str, day: str, **files: str | bytes):
    """Files of a clinic, with their headers; bytes are sent as they are."""
    for dataset, rows in files.items():
        body = rows if isinstance(rows, bytes) else HEADS[dataset] + rows
        site.stack.put(f"{source}/{dataset}/{day}/{dataset}.csv{'.gz' if isinstance(rows, bytes) else ''}", body)


def visit(name: str, day: str) -> str:
    return f"{name},Zq000001,D1,{day},Fever,Consultation\n"


def generated(folder: Path, source: str, patients: int, seed: int) -> list[tuple[str, Path]]:
    """Files of a generated hospital without errors that are one source's, each with its dataset."""
    carelake("generate", "--clean", "--patients", patients, "--seed", seed, "--as-of", DAY, "--out", folder)
    files = [file for file in (folder / source).rglob("*") if file.is_file()]
    return [(file.relative_to(folder / source).parts[0], file) for file in files]


def put(site: Site, files: list[tuple[str, Path]]):
    """Files to landing, by their keys."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: site.stack.put(one[0], one[1].read_bytes()), files))


def silver(site: Site, table: str, **wanted: str) -> polars.DataFrame:
    found = site.stack.delta("silver", table)
    for name, value in wanted.items():
        found = found.filter(polars.col(name) == value)
    return found


def visits(site: Site, pattern: str) -> int:
    """How many visits of silver are named so."""
    return silver(site, "encounters").filter(polars.col("encounter_id").str.contains(pattern)).height


def times(task: dict) -> tuple[datetime, datetime]:
    """When a task or a run began and ended."""
    return datetime.fromisoformat(task["start_date"]), datetime.fromisoformat(task["end_date"])


def spans(site: Site, dag: str, run: str, task: str) -> dict[str, tuple[datetime, datetime]]:
    """The times of a mapped task, by its labels."""
    return {one["rendered_map_index"]: times(one) for one in site.airflow.tasks(dag, run) if one["task_id"] == task}


def overlap(one: tuple[datetime, datetime], other: tuple[datetime, datetime]) -> bool:
    return one[0] < other[1] and other[0] < one[1]
