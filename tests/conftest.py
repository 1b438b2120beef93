"""Fixtures of the end-to-end tests: the built command, a lake to use it on, the real sample files."""

import csv
import io
import json
import os
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

# The clients of Athena are in a virtual environment of their own.
collect_ignore_glob = [] if find_spec("pyathena") else ["athena/*"]
ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", Path.home() / ".cache/carelake/target"))
BINARY = Path(os.environ.get("CARELAKE_BIN", TARGET / "debug/carelake"))
CONTRACTS = ROOT / "shared/contracts"
SHARED = Path(os.environ.get("CARELAKE_SHARED_DATA", ROOT.parent / "shared/data"))


def carelake(*arguments, check=True):
    """Runs the command; fails with what it said when it fails and `check` is set."""
    done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, text=True, timeout=600)
    if check:
        assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"
    return done


class Lake:
    """A landing folder and a lake beside each other."""

    def __init__(self, folder: Path):
        self.landing = folder / "landing"
        self.folder = folder / "lake"
        self.landing.mkdir(parents=True, exist_ok=True)

    def write(self, path: str, text: str | bytes) -> Path:
        """Puts a file into landing."""
        file = self.landing / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    def land(self, source, dataset, *files, **options):
        flags = [part for name, value in options.items() for part in (f"--{name}", value)]
        return carelake("land", source, dataset, *flags, "--landing", self.landing, *files)

    def arguments(self, *more):
        return ["run", "--landing", self.landing, "--lake", self.folder, "--as-of", "2025-06-30", "--json", *more]

    def run(self, *more) -> dict:
        report = json.loads(carelake(*self.arguments(*more)).stdout)
        assert not report["failures"], report["failures"]
        return report

    def sql(self, query: str, *more) -> list[dict]:
        out = carelake("sql", "--lake", self.folder, "--format", "csv", *more, query).stdout
        return list(csv.DictReader(io.StringIO(out)))

    def one(self, query: str) -> str:
        (row,) = self.sql(query)
        (value,) = row.values()
        return value

    def quality(self) -> dict:
        out = carelake("dq", "--lake", self.folder, "--format", "json").stdout
        checks = [json.loads(line) for line in out.splitlines()]
        return {(check["source"], check["rule"]): check for check in checks}

    def quarantined(self, rule: str) -> list[dict]:
        out = carelake("quarantine", "show", rule, "--lake", self.folder, "--limit", 10_000_000, "--format", "json").stdout
        return [json.loads(line) for line in out.splitlines()]


@pytest.fixture
def lake(tmp_path) -> Lake:
    return Lake(tmp_path)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the real sample files are not here")
    return SHARED


@pytest.fixture(scope="session")
def real_exports(shared_data, tmp_path_factory) -> Lake:
    """What the clinical measures read of the real synthea exports, each export a source."""
    lake = Lake(tmp_path_factory.mktemp("exports"))
    for folder in sorted((shared_data / "synthea_csv").iterdir()):
        for table in ("patients", "encounters", "conditions", "medications", "procedures", "observations", "organizations"):
            if (file := folder / f"{table}.csv.gz").exists():
                lake.land(folder.name, table, file, feed="synthea")
    lake.run()
    return lake


@pytest.fixture(scope="session")
def stack(tmp_path_factory):
    """The template on an emulated AWS, policies enforced, with the functions of the build in it."""
    from stack import Stack

    deployed = Stack(TARGET, tmp_path_factory.mktemp("aws"))
    yield deployed
    deployed.stop()


def dataset(report: dict, source: str, name: str) -> dict:
    """The report of one dataset."""
    (found,) = [one for one in report["datasets"] if (one["source"], one["dataset"]) == (source, name)]
    return found


PATIENTS = "patient_id,name,gender,dob,blood_group,city\nP1,Ann Sentinel,F,1980-01-01,A+,Oslo\nP2,Bob Sentinel,M,1990-01-01,B+,Rome\n"
DOCTORS = "doctor_id,name,specialization,hospital\nD1,Dr. One,Cardiology,North\n"
VISITS = "visit_id,patient_id,doctor_id,visit_date,reason,visit_type\nV1,P1,D1,2024-01-01,Fever,Consultation\nV2,P3,D1,2024-01-02,Cough,Consultation\n"


def clinic(lake: Lake, **files):
    """A small clinic in landing: two patients, a doctor, a good visit and one whose patient is unknown."""
    for name, text in {"patients": PATIENTS, "doctors": DOCTORS, "visits": VISITS, **files}.items():
        lake.write(f"clinic/{name}/{name}.csv", text)
