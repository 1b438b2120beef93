"""What every DAG and every task must have."""

import ast
import json
import os
import re
import statistics
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import DAGS

ROOT = DAGS.parent
WANTED = {"daily", "gold", "train", "score", "surveillance", "backfill", "maintenance", "replay"}
FILES = sorted(DAGS.glob("*.py")) + sorted((DAGS / "carelake").glob("*.py"))


def tasks(dags):
    return [task for dag in dags.values() for task in dag.tasks]


def test_the_dags_are_those_that_are_wanted(dags):
    assert set(dags) == {f"carelake_{name}" for name in WANTED}


def test_every_dag_has_docs_with_triage_tags_an_alert_and_a_deadline(dags):
    for dag in dags.values():
        assert "Triage" in dag.doc_md, dag.dag_id
        assert {"carelake"} < set(dag.tags), dag.dag_id
        assert dag.on_failure_callback, dag.dag_id
        assert dag.deadline, dag.dag_id
        references = [alert.reference.reference_name for alert in ([dag.deadline] if not isinstance(dag.deadline, list) else dag.deadline)]
        assert "DagRunQueuedAtDeadline" not in references, "Airflow 3.3.2 cannot clear tasks of a run with such a deadline"
        assert not dag.catchup, dag.dag_id
        assert dag.max_active_runs <= 4, dag.dag_id


def test_the_triage_of_a_dag_names_its_tasks(dags):
    shared = dags["carelake_daily"].doc_md
    for dag in dags.values():
        text = dag.doc_md + (shared if re.search("(?i)as (in )?`carelake_daily`", dag.doc_md) else "")
        for task in dag.tasks:
            assert re.search(rf"`{re.escape(task.task_id)}`", text), f"{dag.dag_id}: {task.task_id}"


def test_every_task_has_owner_docs_and_a_time_after_which_it_is_ended(dags):
    for task in tasks(dags):
        assert task.owner == "data-platform", task.task_id
        assert task.doc_md, task.task_id
        assert task.execution_timeout, task.task_id


def test_every_task_is_tried_again_with_growing_pauses_or_its_docs_say_why_not(dags):
    for task in tasks(dags):
        if task.retries:
            assert task.retries >= 2, task.task_id
            assert task.retry_exponential_backoff, task.task_id
        else:
            assert "retry" in task.doc_md.lower(), task.task_id


def test_every_mapped_task_shows_what_it_is_of(dags):
    for task in tasks(dags):
        if task.is_mapped:
            assert task.map_index_template, task.task_id


def test_every_pool_is_in_the_file_that_makes_them(dags):
    pools = set(json.loads((DAGS / "pools.json").read_text())) | {"default_pool"}
    assert {task.pool for task in tasks(dags)} <= pools
    for task in tasks(dags):
        if task.task_type in ("Step", "Landed"):
            assert task.pool != "default_pool", task.task_id


def test_only_the_helper_asks_a_lambda():
    for file in FILES:
        text = file.read_text()
        if file.name != "step.py":
            assert not re.search(r"lambda_function|invoke_lambda|LambdaInvoke|client\(.lambda", text), file.name


def test_the_tables_are_those_of_the_lake():
    from carelake.tables import GOLD, SILVER

    def names(folder: str, ending: str) -> set[str]:
        return {file.stem for file in (ROOT / folder).glob(f"*{ending}")}

    assert set(SILVER) == names("shared/contracts/silver", ".toml"), "write the tables of silver into dags/carelake/tables.py"
    assert set(GOLD) == names("shared/sql/gold", ".sql"), "write the views of gold into dags/carelake/tables.py"


def test_daily_hands_every_table_of_silver_to_gold_and_gold_its_features_to_score(dags):
    from carelake.assets import FEATURES, SILVER_ASSETS

    assert set(dags["carelake_daily"].get_task("publish").outlets) == set(SILVER_ASSETS)
    assert list(dags["carelake_gold"].timetable.asset_condition.objects) == SILVER_ASSETS
    assert FEATURES in dags["carelake_gold"].get_task("publish").outlets


def test_no_dag_reads_the_clock_or_works_when_it_is_imported():
    banned = re.compile(r"datetime\.now|utcnow|time\.time|date\.today|Variable\.get|Connection\.get|requests\.|boto3\.")
    for file in FILES:
        assert not banned.search(file.read_text()), file.name
        for node in ast.parse(file.read_text()).body:
            # What is imported when a DAG is read costs the scheduler's time; providers are imported where they are used.
            if isinstance(node, ast.ImportFrom):
                assert not (node.module or "").startswith("airflow.providers"), file.name


@pytest.mark.parametrize("queue", ["", "https://sqs.eu-central-1.amazonaws.com/123456789012/carelake-conditions"])
def test_all_dags_are_read_and_it_is_told_how_long_that_takes(queue, capsys):
    code = "import time; from airflow.dag_processing.dagbag import DagBag; from airflow import sdk; sdk.DAG, sdk.task, sdk.Asset\n"
    code += f"start = time.process_time(); bag = DagBag({str(DAGS)!r}); took = time.process_time() - start\n"
    code += "assert not bag.import_errors and len(bag.dags) == 8; print(took)"
    environment = os.environ | {"PYTHONPATH": str(DAGS), "CARELAKE_SURVEILLANCE_QUEUE": queue}

    def seconds() -> float:
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
        return float(done.stdout.splitlines()[-1])

    took = statistics.median(seconds() for _ in range(3))
    with capsys.disabled():
        print(f"\nread all DAGs {'with' if queue else 'without'} a queue in {took:.2f} s of a processor")
    assert took < 1


def test_turning_a_dag_on_starts_no_run_of_a_time_that_has_passed(dags):
    from airflow.sdk import CronPartitionTimetable, CronTriggerTimetable
    from airflow.serialization.decoders import decode_timetable
    from airflow.serialization.encoders import encode_timetable
    from carelake.settings import NOT_AT_ONCE

    timed = [dag for dag in dags.values() if isinstance(dag.timetable, CronPartitionTimetable | CronTriggerTimetable)]
    assert {dag.dag_id for dag in timed} == {"carelake_daily", "carelake_train", "carelake_maintenance"}
    assert all(dag.timetable.run_immediately is NOT_AT_ONCE for dag in timed)
    for kind in (CronPartitionTimetable, CronTriggerTimetable):
        read = decode_timetable(encode_timetable(kind("* * * * *", timezone="UTC", run_immediately=NOT_AT_ONCE)))
        before = datetime.now(UTC)
        assert read._calc_first_run() > before


def test_the_schedule_is_what_the_environment_says():
    code = "from airflow.dag_processing.dagbag import DagBag\n"
    code += f"dag = DagBag({str(DAGS)!r}).dags['carelake_daily']; print(dag.timetable.expression, dag.timetable.timezone)"

    def schedule(**settings: str) -> str:
        environment = os.environ | {"PYTHONPATH": str(DAGS)} | settings
        return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True).stdout.splitlines()[-1]

    assert "0 2 * * *" in schedule()
    assert "America/Los_Angeles" in schedule()
    told = schedule(CARELAKE_SCHEDULE="30 5 * * *", CARELAKE_TIMEZONE="Europe/Zurich")
    assert "30 5 * * *" in told
    assert "Europe/Zurich" in told


def test_requirements_are_locked_by_hash():
    for folder in (DAGS, Path(__file__).parents[1]):
        text = (folder / "requirements.txt").read_text()
        assert text.count("\n    --hash=") >= len(re.findall(r"(?m)^[a-z0-9]", text))
