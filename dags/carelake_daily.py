"""carelake_daily: a day from landing to silver."""

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, CronPartitionTimetable, Param, TriggerRule, task
from carelake.assets import SILVER_ASSETS
from carelake.settings import DAY, NOT_AT_ONCE, SCHEDULE, TIMEZONE, dag_defaults
from carelake.way import Landed, conform, released, senders, take, verdict

DOC = """
### carelake_daily

Takes what landed on a day, sender by sender and dataset by dataset, to silver, and lets go of the day's silver; that starts
`carelake_gold`. The day is the run's partition. Running a day again changes nothing that is right.

**Triage**

| task | when it fails |
|---|---|
| `landed` | Landing cannot be listed, or what the parameter `expected` names did not come in time. |
| `take.ingest` | The message says whether a retry helps. When the cause is mended, clear the task with all that is downstream of it, not only what failed: silver and gold follow then. |
| `take.gate` | Too many rows were rejected, or a file cannot be read. Look at `carelake quarantine list`, ask the sender, and have the file sent again under the same name; then clear the `take` group of that dataset. Others went on. |
| `senders` | It reads answers alone: look at `landed` and `take`. |
| `conform` | As ingest. Silver of the other senders stands. |
| `publish` | Nothing came to silver; gold is not started for this day. |
| `verdict` | It names what else failed. |
"""

with DAG(
    "carelake_daily",
    schedule=CronPartitionTimetable(SCHEDULE, timezone=TIMEZONE, run_offset=-1, key_format="%Y-%m-%d", run_immediately=NOT_AT_ONCE),
    max_active_runs=4,
    params={
        "day": Param(None, type=["null", "string"], format="date", description="The day, where the run has no partition"),
        "expected": Param([], type="array", items={"type": "string"}, description="source/dataset that must have landed; the run waits for them"),
    },
    **dag_defaults(hours=4, doc=DOC, tags=["daily", "silver"]),
):
    landed = Landed(
        task_id="landed",
        request={"partition": DAY},
        timeout=timedelta(hours=3).total_seconds(),
        doc_md="Asks the function ingest what landed on the day.",
    )
    taken, answers = take(landed, {"as_of": DAY})
    places = senders(answers)
    taken >> places
    conformed = conform(places, {"as_of": DAY})

    @task(outlets=SILVER_ASSETS, trigger_rule=TriggerRule.ALL_DONE, doc_md="Lets go of the day's silver: carelake_gold starts.")
    def publish(landed: Any, places: Any, conformed: Any) -> None:
        released(landed, places, conformed)

    done = publish(landed.output, places, conformed.output)
    [taken, done] >> verdict(landed.output)
