"""carelake_backfill: past days of senders and datasets, again or for the first time."""

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Param, PartitionedAtRuntime, TriggerRule, get_current_context, task
from carelake.assets import SILVER_ASSETS
from carelake.settings import dag_defaults, parameters
from carelake.way import Landed, conform, released, senders, take, verdict

DOC = """
### carelake_backfill

Takes what landed between two days, of one sender or all, of one dataset or all, eight at a time; then lets go of the silver
of each day, which starts `carelake_gold` once for a day. Started by hand. After a failure, clear the failed task with what is
downstream of it: the run goes on where it stood, and files that are in the lake are not taken again.

**Triage**: as `carelake_daily`. To run `carelake_daily` itself for past days, with a run for each, use
`airflow backfill create --dag-id carelake_daily`.
"""

with DAG(
    "carelake_backfill",
    schedule=PartitionedAtRuntime(),
    max_active_runs=1,
    params={
        "source": Param(None, type=["null", "string"], description="Sender; all if empty"),
        "dataset": Param(None, type=["null", "string"], description="Dataset; all if empty"),
        "from": Param(None, type=["null", "string"], format="date", description="First day"),
        "to": Param(None, type=["null", "string"], format="date", description="Last day"),
    },
    **dag_defaults(hours=24, doc=DOC, tags=["by hand", "silver"]),
):
    landed = Landed(
        task_id="landed",
        request=parameters("source", "dataset", "from", "to"),
        timeout=timedelta(minutes=30).total_seconds(),
        doc_md="Lists senders, datasets and days between the two days.",
    )
    taken, answers = take(landed, {"as_of": "{{ task.place['partition'] }}"})
    places = senders(answers)
    taken >> places
    conformed = conform(places, {})

    @task(outlets=SILVER_ASSETS, trigger_rule=TriggerRule.ALL_DONE, doc_md="Lets go of the silver of each day: carelake_gold starts for each.")
    def publish(landed: Any, places: Any, conformed: Any) -> None:
        released(landed, places, conformed)
        for asset in SILVER_ASSETS:
            get_current_context()["outlet_events"][asset].add_partitions(sorted({one["partition"] for one in landed}))

    done = publish(landed.output, places, conformed.output)
    [taken, done] >> verdict(landed.output)
