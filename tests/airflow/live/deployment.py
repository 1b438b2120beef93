"""The deployed stack and Airflow beside it, as the tests and `make airflow` use them."""

import contextlib
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "aws"))

from emulator import FUNCTIONS, REGION
from local_airflow import Airflow
from stack import QUEUES, Stack

DAGS = [f"carelake_{name}" for name in ("daily", "gold", "train", "score", "surveillance", "backfill", "maintenance", "replay")]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", Path.home() / ".cache/carelake/target"))


def carelake(*arguments: object):
    """Runs the command."""
    done = subprocess.run([TARGET / "debug/carelake", *map(str, arguments)], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{arguments}\n{done.stdout}\n{done.stderr}"


class Site:
    """The stack, in which only Airflow makes things happen, and Airflow with all DAGs.

    The queues call nothing, except that of the parts of large files, which no orchestrator asks for.
    """

    def __init__(self, folder: Path, port: int | None = None, **variables: str):
        self.lineage = {who: folder / f"lineage-{who}.ndjson" for who in ("functions", "airflow")}
        transport = {"type": "file", "log_file_path": str(self.lineage["airflow"]), "append": True}
        variables = {"AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport)} | variables
        with ThreadPoolExecutor(1) as pool, contextlib.ExitStack() as begun:
            starting = pool.submit(Airflow, folder / "airflow", variables, port)
            begun.callback(lambda: starting.exception() or starting.result().stop())
            self.stack = Stack(TARGET, folder / "stack", packed=False)
            begun.callback(self.stack.stop)
            self.airflow = starting.result()
            self.still_queues()
            self.tell_lineage()
            queue = self.stack.sqs.get_queue_url(QueueName="carelake-conditions")["QueueUrl"]
            self.airflow.connect(self.connection(), CARELAKE_SURVEILLANCE_QUEUE=queue)
            # On the emulator the queue hears of every dataset: who wants surveillance turns it on.
            self.airflow.ready(*(dag for dag in DAGS if dag != "carelake_surveillance"))
            self.begun = begun.pop_all()

    def still_queues(self):
        for queue in QUEUES:
            self.listen(queue, queue == "parts")

    def listen(self, queue: str, on: bool):
        """Lets a queue call its function, or keep its messages."""
        for mapping in self.stack.lambdas.list_event_source_mappings()["EventSourceMappings"]:
            if mapping["EventSourceArn"].endswith(f":carelake-{queue}"):
                self.stack.lambdas.update_event_source_mapping(UUID=mapping["UUID"], Enabled=on)

    def tell_lineage(self):
        """Functions write their events of OpenLineage into a file."""
        for function in FUNCTIONS:
            name = f"carelake-{function}"
            given = self.stack.lambdas.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
            variables = given | {"CARELAKE_LINEAGE_FILE": str(self.lineage["functions"])}
            self.stack.lambdas.update_function_configuration(FunctionName=name, Environment={"Variables": variables})

    def events(self, who: str) -> list[dict]:
        """What Airflow or the functions told of lineage."""
        return [json.loads(line) for line in self.lineage[who].read_text().splitlines()]

    def connection(self) -> dict:
        """What the policy of the orchestrator allows, and nothing else."""
        keys = self.stack.emulator.assume("airflow", self.stack.names["OrchestratorPolicyArn"])
        # To AWS a batch of deletions is sqs:DeleteMessage, which the policy has; to the emulator it is an action of its own.
        batch = {"Effect": "Allow", "Action": "sqs:DeleteMessageBatch", "Resource": "arn:aws:sqs:*:*:carelake-conditions"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [batch]})
        self.stack.emulator.client("iam").put_role_policy(RoleName="airflow", PolicyName="batch", PolicyDocument=document)
        extra = {"region_name": REGION, "endpoint_url": self.stack.emulator.url, "aws_session_token": keys["aws_session_token"]}
        return {"conn_type": "aws", "login": keys["aws_access_key_id"], "password": keys["aws_secret_access_key"], "extra": extra}

    def picture(self, run: str):
        """Makes the pictures of docs/airflow.md of a daily run, if PICTURES names a folder for them."""
        if folder := os.environ.get("PICTURES"):
            script = Path(__file__).with_name("screenshots.mjs")
            subprocess.run(["node", script, self.airflow.url, run, folder], check=True, timeout=900)

    def content(self) -> dict[str, str]:
        """Every object of the lake with the digest of its content; reports of runs and logs of maintenance aside."""
        found = {}
        for bucket in (self.stack.lake, self.stack.identity):
            for page in self.stack.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
                found |= {f"{bucket}/{one['Key']}": one["ETag"] for one in page.get("Contents", [])}
        return {key: tag for key, tag in found.items() if "/_carelake/runs/" not in key}

    def stop(self):
        self.begun.close()
