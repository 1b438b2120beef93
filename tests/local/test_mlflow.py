"""Training tells a real MLflow server, and does not need it."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
from conftest import Lake, carelake

SERVER = Path.home() / ".cache/carelake/mlflow-venv/bin/mlflow"


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    lake = Lake(tmp_path_factory.mktemp("tracked"))
    everything = lake.landing.parent / "everything"
    carelake("generate", "--patients", 400, "--seed", 3, "--as-of", "2025-06-30", "--out", everything)
    (everything / "scheduling").rename(lake.landing / "scheduling")
    lake.run()
    return lake


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if not SERVER.exists():
        pytest.skip("no MLflow server here; make test installs it")
    folder = tmp_path_factory.mktemp("mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = ["--backend-store-uri", f"sqlite:///{folder}/store.db", "--artifacts-destination", str(folder / "files")]
    log = (folder / "log").open("w")
    process = subprocess.Popen(
        [SERVER, "server", *store, "--host", "127.0.0.1", "--port", str(port), "--workers", "1"],
        env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    for _ in range(240):
        try:
            urllib.request.urlopen(f"{address}/health", timeout=1)
            break
        except OSError:
            assert process.poll() is None, (folder / "log").read_text()
            time.sleep(0.5)
    yield address
    os.killpg(process.pid, 15)
    process.wait(30)


def ask(address: str, path: str, **query) -> dict:
    with urllib.request.urlopen(f"{address}/api/2.0/mlflow/{path}?{urllib.parse.urlencode(query)}", timeout=30) as answer:
        return json.loads(answer.read())


def test_run_model_version_and_alias_are_on_the_server(lake, server):
    done = carelake("train", "--lake", lake.folder, "--source", "scheduling", "--only", "--json", "--mlflow", server, "--mlflow-experiment", "No shows")
    report = json.loads(done.stdout)
    told = report["mlflow"]
    run = ask(server, "runs/get", run_id=told["run_id"])["run"]
    metrics = {one["key"]: one["value"] for one in run["data"]["metrics"]}
    assert run["info"]["status"] == "FINISHED"
    assert metrics["auroc"] == pytest.approx(report["evaluation"]["auroc"])
    assert {one["key"]: one["value"] for one in run["data"]["params"]}["train_until"] == report["train_until"]
    assert ask(server, "experiments/get", experiment_id=told["experiment_id"])["experiment"]["name"] == "No shows"
    version = ask(server, "registered-models/alias", name="no_show_scheduling", alias="champion")["model_version"]
    assert (version["version"], version["source"]) == (told["version"], f"models:/{told['model_id']}")
    model = ask(server, f"logged-models/{told['model_id']}")["model"]["info"]
    assert model["status"] == "LOGGED_MODEL_READY"
    folder = model["artifact_uri"].removeprefix("mlflow-artifacts:/")
    with urllib.request.urlopen(f"{server}/api/2.0/mlflow-artifacts/artifacts/{folder}/model.bin", timeout=30) as answer:
        stored = answer.read()
    assert stored == (lake.folder / "_carelake/models/no_show_scheduling/1/model.bin").read_bytes()
    with urllib.request.urlopen(f"{server}/api/2.0/mlflow-artifacts/artifacts/{folder}/MLmodel", timeout=30) as answer:
        mlmodel = answer.read().decode()
    assert "  carelake:" in mlmodel
    assert told["run_id"] in mlmodel


def test_a_second_model_that_is_no_better_gets_no_alias(lake, server):
    done = carelake("train", "--lake", lake.folder, "--source", "scheduling", "--only", "--json", "--mlflow", server)
    report = json.loads(done.stdout)
    version = ask(server, "registered-models/alias", name="no_show_scheduling", alias="champion")["model_version"]
    assert not report["promoted"]
    assert version["version"] != report["mlflow"]["version"]


def test_training_succeeds_when_the_server_is_away(lake):
    done = carelake("train", "--lake", lake.folder, "--source", "scheduling", "--only", "--json", "--mlflow", "http://user:secret@127.0.0.1:9")
    assert "not told to MLflow at 127.0.0.1:9" in done.stderr
    assert "secret" not in done.stderr
    assert "mlflow" not in json.loads(done.stdout)
    wrong = carelake("train", "--lake", lake.folder, "--source", "scheduling", "--mlflow", "mlflow", check=False)
    assert wrong.returncode == 2
    assert "http" in wrong.stderr
