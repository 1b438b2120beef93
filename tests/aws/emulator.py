"""AWS on this machine: an emulator on a free port of 127.0.0.1, with policies enforced, and the template deployed on it."""

import os
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path.home() / ".cache/carelake"
MINISTACK = CACHE / "ministack-venv/bin/ministack"
AWS_TOOLS = CACHE / "infra-venv/bin"
FUNCTIONS = ("ingest", "conform", "publish", "train", "score", "maintain")
REGION = "us-east-1"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def hold(file: Path, kept: Path):
    """A name of its own for a file, which keeps it when the file is built anew."""
    try:
        os.link(file, kept)
    except OSError:
        shutil.copy(file, kept)


def stage(target: Path, folder: Path, packed: bool = True):
    """Copies the templates, and the functions of a debug build without their debugging symbols.

    To pack and unpack hundreds of MB takes a minute or two. Who tests something else leaves the functions where they are:
    what is packed then starts them.
    """
    shutil.copytree(ROOT / "infra", folder, ignore=shutil.ignore_patterns("build"))
    for function in FUNCTIONS:
        bootstrap = folder / "build" / function / "bootstrap"
        bootstrap.parent.mkdir(parents=True)
        if packed:
            subprocess.run(["strip", "-s", "-o", bootstrap, target / "debug" / function], check=True)
        else:
            kept = folder / "functions" / function
            kept.parent.mkdir(exist_ok=True)
            hold(target / "debug" / function, kept)
            bootstrap.write_text(f'#!/bin/sh\nexec "{kept}"\n')
            bootstrap.chmod(0o755)


class Emulator:
    """The emulator as a process; only its root user is known to it at first."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.root = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": self.url}
        (folder / "tmp").mkdir(parents=True)
        settings = {
            "AUTH": "true",
            "BIND_HOST": "127.0.0.1",
            "MINISTACK_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.port),
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "PERSIST_STATE": "0",
            "S3_PERSIST": "0",
        }
        own = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder / "tmp")}
        self.log = folder / "emulator.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen([MINISTACK], env=own | settings | self.root, stdout=log, stderr=log)
        self.await_start()

    def await_start(self):
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"{self.url}/_ministack/health", timeout=1):
                    return
            except OSError:
                assert self.process.poll() is None, self.log.read_text()
                time.sleep(0.1)
        raise TimeoutError(self.log.read_text())

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()

    def client(self, service: str, **credentials):
        """A client of the root user, or of the credentials given."""
        keys = credentials or {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
        config = Config(retries={"max_attempts": 0}, read_timeout=905, max_pool_connections=50, s3={"addressing_style": "path"})
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, config=config, **keys)

    def assume(self, name: str, policy_arn: str) -> dict:
        """Credentials of a new role that has one policy and nothing else."""
        trust = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]}'
        iam = self.client("iam")
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
        iam.attach_role_policy(RoleName=name, PolicyArn=policy_arn)
        given = self.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName=name)["Credentials"]
        return {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }

    def deploy(self, infra: Path) -> dict[str, str]:
        """Runs the script that `make deploy` runs; the outputs of the stack."""
        environment = {"PATH": f"{AWS_TOOLS}:{os.environ['PATH']}", "HOME": str(self.folder), "AWS_PAGER": "", "AWS_REGION": REGION} | self.root
        environment |= {"PARAMETERS": "Emulated=true StepTimeout=120 PartMB=2 Surveillance=ENABLED"}
        done = subprocess.run(["bash", infra / "deploy.sh"], env=environment, capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self.log.read_text()[-4000:]}"
        (stack,) = self.client("cloudformation").describe_stacks(StackName="carelake")["Stacks"]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
