"""Train and score as deployed functions, under their own roles, on a generated feed with a real signal."""

import datetime
import json

import pytest
from conftest import carelake

SOURCE, AS_OF = "noshow_vitoria", "2025-06-30"


@pytest.fixture(scope="module")
def trained(stack, tmp_path_factory):
    """Appointments taken through every step, and what train answered."""
    folder = tmp_path_factory.mktemp("generated")
    carelake("generate", "--patients", 1500, "--seed", 11, "--as-of", AS_OF, "--out", folder)
    files = sorted(file for file in (folder / SOURCE).rglob("*") if file.is_file())
    stack.put_all([(str(file.relative_to(folder)), file.read_bytes()) for file in files])
    stack.settle()
    stack.invoke("publish", as_of=AS_OF)
    return stack.invoke("train", source=SOURCE, as_of=AS_OF, run_id="trained-here")


def test_a_model_is_trained_from_gold_and_better_than_guessing(stack, trained):
    assert (trained["status"], trained["run_id"], trained["as_of"]) == ("done", "trained-here", AS_OF)
    model = trained["model"]
    assert (model["version"], model["promoted"]) == (1, True)
    assert model["auroc"] > 0.6
    assert stack.keys(stack.lake, f"_carelake/models/no_show_{SOURCE}/1/")


def test_every_appointment_that_is_to_come_gets_a_probability_with_a_reason(stack, trained):
    answer = stack.invoke("score", source=SOURCE, as_of=AS_OF, run_id="scored-here")
    assert answer["status"] == "done"
    booked = stack.delta("silver", "appointments")
    day = datetime.date.fromisoformat(AS_OF)
    coming = booked.filter((booked["source"] == SOURCE) & (booked["status"] == "Scheduled") & (booked["appointment_date"] > day))
    wanted = sorted(coming["appointment_id"])
    assert answer["appointments"] == len(wanted) > 0
    for _ in range(2):
        rows = stack.delta("gold", "appointment_predictions").to_dicts()
        assert sorted(row["appointment_id"] for row in rows) == wanted, "scoring again replaces the day's predictions"
        stack.invoke("score", source=SOURCE, as_of=AS_OF)
    assert {(row["source"], row["prediction_date"], row["model_version"]) for row in rows} == {(SOURCE, day, 1)}
    assert all(0 < row["no_show_probability"] < 1 and row["reason_1"] for row in rows)


@pytest.mark.parametrize(("asked", "words"), [({}, "names no source"), ({"source": "nobody"}, "nobody")])
def test_what_cannot_be_trained_says_why(stack, trained, asked, words):
    payload = json.dumps({"step": "train"} | asked).encode()
    answer = stack.lambdas.invoke(FunctionName="carelake-train", Payload=payload)
    assert answer["FunctionError"]
    assert words in answer["Payload"].read().decode()
