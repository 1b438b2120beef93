"""carelake_replay: files with rejects again, and messages that were given up."""

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, PartitionedAtRuntime, TriggerRule, get_current_context, task
from carelake.assets import SILVER_ASSETS
from carelake.redrive import redrive
from carelake.settings import dag_defaults, parameters
from carelake.way import Landed, conform, released, senders, take, verdict

DOC = """
### carelake_replay

After a contract was mended or a sender answered: takes the files again that have rows in quarantine, of a sender, of a dataset,
by a rule; then silver and gold. With `redrive`, it also puts messages that were given up back into their queues. Started by hand.
Rows that are right stay as they are.

**Triage**: as `carelake_daily`; and

| task | when it fails |
|---|---|
| `redrive` | The role of Airflow may not read the dead letters, or a redrive is under way: wait, and clear it. |
"""

with DAG(
    "carelake_replay",
    schedule=PartitionedAtRuntime(),
    max_active_runs=1,
    params={
        "source": Param(None, type=["null", "string"], description="Sender; all if empty"),
        "dataset": Param(None, type=["null", "string"], description="Dataset; all if empty"),
        "rule": Param(None, type=["null", "string"], description="Rule by its full id, such as clinic.visits.patient_known; any if empty"),
        "redrive": Param(False, type="boolean", description="Put dead letters of ingest, of parts of large files, of conform and publish back as well"),
    },
    **dag_defaults(hours=24, doc=DOC, tags=["by hand", "silver"]),
):
    moved = redrive()
    landed = Landed(
        task_id="landed",
        request=parameters("source", "dataset"),
        by_day=False,
        timeout=timedelta(minutes=30).total_seconds(),
        doc_md="Lists senders and datasets, with their last days.",
    )
    moved >> landed
    taken, answers = take(landed, {"replay": True, **parameters("rule")})
    places = senders(answers)
    taken >> places
    conformed = conform(places, {})

    @task(outlets=SILVER_ASSETS, trigger_rule=TriggerRule.ALL_DONE, doc_md="Lets go of silver, for the last day of what was replayed.")
    def publish(landed: Any, places: Any, conformed: Any) -> None:
        released(landed, places, conformed)
        for asset in SILVER_ASSETS:
            get_current_context()["outlet_events"][asset].add_partitions(max(one["to"] for one in landed))

    done = publish(landed.output, places, conformed.output)
    [taken, done] >> verdict(landed.output)
