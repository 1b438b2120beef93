"""The conformance suite of catalogues on two emulated Glues, which differ where one of them alone would hide a fault."""

import os
import subprocess
import time
import urllib.request
from contextlib import contextmanager

import pytest
from conftest import ROOT
from emulator import CACHE, Emulator, free_port


@contextmanager
def ministack(folder):
    emulator = Emulator(folder / "aws")
    try:
        yield emulator.url
    finally:
        emulator.stop()


@contextmanager
def moto(folder):
    port = free_port()
    command = [CACHE / "moto-venv/bin/moto_server", "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "moto.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            for _ in range(300):
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=1):
                        break
                except OSError:
                    assert server.poll() is None, (folder / "moto.log").read_text()
                    time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


@pytest.mark.parametrize("glue", [ministack, moto])
def test_glue_keeps_what_a_catalogue_must(glue, tmp_path):
    with glue(tmp_path) as url:
        done = subprocess.run(
            ["cargo", "test", "--locked", "--workspace", "--test", "catalogue", "--", "glue_keeps_what_a_catalogue_must"],
            cwd=ROOT,
            env=os.environ | {"CARELAKE_TEST_GLUE": url},
            capture_output=True,
            text=True,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout, done.stdout
