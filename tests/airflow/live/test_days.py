"""Days as Airflow runs them: the real scheduler, the deployed functions, an emulated AWS."""

import gzip
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import polars
import pytest
from deployment import carelake

DAY = "2025-06-30"
HEADS = {
    "patients": "patient_id,name,gender,dob,blood_group,city\n",
    "doctors": "doctor_id,name,specialization,hospital\n",
    "visits": "visit_id,patient_id,doctor_id,visit_date,reason,visit_type\n",
}
CLINIC = {
    "patients": "Zq000001,Zq000001 Sentinel,F,1980-01-01,A+,Oslo\nZq000002,Zq000002 Sentinel,M,1990-01-01,B+,Rome\n",
    "doctors": "D1,Dr. One,Cardiology,North\n",
    "visits": "V1,Zq000001,D1,2024-01-01,Fever,Consultation\nV2,Zq000002,D1,2024-01-02,Cough,Consultation\n",
}
SOURCES = '[sources.north]\nfeed = "clinic"\n\n[sources.south]\nfeed = "clinic"\n'


def land(site, source: str, day: str, **files: str | bytes):
    """Files of a clinic, with their headers; bytes are sent as they are."""
    for dataset, rows in files.items():
        body = rows if isinstance(rows, bytes) else HEADS[dataset] + rows
        site.stack.put(f"{source}/{dataset}/{day}/{dataset}.csv{'.gz' if isinstance(rows, bytes) else ''}", body)


def silver(site, table: str, **wanted: str) -> polars.DataFrame:
    found = site.stack.delta("silver", table)
    for name, value in wanted.items():
        found = found.filter(polars.col(name) == value)
    return found


def spans(site, dag: str, run: str, task: str) -> dict[str, tuple[datetime, datetime]]:
    found = [one for one in site.airflow.tasks(dag, run) if one["task_id"] == task]
    return {one["rendered_map_index"]: (datetime.fromisoformat(one["start_date"]), datetime.fromisoformat(one["end_date"])) for one in found}


@pytest.fixture(scope="module")
def hospital(site, tmp_path_factory):
    """Generated appointments, and two small clinics whose patients have the same numbers; all of one day."""
    folder = tmp_path_factory.mktemp("generated")
    carelake("generate", "--patients", 400, "--seed", 7, "--as-of", DAY, "--out", folder)
    files = [file for file in (folder / "scheduling").rglob("*") if file.is_file()]
    site.stack.put("sources.toml", SOURCES)
    with ThreadPoolExecutor(8) as pool:
        list(
            pool.map(lambda file: site.stack.put(f"scheduling/{file.relative_to(folder / 'scheduling').parts[0]}/{DAY}/{file.name}", file.read_bytes()), files)
        )
    land(site, "north", DAY, **CLINIC)
    land(site, "south", DAY, **CLINIC | {"patients": CLINIC["patients"].replace("Oslo", "Kyiv")})
    return len(files)


@pytest.fixture(scope="module")
def first(site, hospital) -> str:
    """The run of the first day, with gold and predictions."""
    run = site.airflow.trigger("carelake_daily", DAY)
    assert site.airflow.wait("carelake_daily", run, 900) == "success", site.airflow.tasks("carelake_daily", run)
    assert site.airflow.triggered("carelake_gold", DAY)["state"] == "success"
    assert site.airflow.triggered("carelake_score", DAY)["state"] == "success", "a lake without a model is no failure"
    return run


@pytest.fixture(scope="module")
def trained(site, first) -> str:
    run = site.airflow.trigger("carelake_train", sources=["scheduling"], least_auroc=0.5)
    assert site.airflow.wait("carelake_train", run, 900) == "success"
    return run


def test_what_landed_is_found_and_counted_and_every_row_is_accounted_for(site, first):
    landed = site.airflow.answer("carelake_daily", first, "landed")
    assert {(one["source"], one["partition"]) for one in landed} == {("north", DAY), ("south", DAY), ("scheduling", DAY)}
    counted = 0
    for index, place in enumerate(landed):
        (dataset,) = site.airflow.answer("carelake_daily", first, "take.ingest", index)["datasets"]
        assert (dataset["source"], dataset["dataset"]) == (place["source"], place["dataset"])
        assert dataset["rows_in"] == dataset["accepted"] + dataset["rejected"] + dataset["deduplicated"] > 0
        counted += dataset["rows_in"]
    assert counted > 1000


def test_two_senders_of_the_same_numbers_stay_apart_and_are_taken_at_the_same_time(site, first):
    for source, city in (("north", "Oslo"), ("south", "Kyiv")):
        cities = silver(site, "patients", source=source)["city"].to_list()
        assert sorted(cities) == sorted([city, "Rome"])
    taken = spans(site, "carelake_daily", first, "take.ingest")
    north, south = ([span for label, span in taken.items() if label.startswith(source)] for source in ("north", "south"))
    assert len(north) == len(south) == 3
    assert any(one[0] < other[1] and other[0] < one[1] for one in north for other in south), taken
    conformed = spans(site, "carelake_daily", first, "conform")
    assert set(conformed) == {"north", "south", "scheduling"}


def test_functions_tell_lineage_with_the_task_and_the_run_that_asked(site, first):
    tasks = {(event["job"]["name"], event["run"]["runId"]) for event in site.events("airflow")}
    by_run: dict[str, list[dict]] = {}
    for event in site.events("functions"):
        by_run.setdefault(event["run"]["runId"], []).append(event)
    asked = set()
    for events in by_run.values():
        kinds = [event["eventType"] for event in events]
        assert kinds in (["START", "COMPLETE"], ["START", "FAIL"]), kinds
        parent = events[-1]["run"]["facets"]["parent"]
        assert (parent["job"]["name"], parent["run"]["runId"]) in tasks, "Airflow told of the same run"
        assert (parent["root"]["job"]["name"], parent["root"]["run"]["runId"]) in tasks
        asked.add(parent["job"]["name"])
    assert {"carelake_daily.landed", "carelake_daily.take.ingest", "carelake_daily.conform", "carelake_gold.publish"} <= asked
    ends = [event for event in site.events("functions") if event["eventType"] == "COMPLETE"]
    touched = {(dataset["namespace"], dataset["name"]) for event in ends for dataset in event["inputs"] + event["outputs"]}
    lake, landing, identity = (f"s3://{bucket}" for bucket in (site.stack.lake, site.stack.landing, site.stack.identity))
    wanted = {(landing, "north/visits"), (lake, "bronze/clinic_visits"), (identity, "identity/clinic_patients")}
    assert wanted | {(lake, "silver/encounters"), (lake, "gold/appointment_features")} <= touched
    moves = [({one["name"] for one in event["inputs"]}, {one["name"] for one in event["outputs"]}) for event in ends]
    assert any("bronze/clinic_visits" in read and "silver/encounters" in wrote for read, wrote in moves)
    assert any("silver/appointments" in read and "gold/appointment_features" in wrote for read, wrote in moves)


def test_a_day_ends_in_predictions(site, trained):
    model = site.airflow.answer("carelake_train", trained, "promote", 0)
    assert model["promoted"]
    assert model["auroc"] > 0.5
    land(site, "north", "2025-07-01", visits="V3,Zq000001,D1,2025-06-30,Fever,Consultation\n")
    run = site.airflow.trigger("carelake_daily", "2025-07-01")
    assert site.airflow.wait("carelake_daily", run) == "success"
    scored = site.airflow.triggered("carelake_score", "2025-07-01")
    assert scored["state"] == "success"
    told = site.airflow.answer("carelake_score", scored["dag_run_id"], "score")
    predictions = site.stack.delta("gold", "appointment_predictions")
    assert predictions.height == told["appointments"] > 0
    assert set(predictions["prediction_date"].cast(str)) == {"2025-07-01"}
    assert predictions["no_show_probability"].is_between(0, 1).all()


def test_the_same_day_again_changes_nothing(site, first, trained):
    before, runs = site.content(), len(site.airflow.runs("carelake_gold"))
    run = site.airflow.trigger("carelake_daily", DAY)
    assert site.airflow.wait("carelake_daily", run) == "success"
    site.airflow.until(lambda: len(site.airflow.runs("carelake_gold")) == runs + 1, 60, "gold is started")
    assert site.airflow.triggered("carelake_gold", DAY)["state"] == "success"
    assert site.airflow.triggered("carelake_score", DAY)["state"] == "success"
    after = site.content()
    # Predictions say when they were made; nothing else may differ.
    changed = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
    assert not {key for key in changed if "/gold/appointment_predictions/" not in key and "/gold/model_performance_log/" not in key and "drift" not in key}
    answers = [site.airflow.answer("carelake_daily", one, "take.ingest", 0)["datasets"] for one in (run, first)]
    assert answers[0] == answers[1], "the same counts, though nothing was taken"


def test_a_poison_file_stops_neither_its_neighbours_nor_gold(site, first):
    day = "2025-07-02"
    cut = gzip.compress((HEADS["patients"] + CLINIC["patients"] * 50).encode())[:60]
    land(site, "north", day, patients=cut, visits="V9,Zq000001,D1,2025-07-01,Fever,Consultation\n")
    land(site, "south", day, visits="V9,Zq000001,D1,2025-07-01,Fever,Consultation\n")
    run = site.airflow.trigger("carelake_daily", day)
    assert site.airflow.wait("carelake_daily", run) == "failed"
    states = {(one["task_id"], one["rendered_map_index"]): one["state"] for one in site.airflow.tasks("carelake_daily", run)}
    assert states["take.gate", "north/patients"] == "failed"
    assert states["take.gate", "north/visits"] == states["take.gate", "south/visits"] == "success"
    assert states["publish", None] == "success"
    said = site.airflow.said("carelake_daily", run, site.airflow.task("carelake_daily", run, "verdict"))
    assert "take.gate of north/patients" in said
    assert run in said
    assert silver(site, "encounters").filter(polars.col("encounter_id").str.contains("V9")).height == 2
    assert site.airflow.triggered("carelake_gold", day)["state"] == "success"


def test_a_function_that_fails_is_tried_again_and_then_fails_the_run_with_dataset_and_run(site, first):
    day, iam = "2025-07-03", site.stack.emulator.client("iam")
    land(site, "north", day, visits="V10,Zq000001,D1,2025-07-02,Fever,Consultation\n")
    land(site, "south", day, doctors="D2,Dr. Two,Oncology,South\n")
    deny = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::%s/bronze/clinic_visits/*"}]}'
    iam.put_role_policy(RoleName="carelake-ingest", PolicyName="broken", PolicyDocument=deny % site.stack.lake)
    try:
        run = site.airflow.trigger("carelake_daily", day)
        assert site.airflow.wait("carelake_daily", run) == "failed"
    finally:
        iam.delete_role_policy(RoleName="carelake-ingest", PolicyName="broken")
    task = site.airflow.task("carelake_daily", run, "take.ingest", "north/visits")
    assert (task["state"], task["try_number"]) == ("failed", 4)
    said = site.airflow.said("carelake_daily", run, task)
    for part in ("ingest of north/visits/2025-07-03", run, "Denied", "A retry does not help"):
        assert part in said, part
    assert site.airflow.task("carelake_daily", run, "take.ingest", "south/doctors")["state"] == "success"
    verdict = site.airflow.said("carelake_daily", run, site.airflow.task("carelake_daily", run, "verdict"))
    assert "take.ingest of north/visits" in verdict
    # The cause is gone: clearing what failed goes on where the run stood.
    site.airflow.api("POST", "dags/carelake_daily/clearTaskInstances", {"dag_run_id": run, "only_failed": True, "dry_run": False, "include_downstream": True})
    assert site.airflow.wait("carelake_daily", run) == "success"
    assert silver(site, "encounters").filter(polars.col("encounter_id").str.contains("V10")).height == 1


def test_a_backfill_of_three_days_starts_gold_once_for_each(site, first):
    days = ["2025-05-01", "2025-05-02", "2025-05-03"]
    for number, day in enumerate(days):
        land(site, "north", day, visits=f"B{number},Zq000001,D1,2025-04-{number + 10},Fever,Consultation\n")
    before = site.stack.delta("gold", "as_of")
    run = site.airflow.trigger("carelake_backfill", source="north", dataset="visits", **{"from": days[0], "to": days[-1]})
    assert site.airflow.wait("carelake_backfill", run) == "success"
    for day in days:
        assert site.airflow.triggered("carelake_gold", day)["state"] == "success"
    assert [sum(one["partition_key"] == day for one in site.airflow.runs("carelake_gold")) for day in days] == [1, 1, 1]
    assert silver(site, "encounters").filter(polars.col("encounter_id").str.contains("^.*B[0-2]$")).height == 3
    assert site.stack.delta("gold", "as_of").equals(before), "the repair of past days leaves the day of gold"


def test_airflows_own_backfill_of_the_daily_run_does_the_same(site, first):
    days = ["2025-04-01", "2025-04-02", "2025-04-03"]
    land(site, "south", days[1], visits="C1,Zq000001,D1,2025-03-30,Fever,Consultation\n")
    span = ("--from-date", f"{days[0]}T00:00:00", "--to-date", f"{days[-1]}T23:59:59")
    site.airflow.command("backfill", "create", "--dag-id", "carelake_daily", *span, "--max-active-runs", "2")
    for day in days:
        assert site.airflow.triggered("carelake_daily", day)["state"] == "success"
        assert site.airflow.triggered("carelake_gold", day)["state"] == "success"
    for dag in ("carelake_daily", "carelake_gold"):
        assert [sum(one["partition_key"] == day for one in site.airflow.runs(dag)) for day in days] == [1, 1, 1]
    assert silver(site, "encounters", source="south").filter(polars.col("encounter_id").str.contains("C1")).height == 1


def test_a_scheduler_that_is_killed_in_mid_run_finishes_the_day_and_nothing_is_doubled(site, first):
    day = "2025-07-04"
    for source in ("north", "south"):
        land(site, source, day, visits="K1,Zq000001,D1,2025-07-03,Fever,Consultation\n", doctors="D3,Dr. Three,Oncology,South\n")
    run = site.airflow.trigger("carelake_daily", day)

    def states() -> list[str]:
        return [one["state"] for one in site.airflow.tasks("carelake_daily", run) if one["task_id"] == "take.ingest"]

    site.airflow.until(lambda: "running" in states(), 120, "ingest runs", pause=0.1)
    site.airflow.kill("scheduler")
    cut = states()
    assert cut.count("success") < 4, cut
    time.sleep(3)
    site.airflow.start("scheduler")
    assert site.airflow.wait("carelake_daily", run) == "success"
    assert silver(site, "encounters").filter(polars.col("encounter_id").str.contains("K1")).height == 2
    assert silver(site, "practitioners").filter(polars.col("practitioner_id").str.contains("D3")).height == 2
    assert site.airflow.triggered("carelake_gold", day)["state"] == "success"
    assert sum(one["partition_key"] == day for one in site.airflow.runs("carelake_gold")) == 1


def test_no_name_and_no_number_of_a_person_is_in_airflow(site, first, trained):
    for file in site.airflow.folder.rglob("*"):
        if file.is_file():
            assert b"Sentinel" not in file.read_bytes(), file.name
            assert b"Zq0000" not in file.read_bytes(), file.name
