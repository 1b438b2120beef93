"""Files that are too large for one invocation: read in parts through a queue, and the lake is as if they had not been."""

import io
import json
import random

import polars
import pytest
from conftest import Lake

HEADER = "visit_id,patient_id,doctor_id,department,visit_date,follow_up_required\n"
MEGABYTE = 1 << 20


def visits(count: int, seed: int) -> list[str]:
    """Rows with keys that repeat far apart, line ends within quotes, and bad ones among them."""
    chance = random.Random(seed)
    rows = []
    for number in range(count):
        key = chance.randrange(number) if number and chance.random() < 0.01 else number
        department = '"Ear, Nose\r\n& ""Throat"" é"' if number % 7 == 0 else "Cardiology"
        day = "soon" if number % 501 == 0 else "2024-01-15"
        rows.append(f"W{key:06d},Zq{number % 900:06d},D1,{department},{day},Yes\n")
    return rows


def facts(entry: dict) -> dict:
    """What an entry of the ledger says of rows."""
    names = ("rows_in", "bronze_rows", "rejected", "deduplicated", "bytes", "status", "version", "checks", "unknown_columns", "missing_columns")
    return {name: entry[name] for name in names}


@pytest.fixture(scope="module")
def large(stack, tmp_path_factory):
    """A CSV file of some parts on the stack, and the same file in a lake on a folder."""
    body = HEADER + "".join(visits(160_000, 1))
    assert len(body.encode()) > 6 * MEGABYTE
    key = "network/visits/2024-05-01/Zq000001 large.csv"
    stack.put(key, body)
    stack.settle(seconds=540)
    local = Lake(tmp_path_factory.mktemp("large"))
    local.write(key, body)
    local.run()
    return key, local


def local_entry(local: Lake, dataset: str) -> dict:
    (path,) = (local.folder / f"_carelake/ledger/ingest/network/{dataset}").rglob("*.json")
    return json.loads(path.read_text())


def rows(frame: polars.DataFrame) -> list:
    return frame.drop("patient_id", "_order").sort("_row").rows()


def test_the_ledger_has_one_entry_that_says_what_one_pass_says(stack, large):
    key, local = large
    (entry,) = stack.ledger("network", "visits")
    assert facts(entry) == facts(local_entry(local, "visits"))
    assert entry["rows_in"] == entry["bronze_rows"] + entry["rejected"] == 160_000
    assert entry["checks"]["network.visits.key.unique"]["failed"] > 1_000
    assert stack.tags(key)["carelake-status"] == "ingested"


def test_rows_are_those_of_one_pass_with_their_true_numbers(stack, large):
    _, local = large
    for layer in ("bronze", "quarantine"):
        (file,) = (local.folder / layer / "network_visits").rglob("*[0-9a-f].parquet")
        (name,) = [key for key in stack.keys(stack.lake, f"{layer}/network_visits/") if not key.endswith("references.parquet")]
        here = polars.read_parquet(io.BytesIO(stack.body(stack.lake, name)), hive_partitioning=False)
        wanted = polars.read_parquet(file, hive_partitioning=False)
        if layer == "bronze":
            assert rows(here) == rows(wanted)
        else:
            order = ["_row", "rule"]
            assert here.drop("_order").sort(order).rows() == wanted.drop("_order").sort(order).rows()


def test_it_was_read_in_parts_of_which_nothing_is_left(stack, large):
    said = stack.said()
    assert said.count('"PartsRead"') >= 3 or said.count("PartsRead") >= 3
    assert not stack.keys(stack.lake, "_carelake/parts/")
    assert not stack.keys(stack.identity, "identity/_parts/")
    assert "Zq0" not in said


def test_silver_has_the_rows(stack, large):
    _, local = large
    count = local.one("SELECT count(*) FROM silver.encounters WHERE source = 'network'")
    here = stack.delta("silver", "encounters").filter(polars.col("source") == "network").height
    assert str(here) == count


def test_a_large_file_that_comes_again_changes_nothing(stack, large):
    key, _ = large
    before = stack.keys(stack.lake, "bronze/network_visits/")
    stack.put(key, stack.body(stack.landing, key))
    stack.settle(seconds=540)
    assert stack.keys(stack.lake, "bronze/network_visits/") == before
    assert len(stack.ledger("network", "visits")) == 1
    assert not stack.keys(stack.lake, "_carelake/parts/")


def test_parquet_is_read_by_row_groups(stack, tmp_path):
    count = 120_000
    names = [f"{random.Random(number).getrandbits(400):x}" for number in range(count)]
    frame = polars.DataFrame({"patient_id": [f"Zq{number:06d}" for number in range(count)], "patient_name": names, "age": ["40"] * count})
    target = io.BytesIO()
    frame.write_parquet(target, row_group_size=10_000)
    assert len(target.getvalue()) > 5 * MEGABYTE
    stack.put("network/patients/2024-05-02/large.parquet", target.getvalue())
    stack.settle(seconds=540)
    (entry,) = stack.ledger("network", "patients")
    assert (entry["status"], entry["rows_in"]) == ("ingested", count)
    local = Lake(tmp_path)
    local.write("network/patients/2024-05-02/large.parquet", target.getvalue())
    local.run()
    assert facts(entry) == facts(local_entry(local, "patients"))
    assert not stack.keys(stack.lake, "_carelake/parts/")
