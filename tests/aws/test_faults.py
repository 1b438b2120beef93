"""The lake that functions make is the same, whatever S3 and Glue answer and wherever a function dies.

Each case takes the same files through the real functions into a lake of its own, over a wire that fails, and compares what came of
it with a run that nothing disturbed. The seed of a storm stands in its name.
"""

import contextlib
import json
import os
from concurrent.futures import ThreadPoolExecutor

import deltalake
import pytest
from conftest import DOCTORS, PATIENTS, TARGET, VISITS
from emulator import Emulator
from wire import CUT, DIE_AFTER, DIE_BEFORE, LOSE, Always, Calm, Death, Outcome, Process, Storm, glue_error, partial, s3_error

DAY = "2024-02-01"
FILES = {"patients": PATIENTS + "P4,,X,1970-01-01,O+,Bern\n", "doctors": DOCTORS, "visits": VISITS + "V9,P1,D1,99/99/9999,Fever,Consultation\n"}
DATABASES = ("bronze", "codes", "gold", "gold_identified", "identity", "quarantine", "silver")
TRIES = 30


class Hospital:
    """An emulator with the files in landing, and the key that every lake has."""

    def __init__(self, folder):
        self.folder = folder
        self.emulator = Emulator(folder / "aws")
        self.s3, self.glue = self.emulator.client("s3"), self.emulator.client("glue")
        self.s3.create_bucket(Bucket="landing")
        self.s3.put_bucket_versioning(Bucket="landing", VersioningConfiguration={"Status": "Enabled"})
        self.versions, self.lakes, self.key = {}, 0, None
        for name, text in FILES.items():
            key = f"clinic/{name}/{DAY}/{name}.csv"
            put = self.s3.put_object(Bucket="landing", Key=key, Body=text.encode())
            self.versions[name] = (key, put["VersionId"], put["ETag"].strip('"'))

    def event(self, *names) -> dict:
        """A batch of the queue, one message a file."""
        messages = []
        for name in names or FILES:
            key, version, etag = self.versions[name]
            found = {"key": key, "size": 1, "eTag": etag, "versionId": version, "sequencer": "0055AED6DCD90281E5"}
            s3 = {"s3SchemaVersion": "1.0", "bucket": {"name": "landing", "arn": "arn:aws:s3:::landing"}, "object": found}
            at = {"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventTime": f"{DAY}T00:00:00.000Z"}
            body = json.dumps({"Records": [at | {"eventName": "ObjectCreated:Put", "s3": s3}]})
            messages.append({"messageId": name, "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:0:q", "body": body})
        return {"Records": messages}

    def lake(self) -> "Lake":
        for database in DATABASES:
            with contextlib.suppress(self.glue.exceptions.EntityNotFoundException):
                self.glue.delete_database(Name=database)
        self.lakes += 1
        return Lake(self, self.lakes)


class Lake:
    """The buckets of one case, and the functions that work on them."""

    def __init__(self, hospital: Hospital, number: int):
        self.hospital, self.s3, self.glue = hospital, hospital.s3, hospital.glue
        self.name, self.identity = f"lake-{number}", f"identity-{number}"
        for bucket in (self.name, self.identity):
            self.s3.create_bucket(Bucket=bucket)
        if hospital.key:
            self.s3.put_object(Bucket=self.identity, Key="identity/.key", Body=hospital.key)
        own = {"CARELAKE_LAKE_BUCKET": self.name, "CARELAKE_IDENTITY_BUCKET": self.identity, "CARELAKE_LANDING_BUCKET": "landing"}
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}
        self.variables = own | keys | {"TMPDIR": str(hospital.folder / "aws/tmp"), "RUST_BACKTRACE": "0"}

    def ask(self, step: str, weather: Calm | None = None, event: dict | None = None) -> Outcome:
        if event is None:
            event = self.hospital.event() if step == "ingest" else {"step": step, "run_id": "run", "as_of": "2025-06-30"}
        process = Process(TARGET / "debug" / step, self.variables, self.hospital.emulator.url, weather or Calm())
        return process.ask(event)

    def through(self, step: str, weather: Calm | None = None, event: dict | None = None):
        """Asks until the step is done, as the queue does."""
        for _ in range(TRIES):
            outcome = self.ask(step, weather, event)
            if outcome.done:
                return
        raise AssertionError(f"{step} was not done after {TRIES} tries\n{outcome.said[-3000:]}")

    def all(self, *steps):
        for step in steps or ("ingest", "conform", "publish"):
            self.through(step)

    def keys(self, bucket: str, prefix: str = "") -> dict[str, str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return {one["Key"]: one["ETag"] for page in pages for one in page.get("Contents", [])}

    def text(self, bucket: str, key: str):
        return json.loads(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def files(self) -> dict[str, str]:
        """Objects that are named by their content, byte by byte."""
        found = {}
        for bucket, prefixes in {self.name: ("bronze/", "quarantine/"), self.identity: ("identity/",)}.items():
            for prefix in prefixes:
                found |= {key: tag for key, tag in self.keys(bucket, prefix).items() if "/ingest_date=" in key}
        return found

    def ledger(self) -> dict[str, dict]:
        """What the ledger says, without what differs between runs: times, versions of tables."""
        found = {}
        for key in self.keys(self.name, "_carelake/ledger/"):
            entry = self.text(self.name, key)
            found[key] = {name: value for name, value in entry.items() if name not in ("seconds", "parents", "orphans_tag")}
        return found

    def catalogue(self) -> dict[str, object]:
        """Entries and partitions, wherever the buckets are."""
        found = {}
        present = {one["Name"] for one in self.glue.get_databases()["DatabaseList"]}
        for database in sorted(present & set(DATABASES)):
            for page in self.glue.get_paginator("get_tables").paginate(DatabaseName=database):
                for table in page["TableList"]:
                    entry = json.loads(table["Parameters"]["carelake.entry"])
                    place = {"DatabaseName": database, "TableName": table["Name"]}
                    parted = self.glue.get_partitions(**place)["Partitions"] if table.get("PartitionKeys") else []
                    found[f"{database}.{table['Name']}"] = (entry, sorted(one["Values"] for one in parted))
        return found

    def tables(self) -> dict[str, list[str]]:
        """The rows of every Delta table."""
        options = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "aws_region": "us-east-1"}
        options |= {"aws_endpoint_url": self.hospital.emulator.url, "aws_allow_http": "true"}
        found = {}
        for bucket in (self.name, self.identity):
            logs = {key.split("/_delta_log/")[0] for key in self.keys(bucket) if "/_delta_log/" in key}
            for table in logs:
                rows = deltalake.DeltaTable(f"s3://{bucket}/{table}", storage_options=options).to_pyarrow_table()
                found[table] = sorted(json.dumps(row, default=str, sort_keys=True) for row in rows.to_pylist())
        return found

    def state(self) -> dict[str, object]:
        return {"files": self.files(), "ledger": self.ledger(), "catalogue": self.catalogue(), "tables": self.tables()}


def same(found: dict, wanted: dict, what: str):
    for part, value in wanted.items():
        assert found[part].keys() == value.keys(), f"{what}: other {part}"
        for name in value:
            assert found[part][name] == value[name], f"{what}: {part} {name}"


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    found = Hospital(tmp_path_factory.mktemp("faults"))
    yield found
    found.emulator.stop()


@pytest.fixture(scope="module")
def clean(hospital):
    """The lake that nothing disturbed after each step, and what each step changed on its way."""
    lake, states, changes = hospital.lake(), {}, {}
    for step in ("ingest", "conform", "publish"):
        weather = Calm()
        outcome = lake.ask(step, weather)
        assert outcome.done, outcome.said
        states[step], changes[step] = lake.state(), [str(asked) for asked in weather.changes()]
        hospital.key = hospital.key or lake.s3.get_object(Bucket=lake.identity, Key="identity/.key")["Body"].read()
    assert states["publish"]["tables"]["silver/patients"], "the clean run has rows"
    assert len(states["ingest"]["files"]) >= 5
    return {"states": states, "changes": changes}


def points(changes: list[str], most: int) -> list[int]:
    """Numbers of changes at which a process dies: all of them, or as many, evenly spread, the first and the last among them."""
    count = len(changes)
    if count <= most:
        return list(range(1, count + 1))
    return sorted({1 + round(place * (count - 1) / (most - 1)) for place in range(most)})


@pytest.mark.parametrize("how", [DIE_BEFORE, DIE_AFTER])
@pytest.mark.parametrize(("step", "most"), [("ingest", 30), ("conform", 10), ("publish", 3)])
def test_a_function_that_dies_at_a_change_leaves_a_lake_that_the_next_one_completes(hospital, clean, step, most, how):
    order = ["ingest", "conform", "publish"]
    for point in points(clean["changes"][step], most):
        lake = hospital.lake()
        lake.all(*order[: order.index(step)]) if step != "ingest" else None
        death = Death(point, how)
        outcome = lake.ask(step, death)
        assert not death.died or not outcome.done, f"{step} answered though it died at change {point}"
        lake.through(step)
        same(lake.state(), clean["states"][step], f"{step} that died ({how}) at change {point} of {clean['changes'][step]}")


SEEDS = range(int(os.environ.get("CARELAKE_SEEDS", "3")))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_storm_of_faults_leaves_the_lake_that_calm_weather_leaves(hospital, clean, seed):
    lake = hospital.lake()
    for step in ("ingest", "conform", "publish"):
        storm = Storm(seed * 10 + len(step))
        lake.through(step, storm)
        assert storm.injected, "nothing failed"
        assert not [line for line in lake.ledger().values() if line.get("status") == "unreadable"]
    same(lake.state(), clean["states"]["publish"], f"storm {seed}")


def test_the_same_event_many_times_in_any_order_and_at_once_gives_one_lake(hospital, clean):
    lake, names = hospital.lake(), list(FILES)
    orders = [names, names[::-1], names[1:] + names[:1], names * 2]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda order: lake.through("ingest", event=hospital.event(*order)), orders))
    same(lake.state(), clean["states"]["ingest"], "four at once")
    before = lake.files() | {"ledger": lake.keys(lake.name, "_carelake/ledger/")}
    lake.through("ingest")
    assert lake.files() | {"ledger": lake.keys(lake.name, "_carelake/ledger/")} == before, "byte by byte"
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: lake.through("conform"), range(2)))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: lake.through("publish"), range(2)))
    same(lake.state(), clean["states"]["publish"], "two at once")


def test_files_that_come_one_by_one_in_the_wrong_order_give_the_same_lake(hospital, clean):
    lake = hospital.lake()
    for name in ("visits", "patients", "doctors"):
        lake.through("ingest", event=hospital.event(name))
        lake.through("conform")
        lake.through("publish")
    found, wanted = lake.state(), clean["states"]["publish"]
    same({part: found[part] for part in ("files", "catalogue", "tables")}, {part: wanted[part] for part in ("files", "catalogue", "tables")}, "wrong order")


def puts(asked) -> bool:
    return asked.method == "PUT" and "/bronze/" in asked.target


def glue(action: str):
    return lambda asked: asked.action == action


TRANSIENT = {
    "503 for ever": (puts, s3_error(503, "SlowDown")),
    "500 for ever": (puts, s3_error(500, "InternalError")),
    "409 for ever": (puts, s3_error(409, "ConditionalRequestConflict")),
    "answers that are lost": (puts, LOSE),
    "files that are cut short": (lambda asked: asked.method == "GET" and "versionId" in asked.target and "clinic" in asked.target, CUT),
    "Glue that throttles": (glue("BatchCreatePartition"), glue_error(400, "ThrottlingException")),
}


@pytest.mark.parametrize("name", TRANSIENT)
def test_what_fails_for_ever_goes_back_to_the_queue_and_leaves_nothing_in_quarantine(hospital, clean, name):
    picks, verdict = TRANSIENT[name]
    lake = hospital.lake()
    outcome = lake.ask("ingest", Always(picks, verdict), hospital.event("doctors"))
    if name != "answers that are lost":
        assert [one["itemIdentifier"] for one in outcome.failures] == ["doctors"], outcome.said[-2000:]
        assert not lake.keys(lake.name, "_carelake/ledger/"), "the ledger comes last"
    assert not [key for key in lake.keys(lake.name, "quarantine/") if key.endswith(".parquet")]
    lake.through("ingest")
    same(lake.state(), clean["states"]["ingest"], name)


def test_partitions_that_glue_took_in_part_are_asked_for_again(hospital, clean):
    lake, left = hospital.lake(), [2]

    class Half(Calm):
        def verdict(self, asked, number):
            if asked.action == "BatchCreatePartition" and left[0]:
                left[0] -= 1
                return partial(asked)
            return super().verdict(asked, number)

    lake.through("ingest", Half())
    assert left == [0]
    same(lake.state(), clean["states"]["ingest"], "partial answers")


@pytest.mark.parametrize("place", ["bronze", "landing", "glue"])
def test_a_refusal_fails_and_is_never_quarantined(hospital, clean, place):
    refused = {
        "bronze": (puts, s3_error(403, "AccessDenied")),
        "landing": (lambda asked: asked.method == "GET" and "versionId" in asked.target and "tagging" not in asked.target, s3_error(403, "AccessDenied")),
        "glue": (lambda asked: bool(asked.action), glue_error(400, "AccessDeniedException")),
    }
    lake = hospital.lake()
    outcome = lake.ask("ingest", Always(*refused[place]), hospital.event("doctors"))
    assert [one["itemIdentifier"] for one in outcome.failures] == ["doctors"], outcome.said[-2000:]
    assert "Denied" in outcome.said
    assert not lake.keys(lake.name, "_carelake/ledger/")
    assert not [key for key in lake.keys(lake.name, "quarantine/") if key.endswith(".parquet")]
    lake.through("ingest")
    same(lake.state(), clean["states"]["ingest"], place)
