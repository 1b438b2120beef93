"""What an operator sets, and what every DAG has. Read from Airflow's environment once; docs/airflow.md lists it."""

import os
from datetime import timedelta
from typing import Any

from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from carelake.alerts import failed, late

NAME = os.environ.get("CARELAKE_NAME", "carelake")
CONNECTION = os.environ.get("CARELAKE_CONNECTION", "aws_default")
SCHEDULE = os.environ.get("CARELAKE_SCHEDULE", "0 2 * * *")
TIMEZONE = os.environ.get("CARELAKE_TIMEZONE", "America/Los_Angeles")
TRAIN_SOURCES = os.environ.get("CARELAKE_TRAIN_SOURCES", "").split()
SURVEILLANCE_QUEUE = os.environ.get("CARELAKE_SURVEILLANCE_QUEUE", "")
RETRY_SECONDS = int(os.environ.get("CARELAKE_RETRY_SECONDS", "60"))

# Turning a DAG on starts no run of a time that has passed. False should say so, but Airflow 3.3.2 takes it for "if that was not long ago".
NOT_AT_ONCE = timedelta(0)

OWNER = "data-platform"
INGEST_POOL = "carelake_ingest"
SILVER_POOL = "carelake_silver"
GOLD_POOL = "carelake_gold"

# The day of a run, in a template: its partition, else the parameter of a run that somebody started by hand.
DAY = "{{ dag_run.partition_key or params.get('day') or '' }}"


def parameters(*names: str) -> dict[str, str]:
    """A template for each parameter of a run; empty where it has none."""
    return {name: "{{ params['" + name + "'] or '' }}" for name in names}


TASK_DEFAULTS: dict[str, Any] = {
    "owner": OWNER,
    "retries": 3,
    "retry_delay": timedelta(seconds=RETRY_SECONDS),
    "retry_exponential_backoff": 2,
    "max_retry_delay": timedelta(minutes=15),
    "execution_timeout": timedelta(hours=1),
}


def dag_defaults(*, hours: float, doc: str, tags: list[str]) -> dict[str, Any]:
    """What every DAG is made with: owner, retries, an alert when it fails, and one when it is late.

    Late is `hours` longer than its runs take on average. A deadline from the moment a run is queued is plainer, but Airflow
    3.3.2 then refuses to clear any task of the run.
    """
    usual = DeadlineReference.AVERAGE_RUNTIME(max_runs=10, min_runs=1)
    alert = DeadlineAlert(reference=usual, interval=timedelta(hours=hours), callback=SyncCallback(late, kwargs={"hours": hours}))
    return {
        "default_args": TASK_DEFAULTS,
        "catchup": False,
        "deadline": alert,
        "on_failure_callback": failed,
        "doc_md": doc,
        "tags": ["carelake", *tags],
    }
