"""Gates, on answers of ingest."""

from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import AirflowFailException

RUN = SimpleNamespace(run_id="manual__1", partition_key="2026-03-01")


def dataset(source: str = "clinic", passed: bool = True, on_fail: str = "publish", **counts) -> dict:
    counts = {"files": 1, "unreadable_files": 0, "rows_in": 10, "accepted": 6, "rejected": 3, "deduplicated": 1, "reject_rate": 0.3} | counts
    return {"source": source, "dataset": "visits", "passed": passed, "gate": {"reject_rate": 0.1, "on_fail": on_fail}} | counts


@pytest.fixture
def judge(monkeypatch):
    from carelake import gates

    monkeypatch.setattr(gates, "get_current_context", lambda: {"dag_run": RUN})

    def said(*datasets) -> str:
        with pytest.raises(AirflowFailException) as raised:
            gates.reject_rate({"datasets": list(datasets)})
        return str(raised.value)

    return said


def test_a_dataset_that_passes_passes(judge):
    from carelake.gates import reject_rate

    assert reject_rate({"datasets": [dataset()]})
    assert reject_rate({"datasets": []}) == []


def test_too_many_rejects_fail_with_the_dataset_the_rate_and_the_run(judge):
    text = judge(dataset(passed=False))
    for part in ("clinic/visits", "3 of 10", "30.0%", "10.0%", "go on", "manual__1"):
        assert part in text


def test_a_file_that_cannot_be_read_fails(judge):
    assert "1 of 2 files cannot be read" in judge(dataset(passed=False, files=2, unreadable_files=1))


def test_rows_that_do_not_add_up_fail_whatever_the_gate_says(judge):
    assert "do not add up" in judge(dataset(accepted=7))


def test_only_a_sender_whose_contract_says_so_is_held_back():
    from carelake.gates import held

    answers = [{"datasets": [dataset("a", False, "hold")]}, {"datasets": [dataset("b", False), dataset("c", True, "hold")]}, {}]
    assert held(answers) == {"a"}


def test_gold_of_an_earlier_day_fails():
    from carelake.gates import not_behind

    assert not_behind("2026-03-01", {"as_of": "2026-03-05"}) == "2026-03-05"
    with pytest.raises(AirflowFailException):
        not_behind("2026-03-01", {"as_of": "2026-02-28"})


def test_the_verdict_names_the_datasets_that_failed_and_the_run():
    from carelake.gates import everything_done

    states = {"landed": "success", "take.ingest_0": "success", "take.ingest_1": "failed", "take.gate_1": "upstream_failed", "verdict": "running"}
    task = SimpleNamespace(dag_id="d", run_id="manual__1", task_id="verdict", get_task_states=lambda **_: {"manual__1": states})
    places = [{"source": "a", "dataset": "x"}, {"source": "b", "dataset": "y"}]
    with pytest.raises(AirflowFailException, match=r"run manual__1 did not do: take\.ingest of b/y"):
        everything_done({"ti": task}, places)
    states["take.ingest_1"] = states["take.gate_1"] = "success"
    everything_done({"ti": task}, places)


def test_a_daily_run_without_a_day_lists_nothing(dags):
    landed = dags["carelake_daily"].get_task("landed")
    landed.request = {"partition": ""}
    with pytest.raises(AirflowFailException, match="partition key"):
        landed.poke({"params": {}})


def test_a_run_waits_for_what_is_expected_of_its_day(dags, monkeypatch):
    from carelake import way

    places = [{"source": "north", "dataset": name, "partition": "2026-03-01", "files": 1} for name in ("patients", "visits")]
    landed = dags["carelake_daily"].get_task("landed")
    landed.request = {"partition": "2026-03-01"}
    monkeypatch.setattr(way, "ask", lambda *_: {"landed": places[:1]})
    expected = {"params": {"expected": ["north/visits"]}}
    assert not landed.poke(expected).is_done
    monkeypatch.setattr(way, "ask", lambda *_: {"landed": places})
    found = landed.poke(expected)
    assert found.is_done
    assert [one["dataset"] for one in found.xcom_value] == ["patients", "visits"]


def test_a_replay_takes_each_dataset_once_up_to_its_last_day(dags, monkeypatch):
    from carelake import way

    places = [{"source": "north", "dataset": "visits", "partition": day, "files": 1} for day in ("2026-03-01", "2026-03-03", "2026-03-02")]
    monkeypatch.setattr(way, "ask", lambda *_: {"landed": places})
    landed = dags["carelake_replay"].get_task("landed")
    assert landed.poke({"params": {}}).xcom_value == [{"source": "north", "dataset": "visits", "to": "2026-03-03"}]


def test_senders_that_are_held_back_do_not_go_on(dags, monkeypatch):
    call = dags["carelake_daily"].get_task("senders").python_callable
    answers = [{"datasets": [dataset("a", False, "hold")]}, {"datasets": [dataset("b", False)]}, {"datasets": [dataset("a")]}]
    assert call(answers) == [{"source": "b"}], "what a contract holds back waits, with all of its sender"
    assert call(None) == []
    assert call(answers[1]) == [{"source": "b"}], "where one dataset landed, Airflow gives its answer as it is"


def test_silver_is_not_let_go_of_when_nothing_came_to_it():
    from carelake.way import released

    released([], [], [])
    released([{}], [{"source": "a"}], [{}])
    with pytest.raises(AirflowFailException, match="not listed"):
        released(None, [], [])
    with pytest.raises(AirflowFailException, match="no sender"):
        released([{}], [{"source": "a"}], [])
