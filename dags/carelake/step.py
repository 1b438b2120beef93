"""A step of carelake as a task: its function is asked, its answer is checked.

Every step can be asked again: what is done is not done twice. So a task keeps its run id through all its retries.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException

from carelake.settings import CONNECTION, NAME

# A function may take 15 minutes. A read that timed out must not be tried again by the client: the function still runs.
CLIENT = {"read_timeout": 905, "connect_timeout": 10, "tcp_keepalive": True, "retries": {"max_attempts": 0}}
# Answers "more" in a row before a task gives up: 20 deadlines of 15 minutes are longer than any task may take.
TURNS = 20
LASTING = {
    "Denied": "A retry does not help before the function's role has the permission.",
    "Invalid": "A retry seldom helps before the request, or what the message names, is mended.",
    "Corrupt": "A retry does not help: something stored is not what carelake wrote.",
    "Conservation": "A retry does not help: rows do not add up; report this as a defect.",
    "Full": "A retry does not help before there is room.",
}
LONGEST_RUN_ID = 128


class StepFailed(AirflowException):
    """A function failed, or answered what it must not."""


class Step(BaseOperator):
    """Asks the function of a step, until its answer is `done`; the answer is the XCom."""

    template_fields: Sequence[str] = ("place", "request")
    ui_color = "#dbeafe"

    def __init__(self, *, step: str, place: Mapping[str, Any] | None = None, request: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.step = step
        self.place = place or {}
        self.request = request or {}

    def execute(self, context: Context) -> dict[str, Any]:
        return ask(self.step, {**self.place, **self.request}, context)


def run_id(context: Context) -> str:
    """One for a task of a run, the same in all its tries; of the letters that the functions take."""
    task = context["ti"]
    index = "" if task.map_index is None or task.map_index < 0 else f".{task.map_index}"
    whole = f"{task.dag_id}.{task.run_id}.{task.task_id}{index}"
    text = re.sub(r"[^A-Za-z0-9_.:+-]", "-", whole)
    if text == whole and len(text) <= LONGEST_RUN_ID:
        return text
    digest = hashlib.sha256(whole.encode()).hexdigest()[:16]
    return f"{text[: LONGEST_RUN_ID - 17]}-{digest}"


def parents(context: Context) -> dict[str, Any] | None:
    """The task and the run as OpenLineage knows them, where Airflow sends events to OpenLineage."""
    if not _tells_lineage():
        return None
    from airflow.providers.openlineage.plugins import macros as untyped

    macros: Any = untyped
    task: Any = context["ti"]
    parent = (macros.lineage_job_namespace(), macros.lineage_job_name(task), macros.lineage_run_id(task))
    root = (macros.lineage_root_job_namespace(task), macros.lineage_root_job_name(task), macros.lineage_root_run_id(task))
    names = ("namespace", "name", "run_id")
    return {"parent": dict(zip(names, parent, strict=True)), "root": dict(zip(names, root, strict=True))}


def _tells_lineage() -> bool:
    try:
        from airflow.providers.openlineage import conf
    except ImportError:
        return False
    return not conf.is_disabled()


def ask(step: str, request: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """Asks until there is no more to do. What fails names step, place and run."""
    payload: dict[str, Any] = {"step": step, "run_id": run_id(context)} | {name: value for name, value in request.items() if value not in ("", None, False)}
    if asked_by := parents(context):
        payload["lineage"] = asked_by
    where = f"{step} of {place(request)} in run {context['ti'].run_id}"
    for _ in range(TURNS):
        answer = _once(f"{NAME}-{step}", payload, where)
        if answer.get("step") != step or answer.get("run_id") != payload["run_id"]:
            raise StepFailed(f"{where}: the function's answer is not of this request.")
        if answer.get("status") == "done":
            return answer
        if answer.get("status") != "more":
            raise StepFailed(f"{where}: the function's answer has no status.")
        # What was to be taken again is forgotten by now; asking for it again would begin anew.
        payload.pop("replay", None)
    raise StepFailed(f"{where}: not done after {TURNS} turns. A retry goes on where it stands.")


def place(request: Mapping[str, Any]) -> str:
    """What a request is about, for people."""
    named = "/".join(str(request[part]) for part in ("source", "dataset", "partition") if request.get(part))
    return named or "the lake"


def _once(function: str, payload: Mapping[str, Any], where: str) -> dict[str, Any]:
    from airflow.providers.amazon.aws.hooks.lambda_function import LambdaHook
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    hook = LambdaHook(aws_conn_id=CONNECTION, config=Config(**CLIENT))
    try:
        response = hook.invoke_lambda(function_name=function, invocation_type="RequestResponse", payload=json.dumps(payload))
        body = response["Payload"].read()
    except (BotoCoreError, ClientError) as error:
        raise StepFailed(f"{where}: {function} cannot be asked: {_plain(error)}") from None
    try:
        answer = json.loads(body)
    except ValueError:
        raise StepFailed(f"{where}: the function's answer is no JSON.") from None
    if response.get("FunctionError"):
        # Of what a function says of its failure, the kind and the message hold nothing of a person; the rest is not kept.
        kind, message = str(answer.get("errorType", "unknown")), str(answer.get("errorMessage", ""))[:500]
        advice = LASTING.get(kind, "A retry may help; nothing is done twice.")
        raise StepFailed(f"{where} failed: {kind}: {message}. {advice}")
    if not isinstance(answer, dict):
        raise StepFailed(f"{where}: the function's answer is no object.")
    return answer


def _plain(error: Exception) -> str:
    """A client's error without what was sent."""
    response = getattr(error, "response", None)
    return str(response["Error"].get("Code")) if response and "Error" in response else type(error).__name__
