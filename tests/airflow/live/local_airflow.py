"""Airflow on this machine: its processes, on 127.0.0.1 alone, and its API."""

import contextlib
import json
import os
import secrets
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from emulator import CACHE, ROOT, free_port

BIN = CACHE / "airflow-venv/bin"
# -s: the processes write logs to files and serve none over the network.
PROCESSES = {"scheduler": ["scheduler", "-s"], "triggerer": ["triggerer", "-s"], "dag-processor": ["dag-processor"]}
DONE = ("success", "failed")


class Airflow:
    """A database and an API server; once it is told where AWS is, a scheduler, a triggerer and a processor of DAGs as well."""

    def __init__(self, folder: Path, variables: dict[str, str], port: int | None = None, dags: Path = ROOT / "dags"):
        self.folder = folder
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.running: dict[str, subprocess.Popen] = {}
        folder.mkdir(parents=True)
        secret = secrets.token_hex(32)
        self.environment = {
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "HOME": str(folder),
            "AIRFLOW_HOME": str(folder),
            "AIRFLOW__CORE__DAGS_FOLDER": str(dags),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": "6",
            "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": "6",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "True",
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{self.url}/execution/",
            "AIRFLOW__CORE__INTERNAL_API_SECRET_KEY": secret,
            "AIRFLOW__API__SECRET_KEY": secret,
            "AIRFLOW__API__BASE_URL": self.url,
            "AIRFLOW__API__WORKERS": "1",
            "AIRFLOW__API_AUTH__JWT_SECRET": secret,
            "AIRFLOW__CORE__FERNET_KEY": "",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{folder}/airflow.db?timeout=120",
            "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
            "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
            "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
            "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "30",
            # A machine that is busy with other things answers late.
            "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
            "PYTHONWARNINGS": "ignore",
            **variables,
        }
        try:
            self.command("db", "migrate")
            self.command("pools", "import", str(dags / "pools.json"))
            self.start("api-server", ["api-server", "--host", "127.0.0.1", "--port", str(self.port)])
        except BaseException:
            self.stop()
            raise

    def connect(self, connection: dict, **variables: str):
        """Starts what runs tasks."""
        self.environment |= {"AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection), **variables}
        for name in PROCESSES:
            self.start(name)
        self.until(self.answers, 300, "the API server answers")

    def command(self, *arguments: str, check: bool = True) -> str:
        """Runs a command of Airflow's."""
        done = subprocess.run([BIN / "airflow", *arguments], env=self.environment, capture_output=True, text=True, timeout=300, cwd=self.folder)
        assert done.returncode == 0 or not check, f"{arguments}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        return done.stdout

    def start(self, name: str, arguments: list[str] | None = None):
        log = (self.folder / f"{name}.log").open("ab")
        command = [BIN / "airflow", *(arguments or PROCESSES[name])]
        self.running[name] = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, cwd=self.folder, start_new_session=True)

    def kill(self, name: str):
        """Ends a process and all that it started at once, as a machine that fails does."""
        process = self.running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self):
        for process in self.running.values():
            os.killpg(process.pid, signal.SIGTERM)
        for process in self.running.values():
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
        self.running.clear()

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/api/v2/version", timeout=5):
                return True
        except OSError:
            assert self.running["api-server"].poll() is None, (self.folder / "api-server.log").read_text()[-3000:]
            return False

    @staticmethod
    def until(done, seconds: float, what: str, pause: float = 0.5):
        """Waits until `done` gives something, and returns it."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(TimeoutError):  # of one call, on a busy machine
                if found := done():
                    return found
            time.sleep(pause)
        raise TimeoutError(f"not after {seconds} s: {what}")

    def api(self, method: str, path: str, body: dict | None = None) -> dict:
        token = getattr(self, "token", None)
        if token is None:
            with urllib.request.urlopen(f"{self.url}/auth/token", timeout=30) as answer:
                token = self.token = json.load(answer)["access_token"]
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", "Accept": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/api/v2/{path}", data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read() or b"{}")
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()[:2000]}") from None

    def ready(self, *dags: str):
        """Waits until the DAGs are there, and unpauses them."""

        def known() -> bool:
            errors = self.api("GET", "importErrors")["import_errors"]
            assert not errors, errors
            return set(dags) <= {dag["dag_id"] for dag in self.api("GET", "dags?limit=100&exclude_stale=true")["dags"]}

        self.until(known, 600, f"Airflow has read {dags}")
        for dag in dags:
            self.pause(dag, False)

    def pause(self, dag: str, paused: bool = True):
        self.api("PATCH", f"dags/{dag}", {"is_paused": paused})

    def trigger(self, dag: str, day: str | None = None, at: str | None = None, **conf) -> str:
        """Starts a run, of a day if one is given, as if it were due at that time; its id."""
        body: dict = {"logical_date": None, "conf": conf}
        if day:
            body["partition_key"] = day
        if at:
            body["run_after"] = at
        return self.api("POST", f"dags/{dag}/dagRuns", body)["dag_run_id"]

    def runs(self, dag: str) -> list[dict]:
        return self.api("GET", f"dags/{dag}/dagRuns?limit=100&order_by=run_after")["dag_runs"]

    def run(self, dag: str, run: str) -> dict:
        return self.api("GET", f"dags/{dag}/dagRuns/{urllib.parse.quote(run)}")

    def wait(self, dag: str, run: str, seconds: float = 900) -> str:
        """The state in which a run ends."""
        try:
            return self.until(lambda: (state := self.run(dag, run)["state"]) in DONE and state, seconds, f"{dag} {run} is done")
        except TimeoutError as error:
            states = [(one["task_id"], one["map_index"], one["state"]) for one in self.tasks(dag, run)]
            raise TimeoutError(f"{error}: {states}") from None

    def triggered(self, dag: str, day: str, seconds: float = 900) -> dict:
        """The run of a day that an asset started, once it is done."""

        def ended():
            found = [run for run in self.runs(dag) if run["partition_key"] == day]
            return found and found[-1]["state"] in DONE and found[-1]

        return self.until(ended, seconds, f"{dag} ran for {day}: {self.runs(dag)}")

    def tasks(self, dag: str, run: str) -> list[dict]:
        return self.api("GET", f"dags/{dag}/dagRuns/{urllib.parse.quote(run)}/taskInstances?limit=200")["task_instances"]

    def task(self, dag: str, run: str, task: str, label: str | None = None) -> dict:
        """One task of a run; of a mapped one, that whose label begins so."""
        found = [one for one in self.tasks(dag, run) if one["task_id"] == task and (label is None or (one["rendered_map_index"] or "").startswith(label))]
        (one,) = found
        return one

    def answer(self, dag: str, run: str, task: str, map_index: int = -1):
        """What a task returned."""
        path = f"dags/{dag}/dagRuns/{urllib.parse.quote(run)}/taskInstances/{task}/xcomEntries/return_value?map_index={map_index}&deserialize=true"
        return self.api("GET", path)["value"]

    def said(self, dag: str, run: str, task: dict) -> str:
        """The log of a task's last try."""
        path = f"dags/{dag}/dagRuns/{urllib.parse.quote(run)}/taskInstances/{task['task_id']}/logs/{task['try_number']}?map_index={task['map_index']}&full_content=true"
        lines = self.api("GET", path)["content"]
        return "\n".join(json.dumps(line) for line in lines)
