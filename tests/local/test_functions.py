"""The table of Trino's functions says what is: every call gives its value, and what is called missing is not there."""

import tomllib

import pytest
from conftest import ROOT, clinic
from conftest import Lake as NewLake
from serving import Athena, serving

TABLE = {(family, name): entry for family, members in tomllib.loads((ROOT / "shared/sql/trino.toml").read_text()).items() for name, entry in members.items()}


@pytest.fixture(scope="module")
def athena(tmp_path_factory):
    lake = NewLake(tmp_path_factory.mktemp("functions"))
    clinic(lake)
    lake.run()
    with serving(lake) as url:
        yield Athena(url)


def test_every_call_gives_its_value(athena):
    wrong = []
    started = {key: athena.start(f"SELECT {entry['call']}") for key, entry in TABLE.items() if "call" in entry}
    for key, query in started.items():
        status = athena.ended(query)["Status"]
        if status["State"] != "SUCCEEDED":
            wrong.append((key, status["StateChangeReason"]))
            continue
        (_, (value,)) = athena.rows(query)
        if ("NULL" if value is None else value) != TABLE[key]["gives"]:
            wrong.append((key, value))
    assert not wrong, "\n".join(map(str, wrong))
    assert len(started) > 100


def test_what_is_missing_is_not_there(athena):
    functions = {row[0] for row in athena.run("SHOW FUNCTIONS")}
    for (_, name), entry in TABLE.items():
        assert set(entry) in ({"call", "gives"}, {"call", "gives", "differs"}, {"missing"}), name
        # repeat is there, of text.
        if "missing" in entry and name != "repeat":
            assert name not in functions
