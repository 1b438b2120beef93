"""docs/adding-a-source.md does what it says: its files and commands are taken from the page and run."""

import os
import re
import subprocess

import pytest
from conftest import BINARY, ROOT

PAGE = ROOT / "docs/adding-a-source.md"
BLOCK = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.M | re.S)


def blocks():
    return BLOCK.findall(PAGE.read_text())


def test_the_walk_through_works_as_written(tmp_path):
    path = f"{BINARY.parent}:{os.environ['PATH']}"
    commands, last = 0, ""
    for kind, file, text in blocks():
        if file:
            place = tmp_path / file
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
        elif kind == "sh":
            done = subprocess.run(["bash", "-euc", text], cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
            last = done.stdout
            commands += 1
        elif kind == "text":
            for line in filter(None, map(str.strip, text.splitlines())):
                assert line in last, f"expected {line!r} in\n{last}"
    assert commands >= 4


def test_the_walk_through_adds_contract_files_only():
    files = [file for _, file, _ in blocks() if file]
    assert any(file.endswith(".toml") for file in files)
    assert not any(file.endswith((".rs", ".py")) for file in files)


@pytest.mark.parametrize("crate", ["aws-sdk-s3", "aws-sdk-glue", "aws-config"])
def test_the_local_command_compiles_no_aws_sdk(crate):
    tree = subprocess.run(["cargo", "tree", "--locked", "-p", "carelake", "--prefix", "none"], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert tree.returncode == 0, tree.stderr
    assert "deltalake-core" in tree.stdout
    assert crate not in tree.stdout
