"""New conditions on their way to alerts, without waiting for the night."""

from datetime import UTC, datetime

import pytest
from hospital import generated, put, times
from local_airflow import DONE


@pytest.fixture(scope="module")
def patients(site, tmp_path_factory):
    """Generated patients in the lake; their conditions, which have not landed yet."""
    files = generated(tmp_path_factory.mktemp("synthea"), "synthea", 60, 3)
    put(site, [(f"synthea/{dataset}/{file.name}", file) for dataset, file in files if dataset in ("patients", "organizations", "providers", "encounters")])
    site.stack.invoke("ingest", source="synthea")
    site.stack.invoke("conform", source="synthea")
    return [(f"synthea/{dataset}/{file.name}", file) for dataset, file in files if dataset == "conditions"]


def test_conditions_that_come_are_published_within_minutes(site, later, patients, capsys):
    # The queue of ingest is the deployment's own way. What the queues say of earlier days is done.
    conditions = site.stack.sqs.get_queue_url(QueueName="carelake-conditions")["QueueUrl"]
    for queue in (site.stack.urls["ingest"], conditions):
        site.stack.sqs.purge_queue(QueueUrl=queue)
    site.airflow.ready("carelake_surveillance")
    site.listen("ingest", True)
    landed = datetime.now(UTC)

    def published():
        done = [run for run in site.airflow.runs("carelake_surveillance") if run["state"] in DONE]
        return next((run for run in done if site.airflow.task("carelake_surveillance", run["dag_run_id"], "publish")["state"] == "success"), None)

    try:
        put(site, patients)
        found = site.airflow.until(published, 600, "surveillance publishes")
    finally:
        site.listen("ingest", False)
        site.airflow.pause("carelake_surveillance")
    assert found["state"] == "success"
    took = (times(found)[1] - landed).total_seconds()
    with capsys.disabled():
        print(f"\nconditions were published {took:.0f} s after they landed")
    assert "gold.as_of" in site.airflow.answer("carelake_surveillance", found["dag_run_id"], "publish")["changed_tables"]
    assert site.stack.delta("silver", "conditions").height > 0
    assert site.stack.entry("gold", "disease_alerts")
    assert took < 600
