"""A patient who is erased is nowhere, and everybody else is as if the patient had never been."""

import json
import os
import re
import shutil
import subprocess
import time
from collections import Counter
from pathlib import Path

import polars
import pytest
from conftest import BINARY, DOCTORS, PATIENTS, VISITS, Lake, carelake, clinic, dataset
from erasure import copy, differences, files, keys_of, ledger, persons, rows, same_landing, without

SOURCES = ("clinic", "fhir", "network", "noshow_vitoria", "scheduling", "source_a", "source_b", "synthea")
LABS = "report_id,visit_id,test_type,result,report_date\nR1,V1,Blood,ok,2024-01-02\nR2,V9,Blood,ok,2024-01-03\n"


def erase(lake, source, *ids, landing=True, check=True, more=(), yes=True):
    arguments = ["erase", "--lake", lake.folder, "--source", source, *more]
    arguments += ["--landing", lake.landing] if landing else []
    arguments += [part for one in ids for part in ("--patient", one)]
    arguments += ["--yes"] if yes else []
    return carelake(*arguments, check=check)


def receipt_of(done) -> dict:
    return json.loads(done.stdout)


def pseudonym(lake, source, one) -> str:
    found = lake.sql(f"SELECT patient_id FROM identity.patients WHERE source = '{source}' AND real_patient_id = '{one}'")
    return found[0]["patient_id"] if found else ""


def holding(folder: Path, words: set[str]) -> list[str]:
    """Files in which one of the words stands, Parquet decoded; records of erasures aside."""
    found = []
    wanted = [re.compile(rb"(?<![A-Za-z0-9])" + re.escape(word.encode()) + rb"(?![A-Za-z0-9])") for word in words if word]
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if not path.is_file() or name.parts[:2] == ("_carelake", "erasures"):
            continue
        content = path.read_bytes()
        if path.suffix == ".parquet":
            content += str(polars.read_parquet(path, hive_partitioning=False).to_dicts()).encode()
        if any(pattern.search(content) or pattern.search(str(name).encode()) for pattern in wanted):
            found.append(str(name))
    return found


def chosen(lake, source) -> set[str]:
    """The patient with most records, one with a rejected record, one more."""
    found = Counter(persons(lake.landing, source))
    known = {row["real_patient_id"] for row in lake.sql(f"SELECT real_patient_id FROM identity.patients WHERE source = '{source}'")}
    often = next(one for one, _ in found.most_common() if one in known)
    # The identifier of nothing is also that of other things than patients.
    rejected = [one for one in sorted(found) if one not in known and not one.startswith("00000000")]
    return {often, sorted(known)[len(known) // 2], *rejected[:1]}


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    """A hospital of all feeds, taken in two runs, and who is to go."""
    lake = Lake(tmp_path_factory.mktemp("erase"))
    carelake("generate", "--patients", 16, "--seed", 11, "--out", lake.landing)
    later = lake.landing.parent / "later"
    for path, _, _ in list(files(lake.landing)):
        if path.parent.name in ("2025-06-30", "20250630"):
            aside = later / path.relative_to(lake.landing)
            aside.parent.mkdir(parents=True, exist_ok=True)
            os.rename(path, aside)
    lake.run()
    shutil.copytree(later, lake.landing, dirs_exist_ok=True)
    lake.run()
    return lake, {source: chosen(lake, source) for source in SOURCES}


@pytest.fixture(scope="module")
def expected(hospital, tmp_path_factory):
    """A lake built in one go from landing files that never had those patients."""
    lake, gone = hospital
    other = copy(lake, tmp_path_factory.mktemp("expected"))
    for source, ids in gone.items():
        without(other.landing, source, ids)
    other.run()
    return other


@pytest.fixture(scope="module")
def erased(hospital, expected, tmp_path_factory):
    """The hospital without them, and what was known of them."""
    lake, gone = hospital
    other = Lake(tmp_path_factory.mktemp("erased"))
    for part in ("landing", "lake"):
        shutil.rmtree(other.landing.parent / part, ignore_errors=True)
        shutil.copytree(lake.landing.parent / part, other.landing.parent / part)
    names = {source: {pseudonym(other, source, one) for one in ids} for source, ids in gone.items()}
    keys = {source: keys_of(other.landing, source, ids) for source, ids in gone.items()}
    receipts = {source: receipt_of(erase(other, source, *sorted(ids))) for source, ids in gone.items()}
    return other, receipts, names, keys


def test_landing_is_as_if_they_had_never_been_sent(erased, expected):
    same_landing(erased[0].landing, expected.landing)


def test_every_row_of_everybody_else_is_as_if_they_had_never_been(erased, expected):
    assert differences(rows(erased[0].folder), rows(expected.folder)) == {}


def test_the_ledger_is_as_if_they_had_never_been(erased, expected):
    left, right = ledger(erased[0].folder), ledger(expected.folder)
    assert [one for one in left if one not in right] == []
    assert [one for one in right if one not in left] == []


def test_the_checks_are_as_if_they_had_never_been(erased, expected):
    assert erased[0].quality() == expected.quality()


def test_no_file_holds_a_pseudonym(erased):
    lake, _, names, _ = erased
    assert holding(lake.folder, set().union(*names.values())) == []


def test_no_file_of_their_source_holds_their_identifier_or_their_visits(erased, hospital):
    lake, _, _, keys = erased
    for source, ids in hospital[1].items():
        for path in sorted(lake.folder.glob(f"*/*/source={source}/**/*.parquet")):
            text = str(polars.read_parquet(path, hive_partitioning=False).to_dicts())
            assert not [one for one in ids | keys[source] if f"'{one}'" in text], path


def test_a_run_afterwards_has_nothing_to_do(erased):
    report = erased[0].run()
    assert (report["datasets"], report["changed_tables"]) == ([], [])


def test_time_travel_does_not_show_them(erased):
    lake, _, _names, _ = erased
    for table in ("silver.patients", "silver.encounters", "identity.patients"):
        done = carelake("sql", "--lake", lake.folder, "--as-of", "2026-01-01", f"SELECT * FROM {table}", check=False)
        assert done.returncode == 2
        assert "removed by an erasure" in done.stderr, done.stderr
        assert lake.sql(f"SELECT * FROM {table}", "--as-of", "2100-01-01")


def test_a_receipt_counts_and_names_nobody(erased, hospital):
    _, receipts, names, _ = erased
    for source, receipt in receipts.items():
        text = json.dumps(receipt)
        assert not [one for one in hospital[1][source] | names[source] if one and one in text]
        assert receipt["persons"] == len(hospital[1][source])
        assert receipt["removed"]["rows"]["silver.patients"] >= 1
        assert receipt["removed"]["versions"]["silver.patients"] >= 1
        assert receipt["landing"]
        assert receipt["finished"] > receipt["started"]


def test_the_receipt_can_be_checked_by_its_hash(erased):
    lake, receipts, _, _ = erased
    stored = sorted(lake.folder.glob("_carelake/erasures/*.receipt.json"))
    assert len(stored) == len(receipts)
    for path in stored:
        receipt = json.loads(path.read_text())
        given = receipt.pop("sha256")
        text = json.dumps(receipt, separators=(",", ":"), ensure_ascii=False).encode()
        import hashlib

        assert hashlib.sha256(text).hexdigest() == given


def test_without_landing_the_lake_forgets_them_all_the_same(hospital, expected, tmp_path):
    lake, gone = hospital
    other = Lake(tmp_path)
    for part in ("landing", "lake"):
        shutil.rmtree(other.landing.parent / part, ignore_errors=True)
        shutil.copytree(lake.landing.parent / part, other.landing.parent / part)
    names = set()
    for source in ("clinic", "network", "source_a", "noshow_vitoria"):
        names |= {pseudonym(other, source, one) for one in gone[source]}
        for one in sorted(gone[source]):
            done = erase(other, source, one, landing=False, check=False)
            assert done.returncode == 0 or "no patient of that identifier" in done.stderr, done.stderr
    assert holding(other.folder, names) == []
    report = other.run()
    assert (report["datasets"], report["changed_tables"]) == ([], [])
    left, right = rows(other.folder, apart=("_row",)), rows(expected.folder, apart=("_row",))

    def shown(tables):
        compared = r"silver/(lab_reports|patient_snapshots)|bronze/(clinic|network|source_a|noshow)"
        # Nobody of source_b was erased here.
        return {name: [line for line in lines if "'source_b'" not in line] for name, lines in tables.items() if re.search(compared, name)}

    assert differences(shown(left), shown(right)) == {}
    assert erased_rows_come_again(other, "clinic")


def erased_rows_come_again(lake, source) -> bool:
    """Taking every file of a source again lets nobody in who was erased."""
    before = rows(lake.folder)
    subprocess.run(["rm", "-rf", lake.folder / f"_carelake/ledger/ingest/{source}"], check=True)
    report = lake.run()
    patients = dataset(report, source, "patients")
    assert patients["rows_in"] == patients["accepted"] + patients["rejected"] + patients["deduplicated"]
    shown = {table: lines for table, lines in before.items() if table.startswith("silver")}
    return not differences({table: lines for table, lines in rows(lake.folder).items() if table.startswith("silver")}, shown)


def small(lake):
    clinic(lake)
    lake.write("clinic/lab_reports/labs.csv", LABS)
    lake.run()
    return pseudonym(lake, "clinic", "P1")


def test_an_erased_patient_does_not_come_back_with_a_later_file(lake):
    small(lake)
    erase(lake, "clinic", "P1")
    lake.write(
        "clinic/patients/again.csv",
        "patient_id,name,gender,dob,blood_group,city\n P1 ,Ann Sentinel,F,1980-01-01,A+,Oslo\nP4,Di,F,1980-01-01,A+,Oslo\nP1,Ann Sentinel,X,,,\n",
    )
    lake.write("clinic/visits/again.csv", "visit_id,patient_id,doctor_id,visit_date,reason,visit_type\nV7,P1,D1,2024-01-01,Fever,Consultation\n")
    lake.write("clinic/lab_reports/again.csv", LABS)
    report = lake.run()
    taken = dataset(report, "clinic", "patients")
    assert (taken["rows_in"], taken["accepted"], taken["rejected"]) == (3, 1, 2)
    assert dataset(report, "clinic", "visits")["rejected"] == 1
    assert [row["_row"] for row in lake.quarantined("clinic.patients.person.erased")] == [1, 3]
    assert all(not {"record", "value", "column"} & row.keys() for row in lake.quarantined("clinic.patients.person.erased"))
    assert [row["_row"] for row in lake.quarantined("clinic.lab_reports.person.erased")] == [1]
    for table in ("bronze.clinic_patients", "bronze.clinic_visits", "bronze.clinic_lab_reports", "identity.clinic_patients"):
        assert "Ann" not in str(lake.sql(f"SELECT * FROM {table}"))
        assert not [row for row in lake.sql(f"SELECT * FROM {table}") if "P1" in row.values() or "V1" in row.values()], table
    assert [row["real_patient_id"] for row in lake.sql("SELECT real_patient_id FROM identity.patients ORDER BY 1")] == ["P2", "P4"]


def test_children_that_wait_for_a_visit_of_the_patient_go_too(lake):
    clinic(lake, visits=VISITS.replace("D1,2024-01-01", "D9,2024-01-01"))
    lake.write("clinic/lab_reports/labs.csv", LABS)
    assert dataset(lake.run(), "clinic", "lab_reports")["waiting"] == 2
    erase(lake, "clinic", "P1")
    assert [row["visit_id"] for row in lake.sql("SELECT visit_id FROM bronze.clinic_lab_reports")] == ["V9"]
    assert [row["_row"] for row in lake.quarantined("clinic.lab_reports.visit_known")] == [1]
    assert lake.landing.joinpath("clinic/lab_reports/labs.csv").read_text() == LABS.replace("R1,V1,Blood,ok,2024-01-02\n", "")


def test_a_visit_that_is_another_patients_now_stays(lake):
    lake.write("clinic/patients/patients.csv", PATIENTS)
    lake.write("clinic/doctors/doctors.csv", DOCTORS)
    lake.write("clinic/lab_reports/labs.csv", LABS)
    lake.write("clinic/visits/2024-01-01/visits.csv", VISITS)
    lake.write("clinic/visits/2024-01-02/visits.csv", VISITS.replace("V1,P1", "V1,P2"))
    lake.run()
    erase(lake, "clinic", "P1")
    assert [row["encounter_id"] for row in lake.sql("SELECT encounter_id FROM silver.encounters")] == ["V1"]
    assert [row["lab_report_id"] for row in lake.sql("SELECT lab_report_id FROM silver.lab_reports")] == ["R1"]


def test_an_overwritten_version_of_a_file_forgets_the_patient_too(lake):
    name = small(lake)
    lake.write("clinic/patients/patients.csv", PATIENTS.replace("P1,Ann", "P5,Eve"))
    lake.run()
    erase(lake, "clinic", "P1")
    assert holding(lake.folder, {name}) == []
    assert "Ann" not in str(lake.sql("SELECT * FROM identity.clinic_patients"))
    assert lake.run()["datasets"] == []


def test_an_unknown_patient_is_said_to_be_unknown(lake):
    small(lake)
    before = rows(lake.folder)
    done = erase(lake, "clinic", "P77", check=False)
    assert done.returncode == 2
    assert "clinic has no patient of that identifier" in done.stderr
    assert "P77" not in done.stderr
    done = erase(lake, "clinic", "P1", "P77", check=False)
    assert done.returncode == 2
    assert "number 2 of 2" in done.stderr
    done = erase(lake, "nobody", "P1", check=False)
    assert done.returncode == 2
    assert rows(lake.folder) == before
    assert not list(lake.folder.glob("_carelake/erasures/*"))


def test_nothing_is_removed_without_yes(lake):
    small(lake)
    before = rows(lake.folder)
    assert erase(lake, "clinic", "P1", yes=False, check=False).returncode == 2
    done = erase(lake, "clinic", "P1", yes=False, more=["--dry-run"])
    assert "silver.patients" in done.stderr
    assert rows(lake.folder) == before
    assert "Ann" in (lake.landing / "clinic/patients/patients.csv").read_text()


def test_identifiers_can_be_read_from_standard_input(lake):
    small(lake)
    arguments = ["erase", "--lake", lake.folder, "--landing", lake.landing, "--source", "clinic", "--patient-file", "-", "--yes"]
    done = subprocess.run([BINARY, *map(str, arguments)], input="P1\n\nP2\n", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["persons"] == 2
    assert lake.one("SELECT count(*) FROM silver.patients") == "0"


def test_a_reason_may_not_hold_the_identifier(lake):
    small(lake)
    done = erase(lake, "clinic", "P1", more=["--reason", "P1 asked for it"], check=False)
    assert done.returncode == 2
    assert "reason" in done.stderr
    assert receipt_of(erase(lake, "clinic", "P1", more=["--reason", "asked for it"]))["reason"] == "asked for it"


def test_erasing_again_shows_the_receipt_again(lake):
    small(lake)
    first = receipt_of(erase(lake, "clinic", "P1"))
    again = erase(lake, "clinic", "P1")
    assert receipt_of(again) == first
    assert "erased before" in again.stderr


def test_what_cannot_be_rewritten_is_named(lake):
    small(lake)
    lake.write("clinic/unheard_of/x.csv", "patient_id\nP1\n")
    lake.write("clinic/patients/2024-01-01/letter of P1.csv", PATIENTS.replace("P1", "P8"))
    lake.run()
    done = erase(lake, "clinic", "P1")
    assert "clinic/unheard_of/x.csv" in done.stderr
    assert "letter of P1.csv" in done.stderr
    assert receipt_of(done)["removed"]["left_in_landing"] == 2


def test_every_format_of_landing_is_rewritten(lake):
    people = [{"patient_id": one, "name": f"Name {one}", "gender": "F"} for one in ("P1", "P2")]
    frame = polars.DataFrame(people)
    (lake.landing / "clinic/patients/2024-01-01").mkdir(parents=True)
    frame.write_parquet(lake.landing / "clinic/patients/2024-01-01/a.parquet")
    lake.write("clinic/patients/2024-01-02/b.ndjson", "\n".join(map(json.dumps, people)))
    lake.write("clinic/patients/2024-01-03/c.json", json.dumps(people))
    lake.run()
    erase(lake, "clinic", "P1")
    for path, _, _ in files(lake.landing):
        text = str(polars.read_parquet(path).to_dicts()) if path.suffix == ".parquet" else path.read_text()
        assert "Name P2" in text
        assert "P1" not in text, path
    assert lake.run()["datasets"] == []
    assert lake.one("SELECT count(*) FROM silver.patients") == "1"


@pytest.mark.parametrize("delay", [0.1, 0.25, 0.4, 0.6, 0.8, 1.0, 1.3, 1.7, 2.2, 3.0])
def test_an_erasure_cut_short_is_finished_by_the_next_run(lake, tmp_path, delay):
    small(lake)
    whole = copy(lake, tmp_path / "whole")
    without(whole.landing, "clinic", {"P1"})
    whole.run()
    name = pseudonym(lake, "clinic", "P1")
    arguments = ["erase", "--lake", lake.folder, "--landing", lake.landing, "--source", "clinic", "--patient", "P1", "--yes"]
    process = subprocess.Popen([BINARY, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(delay)
    process.kill()
    process.wait()
    begun = list(lake.folder.glob("_carelake/erasures/*"))
    lake.run()
    if not begun:
        erase(lake, "clinic", "P1")
    assert differences(rows(lake.folder), rows(whole.folder)) == {}
    same_landing(lake.landing, whole.landing)
    assert holding(lake.folder, {name}) == []
    assert len(list(lake.folder.glob("_carelake/erasures/*.receipt.json"))) == 1


@pytest.mark.parametrize("attempt", range(3))
def test_a_run_beside_an_erasure_brings_nobody_back(lake, attempt):
    name = small(lake)
    lake.write("clinic/patients/more.csv", PATIENTS.replace("P2,Bob", "P6,Fay"))
    arguments = ["erase", "--lake", lake.folder, "--landing", lake.landing, "--source", "clinic", "--patient", "P1", "--yes"]
    both = [[BINARY, *map(str, lake.arguments())], [BINARY, *map(str, arguments)]]
    both = both if attempt % 2 else both[::-1]
    running = []
    for command in both:
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        time.sleep(0.05 * attempt)
    for process in running:
        out, err = process.communicate(timeout=300)
        assert process.returncode == 0, out + err
    lake.run()
    assert holding(lake.folder, {name}) == []
    assert [row["real_patient_id"] for row in lake.sql("SELECT real_patient_id FROM identity.patients ORDER BY 1")] == ["P2", "P6"]
