"""The command killed, run several times at once, beside another writer, on a full and on a read-only disk."""

import random
import shutil
import subprocess
import threading
import time

import deltalake
import pytest
from conftest import BINARY, Lake, carelake, clinic
from lake_files import delta_tables, difference, snapshot

SEED = 20
MOMENTS = 20


class Hospital:
    """A generated hospital, how long it takes to take it in, and the lake that comes of it."""

    def __init__(self, folder):
        self.folder = folder
        self.whole = self.lake("whole")
        start = time.monotonic()
        self.whole.run()
        self.seconds = time.monotonic() - start
        self.snapshot = snapshot(self.whole.folder)

    def lake(self, name) -> Lake:
        """An empty lake over the same files, with the same key."""
        lake = Lake(self.folder / name)
        lake.landing = self.folder / "landing"
        key = self.folder / "whole/lake/identity/.key"
        if key.exists():
            (lake.folder / "identity").mkdir(parents=True)
            shutil.copy2(key, lake.folder / "identity/.key")
        return lake

    def differs(self, lake) -> list[str]:
        return difference(self.snapshot, snapshot(lake.folder))


@pytest.fixture(scope="module")
def hospital(tmp_path_factory) -> Hospital:
    folder = tmp_path_factory.mktemp("hospital")
    carelake("generate", "--patients", 12, "--seed", 5, "--out", folder / "landing")
    # Two feeds are left out for speed: one is as another, one is large.
    for feed in ("synthea", "source_b"):
        shutil.rmtree(folder / "landing" / feed)
    return Hospital(folder)


def start(lake: Lake) -> subprocess.Popen:
    arguments = [BINARY, *map(str, lake.arguments())]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_run_killed_at_any_moment_is_completed_by_the_next(hospital):
    chance = random.Random(SEED)
    killed = 0
    for moment in range(MOMENTS):
        lake = hospital.lake(f"killed-{moment}")
        delay = chance.uniform(0, hospital.seconds)
        process = start(lake)
        time.sleep(delay)
        process.kill()
        killed += process.wait() == -9
        lake.run()
        assert hospital.differs(lake) == [], f"killed after {delay:.3f} of {hospital.seconds:.3f} s (seed {SEED}, moment {moment})"
        assert list((lake.folder / "_carelake/scratch").iterdir()) == []
        shutil.rmtree(lake.folder)
    assert killed >= MOMENTS / 2


@pytest.mark.parametrize("processes", [2, 4])
def test_runs_at_once_on_a_new_lake_lose_and_double_nothing(hospital, processes):
    lake = hospital.lake(f"at-once-{processes}")
    for process in [start(lake) for _ in range(processes)]:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, out + err
    assert hospital.differs(lake) == []
    assert lake.run()["changed_tables"] == []


def test_a_run_beside_another_writer_that_rewrites_the_tables(hospital):
    lake = hospital.lake("rewritten")
    done, rewrites = threading.Event(), []

    def rewrite():
        while not done.is_set():
            for folder in delta_tables(lake.folder):
                try:
                    table = deltalake.DeltaTable(folder)
                    table.optimize.compact()
                    table.optimize.z_order([table.schema().fields[0].name] if not table.metadata().partition_columns else [table.schema().fields[1].name])
                    rewrites.append(folder)
                except Exception as error:
                    # The other writer may lose a race; the run may not.
                    rewrites.append(error)

    other = threading.Thread(target=rewrite)
    other.start()
    try:
        for _ in range(2):
            lake.run()
    finally:
        done.set()
        other.join()
    assert sum(not isinstance(one, Exception) for one in rewrites) > 5
    # Removing files at once breaks whoever still reads them, by the rules of the table format: it waits for the runs.
    for folder in delta_tables(lake.folder):
        deltalake.DeltaTable(folder).vacuum(retention_hours=0, enforce_retention_duration=False, dry_run=False)
    assert hospital.differs(lake) == []


def test_a_file_is_taken_only_when_nobody_writes_to_it(lake):
    clinic(lake)
    visits = lake.landing / "clinic/visits/2024-03-01/growing.csv"
    visits.parent.mkdir(parents=True)
    done, written = threading.Event(), []

    def send():
        with visits.open("w") as file:
            file.write("visit_id,patient_id,doctor_id,visit_date,reason,visit_type\n")
            while not done.is_set():
                for _ in range(50):
                    written.append(f"G{len(written)}")
                    file.write(f"{written[-1]},P1,D1,2024-03-01,Fever,Consultation\n")
                file.flush()
                time.sleep(0.0002)

    sender = threading.Thread(target=send)
    sender.start()
    while not written:
        time.sleep(0.001)
    try:
        report = lake.run()
    finally:
        done.set()
        sender.join()
    (reason,) = [reason for reason in report["ignored_files"] if "written to" in reason]
    assert report["ignored_files"][reason] == 1
    assert lake.one("SELECT count(*) FROM silver.encounters WHERE encounter_id LIKE 'G%'") == "0"
    assert list((lake.folder / "bronze/clinic_visits").rglob("ingest_date=2024-03-01/*")) == []
    lake.run()
    assert lake.one("SELECT count(*) FROM silver.encounters WHERE encounter_id LIKE 'G%'") == str(len(written))


def in_namespace(*script: str) -> subprocess.CompletedProcess:
    """Runs shell lines where mounts are nobody else's business; skips where that is not allowed."""
    if subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode != 0:
        pytest.skip("mounting is not allowed here")
    return subprocess.run(["unshare", "-m", "sh", "-c", "\n".join(script)], capture_output=True, text=True, timeout=300)


def command(lake: Lake) -> str:
    return " ".join(map(str, [BINARY, *lake.arguments()]))


@pytest.mark.parametrize("share", [0.03, 0.2, 0.4, 0.6, 0.8, 0.95])
def test_a_full_disk_is_said_and_the_next_run_completes_the_lake(hospital, share):
    size = sum(-(-path.stat().st_size // 4096) * 4096 for path in hospital.whole.folder.rglob("*") if path.is_file())
    lake = hospital.lake(f"full-{share}")
    kept = lake.folder.parent / "kept"
    done = in_namespace(
        f"cp -a {lake.folder} {kept}",
        f"mount -t tmpfs -o size={int(size * share)} none {lake.folder} && cp -a {kept}/. {lake.folder}",
        f"{command(lake)} >/dev/null; echo first $?",
        f"mount -o remount,size=1g {lake.folder} && {command(lake)} >/dev/null; echo second $?",
        f"cp -a {lake.folder}/. {kept}",
    )
    assert done.stdout.split("\n")[:2] in (["first 3", "second 0"], ["first 2", "second 0"]), done.stdout + done.stderr
    assert "no space left" in done.stderr, done.stderr
    assert "run again" in done.stderr, done.stderr
    assert "panicked" not in done.stderr, done.stderr
    lake.folder = kept
    assert hospital.differs(lake) == []


def test_a_read_only_lake_is_said_and_can_be_read(hospital):
    lake = hospital.lake("read-only")
    lake.run()
    done = in_namespace(
        f"mount --bind {lake.folder} {lake.folder} && mount -o remount,ro,bind {lake.folder}",
        f"{command(lake)} >/dev/null; echo run $?",
        f"{BINARY} sql --lake {lake.folder} --format csv 'SELECT count(*) AS n FROM gold.as_of'; echo sql $?",
    )
    assert done.stdout == "run 2\nn\n1\nsql 0\n", done.stdout + done.stderr
    assert str(lake.folder) in done.stderr
    assert "check permissions" in done.stderr
    assert "panicked" not in done.stderr
    lake.run()
    assert hospital.differs(lake) == []
