"""The deployed stack from a file in landing to a row in a gold view, with IAM's policies enforced."""

import gzip
import json
import re
import time
import unicodedata
import uuid

import polars
import pytest
from conftest import DOCTORS, PATIENTS, VISITS, Lake, clinic

HEADER = "patient_id,name,gender,dob,blood_group,city\n"
SENTINEL = re.compile(rb"(?i)zq\d{6}")
BAD_VISIT = "V9,P1,D1,99/99/9999,Fever,Consultation\n"


def patients(*numbers: int, city: str = "Oslo") -> str:
    """A file of patients. Each identifier and each name is a sentinel."""
    rows = [f"Zq{number:06d},Zq{number:06d} Sentinel,F,1980-01-01,A+,{city}\n" for number in numbers]
    return HEADER + "".join(rows)


@pytest.fixture(scope="module")
def hospital(stack):
    """A small clinic, landed and taken through every step; the versions of its files."""
    files = {"patients": PATIENTS, "doctors": DOCTORS, "visits": VISITS + BAD_VISIT}
    keys = [(f"clinic/{name}/2024-02-01/{name}.csv", text) for name, text in files.items()]
    versions = stack.put_all(keys)
    stack.settle()
    return {key: version for (key, _), version in zip(keys, versions, strict=True)}


def test_rows_reach_bronze_and_bad_ones_quarantine(stack, hospital):
    visits = stack.parquet("bronze/clinic_visits/")
    assert sorted(visits["visit_id"]) == ["V1", "V2"]
    assert not set(visits["patient_id"]) & {"P1", "P3"}, "bronze has pseudonyms alone"
    rules = set(stack.parquet("quarantine/clinic_visits/")["rule"])
    assert {"clinic.visits.visit_date.type", "clinic.visits.patient_known"} <= rules


def test_the_lake_is_the_one_that_the_command_makes_of_the_same_files(stack, hospital, lake):
    clinic(lake, visits=VISITS + BAD_VISIT)
    lake.run()
    for table in ("patients", "practitioners", "encounters"):
        here = stack.delta("silver", table).filter(polars.col("source") == "clinic")
        assert str(here.height) == lake.one(f"SELECT count(*) FROM silver.{table}"), table
    for view in ("doctor_summary", "city_distribution"):
        wanted = lake.sql(f"SELECT * FROM {view}")
        got = [{name: str(value) for name, value in row.items()} for row in stack.view(view)]
        assert sorted(got, key=str) == sorted(wanted, key=str), view


def test_landing_objects_carry_the_outcome_and_the_run(stack, hospital):
    for key, version in hospital.items():
        tags = stack.tags(key, version)
        assert tags["carelake-status"] == "ingested", key
        assert tags["carelake-run"], key


def test_the_catalogue_says_where_tables_lie(stack, hospital):
    bronze = stack.entry("bronze", "clinic_visits")
    assert bronze["StorageDescriptor"]["Location"].rstrip("/") == f"s3://{stack.lake}/bronze/clinic_visits"
    assert [key["Name"] for key in bronze["PartitionKeys"]] == ["source", "ingest_date"]
    partitions = stack.glue.get_partitions(DatabaseName="bronze", TableName="clinic_visits")["Partitions"]
    assert ["clinic", "2024-02-01"] in [partition["Values"] for partition in partitions]
    silver = stack.entry("silver", "encounters")
    assert silver["StorageDescriptor"]["Location"].rstrip("/") == f"s3://{stack.lake}/silver/encounters"
    assert stack.entry("gold", "doctor_summary")["TableType"] == "VIRTUAL_VIEW"
    persons = stack.entry("identity", "patients")
    assert persons["StorageDescriptor"]["Location"].startswith(f"s3://{stack.identity}/identity/")


def test_identity_stays_in_its_own_bucket(stack, hospital):
    assert not stack.keys(stack.lake, "identity/")
    assert "identity/.key" in stack.keys(stack.identity)


def content(stack) -> dict[str, str]:
    """Every object of the lake with the digest of its content, reports of runs aside."""
    found = {}
    for bucket in (stack.lake, stack.identity):
        for page in stack.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            found |= {f"{bucket}/{one['Key']}": one["ETag"] for one in page.get("Contents", [])}
    return {key: tag for key, tag in found.items() if "/_carelake/runs/" not in key}


def event(stack, key: str, version: str) -> str:
    size = stack.s3.head_object(Bucket=stack.landing, Key=key, VersionId=version)
    found = {"key": key, "size": size["ContentLength"], "eTag": size["ETag"].strip('"'), "versionId": version, "sequencer": "0055AED6DCD90281E5"}
    s3 = {"s3SchemaVersion": "1.0", "bucket": {"name": stack.landing, "arn": f"arn:aws:s3:::{stack.landing}"}, "object": found}
    at = {"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventTime": "2024-02-01T00:00:00.000Z"}
    return json.dumps({"Records": [at | {"eventName": "ObjectCreated:Put", "s3": s3}]})


def test_an_event_that_comes_again_changes_nothing(stack, hospital):
    before = content(stack)
    for key, version in hospital.items():
        for _ in range(4):
            stack.sqs.send_message(QueueUrl=stack.urls["ingest"], MessageBody=event(stack, key, version))
    stack.settle()
    assert content(stack) == before


HOSTILE = ["a b", "a+b", "a%2Bb", "a=b", "a:b", "back\\slash", "naïve", unicodedata.normalize("NFD", "naïve"), "😀", "x" * 900, "'; DROP TABLE"]
ODD_PATHS = ["clinic/patients/../doctors/x.csv", "clinic/patients//x.csv", "clinic/nothing/x.csv", "Clinic/patients/x.csv", "x.csv"]
POISON = {
    "empty.csv": b"",
    "cut.csv.gz": gzip.compress(patients(1, 2, 3).encode() * 50)[:60],
    "text.parquet": b"PAR1 no parquet PAR1",
    "wide.csv": patients(4).encode("utf-16"),
    "broken.json": b'[{"patient_id": "Zq000005"',
    "nested.ndjson": b"[" * 10_000,
}


@pytest.fixture(scope="module")
def storm(stack, hospital):
    """Two hundred files at once: good ones, some sent twice, names that are hostile, paths of no contract, poison."""
    day = "clinic/patients/2024-03-01"
    good = [(f"{day}/Zq{number:06d} list.csv", patients(number, number + 1000)) for number in range(1001, 1161)]
    good += [(f"{day}/{name}.csv", patients(9001 + index, city=f"City {index}")) for index, name in enumerate(HOSTILE)]
    odd = [(path, patients(3000 + index)) for index, path in enumerate(ODD_PATHS)]
    poison = [(f"{day}/{name}", body) for name, body in POISON.items()]
    twice = good[:18]
    files = good + odd + poison + twice
    assert len(files) == 200
    stack.put_all(files)
    stack.settle(seconds=540)
    return {"good": good, "odd": odd, "poison": poison}


def test_every_good_file_of_a_storm_is_in_silver_once(stack, storm):
    cities = stack.delta("silver", "patients").filter(polars.col("source") == "clinic")["city"].to_list()
    assert cities.count("Oslo") == 1 + 2 * 160
    assert {f"City {index}" for index in range(len(HOSTILE))} <= set(cities)
    assert len(cities) == 2 + 2 * 160 + len(HOSTILE)
    assert {stack.tags(key)["carelake-status"] for key, _ in storm["good"]} == {"ingested"}


def test_gold_shows_what_a_storm_brought(stack, storm):
    shown = {row["city"]: row["patient_count"] for row in stack.view("city_distribution") if row["source"] == "clinic"}
    assert shown["Oslo"] == 1 + 2 * 160


def test_poison_is_quarantined_beside_files_that_land(stack, storm):
    assert {key: stack.tags(key)["carelake-status"] for key, _ in storm["poison"]} == {key: "unreadable" for key, _ in storm["poison"]}
    rules = stack.parquet("quarantine/clinic_patients/")["rule"].to_list()
    assert rules.count("clinic.patients.file.readable") == len(POISON)
    assert stack.dead("ingest") == stack.dead("conform") == stack.dead("publish") == []


def test_files_of_no_contract_are_tagged_and_left(stack, storm):
    assert {key: stack.tags(key)["carelake-status"] for key, _ in storm["odd"]} == {key: "ignored" for key, _ in storm["odd"]}


def test_a_message_that_cannot_be_read_ends_among_dead_letters_and_files_land_beside_it(stack, storm):
    queue = stack.urls["ingest"]
    before = stack.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]
    stack.sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    marker = uuid.uuid4().hex
    try:
        stack.sqs.send_message(QueueUrl=queue, MessageBody=f"no event {marker}")
        stack.put("clinic/patients/2024-03-02/beside.csv", patients(4001, city="Beside"))
        stack.settle(seconds=120, still=4)
    finally:
        stack.sqs.set_queue_attributes(QueueUrl=queue, Attributes=before)
    assert [body for body in stack.dead("ingest") if marker in body]
    assert stack.tags("clinic/patients/2024-03-02/beside.csv")["carelake-status"] == "ingested"


def test_steps_answer_when_they_are_asked_directly(stack, hospital):
    for step in ("conform", "publish", "maintain"):
        answer = stack.invoke(step, run_id=f"asked-{step}", as_of="2025-06-30")
        assert (answer["step"], answer["run_id"], answer["status"]) == (step, f"asked-{step}", "done")


def test_what_a_hand_changed_in_glue_is_told_and_comes_back(stack, hospital):
    stack.invoke("publish")
    assert stack.invoke("publish", check=True)["drift"] == []
    kept = ("Name", "TableType", "StorageDescriptor", "Parameters", "ViewOriginalText", "ViewExpandedText")
    entry = {name: value for name, value in stack.entry("gold", "doctor_summary").items() if name in kept}
    stack.glue.update_table(DatabaseName="gold", TableInput=entry | {"Description": "Mine."})
    stack.glue.create_table(DatabaseName="gold", TableInput=entry | {"Name": "stray"})
    told = stack.invoke("publish", check=True)
    assert {one["name"]: one["kind"] for one in told["drift"]} == {
        "gold.doctor_summary": {"differs": ["description"]},
        "gold.stray": "unwanted_view",
    }
    assert told["catalogue_drift"] == 2
    assert stack.entry("gold", "doctor_summary")["Description"] == "Mine.", "a check changes nothing"
    assert stack.invoke("publish")["changed_tables"] == []
    assert stack.invoke("publish", check=True)["drift"] == []


def test_a_copy_of_both_buckets_is_a_lake_for_the_command(stack, storm, tmp_path):
    lake = Lake(tmp_path)
    for bucket in (stack.lake, stack.identity):
        for key in stack.keys(bucket):
            file = lake.folder / key
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(stack.body(bucket, key))
            file.chmod(0o600)
    lake.run()
    assert lake.one("SELECT count(*) FROM silver.patients WHERE source = 'clinic'") == str(stack.delta("silver", "patients").height)
    (before,) = [row for row in lake.sql("SELECT * FROM city_distribution") if row["city"] == "Oslo"]
    assert before["patient_count"] == str(1 + 2 * 160)


def test_no_sentinel_stands_in_logs_or_outside_identity(stack, storm):
    said = stack.said()
    assert "REPORT" in said or "RowsIn" in said, "nothing was logged"
    assert SENTINEL.findall(said.encode()) == []
    for key in stack.keys(stack.lake):
        assert not SENTINEL.search(key.encode()), key
        if not key.startswith("gold_identified/"):
            body = stack.body(stack.lake, key)
            shown = str(polars.read_parquet(body, hive_partitioning=False).to_dicts()).encode() if key.endswith(".parquet") else b""
            assert not SENTINEL.search(body + shown), key


def test_no_function_was_denied_anything(stack, storm):
    denied = [line for line in stack.said().splitlines() if re.search("AccessDenied|not authorized|Denied", line)]
    assert denied == []


def test_the_time_of_a_file_is_short(stack, storm):
    """Guards against a step that waits for nothing; figures come from tests/bench/aws.py."""
    start = time.monotonic()
    stack.put("clinic/patients/2024-03-03/quick.csv", patients(5001, city="Quick"))
    while not any(row["city"] == "Quick" for row in stack.view("city_distribution")):
        assert time.monotonic() - start < 60
        time.sleep(0.2)
