"""Airflow itself against the deployed stack on an emulated AWS, with the built functions and the orchestrator's own policy."""

import pytest
from deployment import Site


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    found = Site(tmp_path_factory.mktemp("site"), CARELAKE_RETRY_SECONDS="1")
    yield found
    found.stop()
