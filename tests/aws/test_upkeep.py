"""maintain, erase and the catalogue on the deployed stack, and the lock that they work under."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta

import polars
import pytest

HEADER = "physician_id,first_name,last_name,specialty,updated_at\n"
PATIENTS = "patient_id,name,gender,dob,blood_group,city\n"
LOCK = "_carelake/locks/alone.json"


def physician(number: int) -> str:
    return f"{HEADER}M{number},Ann,Example,Cardiology,2024-01-01T00:00:00Z\n"


def hold(stack, seconds: float, token: int):
    """The lake's lock as somebody else would hold it."""
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    lease = {"holder": "test", "token": token, "until": until.isoformat().replace("+00:00", "Z"), "released": False}
    stack.s3.put_object(Bucket=stack.lake, Key=LOCK, Body=json.dumps(lease).encode())


def released(stack) -> dict:
    return json.loads(stack.body(stack.lake, LOCK))


@pytest.fixture(scope="module")
def lake(stack):
    """Three small files of one dataset, one after the other: three small files in silver."""
    for number in range(3):
        stack.put(f"scheduling/physicians/2024-06-0{number + 1}/p.csv", physician(number))
        stack.settle()
    return stack


def test_small_files_become_one_and_what_nobody_needs_goes(lake):
    orphan = "bronze/scheduling_physicians/source=scheduling/ingest_date=2024-06-01/" + "0" * 32 + ".parquet"
    lake.s3.put_object(Bucket=lake.lake, Key=orphan, Body=b"left over")
    part = "_carelake/parts/" + "0" * 32 + "/00001-1.json"
    lake.s3.put_object(Bucket=lake.lake, Key=part, Body=b"{}")
    tried = lake.invoke("maintain", run_id="tried", dry_run=True)["upkeep"]
    assert (tried["objects"]["count"], tried["large_files"]) == (1, 1)
    assert orphan in lake.keys(lake.lake)
    done = lake.invoke("maintain", run_id="kept")
    assert done["status"] == "done"
    assert "silver.practitioners" in done["arranged_tables"]
    assert (done["upkeep"]["objects"]["count"], done["upkeep"]["large_files"]) == (1, 1)
    assert orphan not in lake.keys(lake.lake)
    assert part not in lake.keys(lake.lake)
    again = lake.invoke("maintain", run_id="again")
    assert again["arranged_tables"] == []
    assert again["upkeep"]["objects"]["count"] == 0
    rows = lake.delta("silver", "practitioners").filter(polars.col("source") == "scheduling")
    assert sorted(rows["practitioner_id"]) == ["M0", "M1", "M2"]


def test_the_lock_is_given_back_and_its_number_rises(lake):
    lake.invoke("maintain", work="remove")
    before = released(lake)
    assert before["released"]
    lake.invoke("maintain", work="remove")
    assert released(lake)["token"] == before["token"] + 1
    assert not lake.keys(lake.lake, "_carelake/locks/shared/")


def test_files_wait_for_who_is_alone_and_land_then(lake):
    token = released(lake)["token"] + 1
    hold(lake, 60, token)
    lake.put("scheduling/physicians/2024-06-05/waits.csv", physician(5))
    time.sleep(4)
    assert len(lake.ledger("scheduling", "physicians")) == 3
    lake.s3.put_object(Bucket=lake.lake, Key=LOCK, Body=json.dumps(released(lake) | {"released": True}).encode())
    lake.settle()
    assert len(lake.ledger("scheduling", "physicians")) == 4


def test_a_lock_of_the_dead_runs_out(lake):
    hold(lake, -31, released(lake)["token"] + 1)
    before = released(lake)["token"]
    assert lake.invoke("maintain", work="remove")["status"] == "done"
    assert released(lake)["token"] == before + 1


def test_upkeep_and_files_at_the_same_time_leave_every_row(lake):
    files = [(f"scheduling/physicians/2024-07-01/{number}.csv", physician(100 + number)) for number in range(20)]
    answers = []
    asking = threading.Thread(target=lambda: answers.append(lake.invoke("maintain", run_id="beside")))
    asking.start()
    lake.put_all(files)
    asking.join()
    lake.settle(seconds=540)
    assert answers[0]["status"] == "done"
    rows = lake.delta("silver", "practitioners").filter(polars.col("source") == "scheduling")
    assert {f"M{100 + number}" for number in range(20)} <= set(rows["practitioner_id"])


def test_the_catalogue_is_made_again_from_the_lake(lake):
    glue = lake.glue
    before = {name: lake.entry(*name) for name in (("bronze", "scheduling_physicians"), ("silver", "practitioners"), ("gold", "doctor_summary"))}
    days = glue.get_partitions(DatabaseName="bronze", TableName="scheduling_physicians")["Partitions"]
    glue.delete_table(DatabaseName="bronze", Name="scheduling_physicians")
    glue.delete_table(DatabaseName="gold", Name="doctor_summary")
    changed = {
        name: value
        for name, value in before["silver", "practitioners"].items()
        if name in ("Name", "TableType", "Parameters", "StorageDescriptor", "PartitionKeys")
    }
    changed["StorageDescriptor"] = changed["StorageDescriptor"] | {"Columns": changed["StorageDescriptor"]["Columns"][:1]}
    glue.update_table(DatabaseName="silver", TableInput=changed)
    answer = lake.invoke("publish", work="catalogue")
    assert answer["partitions"] > 0
    for name, entry in before.items():
        now = lake.entry(*name)
        assert now["StorageDescriptor"] == entry["StorageDescriptor"], name
        assert now.get("ViewOriginalText") == entry.get("ViewOriginalText"), name
    again = glue.get_partitions(DatabaseName="bronze", TableName="scheduling_physicians")["Partitions"]
    places = [sorted((tuple(one["Values"]), one["StorageDescriptor"]["Location"]) for one in found) for found in (days, again)]
    assert places[0] == places[1]


def everywhere(stack) -> dict[str, bytes]:
    """Every version of every object of the lake, as bytes and as the texts of its columns."""
    found = {}
    for bucket in (stack.landing, stack.lake, stack.identity):
        for key, version in stack.versions(bucket):
            try:
                body = stack.s3.get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read()
            except stack.s3.exceptions.ClientError:
                continue  # what marks a deleted object has no content
            shown = str(polars.read_parquet(body, hive_partitioning=False).to_dicts()).encode() if body.startswith(b"PAR1") else b""
            found[f"{bucket}/{key}@{version}"] = body + shown
    return found


def test_an_erased_person_is_in_no_version_of_anything(lake):
    lake.s3.put_object(Bucket=lake.landing, Key="sources.toml", Body=b'[sources.hill]\nfeed = "clinic"\n')
    gone, stays = "Xq700001", "Xq700002"
    row = "{0},{0} Sentinel,F,1980-01-01,A+,Erased City\n"
    first = PATIENTS + row.format(gone) + row.format(stays)
    lake.put("hill/patients/2024-06-01/p.csv", first)
    lake.settle()
    lake.put("hill/patients/2024-06-01/p.csv", first.replace("A+", "B+"))
    lake.put("hill/patients/other.csv", PATIENTS + row.format("Xq700003"))
    lake.settle()
    before = everywhere(lake)
    assert sum(gone.encode() in body for body in before.values()) >= 4
    lake.s3.put_object(Bucket=lake.identity, Key="identity/_erase/wish_1.txt", Body=gone.encode())
    tried = lake.invoke("erase", step="maintain", work="erase", source="hill", persons="wish_1", dry_run=True)
    assert tried["found"]["landing.patients"] == 1
    assert any(gone.encode() in body for body in everywhere(lake).values())
    done = lake.invoke("erase", step="maintain", work="erase", source="hill", persons="wish_1", reason="asked for in writing")
    assert done["status"] == "done"
    receipt = done["receipt"]
    assert (receipt["persons"], receipt["removed"]["landing_files"]) == (1, 1)
    assert receipt["removed"]["object_versions"] > 0
    lake.settle()
    left = [name for name, body in everywhere(lake).items() if gone.encode() in body]
    assert left == []
    assert lake.keys(lake.identity, "identity/_erase/") == []
    bronze = lake.delta("silver", "patients").filter(polars.col("source") == "hill")
    assert bronze.height == 2
    assert sum(stays.encode() in body for body in everywhere(lake).values()) >= 2
    # The person does not come back, and the event of the rewritten file brings nothing new.
    entries = len(lake.ledger("hill", "patients"))
    lake.put("hill/patients/2024-06-01/p.csv", first)
    lake.settle()
    assert lake.delta("silver", "patients").filter(polars.col("source") == "hill").height == 2
    assert len(lake.ledger("hill", "patients")) == entries + 1
    assert gone not in lake.said()


def test_no_function_was_denied_anything(lake):
    denied = [line for line in lake.said().splitlines() if "AccessDenied" in line or "not authorized" in line]
    assert denied == []
