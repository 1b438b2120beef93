"""Airflow itself against the deployed stack on an emulated AWS, with the built functions and the orchestrator's own policy.

With PICTURES=folder, the pictures of docs/airflow.md are made of what the tests ran.
"""

import pytest
from deployment import Site
from hospital import CLINIC, DAY, SOURCES, generated, land, put


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    found = Site(tmp_path_factory.mktemp("site"), CARELAKE_RETRY_SECONDS="1")
    yield found
    found.stop()


@pytest.fixture(scope="session")
def hospital(site, tmp_path_factory):
    """Generated appointments, and two small clinics whose patients have the same numbers; all of one day."""
    site.stack.put("sources.toml", SOURCES)
    files = generated(tmp_path_factory.mktemp("generated"), "scheduling", 400, 7)
    put(site, [(f"scheduling/{dataset}/{DAY}/{file.name}", file) for dataset, file in files])
    land(site, "north", DAY, **CLINIC)
    land(site, "south", DAY, **CLINIC | {"patients": CLINIC["patients"].replace("Oslo", "Kyiv")})


@pytest.fixture(scope="session")
def first(site, hospital) -> str:
    """The run of the first day, with gold and predictions."""
    run = site.airflow.trigger("carelake_daily", DAY)
    assert site.airflow.wait("carelake_daily", run) == "success", site.airflow.tasks("carelake_daily", run)
    assert site.airflow.triggered("carelake_gold", DAY)["state"] == "success"
    assert site.airflow.triggered("carelake_score", DAY)["state"] == "success", "a lake without a model is no failure"
    return run


@pytest.fixture(scope="session")
def trained(site, first) -> str:
    run = site.airflow.trigger("carelake_train", sources=["scheduling"], least_auroc=0.5)
    assert site.airflow.wait("carelake_train", run) == "success"
    return run


@pytest.fixture(scope="session")
def later(site, first):
    """What comes after the first days does not ask for predictions."""
    site.airflow.pause("carelake_score")
