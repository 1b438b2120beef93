"""The deployed stack as a test uses it: files in, wait until it is quiet, look at what came of them."""

import base64
import io
import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import deltalake
import duckdb
import polars
from emulator import FUNCTIONS, Emulator, stage

QUEUES = ("ingest", "parts", "conform", "publish")


class Stack:
    """An emulator with the template deployed on it and the built functions in it."""

    def __init__(self, target: Path, folder: Path, packed: bool = True):
        stage(target, folder / "infra", packed)
        self.emulator = Emulator(folder / "aws")
        try:
            self.names = self.emulator.deploy(folder / "infra")
            self.s3, self.sqs, self.glue = (self.emulator.client(service) for service in ("s3", "sqs", "glue"))
            self.lambdas, self.logs = self.emulator.client("lambda"), self.emulator.client("logs")
            self.landing, self.lake, self.identity = (self.names[f"{name}Bucket"] for name in ("Landing", "Lake", "Identity"))
            self.urls = {}
            for queue in QUEUES:
                self.urls[queue] = self.sqs.get_queue_url(QueueName=f"carelake-{queue}")["QueueUrl"]
                self.urls[f"{queue}-dead"] = self.sqs.get_queue_url(QueueName=f"carelake-{queue}-dead")["QueueUrl"]
            self.count_in_numbers()
            self.policies = {bucket: self.lift_policy(bucket) for name, bucket in self.names.items() if name.endswith("Bucket")}
        except BaseException:
            self.emulator.stop()
            raise

    def count_in_numbers(self):
        """The emulator keeps a mapping's concurrency as the text that the template's parameter is, and cannot compare it."""
        for mapping in self.lambdas.list_event_source_mappings()["EventSourceMappings"]:
            most = int(mapping["ScalingConfig"]["MaximumConcurrency"])
            self.lambdas.update_event_source_mapping(UUID=mapping["UUID"], ScalingConfig={"MaximumConcurrency": most})

    def lift_policy(self, bucket: str) -> str:
        """Takes a bucket's policy away and returns it: the emulator has no TLS, so the policy refuses everyone but root."""
        policy = self.s3.get_bucket_policy(Bucket=bucket)["Policy"]
        self.s3.delete_bucket_policy(Bucket=bucket)
        return policy

    def put(self, key: str, body: str | bytes) -> str:
        """Uploads a file to landing; its version."""
        content = body if isinstance(body, bytes) else body.encode()
        return self.s3.put_object(Bucket=self.landing, Key=key, Body=content)["VersionId"]

    def put_all(self, files: list[tuple[str, str | bytes]]) -> list[str]:
        with ThreadPoolExecutor(16) as pool:
            return list(pool.map(lambda file: self.put(*file), files))

    def waiting(self, queue: str) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"]
        counts = self.sqs.get_queue_attributes(QueueUrl=self.urls[queue], AttributeNames=names)["Attributes"]
        return sum(map(int, counts.values()))

    def settle(self, seconds: float = 300, still: float = 2.5):
        """Waits until no queue has held a message for a while."""
        end, quiet = time.monotonic() + seconds, time.monotonic()
        while time.monotonic() < end:
            if any(self.waiting(queue) for queue in QUEUES):
                quiet = time.monotonic()
            elif time.monotonic() - quiet > still:
                return
            time.sleep(0.2)
        counts = {queue: self.waiting(queue) for queue in self.urls}
        raise TimeoutError(f"not quiet after {seconds} s: {counts}\n{self.said()[-6000:]}")

    def tags(self, key: str, version: str | None = None) -> dict[str, str]:
        which = {"VersionId": version} if version else {}
        found = self.s3.get_object_tagging(Bucket=self.landing, Key=key, **which)["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in found}

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def body(self, bucket: str, key: str) -> bytes:
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def parquet(self, prefix: str) -> polars.DataFrame:
        """The rows of plain Parquet objects of the lake: bronze, quarantine."""
        files = [key for key in self.keys(self.lake, prefix) if key.endswith(".parquet")]
        frames = [polars.read_parquet(io.BytesIO(self.body(self.lake, key))) for key in files]
        return polars.concat(frames, how="diagonal_relaxed") if frames else polars.DataFrame()

    def entry(self, database: str, table: str) -> dict:
        return self.glue.get_table(DatabaseName=database, Name=table)["Table"]

    def delta(self, database: str, table: str) -> polars.DataFrame:
        """The rows of a Delta table where the catalogue says that it lies."""
        options = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "aws_region": "us-east-1"}
        options |= {"aws_endpoint_url": self.emulator.url, "aws_allow_http": "true"}
        location = self.entry(database, table)["StorageDescriptor"]["Location"].rstrip("/")
        return polars.from_arrow(deltalake.DeltaTable(location, storage_options=options).to_pyarrow_table())

    def view(self, name: str) -> list[dict]:
        """What a gold view shows: the SQL that Athena would take from the catalogue, over the tables in the catalogue."""
        text = self.entry("gold", name)["ViewOriginalText"]
        encoded = re.fullmatch(r"/\* Presto View: (\S+) \*/", text).group(1)
        sql = json.loads(base64.b64decode(encoded))["originalSql"]
        with duckdb.connect() as engine:
            engine.execute("CREATE SCHEMA silver")
            for table in set(re.findall(r"\bsilver\.(\w+)", sql)):
                rows = self.delta("silver", table).to_arrow()
                engine.register(f"given_{table}", rows)
                engine.execute(f"CREATE VIEW silver.{table} AS SELECT * FROM given_{table}")
            shown = engine.execute(sql)
            names = [column[0] for column in shown.description]
            return [dict(zip(names, row, strict=True)) for row in shown.fetchall()]

    def ledger(self, source: str, dataset: str) -> list[dict]:
        """What ingest recorded of a dataset's files."""
        keys = self.keys(self.lake, f"_carelake/ledger/ingest/{source}/{dataset}/")
        return [json.loads(self.body(self.lake, key)) for key in keys]

    def versions(self, bucket: str, prefix: str = "") -> list[tuple[str, str]]:
        """Every version of every object, and what marks deleted ones."""
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
        return [(found["Key"], found["VersionId"]) for page in pages for found in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]]

    def invoke(self, function: str, **payload) -> dict:
        """Asks a function directly, as an orchestrator does; fails with what it said when it fails."""
        answer = self.lambdas.invoke(FunctionName=f"carelake-{function}", Payload=json.dumps({"step": function} | payload).encode())
        said = json.loads(answer["Payload"].read() or b"null")
        assert "FunctionError" not in answer, f"{said}\n{self.said()[-4000:]}"
        return said

    def dead(self, queue: str) -> list[str]:
        got = self.sqs.receive_message(QueueUrl=self.urls[f"{queue}-dead"], MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [message["Body"] for message in got.get("Messages", [])]

    def said(self) -> str:
        """Every line that any function has logged."""
        lines = []
        for function in (*FUNCTIONS, "erase"):
            group = f"/aws/lambda/carelake-{function}"
            for stream in self.logs.describe_log_streams(logGroupName=group)["logStreams"]:
                lines += self.lines(group, stream["logStreamName"])
        return "\n".join(lines)

    def lines(self, group: str, stream: str) -> list[str]:
        lines, token = [], {}
        while True:
            page = self.logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True, **token)
            lines += [f"{group} {event['message']}" for event in page["events"]]
            if not page["events"] or page["nextForwardToken"] == token.get("nextToken"):
                return lines
            token = {"nextToken": page["nextForwardToken"]}

    def stop(self):
        self.emulator.stop()
