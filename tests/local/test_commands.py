"""The command itself: watch, replay, errors that say what to do."""

import signal
import subprocess
import time

import pytest
from conftest import BINARY, PATIENTS, carelake, clinic


def test_quarantine_replay_takes_the_files_again(lake):
    lake.write("clinic/patients/patients.csv", PATIENTS + "P3,,F,1970-01-01,O+,Bern\n")
    lake.run()
    before = lake.quarantined("clinic.patients")
    out = carelake("quarantine", "replay", "--source", "clinic", "--landing", lake.landing, "--lake", lake.folder).stdout
    assert "1 files are taken again" in out
    assert lake.quarantined("clinic.patients") == before
    assert lake.one("SELECT count(*) FROM silver.patients") == "2"


def test_watch_takes_files_as_they_arrive(lake):
    lake.write("clinic/patients/patients.csv", PATIENTS)
    arguments = ["watch", "--every", "1", "--landing", lake.landing, "--lake", lake.folder]
    process = subprocess.Popen([BINARY, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        deadline = time.monotonic() + 60
        wanted = 2
        while time.monotonic() < deadline:
            done = carelake("sql", "--lake", lake.folder, "--format", "csv", "SELECT count(*) FROM silver.patients", check=False)
            if done.returncode == 0 and done.stdout.split()[-1] == str(wanted):
                if wanted == 3:
                    return
                wanted = 3
                lake.write("clinic/patients/more.csv", PATIENTS.splitlines()[0] + "\nP3,Cy,M,1970-01-01,O+,Bern\n")
            time.sleep(0.3)
        pytest.fail("the new file was not taken")
    finally:
        process.terminate()
        process.communicate()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["run", "--landing", "/no/such/folder"], "is not a folder"),
        (["sql", "--lake", "/no/such/lake", "select 1"], "is not a lake"),
        (["land", "clinic", "patients", "notes.docx"], "not a file that carelake reads"),
        (["land", "Clinic", "patients", "a.csv"], "cannot be a folder"),
    ],
)
def test_errors_say_what_to_do(arguments, words, tmp_path):
    done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert words in done.stderr
    assert "panicked" not in done.stderr


def test_queries_read_and_never_write(lake):
    clinic(lake)
    lake.run()
    for query in ("DROP TABLE silver.patients", "CREATE TABLE x AS SELECT 1", "COPY (SELECT 1) TO '/tmp/x.csv'"):
        assert carelake("sql", "--lake", lake.folder, query, check=False).returncode == 2


def test_an_interrupted_watch_ends_at_once(lake):
    carelake("generate", "--patients", 300, "--seed", 1, "--out", lake.landing)
    process = subprocess.Popen([BINARY, "watch", "--landing", lake.landing, "--lake", lake.folder], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 0


def test_a_query_can_be_timed(lake):
    clinic(lake)
    lake.run()
    rows = lake.sql("SELECT * FROM silver.patients", "--timing", "3")
    assert [row["rows"] for row in rows] == ["2", "2", "2"]
    assert all(float(row["planning_ms"]) > 0 and float(row["running_ms"]) > 0 for row in rows)


def test_a_query_may_begin_with_a_comment(lake):
    clinic(lake)
    lake.run()
    for query in ("-- how many\nSELECT count(*) AS n FROM patients", "--how many\nSELECT count(*) AS n FROM patients"):
        assert carelake("sql", "--lake", lake.folder, "--format", "csv", query).stdout == "n\n2\n"
        assert carelake("sql", query, "--lake", lake.folder, "--format", "csv").stdout == "n\n2\n"
    refused = carelake("sql", "--lake", lake.folder, "--fromat", check=False)
    assert (refused.returncode, refused.stderr.strip()) == (2, "carelake: there is no option --fromat; a query goes in quotes")
