"""The call of a function, against an endpoint that answers as AWS sometimes does."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

RUN = "scheduled__2026-03-02T10:00:00+00:00__2026-03-01__x1"


def context(map_index: int = -1, run: str = RUN, task: str = "take.ingest"):
    return {"ti": SimpleNamespace(dag_id="carelake_daily", run_id=run, task_id=task, map_index=map_index)}


class Endpoint:
    """A Lambda endpoint that gives prepared answers, one after another, the last for ever."""

    def __init__(self, monkeypatch):
        self.asked: list[dict] = []
        self.answers: list = []
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                endpoint.asked.append({"path": self.path, "log": self.headers.get("X-Amz-Log-Type"), **asked})
                answer = endpoint.answers.pop(0) if len(endpoint.answers) > 1 else endpoint.answers[0]
                status, headers, body = answer(asked)
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(body if isinstance(body, bytes) else json.dumps(body).encode())
                except OSError:
                    pass

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        extra = {"region_name": "us-east-1", "endpoint_url": f"http://127.0.0.1:{self.server.server_port}"}
        connection = {"conn_type": "aws", "login": "test", "password": "test", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))

    def done(self, **more):
        return lambda asked: (200, {}, {"step": asked["step"], "run_id": asked["run_id"], "status": "done", **more})

    def more(self):
        return lambda asked: (200, {}, {"step": asked["step"], "run_id": asked["run_id"], "status": "more"})

    def error(self, kind: str, message: str):
        body = {"errorType": kind, "errorMessage": message, "stackTrace": ["Maria Muster"]}
        return lambda asked: (200, {"X-Amz-Function-Error": "Unhandled"}, body)

    def status(self, code: int, name: str):
        return lambda asked: (code, {"x-amzn-ErrorType": name}, {"message": "no"})


@pytest.fixture
def endpoint(monkeypatch, database):
    found = Endpoint(monkeypatch)
    yield found
    found.server.shutdown()


def ask(*arguments):
    from carelake.step import ask

    return ask("ingest", {"source": "clinic", "dataset": "visits", "partition": "2026-03-01", "rule": "", "list": False}, *arguments)


def failure(*arguments) -> str:
    from carelake.step import StepFailed

    with pytest.raises(StepFailed) as raised:
        ask(*arguments)
    assert raised.value.__cause__ is None
    return str(raised.value)


def test_the_function_of_the_step_is_asked_once_and_without_its_log(endpoint):
    endpoint.answers = [endpoint.done(rows_in=3)]
    assert ask(context())["rows_in"] == 3
    (asked,) = endpoint.asked
    assert "/functions/carelake-ingest/invocations" in asked["path"]
    assert asked["log"] is None
    sent = {name: value for name, value in asked.items() if name not in ("path", "log")}
    run = f"carelake_daily.{RUN}.take.ingest"
    assert sent == {"step": "ingest", "run_id": run, "source": "clinic", "dataset": "visits", "partition": "2026-03-01"}


def test_a_step_is_asked_again_until_it_is_done(endpoint):
    endpoint.answers = [endpoint.more(), endpoint.more(), endpoint.done()]
    assert ask(context())["status"] == "done"
    assert len(endpoint.asked) == 3


def test_what_goes_on_does_not_replay_again(endpoint):
    from carelake.step import ask

    endpoint.answers = [endpoint.more(), endpoint.done()]
    ask("ingest", {"source": "clinic", "replay": True}, context())
    assert [asked.get("replay") for asked in endpoint.asked] == [True, None]


def test_a_failure_names_step_place_and_run_and_says_whether_a_retry_helps(endpoint):
    endpoint.answers = [endpoint.error("Transient", "storage did not answer; try again")]
    text = failure(context())
    assert "ingest of clinic/visits/2026-03-01" in text
    assert RUN in text
    assert "A retry may help" in text
    assert "Muster" not in text
    endpoint.answers = [endpoint.error("Denied", "access denied")]
    assert "A retry does not help" in failure(context())


def test_a_function_that_is_throttled_or_missing_is_named(endpoint):
    endpoint.answers = [endpoint.status(429, "TooManyRequestsException")]
    assert "TooManyRequestsException" in failure(context())
    assert len(endpoint.asked) == 1, "tries are Airflow's, not the client's"
    endpoint.answers = [endpoint.status(404, "ResourceNotFoundException")]
    assert "carelake-ingest cannot be asked: ResourceNotFoundException" in failure(context())


def test_a_read_that_times_out_does_not_ask_twice(endpoint, monkeypatch):
    from carelake import step

    monkeypatch.setitem(step.CLIENT, "read_timeout", 1)

    def slow(asked):
        time.sleep(3)
        return 200, {}, {}

    endpoint.answers = [slow]
    assert "ReadTimeoutError" in failure(context())
    assert len(endpoint.asked) == 1


@pytest.mark.parametrize("body", [b"no json", [], {}, {"step": "conform", "run_id": "x", "status": "done"}])
def test_an_answer_that_is_not_of_the_request_is_no_success(endpoint, body):
    endpoint.answers = [lambda asked: (200, {}, body)]
    assert RUN in failure(context())


def test_a_run_id_is_the_same_in_every_try_another_for_every_task_and_one_that_functions_take():
    from carelake.step import run_id

    assert run_id(context(3)) == run_id(context(3)) == f"carelake_daily.{RUN}.take.ingest.3"
    long, odd = "x" * 200, "manual run/№ 1"
    ids = [run_id(context(index, run)) for index in (-1, 0, 1) for run in (RUN, long, odd, "manual-run/- 1")]
    assert len(set(ids)) == len(ids)
    for one in ids:
        assert len(one) <= 128
        assert set(one) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:+-")
