"""carelake_score: the probability of a no-show for every appointment to come."""

from airflow.sdk import DAG, PartitionedAssetTimetable
from carelake.assets import FEATURES, PREDICTIONS
from carelake.settings import GOLD_POOL, dag_defaults
from carelake.step import Step

DOC = """
### carelake_score

Scores upcoming appointments when gold of a day is published, with the model that is in force for each sender, and replaces
the predictions of gold's day.

**Triage**

| task | when it fails |
|---|---|
| `score` | Gold was never published, or a model cannot be read; the message says which. Predictions of before stand. A sender without a model is no failure: train one with `carelake_train`. |
"""

with DAG(
    "carelake_score",
    schedule=PartitionedAssetTimetable(assets=FEATURES),
    max_active_runs=1,
    **dag_defaults(hours=2, doc=DOC, tags=["daily", "model"]),
):
    Step(
        task_id="score",
        step="score",
        pool=GOLD_POOL,
        outlets=[PREDICTIONS],
        doc_md="Scores as of the day of gold; the answer counts the appointments.",
    )
