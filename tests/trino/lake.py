"""A generated lake as the deployed functions make it on an emulated AWS, and a copy of it in a folder for `carelake serve`.

The copy's catalogue is what Glue holds, so that both engines have one catalogue and one set of files.
"""

import base64
import json
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from stack import Stack

DAY = "2025-06-30"
DATABASES = ("bronze", "codes", "gold", "gold_identified", "identity", "quarantine", "silver")
ENTRY = "carelake.entry"
# Sources whose appointments a model is trained of.
TRAINED = ("noshow_vitoria", "scheduling")


def generate(binary: Path, folder: Path, patients: int, seed: int):
    command = [binary, "generate", "--patients", patients, "--seed", seed, "--as-of", DAY, "--out", folder]
    subprocess.run([*map(str, command)], check=True, capture_output=True)


def land(stack: Stack, folder: Path):
    """Every generated file, under the day of the run."""
    files = [file for file in sorted(folder.rglob("*")) if file.is_file() and file.parent != folder]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda file: stack.put(str(file.relative_to(folder)), file.read_bytes()), files))


def make(stack: Stack, binary: Path, patients: int, seed: int, say):
    """Takes a generated hospital from landing to gold, and scores its appointments."""
    with tempfile.TemporaryDirectory() as folder:
        generate(binary, Path(folder), patients, seed)
        land(stack, Path(folder))
    stack.settle(seconds=1800, still=5)
    say("landed and conformed")
    stack.invoke("publish", as_of=DAY)
    for source in TRAINED:
        try:
            stack.invoke("train", source=source, as_of=DAY)
            stack.invoke("score", source=source, as_of=DAY)
        except AssertionError as error:
            say(f"no model of {source}: {str(error).splitlines()[0][:200]}")
    stack.settle(seconds=900, still=5)
    stack.invoke("publish", as_of=DAY)
    stack.settle(seconds=900, still=5)


def entries(stack: Stack) -> list[dict]:
    """Every table and view that the catalogue has."""
    found = []
    for database in DATABASES:
        for page in stack.glue.get_paginator("get_tables").paginate(DatabaseName=database):
            found += page["TableList"]
    return sorted(found, key=lambda table: (table["DatabaseName"], table["Name"]))


def kind(table: dict) -> str:
    """View, Delta or Parquet."""
    if table["TableType"] == "VIRTUAL_VIEW":
        return "view"
    return "Delta" if table["Parameters"].get("spark.sql.sources.provider") == "delta" else "Parquet"


def view_sql(table: dict) -> str:
    """The SQL in a view's entry."""
    encoded = re.fullmatch(r"/\* Presto View: (\S+) \*/", table["ViewOriginalText"]).group(1)
    return json.loads(base64.b64decode(encoded))["originalSql"]


def copy(stack: Stack, folder: Path):
    """Both buckets in one folder, with the catalogue of a folder."""
    folder.mkdir(parents=True)
    for bucket in (stack.lake, stack.identity):
        for key in stack.keys(bucket):
            file = folder / key
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(stack.body(bucket, key))
    for table in entries(stack):
        ending = "view" if kind(table) == "view" else "table"
        file = folder / "_carelake/catalog" / table["DatabaseName"] / f"{table['Name']}.{ending}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(table["Parameters"][ENTRY])
