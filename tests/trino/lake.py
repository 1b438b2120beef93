"""A generated lake on an emulated AWS with its catalogue in Glue, and a copy of it in a folder for `carelake serve`.

Deployed functions make it, file by file. Or the command makes it in a folder, which is uploaded, and the publish function
writes the catalogue of it: the same entries, made by the same code, in a fraction of the time.
"""

import base64
import json
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from emulator import Emulator
from function import called
from stack import Stack

DAY = "2025-06-30"
DATABASES = ("bronze", "codes", "gold", "gold_identified", "identity", "quarantine", "silver")
ENTRY = "carelake.entry"
# The source whose appointments a model is trained of, and the days for which it scores: of the earlier one outcomes are known.
TRAINED = "scheduling"
SCORED = ("2025-05-31", DAY)
# What is not a lake's: the bucket of landing has it, or the other of the two.
IDENTITY = "identity/"


def run(binary: Path, *arguments: object):
    done = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{arguments}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")


class Deployed:
    """The lake of the deployed stack."""

    made_by = "the deployed functions, from the files in landing"

    def __init__(self, target: Path, folder: Path):
        self.stack = Stack(target, folder)
        self.emulator, self.binary = self.stack.emulator, target / "debug/carelake"
        self.buckets = {"LAKE": self.stack.lake, "IDENTITY": self.stack.identity}

    def make(self, patients: int, seed: int, say):
        """Takes a generated hospital from landing to gold, and scores its appointments."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            run(self.binary, "generate", "--patients", patients, "--seed", seed, "--as-of", DAY, "--out", folder)
            files = [file for file in sorted(folder.rglob("*")) if file.is_file() and file.parent != folder]
            self.stack.put_all([(str(file.relative_to(folder)), file.read_bytes()) for file in files])
        self.stack.settle(seconds=3600, still=5)
        self.stack.invoke("publish", as_of=DAY)
        say("training and scoring")
        self.stack.invoke("train", source=TRAINED, as_of=DAY)
        for day in SCORED:
            self.stack.invoke("score", source=TRAINED, as_of=day)
        self.stack.settle(seconds=3600, still=5)
        self.stack.invoke("publish", as_of=DAY)
        self.stack.settle(seconds=3600, still=5)

    def stop(self):
        self.stack.stop()


class Uploaded:
    """A lake that the command made in a folder, and the publish function's catalogue of it."""

    made_by = "`carelake run`, uploaded, with the catalogue that the publish function writes (`--quick`)"

    def __init__(self, target: Path, folder: Path):
        self.target, self.folder, self.binary = target, folder, target / "debug/carelake"
        self.emulator = Emulator(folder / "aws")
        self.buckets = {"LAKE": "carelake-lake", "IDENTITY": "carelake-identity"}

    def make(self, patients: int, seed: int, say):
        """Makes the lake, uploads it and has it described."""
        landing, made = self.folder / "landing", self.folder / "made"
        run(self.binary, "generate", "--patients", patients, "--seed", seed, "--as-of", DAY, "--out", landing)
        run(self.binary, "run", "--landing", landing, "--lake", made, "--as-of", DAY)
        say("training and scoring")
        run(self.binary, "train", "--source", TRAINED, "--lake", made)
        for day in SCORED:
            run(self.binary, "score", "--source", TRAINED, "--lake", made, "--as-of", day)
        run(self.binary, "publish", "--lake", made, "--as-of", DAY)
        s3 = self.emulator.client("s3")
        for bucket in self.buckets.values():
            s3.create_bucket(Bucket=bucket)
        files = [file for file in made.rglob("*") if file.is_file() and "_carelake/catalog" not in str(file)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda file: self.put(s3, str(file.relative_to(made)), file), files))
        say(f"{len(files)} objects uploaded; publish writes the catalogue")
        event = {"step": "publish", "work": "catalogue", "as_of": DAY}
        called(self.target / "debug/publish", event, self.emulator.root, self.buckets)

    def put(self, s3, key: str, file: Path):
        bucket = self.buckets["IDENTITY" if key.startswith(IDENTITY) else "LAKE"]
        s3.put_object(Bucket=bucket, Key=key, Body=file.read_bytes())

    def stop(self):
        self.emulator.stop()


def entries(glue) -> list[dict]:
    """Every table and view that the catalogue has."""
    found = []
    for database in DATABASES:
        for page in glue.get_paginator("get_tables").paginate(DatabaseName=database):
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


def copy(made: Deployed | Uploaded, folder: Path):
    """Both buckets in one folder. Its catalogue is what Glue holds, so that both engines have one catalogue."""
    s3 = made.emulator.client("s3")
    # Where a lake on a folder writes files under construction; buckets have no empty folders.
    (folder / "_carelake/scratch").mkdir(parents=True)
    for bucket in made.buckets.values():
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            for found in page.get("Contents", []):
                file = folder / found["Key"]
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read())
    for table in entries(made.emulator.client("glue")):
        ending = "view" if kind(table) == "view" else "table"
        file = folder / "_carelake/catalog" / table["DatabaseName"] / f"{table['Name']}.{ending}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(table["Parameters"][ENTRY])
