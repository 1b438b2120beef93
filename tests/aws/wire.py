"""Functions without Lambda: their processes, the runtime API that they ask for work, and a wire to S3 and Glue that can fail.

Every request of a function passes the wire, which counts it and asks the weather what becomes of it: nothing happens, it happens
and the answer is lost, the process dies before or after it, or it is answered with an error of AWS. The emulator behind the wire
is the one that the deployed stack is tested on.
"""

import json
import os
import queue
import random
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

NEXT = "/2018-06-01/runtime/invocation/next"


@dataclass
class Asked:
    """A request of a function."""

    method: str
    target: str
    action: str
    conditional: bool
    body: bytes

    @property
    def changes(self) -> bool:
        if self.action:
            return not self.action.startswith("Get")
        return self.method in ("PUT", "POST", "DELETE")

    def __str__(self) -> str:
        return self.action or f"{self.method} {self.target.split('?')[0]}"


PASS, LOSE, DIE_BEFORE, DIE_AFTER, RESET, CUT = "pass", "lose the answer", "die before", "die after", "reset", "cut short"


def s3_error(status: int, code: str) -> tuple[int, bytes, str]:
    return status, f"<Error><Code>{code}</Code><Message>injected</Message></Error>".encode(), "application/xml"


def glue_error(status: int, code: str) -> tuple[int, bytes, str]:
    return status, json.dumps({"__type": code, "Message": "injected"}).encode(), "application/x-amz-json-1.1"


class Calm:
    """Nothing goes wrong; what was asked is kept."""

    def __init__(self):
        self.asked: list[Asked] = []
        self.lock = threading.Lock()

    def decide(self, asked: Asked):
        with self.lock:
            self.asked.append(asked)
            return self.verdict(asked, len(self.asked))

    def verdict(self, asked: Asked, number: int):
        return PASS

    def changes(self) -> list[Asked]:
        return [asked for asked in self.asked if asked.changes]


class Death(Calm):
    """The process dies at a change, before or after it happened."""

    def __init__(self, change: int, how: str):
        super().__init__()
        self.change, self.how, self.died = change, how, False

    def verdict(self, asked, number):
        if asked.changes and len(self.changes()) == self.change:
            self.died = True
            return self.how
        return PASS


class Storm(Calm):
    """Some requests fail, as the seed says, in the ways in which AWS fails; a process that has failed often is let through."""

    def __init__(self, seed: int, share: float = 0.15, most: int = 25):
        super().__init__()
        self.chance, self.share, self.left = random.Random(seed), share, most
        self.injected: list[str] = []

    def verdict(self, asked, number):
        if self.left == 0 or self.chance.random() > self.share:
            return PASS
        self.left -= 1
        found = self.chance.choice(list(self.faults(asked)))
        self.injected.append(f"{asked}: {found if isinstance(found, str) else found[0]}")
        return found

    def faults(self, asked):
        yield RESET
        yield LOSE
        if asked.action:
            yield glue_error(400, "ThrottlingException")
            yield glue_error(500, "InternalServiceException")
            if asked.action == "BatchCreatePartition":
                yield partial(asked)
            if asked.action == "UpdateTable":
                yield glue_error(400, "ConcurrentModificationException")
            return
        yield s3_error(503, "SlowDown")
        yield s3_error(500, "InternalError")
        if asked.method == "GET":
            yield CUT
        if asked.conditional and asked.method == "PUT":
            yield s3_error(409, "ConditionalRequestConflict")


class Always(Calm):
    """Every request that a rule picks is answered with one error."""

    def __init__(self, picks, answer):
        super().__init__()
        self.picks, self.answer = picks, answer

    def verdict(self, asked, number):
        return self.answer if self.picks(asked) else PASS


def partial(asked: Asked) -> tuple[int, bytes, str]:
    """No partition was added, and the answer is 200, as Glue's is."""
    values = [one["Values"] for one in json.loads(asked.body)["PartitionInputList"]]
    detail = {"ErrorCode": "InternalServiceException", "ErrorMessage": "injected"}
    errors = [{"PartitionValues": one, "ErrorDetail": detail} for one in values]
    return 200, json.dumps({"Errors": errors}).encode(), "application/x-amz-json-1.1"


class Quiet(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def content(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def answer(self, status: int, body: bytes, headers: dict[str, str]):
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def served(handler, **attributes) -> ThreadingHTTPServer:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (handler,), attributes))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


def port(server: ThreadingHTTPServer) -> int:
    return server.server_address[1]


class Wire(Quiet):
    """Hands requests on, or not."""

    process: "Process"
    upstream: str

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (ConnectionError, TimeoutError):
            self.close_connection = True

    def pass_on(self):
        body = self.content()
        action = (self.headers.get("x-amz-target") or "").removeprefix("AWSGlue.")
        conditional = any(self.headers.get(name) for name in ("if-none-match", "if-match"))
        asked = Asked(self.command, self.path, action, conditional, body)
        verdict = self.process.weather.decide(asked)
        if isinstance(verdict, tuple):
            status, told, kind = verdict
            self.answer(status, told, {"content-type": kind})
            return
        if verdict in (RESET, DIE_BEFORE):
            self.gone(verdict)
            return
        status, headers, told = self.forward(body)
        if verdict in (LOSE, DIE_AFTER):
            self.gone(verdict)
        elif verdict == CUT and len(told) > 1:
            self.cut(status, headers, told)
        else:
            length = {"content-length": headers["content-length"]} if self.command == "HEAD" and "content-length" in headers else {}
            self.whole(status, headers, told, length)

    def forward(self, body: bytes):
        place = urlsplit(self.upstream)
        connection = HTTPConnection(place.hostname, place.port, timeout=60)
        try:
            connection.request(self.command, self.path, body, dict(self.headers.items()))
            got = connection.getresponse()
            return got.status, {name.lower(): value for name, value in got.getheaders()}, got.read()
        finally:
            connection.close()

    def whole(self, status, headers, body, length):
        hop = ("content-length", "transfer-encoding", "connection", "keep-alive")
        self.send_response_only(status)
        for name, value in headers.items():
            if name not in hop:
                self.send_header(name, value)
        self.send_header("content-length", length.get("content-length", str(len(body))))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def cut(self, status, headers, body):
        self.send_response_only(status)
        for name in ("etag", "last-modified", "content-type"):
            if name in headers:
                self.send_header(name, headers[name])
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2])
        self.close_connection = True

    def gone(self, verdict):
        if verdict in (DIE_BEFORE, DIE_AFTER):
            self.process.kill()
        self.close_connection = True

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on


class RuntimeApi(Quiet):
    """What Lambda's runtime API is to a function: one event, then nothing more."""

    process: "Process"

    def do_GET(self):
        event = self.process.events.get()
        if event is None:
            self.close_connection = True
            return
        deadline = int((time.time() + self.process.seconds) * 1000)
        arn = "arn:aws:lambda:us-east-1:000000000000:function:carelake"
        headers = {"lambda-runtime-aws-request-id": f"request-{os.getpid()}", "lambda-runtime-deadline-ms": str(deadline)}
        headers |= {"lambda-runtime-invoked-function-arn": arn, "content-type": "application/json"}
        self.answer(200, json.dumps(event).encode(), headers)

    def do_POST(self):
        said = json.loads(self.content() or b"null")
        self.answer(202, b"{}", {})
        self.process.answers.put((self.path.rsplit("/", 1)[-1], said))


@dataclass
class Outcome:
    """How an invocation ended: an answer, an error, or the death of the process."""

    answer: dict | None = None
    error: dict | None = None
    said: str = ""

    @property
    def failures(self) -> list:
        return (self.answer or {}).get("batchItemFailures", [])

    @property
    def done(self) -> bool:
        return self.answer is not None and not self.failures


@dataclass
class Process:
    """A function that is started, asked once, and stopped."""

    program: Path
    variables: dict[str, str]
    upstream: str
    weather: Calm = field(default_factory=Calm)
    seconds: float = 120

    def __post_init__(self):
        self.events, self.answers = queue.Queue(), queue.Queue()

    def kill(self):
        self.child.send_signal(signal.SIGKILL)

    def ask(self, event: dict) -> Outcome:
        wire = served(Wire, process=self, upstream=self.upstream)
        runtime = served(RuntimeApi, process=self)
        lambdas = {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port(runtime)}", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port(wire)}"}
        lambdas |= {f"AWS_LAMBDA_{name}": "1" for name in ("FUNCTION_MEMORY_SIZE", "FUNCTION_VERSION", "LOG_STREAM_NAME", "LOG_GROUP_NAME")}
        lambdas |= {"AWS_LAMBDA_FUNCTION_NAME": self.program.name}
        output, errors = subprocess.PIPE, subprocess.STDOUT
        self.child = subprocess.Popen([self.program], env=self.variables | lambdas, stdout=output, stderr=errors, text=True)
        said: list[str] = []
        reading = threading.Thread(target=lambda: said.extend(self.child.stdout), daemon=True)
        reading.start()
        self.events.put(event)
        outcome, end = Outcome(), time.monotonic() + self.seconds
        while self.child.poll() is None and time.monotonic() < end:
            try:
                how, told = self.answers.get(timeout=0.05)
            except queue.Empty:
                continue
            outcome = Outcome(answer=told) if how == "response" else Outcome(error=told)
            break
        self.events.put(None)
        self.child.kill()
        self.child.wait()
        reading.join(5)
        for server in (wire, runtime):
            server.shutdown()
            server.server_close()
        outcome.said = "".join(said)
        return outcome
