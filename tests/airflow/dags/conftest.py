"""The DAGs as Airflow reads them, with a home and a database of its own. Airflow must not be imported before that."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

DAGS = Path(__file__).resolve().parents[3] / "dags"
HOME = tempfile.mkdtemp(prefix="carelake-airflow-")
os.environ |= {
    "AIRFLOW_HOME": HOME,
    "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME}/airflow.db",
}
sys.path.insert(0, str(DAGS))


@pytest.fixture(scope="session")
def dags() -> dict:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(DAGS)
    assert not bag.import_errors
    return bag.dags


@pytest.fixture(scope="session")
def database():
    subprocess.run([Path(sys.executable).parent / "airflow", "db", "migrate"], check=True, capture_output=True)
