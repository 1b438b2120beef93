"""carelake_gold: the views and marts of a day, from silver."""

from typing import Any

from airflow.sdk import DAG, AssetAll, PartitionedAssetTimetable, task
from carelake import gates
from carelake.assets import GOLD_ASSETS, SILVER_ASSETS
from carelake.settings import DAY, GOLD_POOL, dag_defaults
from carelake.step import Step

DOC = """
### carelake_gold

Publishes gold when a day's silver was let go of by `carelake_daily`, `carelake_backfill` or `carelake_replay`: once for each
day. The day of gold moves forward alone; the repair of a past day leaves it where it is.

**Triage**

| task | when it fails |
|---|---|
| `publish` | The message says whether a retry helps. Gold of before stands until it is done. |
| `fresh` | Gold is of an earlier day than the run: another deployment, or a run by hand, published with an older day. Clear `publish`. |
"""

with DAG(
    "carelake_gold",
    schedule=PartitionedAssetTimetable(assets=AssetAll(*SILVER_ASSETS)),
    max_active_runs=1,
    **dag_defaults(hours=2, doc=DOC, tags=["daily", "gold"]),
):
    published = Step(
        task_id="publish",
        step="publish",
        request={"as_of": DAY, "forward": True},
        pool=GOLD_POOL,
        outlets=GOLD_ASSETS,
        doc_md="Marts, catalogue and views, from silver as it is now.",
    )

    @task(retries=0, doc_md="Gold is not older than the day. A retry reads the same answer.")
    def fresh(answer: Any, dag_run: Any = None) -> str:
        return gates.not_behind(dag_run.partition_key or "", answer)

    fresh(published.output)
