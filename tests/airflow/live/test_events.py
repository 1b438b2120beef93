"""What starts by itself, by hand or by the week, beside the days."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from deployment import carelake

DAY = "2025-06-30"
NAMES = ("patients", "encounters", "conditions", "organizations", "payers", "providers")
VISITS = "visit_id,patient_id,doctor_id,visit_date,reason,visit_type\nR1,P1,D1,2024-01-01,Fever,Consultation\nR2,P1,D1,99/99/9999,Cough,Consultation\n"


@pytest.fixture(scope="module")
def synthea(site, tmp_path_factory):
    """Generated patients with their conditions, in landing since today."""
    folder = tmp_path_factory.mktemp("synthea")
    carelake("generate", "--patients", 60, "--seed", 3, "--as-of", DAY, "--out", folder)
    files = [(file, file.relative_to(folder).parts[:2]) for file in folder.rglob("*") if file.is_file() and len(file.relative_to(folder).parts) > 2]
    wanted = [(file, dataset) for file, (source, dataset) in files if source == "synthea" and dataset in NAMES]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda one: site.stack.put(f"synthea/{one[1]}/{one[0].name}", one[0].read_bytes()), wanted))


def test_conditions_that_come_start_surveillance_and_alerts_are_published(site, synthea):
    site.airflow.ready("carelake_surveillance")
    site.stack.invoke("ingest", source="synthea", dataset="patients")
    site.stack.invoke("ingest", source="synthea", dataset="conditions")
    found = site.airflow.until(lambda: site.airflow.runs("carelake_surveillance"), 180, "surveillance is started")[0]
    try:
        assert site.airflow.wait("carelake_surveillance", found["dag_run_id"]) == "success"
    finally:
        site.airflow.api("PATCH", "dags/carelake_surveillance", {"is_paused": True})
    assert "gold.as_of" in site.airflow.answer("carelake_surveillance", found["dag_run_id"], "publish")["changed_tables"]
    assert site.stack.delta("silver", "conditions").height > 0
    assert site.stack.entry("gold", "disease_alerts")


def test_maintenance_runs_and_reviews_quarantine_on_the_first_sunday_alone(site):
    run = site.airflow.trigger("carelake_maintenance")
    site.airflow.wait("carelake_maintenance", run)
    states = {task["task_id"]: task["state"] for task in site.airflow.tasks("carelake_maintenance", run)}
    assert states["maintain"] == states["monthly"] == "success"
    first = int(site.airflow.run("carelake_maintenance", run)["run_after"][8:10]) <= 7
    assert (states["review"] == "skipped") is not first


def test_a_replay_takes_files_with_rejects_again_and_changes_no_row(site):
    site.stack.put("sources.toml", '[sources.east]\nfeed = "clinic"\n')
    site.stack.put("east/visits/2025-03-01/visits.csv", VISITS)
    site.stack.put("east/visits/2025-03-02/visits.csv", VISITS.replace("R1", "R3").replace("R2", "R4").replace("99/99/9999", "2024-01-02"))
    site.stack.invoke("ingest", source="east")
    site.stack.invoke("conform", source="east")
    before = {key: tag for key, tag in site.content().items() if "/bronze/" in key or "/quarantine/" in key}
    run = site.airflow.trigger("carelake_replay", source="east", rule="clinic.visits.visit_date.type")
    site.airflow.wait("carelake_replay", run)
    answer = site.airflow.answer("carelake_replay", run, "take.ingest", 0)
    assert answer["replayed_files"] == 1, "one of the two files has a row that the rule rejected"
    assert (answer["files_ingested"], answer["files_known"]) == (1, 1)
    assert {key: tag for key, tag in site.content().items() if "/bronze/" in key or "/quarantine/" in key} == before
    # A quarter of the rows is rejected, so that the gate is not passed; the good ones go on all the same.
    assert site.airflow.task("carelake_replay", run, "take.gate", "east/visits")["state"] == "failed"
    assert site.airflow.triggered("carelake_gold", "2025-03-02")["state"] == "success"
