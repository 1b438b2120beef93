"""carelake_maintenance: the lake is kept small and in order, and quarantine is looked at."""

from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, task
from airflow.sdk.exceptions import AirflowFailException
from carelake.settings import GOLD_POOL, NOT_AT_ONCE, TIMEZONE, dag_defaults
from carelake.step import Step

DOC = """
### carelake_maintenance

On Sundays at 05:00: small files become large ones, rows stand in order, and what nobody reads any more is removed, as the
function maintain does it. On the first Sunday of a month it also reviews quarantine: checks that fail over all that is in
the lake.

**Triage**

| task | when it fails |
|---|---|
| `maintain` | The lake is as it was; readers never see it half done. Clear it: it goes on where it stood. |
| `monthly` | It reads the day of the run alone; it skips the review on other Sundays. |
| `review` | As any step: the message says whether a retry helps. |
| `reviewed` | Checks fail by their contracts' thresholds. The message names senders and rules: look at `carelake quarantine show RULE`, mend contract or sender, then run `carelake_replay`. |
"""

with DAG(
    "carelake_maintenance",
    schedule=CronTriggerTimetable("0 5 * * SUN", timezone=TIMEZONE, run_immediately=NOT_AT_ONCE),
    max_active_runs=1,
    **dag_defaults(hours=12, doc=DOC, tags=["weekly", "upkeep"]),
):
    maintained = Step(task_id="maintain", step="maintain", pool=GOLD_POOL, doc_md="Compacts, clusters and removes, beside whatever else runs.")

    @task.short_circuit(retries=0, doc_md="Goes on, on the first Sunday of a month. A retry reads the same day.")
    def monthly(dag_run: Any = None) -> bool:
        return bool(dag_run.run_after.day <= 7)

    reviewing = Step(task_id="review", step="maintain", request={"review": True}, pool=GOLD_POOL, doc_md="Judges every check over the lake.")

    @task(retries=0, doc_md="Fails while checks fail. A retry judges the same counts.")
    def reviewed(answer: Any) -> int:
        bad = [f"{one['source']}: {one['rule']} ({one['failed']} of {one['checked']})" for one in answer["failing"]]
        if bad:
            raise AirflowFailException(f"{len(bad)} of {answer['checks']} checks fail: {'; '.join(bad[:20])}")
        return int(answer["checks"])

    maintained >> monthly() >> reviewing
    reviewed(reviewing.output)
