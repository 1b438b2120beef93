"""Gates: a task that fails where people should look before they trust a day."""

from collections.abc import Iterable, Mapping
from typing import Any

from airflow.sdk import Context, get_current_context
from airflow.sdk.exceptions import AirflowFailException


def reject_rate(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Fails when a dataset's gate did, as the function ingest judged it by the contract."""
    run = get_current_context()["dag_run"].run_id
    datasets: list[dict[str, Any]] = list(answer.get("datasets") or [])
    for one in datasets:
        if one["rows_in"] != one["accepted"] + one["rejected"] + one["deduplicated"]:
            raise AirflowFailException(f"{_name(one)} in run {run}: {one['rows_in']} rows in do not add up.")
    bad = [one for one in datasets if not one["passed"]]
    if bad:
        raise AirflowFailException("; ".join(_reason(one) for one in bad) + f"; run {run}")
    return datasets


def held(answers: Iterable[Mapping[str, Any]]) -> set[str]:
    """Senders whose contract says that the good rows of a failed day wait."""
    datasets = (one for answer in answers for one in answer.get("datasets") or [])
    return {one["source"] for one in datasets if not one["passed"] and one["gate"]["on_fail"] == "hold"}


def not_behind(day: str, answer: Mapping[str, Any]) -> str:
    """Fails when gold is of an earlier day than the run."""
    if answer["as_of"] < day:
        raise AirflowFailException(f"gold is as of {answer['as_of']}, and this run is of {day}")
    return str(answer["as_of"])


def everything_done(context: Context, places: list[Mapping[str, Any]] | None) -> None:
    """Fails when any other task of the run did, and names it with the dataset that it was of."""
    task, own = context["ti"], context["ti"].task_id
    states = task.get_task_states(dag_id=task.dag_id, run_ids=[task.run_id]).get(task.run_id, {})
    bad = [(name, state) for name, state in sorted(states.items()) if state in ("failed", "upstream_failed") and name != own]
    failed = [_task(name, places or []) for name, state in bad if state == "failed"]
    if bad:
        raise AirflowFailException(f"run {task.run_id} did not do: {', '.join(failed) or 'its tasks'}. What else landed is in the lake.")


def _task(name: str, places: list[Mapping[str, Any]]) -> str:
    """`take.ingest_3` is the fourth of the places."""
    task, _, index = name.rpartition("_")
    if task.startswith("take.") and index.isdigit() and int(index) < len(places):
        return f"{task} of {_name(places[int(index)])}"
    return name


def _name(one: Mapping[str, Any]) -> str:
    return f"{one['source']}/{one['dataset']}"


def _reason(one: Mapping[str, Any]) -> str:
    then = "its good rows wait" if one["gate"]["on_fail"] == "hold" else "its good rows go on"
    if one["unreadable_files"]:
        return f"{_name(one)}: {one['unreadable_files']} of {one['files']} files cannot be read; {then}"
    tolerated = one["gate"]["reject_rate"]
    return f"{_name(one)}: {one['rejected']} of {one['rows_in']} rows were rejected, {one['reject_rate']:.1%}, more than {tolerated:.1%}; {then}"
