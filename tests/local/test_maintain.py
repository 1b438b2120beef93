"""Upkeep: small files put together, old versions and left-over files removed, nothing lost."""

import json
import os
import random
import shutil
import subprocess
import threading
import time

import deltalake
import duckdb
import pytest
from conftest import BINARY, Lake, carelake, clinic
from lake_files import delta_tables, difference, snapshot

NOW = ("--keep-versions-for", "0s")
KILLS = 6
VISITS = "visit_id,patient_id,doctor_id,visit_date,reason,visit_type\n"


def maintain(lake: Lake, *more) -> dict:
    return json.loads(carelake("maintain", "--lake", lake.folder, "--json", *more).stdout)


def settled(report: dict) -> bool:
    counts = [report[name]["count"] for name in ("objects", "entries", "leftovers", "reports")]
    return not report["tables"] and not report["left"] and not any(counts)


@pytest.fixture(scope="module")
def hospital(tmp_path_factory) -> Lake:
    """A generated hospital that came in two runs, so that its tables have a past. Some feeds are left out for speed."""
    lake = Lake(tmp_path_factory.mktemp("hospital"))
    whole = lake.landing.parent / "whole"
    carelake("generate", "--patients", 12, "--seed", 5, "--out", whole)
    for feed in (("clinic",), ("network", "source_a")):
        for name in feed:
            shutil.copytree(whole / name, lake.landing / name, copy_function=shutil.copy2)
        lake.run()
    return lake


def copy(lake: Lake, folder) -> Lake:
    twin = Lake(folder)
    shutil.copytree(lake.folder, twin.folder)
    twin.landing = lake.landing
    return twin


def small_files(lake: Lake) -> int:
    return sum(len(deltalake.DeltaTable(folder).file_uris()) for folder in delta_tables(lake.folder))


def scatter(lake: Lake):
    """Splits every partition of a table into files of one row, as another tool might."""
    for folder in delta_tables(lake.folder):
        if folder.name != "encounters":
            continue
        table = deltalake.DeltaTable(folder)
        partitions, rows = table.metadata().partition_columns, table.to_pyarrow_table()
        deltalake.write_deltalake(table, rows.slice(0, 1), mode="overwrite", partition_by=partitions)
        for start in range(1, min(rows.num_rows, 30), 10):
            deltalake.write_deltalake(deltalake.DeltaTable(folder), rows.slice(start, 10), mode="append", partition_by=partitions)
        deltalake.write_deltalake(deltalake.DeltaTable(folder), rows.slice(31), mode="append", partition_by=partitions)


def test_upkeep_changes_no_row_and_a_second_one_does_nothing(hospital, tmp_path):
    lake = copy(hospital, tmp_path)
    scatter(lake)
    before, files = snapshot(lake.folder), small_files(lake)
    report = maintain(lake, *NOW)
    encounters = report["tables"]["silver.encounters"]
    assert encounters["rewritten"]["count"] > encounters["written"]["count"] > 0
    assert encounters["expired_versions"] > 0
    assert encounters["expired"]["bytes"] > 0
    assert small_files(lake) < files
    assert difference(before, snapshot(lake.folder)) == []
    assert settled(maintain(lake, *NOW))
    # What is on the disk is what the tables consist of.
    for folder in delta_tables(lake.folder):
        live = {uri.rsplit("/", 1)[1] for uri in deltalake.DeltaTable(folder).file_uris()}
        assert {path.name for path in folder.rglob("part-*.parquet")} == live
        assert deltalake.DeltaTable(folder).history()[-1]["version"] == deltalake.DeltaTable(folder).version()


def test_a_run_after_upkeep_changes_nothing(hospital, tmp_path):
    lake = copy(hospital, tmp_path)
    maintain(lake, *NOW)
    report = lake.run()
    assert (report["datasets"], report["changed_tables"]) == ([], [])


def test_tables_are_in_the_order_that_they_declare(hospital, tmp_path):
    lake = copy(hospital, tmp_path)
    report = maintain(lake, *NOW)
    assert report["tables"]["silver.treatments"]["written"]["count"] > 0
    for table in ("silver/treatments", "gold/fact_treatments"):
        for uri in deltalake.DeltaTable(lake.folder / table).file_uris():
            path = uri.removeprefix("file://")
            types = [row[0] for row in duckdb.sql(f"SELECT treatment_type FROM read_parquet('{path}')").fetchall()]
            assert types == sorted(types, key=lambda one: (one is not None, one)), table


def test_versions_are_kept_as_long_as_asked(hospital, tmp_path):
    lake = copy(hospital, tmp_path)
    history = deltalake.DeltaTable(lake.folder / "silver/encounters").history()
    assert maintain(lake)["tables"].get("silver.encounters", {}).get("expired_versions", 0) == 0
    first = history[-1]["timestamp"] / 1000
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(first + 1))
    counted = lake.sql("SELECT count(*) AS n FROM silver.encounters", "--as-of", moment)
    assert int(counted[0]["n"]) > 0
    maintain(lake, *NOW)
    done = carelake("sql", "--lake", lake.folder, "--as-of", moment, "SELECT count(*) FROM silver.encounters", check=False)
    assert done.returncode == 2
    assert "was removed by an erasure" in done.stderr
    assert "maintenance" in done.stderr


def test_every_version_within_the_time_can_be_read(lake):
    clinic(lake)
    lake.run()
    rows = []
    for number in range(4):
        lake.write(f"clinic/visits/2024-0{number + 2}-01/v.csv", f"{VISITS}W{number},P1,D1,2024-0{number + 2}-01,Fever,Consultation\n")
        lake.run()
        folder = lake.folder / "silver/encounters"
        rows.append((deltalake.DeltaTable(folder).version(), deltalake.DeltaTable(folder).to_pyarrow_table().num_rows))
        if number == 1:
            time.sleep(3)
            kept = time.monotonic()
    seconds = int(time.monotonic() - kept) + 1
    report = maintain(lake, "--keep-versions-for", f"{seconds}s")
    assert report["tables"]["silver.encounters"]["expired_versions"] > 0
    for version, wanted in rows[1:]:
        assert deltalake.DeltaTable(folder, version=version).to_pyarrow_table().num_rows == wanted
    with pytest.raises(deltalake.exceptions.DeltaError):
        deltalake.DeltaTable(folder, version=rows[0][0] - 1).to_pyarrow_table()


def test_what_no_entry_names_is_removed(hospital, tmp_path):
    lake = copy(hospital, tmp_path)
    real = next((lake.folder / "bronze/clinic_patients").rglob("*.parquet"))
    stray = real.with_name("0" * 32 + ".parquet")
    shutil.copy2(real, stray)
    half = real.with_name("half.parquet#3")
    half.write_bytes(b"half")
    scratch = lake.folder / "_carelake/scratch/left"
    scratch.write_bytes(b"left")
    old = next((lake.folder / "_carelake/runs").glob("*.json"))
    os.utime(old, (1_500_000_000, 1_500_000_000))
    kept = len(list((lake.folder / "_carelake/runs").glob("*.json")))
    plan = maintain(lake, "--dry-run")
    assert stray.exists()
    assert half.exists()
    assert scratch.exists()
    assert old.exists()
    report = maintain(lake)
    assert (report["objects"]["count"], report["leftovers"]["count"], report["reports"]["count"]) == (1, 2, 1)
    assert {name: plan[name] for name in ("objects", "leftovers", "reports")} == {name: report[name] for name in ("objects", "leftovers", "reports")}
    assert not stray.exists()
    assert not half.exists()
    assert not scratch.exists()
    assert not old.exists()
    assert real.exists()
    assert len(list((lake.folder / "_carelake/runs").glob("*.json"))) == kept - 1


def test_a_dry_run_changes_nothing(hospital, tmp_path):
    lake = copy(hospital, tmp_path)
    before = {path: path.read_bytes() for path in lake.folder.rglob("*") if path.is_file()}
    report = maintain(lake, *NOW, "--dry-run")
    assert report["dry_run"]
    assert report["tables"]["silver.encounters"]["expired_versions"] > 0
    assert {path: path.read_bytes() for path in lake.folder.rglob("*") if path.is_file()} == before


def test_upkeep_killed_at_any_moment_loses_nothing(hospital, tmp_path):
    chance = random.Random(3)
    start = time.monotonic()
    maintain(copy(hospital, tmp_path / "whole"), *NOW)
    seconds = time.monotonic() - start
    wanted, killed = snapshot(hospital.folder), 0
    for moment in range(KILLS):
        lake = copy(hospital, tmp_path / f"killed-{moment}")
        process = subprocess.Popen([BINARY, "maintain", "--lake", lake.folder, *NOW], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0, seconds))
        process.kill()
        killed += process.wait() == -9
        if moment % 2:
            lake.run()
        assert difference(wanted, snapshot(lake.folder)) == []
        maintain(lake, *NOW)
        assert difference(wanted, snapshot(lake.folder)) == []
        # The first may find reports and marts of the run; then nothing is left to do.
        assert settled(maintain(lake, *NOW))
        shutil.rmtree(lake.folder)
    assert killed >= KILLS / 2


def test_runs_beside_upkeep_lose_and_double_nothing(hospital, tmp_path):
    lake = Lake(tmp_path)
    lake.landing = hospital.landing
    (lake.folder / "identity").mkdir(parents=True)
    shutil.copy2(hospital.folder / "identity/.key", lake.folder / "identity/.key")
    done, failures, upkeeps = threading.Event(), [], []

    def keep():
        while not done.is_set():
            said = subprocess.run([BINARY, "maintain", "--lake", lake.folder, *NOW], capture_output=True, text=True, timeout=300)
            if said.returncode == 0:
                upkeeps.append(said.stdout)
            elif "is not a lake" not in said.stderr:
                failures.append(said.stderr)

    others = [threading.Thread(target=keep) for _ in range(2)]
    for other in others:
        other.start()
    try:
        processes = [subprocess.Popen([BINARY, *map(str, lake.arguments())], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
        for process in processes:
            out, err = process.communicate(timeout=300)
            assert process.returncode == 0, out + err
    finally:
        done.set()
        for other in others:
            other.join()
    assert failures == []
    assert upkeeps
    lake.run()
    assert difference(snapshot(hospital.folder), snapshot(lake.folder)) == []


def test_landing_files_expire_when_their_rows_are_in_silver_and_no_others_do(tmp_path):
    lake = Lake(tmp_path)
    clinic(lake)
    lake.write("clinic/patients/broken.json", "[{")
    lake.write("clinic/nothing/of_no_contract.csv", "a,b\n1,2\n")
    old = time.time() - 20 * 86400
    for file in lake.landing.rglob("*.*"):
        os.utime(file, (old, old))
    lake.run()
    taken, new = lake.landing / "clinic/visits/visits.csv", lake.landing / "clinic/doctors/doctors.csv"
    changed = lake.landing / "clinic/patients/patients.csv"
    os.utime(new)
    changed.write_text(changed.read_text() + "P9,Late Sentinel,F,1980-01-01,A+,Rome\n")
    os.utime(changed, (old + 5, old + 5))
    keep = ("--landing", lake.landing, "--keep-landing-for", "10d")
    tried = maintain(lake, "--dry-run", *keep)
    assert tried["landing"]["count"] == 1
    assert taken.exists()
    assert maintain(lake, *keep)["landing"]["count"] == 1
    left = sorted(str(file.relative_to(lake.landing)) for file in lake.landing.rglob("*.*"))
    assert left == ["clinic/doctors/doctors.csv", "clinic/nothing/of_no_contract.csv", "clinic/patients/broken.json", "clinic/patients/patients.csv"]
    lake.run()
    assert lake.one("SELECT count(*) FROM silver.encounters") == "1"
    assert lake.one("SELECT count(*) FROM silver.patients") == "3"
