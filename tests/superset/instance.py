"""Superset on this machine, on 127.0.0.1 alone, over the lake of a generated hospital."""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "infra/superset")]

from bundle import bundle  # noqa: E402
from conftest import Lake, carelake  # noqa: E402
from importer import Api  # noqa: E402
from serving import Athena, serving  # noqa: E402

VENV = Path(os.environ.get("CARELAKE_SUPERSET_VENV", Path.home() / ".cache/carelake/superset-venv"))
USER = PASSWORD = "admin"
AS_OF = "2025-06-30"
# Days on which the appointments to come were scored: outcomes of the earlier ones are known by now.
SCORED = ("2025-03-31", "2025-04-30", "2025-05-31", AS_OF)
TRAINED = ("--source", "scheduling", "--train-until", SCORED[0], "--evaluate-from", "2025-04-01")


def hospital(folder: Path, patients: int) -> Lake:
    """The lake of a generated hospital, with a model that learnt from its past and has predicted since."""
    lake = Lake(folder)
    carelake("generate", "--patients", patients, "--seed", 1, "--as-of", AS_OF, "--out", lake.landing)
    lake.run()
    carelake("train", "--lake", lake.folder, *TRAINED)
    for day in SCORED:
        carelake("score", "--lake", lake.folder, "--as-of", day)
    return lake


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


class Superset:
    """A server of Superset that asks the Athena at an address."""

    def __init__(self, folder: Path, athena: str, port: int | None = None):
        self.athena = athena
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / "superset.log"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(VENV / "superset.db", folder / "superset.db")
        environment = {
            "PATH": f"{VENV}/bin:{os.environ['PATH']}",
            "HOME": str(folder),
            "SUPERSET_HOME": str(folder),
            "SUPERSET_CONFIG_PATH": str(HERE / "superset_config.py"),
            "SUPERSET_SECRET_KEY": secrets.token_hex(32),
            "SUPERSET_METADATA": f"sqlite:///{folder}/superset.db?timeout=60",
            "AWS_ENDPOINT_URL_ATHENA": athena,
            "AWS_ENDPOINT_URL_S3": athena,
            "AWS_ACCESS_KEY_ID": "any",
            "AWS_SECRET_ACCESS_KEY": "any",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        listen = ["--bind", f"127.0.0.1:{self.port}", "--workers", "1", "--worker-class", "gthread", "--threads", "8", "--timeout", "300"]
        with self.log.open("ab") as log:
            command = [VENV / "bin/gunicorn", *listen, "superset.app:create_app()"]
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=folder, start_new_session=True)
        try:
            self.wait()
            self.api = Api(self.url, USER, PASSWORD)
            self.api.send(bundle())
        except BaseException:
            self.stop()
            raise

    def wait(self):
        deadline = time.monotonic() + 600
        while True:
            with contextlib.suppress(OSError), urllib.request.urlopen(f"{self.url}/health", timeout=30):
                return
            assert self.process.poll() is None, self.log.read_text()[-3000:]
            assert time.monotonic() < deadline, "Superset does not answer"
            time.sleep(0.5)

    def catalogue(self) -> dict[tuple[str, str], str]:
        """The type of every column of gold, as Athena names it."""
        sql = "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'gold'"
        return {(table, column): kind for table, column, kind in Athena(self.athena, "analyst").run(sql)}

    def all(self, kind: str) -> list[dict]:
        return self.api.get(f"{kind}/?q=(page_size:1000)")["result"]

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()


@contextlib.contextmanager
def running(lake: Lake, folder: Path, port: int | None = None):
    """Superset with the dashboards over a lake."""
    with serving(lake) as athena:
        superset = Superset(folder, athena, port)
        try:
            yield superset
        finally:
            superset.stop()
