"""Who is told when a run fails or is late: the log always, and an SNS topic if CARELAKE_ALERT_TOPIC names one."""

import logging
import os
from typing import Any

log = logging.getLogger("carelake")


def failed(context: Any) -> None:
    """A run has failed."""
    run = context["dag_run"]
    tell(
        f"carelake: {run.dag_id} failed",
        f"Run {run.run_id} of {run.dag_id} failed{_of(run)}. The task `verdict` names what failed, and the DAG's page how to mend it.",
    )


def late(context: Any, hours: float) -> None:
    """A run is not done in time."""
    run = context["dag_run"]
    dag_id, run_id = (run["dag_id"], run["dag_run_id"]) if isinstance(run, dict) else (run.dag_id, run.run_id)
    tell(f"carelake: {dag_id} is late", f"Run {run_id} of {dag_id} is not done {hours:g} hours after it usually is. The grid shows what it waits for.")


def tell(subject: str, text: str) -> None:
    log.error("%s", text)
    if topic := os.environ.get("CARELAKE_ALERT_TOPIC"):
        from airflow.providers.amazon.aws.hooks.sns import SnsHook

        from carelake.settings import CONNECTION

        hook: Any = SnsHook(aws_conn_id=CONNECTION)  # type: ignore[no-untyped-call]
        hook.publish_to_target(target_arn=topic, message=text, subject=subject[:100])


def _of(run: Any) -> str:
    return f" (day {run.partition_key})" if getattr(run, "partition_key", None) else ""
