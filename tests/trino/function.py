"""A function called once without a deployment: what Lambda's runtime API is to its process, and its buckets and catalogue."""

import json
import os
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

NEXT = "/2018-06-01/runtime/invocation/next"


class Runtime(ThreadingHTTPServer):
    """Hands out one event and takes one answer."""

    daemon_threads = True

    def __init__(self, event: dict, seconds: float):
        super().__init__(("127.0.0.1", 0), Handler)
        self.event, self.seconds = json.dumps(event).encode(), seconds
        self.given, self.answered = threading.Event(), threading.Event()
        self.answer: tuple[str, bytes] = ("", b"")


class Handler(BaseHTTPRequestHandler):
    server: Runtime

    def do_GET(self):
        if self.path != NEXT or self.server.given.is_set():
            time.sleep(self.server.seconds)
            return
        self.server.given.set()
        self.send_response(200)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "once")
        self.send_header("Lambda-Runtime-Deadline-Ms", str(int((time.time() + self.server.seconds) * 1000)))
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:once")
        self.send_header("Content-Length", str(len(self.server.event)))
        self.end_headers()
        self.wfile.write(self.server.event)

    def do_POST(self):
        said = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.answer = (self.path.rsplit("/", 1)[-1], said)
        self.server.answered.set()

    def log_message(self, *_):
        pass


def called(program: Path, event: dict, endpoint: dict[str, str], buckets: dict[str, str], seconds: float = 1800) -> dict:
    """What the function answers to an event; fails with what it said when it fails."""
    with Runtime(event, seconds) as runtime:
        threading.Thread(target=runtime.serve_forever, daemon=True).start()
        own = {f"AWS_LAMBDA_{name}": value for name, value in {"FUNCTION_NAME": "once", "FUNCTION_MEMORY_SIZE": "3008", "FUNCTION_VERSION": "1"}.items()}
        own |= {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{runtime.server_port}", "AWS_REGION": "us-east-1", "PATH": os.environ["PATH"]}
        own |= {f"CARELAKE_{name}_BUCKET": bucket for name, bucket in buckets.items()}
        process = subprocess.Popen([program], env=own | endpoint, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said: list[bytes] = []
        reader = threading.Thread(target=lambda: said.extend(process.stdout), daemon=True)
        reader.start()
        try:
            while not runtime.answered.wait(0.2):
                if process.poll() is not None:
                    break
        finally:
            process.kill()
            process.wait()
            reader.join(5)
            runtime.shutdown()
    how, answer = runtime.answer
    if how != "response":
        raise RuntimeError(f"{program.name}: {answer.decode()}\n{b''.join(said).decode(errors='replace')[-4000:]}")
    return json.loads(answer)
