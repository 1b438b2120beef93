"""The lake's key is rotated: other pseudonyms and names everywhere, and nothing else is different."""

import json
import random
import shutil
import subprocess
import time

import pytest
from conftest import BINARY, Lake, carelake, clinic
from deltalake import DeltaTable
from lake_files import delta_tables, difference
from pyarrow.parquet import ParquetFile

KILLS = 6


def rotate(lake: Lake, *more, check=True) -> subprocess.CompletedProcess:
    return carelake("rotate-key", "--lake", lake.folder, "--landing", lake.landing, *more, check=check)


def pseudonyms(lake: Lake) -> dict[str, str]:
    """Pseudonyms by source and real identifier."""
    table = lake.sql("SELECT source, patient_id, real_patient_id FROM identity.patients")
    return {f"{row['source']}/{row['real_patient_id']}": row["patient_id"] for row in table}


def persons(lake: Lake) -> dict[str, str]:
    """Real identifiers by pseudonym, of every person in any file."""
    found = {}
    for path in (lake.folder / "identity").rglob("ingest_date=*/*.parquet"):
        source = path.parent.parent.name
        for row in ParquetFile(path).read().to_pylist():
            reals = [name for name in row if name.startswith("real_") and row[name] is not None]
            found |= {row[name.removeprefix("real_")]: f"{source}/{row[name]}" for name in reals}
    return found


def names(lake: Lake) -> set[str]:
    """Keyed names of ledger entries: those of landing keys and of objects."""
    entries = [json.loads(path.read_text()) for path in (lake.folder / "_carelake/ledger/ingest").rglob("*.json")]
    return {entry["key"] for entry in entries} | {entry["name"] for entry in entries}


def holds(lake: Lake, words: set[str]) -> list[str]:
    """Files of the lake that hold one of the words, in their name, in their bytes, or in a column."""
    found = []
    for path in lake.folder.rglob("*"):
        if not path.is_file():
            continue
        text = path.relative_to(lake.folder).as_posix().encode() + path.read_bytes()
        if path.suffix == ".parquet":
            text += repr(ParquetFile(path).read().to_pylist()).encode()
        if any(word.encode() in text for word in words):
            found.append(path.relative_to(lake.folder).as_posix())
    return found


def content(lake: Lake) -> dict[str, list]:
    """Rows of every table, with persons by their real identifiers and without what is keyed."""
    real = persons(lake)

    def known(value):
        return real.get(value, value) if isinstance(value, str) else value

    tables = {}
    for folder in delta_tables(lake.folder):
        table = DeltaTable(folder).to_pyarrow_table().to_pylist()
        cleaned = [{name: known(value) for name, value in row.items() if name != "_order"} for row in table]
        tables[folder.relative_to(lake.folder).as_posix()] = sorted(map(repr, cleaned))
    return tables


def reported(lake: Lake) -> list:
    """Counts of every check, and what is in quarantine."""
    quarantine = carelake("quarantine", "list", "--lake", lake.folder).stdout
    return [sorted(map(repr, lake.quality().items())), quarantine]


@pytest.fixture(scope="module")
def hospital(tmp_path_factory) -> Lake:
    """A generated hospital, of which one file is gone from landing."""
    lake = Lake(tmp_path_factory.mktemp("hospital"))
    carelake("generate", "--patients", 12, "--seed", 7, "--out", lake.landing)
    # Some feeds are left out for speed.
    for feed in ("synthea", "source_b", "scheduling"):
        shutil.rmtree(lake.landing / feed)
    lake.run()
    next(path for path in sorted((lake.landing / "network").rglob("*")) if path.is_file()).unlink()
    return lake


def copy(lake: Lake, folder) -> Lake:
    twin = Lake(folder)
    shutil.copytree(lake.folder, twin.folder)
    shutil.rmtree(twin.landing)
    shutil.copytree(lake.landing, twin.landing)
    return twin


def check(lake: Lake, before: Lake):
    """The lake is the one before, under another key."""
    assert pseudonyms(before).keys() == pseudonyms(lake).keys()
    old, new = ({person: pseudonym for pseudonym, person in persons(one).items()} for one in (before, lake))
    assert old.keys() == new.keys()
    assert not set(old.values()) & set(new.values())
    assert not names(before) & names(lake)
    assert holds(lake, set(old.values()) | names(before)) == []
    assert (before.folder / "identity/.key").read_bytes() != (lake.folder / "identity/.key").read_bytes()
    assert sorted(path.name for path in (lake.folder / "identity").glob(".*")) in ([".key"], [".erasures-key", ".key"])
    assert difference(content(before), content(lake)) == []
    assert reported(lake) == reported(before)
    report = lake.run()
    assert (report["datasets"], report["changed_tables"]) == ([], [])


def test_a_rotation_changes_pseudonyms_and_names_and_nothing_else(hospital, tmp_path):
    lake = copy(hospital, tmp_path)
    receipt = json.loads(rotate(lake, "--yes").stdout)
    assert receipt["gone_from_landing"] == 1
    assert receipt["files"] == len(list((hospital.folder / "_carelake/ledger/ingest").rglob("*.json")))
    check(lake, hospital)
    again = copy(lake, tmp_path / "again")
    rotate(again, "--yes")
    check(again, lake)
    assert not set(pseudonyms(again).values()) & set(pseudonyms(hospital).values())


def test_a_dry_run_and_a_rotation_without_yes_change_nothing(hospital, tmp_path):
    lake = copy(hospital, tmp_path)
    before = {path: path.read_bytes() for path in lake.folder.rglob("*") if path.is_file()}
    assert "1 of the files are not in landing any more" in rotate(lake, "--dry-run").stderr
    refused = rotate(lake, check=False)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "nothing was changed; add --yes" in refused.stderr
    assert {path: path.read_bytes() for path in lake.folder.rglob("*") if path.is_file()} == before


def test_a_rotation_killed_at_any_moment_is_finished_by_the_next_command(hospital, tmp_path):
    chance = random.Random(11)
    arguments = [BINARY, "rotate-key", "--lake", "", "--landing", "", "--yes"]
    whole = copy(hospital, tmp_path / "whole")
    start = time.monotonic()
    rotate(whole, "--yes")
    seconds = time.monotonic() - start
    killed = 0
    for moment in range(KILLS):
        lake = copy(hospital, tmp_path / f"killed-{moment}")
        arguments[3], arguments[5] = lake.folder, lake.landing
        process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(0, seconds))
        process.kill()
        killed += process.wait() == -9
        records = [path for path in (lake.folder / "_carelake/rotations").glob("*.json") if "receipt" not in path.name]
        if not records:
            # It had not begun, or it was done.
            done = list((lake.folder / "_carelake/rotations").glob("*.receipt.json"))
            if not done:
                assert pseudonyms(lake) == pseudonyms(hospital)
                rotate(lake, "--yes")
        elif moment % 2:
            lake.run()
        else:
            rotate(lake, "--yes")
        check(lake, hospital)
        shutil.rmtree(lake.folder)
    assert killed >= KILLS / 2


def test_later_files_of_a_patient_fit_to_the_new_pseudonym_and_queries_by_real_id_work(lake):
    clinic(lake)
    lake.run()
    rotate(lake, "--yes")
    lake.write("clinic/visits/2024-02-01/more.csv", "visit_id,patient_id,doctor_id,visit_date,reason,visit_type\nV9,P1,D1,2024-02-01,Fever,Consultation\n")
    lake.write("clinic/patients/2024-02-01/more.csv", "patient_id,name,gender,dob,blood_group,city\nP3,Cy Sentinel,F,1980-01-01,A+,Oslo\n")
    report = lake.run()
    assert sorted(one["dataset"] for one in report["datasets"]) == ["patients", "visits"]
    # The row that waited for its parent before the rotation has found it.
    assert report["replayed_rows"] == 1
    assert lake.one("SELECT count(DISTINCT patient_id) FROM silver.encounters") == "2"
    called = carelake("call", "get_patient_history", "P1", "--lake", lake.folder, "--format", "csv").stdout
    assert len(called.splitlines()) == 3
    assert "Ann Sentinel" in called


def test_which_of_two_files_of_a_day_wins_stays_as_it_was(lake):
    clinic(lake)
    header = "patient_id,name,gender,dob,blood_group,city\n"
    for number in range(12):
        lake.write(f"clinic/patients/2024-03-01/part-{number}.csv", f"{header}P5,Eve,F,1980-01-01,A+,City{number}\n")
    lake.run()
    city = lake.one("SELECT city FROM silver.patients WHERE city LIKE 'City%'")
    for _ in range(3):
        rotate(lake, "--yes")
        assert lake.one("SELECT city FROM silver.patients WHERE city LIKE 'City%'") == city
    # A correction of the file keeps its place.
    winner = lake.landing / f"clinic/patients/2024-03-01/part-{city.removeprefix('City')}.csv"
    winner.write_text(f"{header}P5,Eve,F,1980-01-01,A+,Corrected\n")
    lake.run()
    assert lake.one("SELECT count(*) FROM silver.patients WHERE city = 'Corrected'") == "1"
    shown = carelake("quarantine", "show", "clinic.visits", "--lake", lake.folder, "--landing", lake.landing).stdout
    assert "clinic/visits/visits.csv" in shown


def test_an_erased_person_stays_out_under_the_new_key(lake):
    clinic(lake)
    lake.run()
    carelake("erase", "--lake", lake.folder, "--source", "clinic", "--patient", "P1", "--yes")
    rotate(lake, "--yes")
    carelake("quarantine", "replay", "--lake", lake.folder, "--landing", lake.landing, "--as-of", "2025-06-30")
    lake.write("clinic/patients/2024-04-01/again.csv", "patient_id,name,gender,dob,blood_group,city\nP1,Ann Sentinel,F,1980-01-01,A+,Oslo\n")
    lake.run()
    assert "P1" not in {person.split("/")[1] for person in pseudonyms(lake)}
    assert any(row["rule"] == "clinic.patients.person.erased" for row in lake.quarantined("clinic.patients"))


def test_time_travel_to_before_a_rotation_is_refused(hospital, tmp_path):
    lake = copy(hospital, tmp_path)
    rotate(lake, "--yes")
    done = carelake("sql", "--lake", lake.folder, "--as-of", "2020-01-01", "SELECT count(*) FROM silver.encounters", check=False)
    assert done.returncode == 2
    assert "was removed by an erasure" in done.stderr
