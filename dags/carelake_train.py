"""carelake_train: a new no-show model for each sender, promoted when it is better."""

from typing import Any

from airflow.sdk import DAG, CronTriggerTimetable, Param, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException
from carelake.settings import GOLD_POOL, NOT_AT_ONCE, TIMEZONE, TRAIN_SOURCES, dag_defaults
from carelake.step import Step

DOC = """
### carelake_train

Trains on Mondays at 04:00. The function trains, measures the model on later days, registers it with its card, and gives it
the alias in one invocation, the alias last; the tasks after it judge and tell what came of that.

**Triage**

| task | when it fails |
|---|---|
| `chosen` | No sender is named: set CARELAKE_TRAIN_SOURCES, or the parameter `sources`. |
| `train` | Too few appointments with an outcome, or gold was never published; the message says which. The model in force stays. |
| `evaluate` | The model ranks worse than `least_auroc` on later days. Look at its card and at `carelake model drift`. |
| `promote` | It says whether the new model is in force; a model that is not better is no failure. |
"""

with DAG(
    "carelake_train",
    schedule=CronTriggerTimetable("0 4 * * MON", timezone=TIMEZONE, run_immediately=NOT_AT_ONCE),
    max_active_runs=1,
    params={
        "sources": Param(TRAIN_SOURCES, type="array", items={"type": "string"}, description="Senders whose models are trained"),
        "least_auroc": Param(0.55, type="number", minimum=0, maximum=1, description="A new model that ranks worse fails the run"),
    },
    **dag_defaults(hours=3, doc=DOC, tags=["weekly", "model"]),
):

    @task(retries=0, doc_md="The senders to train. A retry reads the same parameters.")
    def chosen(params: Any = None) -> list[dict[str, str]]:
        if not params["sources"]:
            raise AirflowFailException("no sender is named: set CARELAKE_TRAIN_SOURCES, or the parameter sources")
        return [{"source": source} for source in params["sources"]]

    trained = Step.partial(
        task_id="train",
        step="train",
        pool=GOLD_POOL,
        map_index_template="{{ task.place['source'] }}",
        doc_md="Trains, measures, registers with a card, and promotes when better.",
    ).expand(place=chosen())

    @task(multiple_outputs=False, retries=0, map_index_template="{{ model }}", doc_md="Fails below the least AUROC. A retry judges the same figures.")
    def evaluate(answer: Any, params: Any = None) -> dict[str, Any]:
        model = answer["model"]
        get_current_context()["model"] = model["model"]  # type: ignore[typeddict-unknown-key]
        if model["auroc"] is None or model["auroc"] < params["least_auroc"]:
            raise AirflowFailException(f"{model['model']} version {model['version']}: AUROC {model['auroc']} is below {params['least_auroc']}")
        return dict(model)

    @task(
        multiple_outputs=False,
        retries=0,
        map_index_template="{{ model }}",
        doc_md="Tells which version is in force and where its card stands. A retry tells the same.",
    )
    def promote(model: Any) -> dict[str, Any]:
        get_current_context()["model"] = model["model"]  # type: ignore[typeddict-unknown-key]
        state = "in force" if model["promoted"] else "registered; the one in force is not worse"
        return {**model, "state": state}

    promote.expand(model=evaluate.expand(answer=trained.output))
