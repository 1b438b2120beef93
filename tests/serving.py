"""A lake that `carelake serve` answers for, and what clients of Athena need to reach it."""

import subprocess
import time
from contextlib import contextmanager

import boto3
from conftest import BINARY, Lake, carelake

CREDENTIALS = {"aws_access_key_id": "any", "aws_secret_access_key": "any", "region_name": "us-east-1"}


def generated(folder) -> Lake:
    """A lake of every generated feed."""
    lake = Lake(folder)
    carelake("generate", "--patients", 60, "--seed", 3, "--out", lake.landing)
    lake.run()
    return lake


@contextmanager
def serving(lake: Lake, *options):
    """The address of a server over the lake."""
    arguments = [BINARY, "serve", "--lake", lake.folder, "--port", "0", *options]
    process = subprocess.Popen([*map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), process.stderr.read()
        yield url
    finally:
        process.terminate()
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0, err
    assert "error in carelake" not in out + err, err


class Athena:
    """Queries through boto3."""

    def __init__(self, url: str, group: str | None = None):
        self.client = boto3.client("athena", endpoint_url=url, **CREDENTIALS)
        self.s3 = boto3.client("s3", endpoint_url=url, **CREDENTIALS)
        self.group = {"WorkGroup": group} if group else {}

    def start(self, sql: str, *values: str, **more) -> str:
        parameters = {"ExecutionParameters": list(values)} if values else {}
        return self.client.start_query_execution(QueryString=sql, **parameters, **self.group, **more)["QueryExecutionId"]

    def state(self, query: str) -> dict:
        return self.client.get_query_execution(QueryExecutionId=query)["QueryExecution"]

    def ended(self, query: str) -> dict:
        deadline = time.monotonic() + 120
        while (execution := self.state(query))["Status"]["State"] in ("QUEUED", "RUNNING"):
            assert time.monotonic() < deadline, "the query does not end"
            time.sleep(0.02)
        return execution

    def rows(self, query: str, **more) -> list[list[str | None]]:
        pages = self.client.get_paginator("get_query_results").paginate(QueryExecutionId=query, **more)
        return [[cell.get("VarCharValue") for cell in row["Data"]] for page in pages for row in page["ResultSet"]["Rows"]]

    def run(self, sql: str, *values: str, **more) -> list[list[str | None]]:
        """The rows of a query, without their names."""
        execution = self.ended(query := self.start(sql, *values, **more))
        assert execution["Status"]["State"] == "SUCCEEDED", execution["Status"]
        rows = self.rows(query)
        return rows[1:] if execution["StatementType"] == "DML" else rows

    def failure(self, sql: str, *values: str, **more) -> dict:
        """The status of a query that fails."""
        status = self.ended(self.start(sql, *values, **more))["Status"]
        assert status["State"] == "FAILED", status
        return status
