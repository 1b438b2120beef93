"""The way of what landed, which daily, backfill, replay and surveillance share: listed, taken, judged, conformed."""

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from airflow.sdk import BaseSensorOperator, Context, PokeReturnValue, TriggerRule, get_current_context, task, task_group
from airflow.sdk.exceptions import AirflowFailException

from carelake import gates
from carelake.settings import INGEST_POOL, SILVER_POOL
from carelake.step import Step, ask

AT_ONCE = 8
log = logging.getLogger("carelake")


class Landed(BaseSensorOperator):
    """Lists what landed, once all that is expected is there; the XCom names sender, dataset and day of each."""

    template_fields = ("request",)
    ui_color = "#dcfce7"

    def __init__(self, *, request: Mapping[str, Any], by_day: bool = True, **kwargs: Any) -> None:
        super().__init__(mode="reschedule", poke_interval=300, pool=INGEST_POOL, **kwargs)
        self.request = request
        self.by_day = by_day

    def poke(self, context: Context) -> PokeReturnValue:
        if self.request.get("partition") == "":
            raise AirflowFailException("the run has no day: trigger it with a partition key such as 2025-06-30, or the parameter day")
        answer = ask("ingest", {**self.request, "list": True}, context)
        landed = [{name: one[name] for name in ("source", "dataset", "partition")} for one in answer["landed"]]
        names = {f"{one['source']}/{one['dataset']}" for one in landed}
        missing = sorted(set(context["params"].get("expected") or []) - names)
        if missing:
            self.log.info("not landed yet: %s", ", ".join(missing))
        return PokeReturnValue(is_done=not missing, xcom_value=landed if self.by_day else _until(landed))


def _until(landed: list[dict[str, str]]) -> list[dict[str, str]]:
    """Each sender and dataset once, up to its last day."""
    last: dict[tuple[str, str], str] = {}
    for one in landed:
        name = (one["source"], one["dataset"])
        last[name] = max(last.get(name, ""), one["partition"])
    return [{"source": source, "dataset": dataset, "to": day} for (source, dataset), day in last.items()]


def take(landed: Landed, request: Mapping[str, Any]) -> tuple[Any, Any]:
    """Ingest and its gate for each sender, dataset and day, none of which stops another. The group, and ingest's answers."""
    answers: list[Any] = []

    @task(task_id="gate", retries=0, map_index_template="{{ gated }}", doc_md="Fails when the contract's gate does. A retry judges the same counts.")
    def gate(answer: Any) -> None:
        for one in answer.get("datasets") or []:
            get_current_context()["gated"] = f"{one['source']}/{one['dataset']}"  # type: ignore[typeddict-unknown-key]
        gates.reject_rate(answer)

    @task_group(group_id="take", tooltip="One for each sender, dataset and day")
    def one(place: Any) -> None:
        ingest = Step(
            task_id="ingest",
            step="ingest",
            place=place,
            request=request,
            pool=INGEST_POOL,
            max_active_tis_per_dagrun=AT_ONCE,
            map_index_template="{{ task.place['source'] }}/{{ task.place['dataset'] }}/{{ task.place.get('partition', 'every day') }}",
            doc_md="Takes the files of one sender, dataset and day. Files that are in the lake are counted, not taken again.",
        )
        answers.append(ingest.output)
        gate(ingest.output)

    return one.expand(place=landed.output), answers[0]


@task(trigger_rule=TriggerRule.ALL_DONE, doc_md="Which senders go on: those of which something was taken, and that no contract holds back.")
def senders(answers: Any) -> list[dict[str, str]]:
    # Of a group that is mapped over one place, Airflow 3.3.2 gives the answer itself, not a list of one.
    taken = [answers] if isinstance(answers, Mapping) else list(answers or [])
    held = gates.held(taken)
    every = {one["source"] for answer in taken for one in answer.get("datasets") or []}
    if held:
        log.warning("held back by their contracts: %s", ", ".join(sorted(held)))
    return [{"source": source} for source in sorted(every - held)]


def conform(places: Any, request: Mapping[str, Any]) -> Any:
    """Silver, a sender at a time beside others."""
    return Step.partial(
        task_id="conform",
        step="conform",
        request=request,
        pool=SILVER_POOL,
        map_index_template="{{ task.place['source'] }}",
        doc_md="Bronze of one sender becomes silver, parents before children.",
    ).expand(place=places)


@task(trigger_rule=TriggerRule.ALL_DONE, retries=0, doc_md="Fails when anything of the run did, and names it. A retry reads the same states.")
def verdict(landed: Any) -> None:
    gates.everything_done(get_current_context(), landed)


def released(landed: Any, places: list[Mapping[str, Any]] | None, conformed: Iterable[Any] | None) -> None:
    """What lets go of silver: fails when landing was not listed, or no sender at all came to silver."""
    if landed is None or places is None:
        raise AirflowFailException("landing was not listed: nothing is published")
    if places and not list(conformed or []):
        raise AirflowFailException("no sender came to silver: nothing is published")
