"""Dead letters, against an SQS that notes what it is asked: no emulator at hand moves messages."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

WAITING = {"carelake-ingest-dead": 2, "carelake-parts-dead": 3, "carelake-conform-dead": 0, "carelake-publish-dead": 1}


@pytest.fixture
def moved(monkeypatch, database):
    """The queues from which messages were moved."""
    found: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            action = self.headers["X-Amz-Target"].removeprefix("AmazonSQS.")
            queue = (asked.get("QueueName") or asked.get("QueueUrl") or asked.get("SourceArn")).replace(":", "/").rpartition("/")[2]
            answer = {"QueueUrl": f"http://queues/1/{queue}"} if action == "GetQueueUrl" else {}
            if action == "GetQueueAttributes":
                arn = f"arn:aws:sqs:us-east-1:1:{queue}"
                answer = {"Attributes": {"QueueArn": arn, "ApproximateNumberOfMessages": str(WAITING[queue])}}
            if action == "StartMessageMoveTask":
                found.append(queue)
                answer = {"TaskHandle": "x"}
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.0")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    extra = {"region_name": "us-east-1", "endpoint_url": f"http://127.0.0.1:{server.server_port}"}
    connection = {"conn_type": "aws", "login": "test", "password": "test", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
    yield found
    server.shutdown()


def test_queues_with_dead_letters_give_them_back_if_that_is_asked_for(dags, moved, monkeypatch):
    call = dags["carelake_replay"].get_task("redrive").python_callable
    monkeypatch.setitem(call.__globals__, "get_current_context", lambda: {"params": {"redrive": True}})
    assert call() == {"ingest": 2, "parts": 3, "conform": 0, "publish": 1}
    assert moved == ["carelake-ingest-dead", "carelake-parts-dead", "carelake-publish-dead"]


def test_nothing_is_moved_unless_it_is_asked_for(dags, moved, monkeypatch):
    call = dags["carelake_replay"].get_task("redrive").python_callable
    monkeypatch.setitem(call.__globals__, "get_current_context", lambda: {"params": {"redrive": False}})
    assert call() == {}
    assert moved == []
