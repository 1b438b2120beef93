"""What goes wrong on a day: a file, a function, the scheduler, a size."""

import gzip

import pytest
from hospital import CLINIC, HEADS, land, silver, visit, visits
from polars import col

POISON, BROKEN, KILLED, LARGE = "2025-07-02", "2025-07-03", "2025-07-04", "2025-07-05"
DENY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::%s/bronze/clinic_visits/*/ingest_date=%s/*"}]}'


@pytest.fixture(scope="module")
def mishaps(site, later) -> dict[str, str]:
    """Two days that go wrong at the same time: a file that cannot be read, and a function that may not write; their runs."""
    cut = gzip.compress((HEADS["patients"] + CLINIC["patients"] * 50).encode())[:60]
    land(site, "north", POISON, patients=cut, visits=visit("V9", "2025-07-01"))
    land(site, "south", POISON, visits=visit("V9", "2025-07-01"))
    land(site, "north", BROKEN, visits=visit("V10", "2025-07-02"))
    land(site, "south", BROKEN, doctors="D2,Dr. Two,Oncology,South\n")
    iam = site.stack.emulator.client("iam")
    iam.put_role_policy(RoleName="carelake-ingest", PolicyName="broken", PolicyDocument=DENY % (site.stack.lake, BROKEN))
    try:
        runs = {day: site.airflow.trigger("carelake_daily", day) for day in (POISON, BROKEN)}
        for run in runs.values():
            assert site.airflow.wait("carelake_daily", run) == "failed"
    finally:
        iam.delete_role_policy(RoleName="carelake-ingest", PolicyName="broken")
    site.picture(runs[POISON])
    return runs


def verdict(site, run: str) -> str:
    return site.airflow.said("carelake_daily", run, site.airflow.task("carelake_daily", run, "verdict"))


def test_a_poison_file_stops_neither_its_neighbours_nor_gold(site, mishaps):
    run = mishaps[POISON]
    states = {(one["task_id"], one["rendered_map_index"]): one["state"] for one in site.airflow.tasks("carelake_daily", run)}
    assert states["take.gate", "north/patients"] == "failed"
    assert states["take.gate", "north/visits"] == states["take.gate", "south/visits"] == "success"
    assert states["publish", None] == "success"
    said = verdict(site, run)
    assert "take.gate of north/patients" in said
    assert run in said
    assert visits(site, "V9") == 2
    assert site.airflow.triggered("carelake_gold", POISON)["state"] == "success"


def test_a_function_that_fails_is_tried_again_and_then_fails_the_run_with_dataset_and_run(site, mishaps):
    run = mishaps[BROKEN]
    task = site.airflow.task("carelake_daily", run, "take.ingest", "north/visits")
    assert (task["state"], task["try_number"]) == ("failed", 4)
    said = site.airflow.said("carelake_daily", run, task)
    for part in (f"ingest of north/visits/{BROKEN}", run, "Denied", "A retry does not help"):
        assert part in said, part
    assert site.airflow.task("carelake_daily", run, "take.ingest", "south/doctors")["state"] == "success"
    assert "take.ingest of north/visits" in verdict(site, run)
    # The cause is gone: clearing the task, and what comes after it, goes on where the run stood.
    again = {"dag_run_id": run, "task_ids": [["take.ingest", task["map_index"]]], "include_downstream": True, "only_failed": False, "dry_run": False}
    site.airflow.api("POST", "dags/carelake_daily/clearTaskInstances", again)
    assert site.airflow.wait("carelake_daily", run) == "success"
    assert visits(site, "V10") == 1


@pytest.fixture(scope="module")
def killed(site, later) -> str:
    """A run whose scheduler was killed while ingest ran, and started again."""
    for source in ("north", "south"):
        land(site, source, KILLED, visits=visit("K1", "2025-07-03"), doctors="D3,Dr. Three,Oncology,South\n")
    run = site.airflow.trigger("carelake_daily", KILLED)

    def states() -> list[str]:
        return [one["state"] for one in site.airflow.tasks("carelake_daily", run) if one["task_id"] == "take.ingest"]

    site.airflow.until(lambda: "running" in states(), 120, "ingest runs", pause=0.1)
    site.airflow.kill("scheduler")
    cut = states()
    assert cut.count("success") < 4, cut
    site.airflow.start("scheduler")
    return run


def test_a_large_file_is_asked_for_until_its_parts_are_read(site, killed):
    # Beside it, what the scheduler lost is found and done again.
    function, rows = "carelake-ingest", 3_000
    land(site, "south", LARGE, visits="".join(visit(f"L{number}", "2025-07-04").replace("Fever", "Fever " * 150) for number in range(rows)))
    entries, said = len(site.stack.ledger("south", "visits")), site.stack.said().count('"HandedBack"')
    # Its parts lie in their queue until the function's time was too short once.
    site.listen("parts", False)
    site.stack.lambdas.update_function_configuration(FunctionName=function, Timeout=20)
    try:
        run = site.airflow.trigger("carelake_daily", LARGE)
        site.airflow.until(lambda: site.stack.said().count('"HandedBack"') > said, 120, "ingest answers that there is more")
        site.listen("parts", True)
        assert site.airflow.wait("carelake_daily", run) == "success"
    finally:
        site.listen("parts", True)
        site.stack.lambdas.update_function_configuration(FunctionName=function, Timeout=120)
    task = site.airflow.task("carelake_daily", run, "take.ingest", "south/visits")
    assert task["try_number"] == 1, "that there is more is no failure"
    (told,) = site.airflow.answer("carelake_daily", run, "take.ingest", 0)["datasets"]
    assert (told["rows_in"], told["accepted"]) == (rows, rows)
    assert len(site.stack.ledger("south", "visits")) == entries + 1
    assert visits(site, "L[0-9]+$") == rows
    assert not site.stack.keys(site.stack.lake, "_carelake/parts/")


def test_a_scheduler_that_is_killed_in_mid_run_finishes_the_day_and_nothing_is_doubled(site, killed):
    assert site.airflow.wait("carelake_daily", killed) == "success"
    assert visits(site, "K1") == 2
    assert silver(site, "practitioners").filter(col("practitioner_id").str.contains("D3")).height == 2
    assert site.airflow.triggered("carelake_gold", KILLED)["state"] == "success"
    assert sum(one["partition_key"] == KILLED for one in site.airflow.runs("carelake_gold")) == 1
