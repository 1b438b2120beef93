"""publish: the catalogue comes back to what the definitions say, and --check tells where it does not."""

import json

from conftest import carelake, clinic


def check(lake, *more) -> tuple[int, dict[str, object]]:
    """The exit code, and what differs by entry."""
    done = carelake("publish", "--lake", lake.folder, "--check", "--json", *more, check=False)
    assert done.returncode in (0, 1), done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {one["name"]: one["kind"] for one in found}


def named(checked) -> tuple[int, dict[str, object]]:
    """Without views that only stand at another place, as a view before them came or went."""
    code, found = checked
    return code, {name: kind for name, kind in found.items() if kind != {"differs": ["order"]}}


def entries(lake) -> dict[str, bytes]:
    folder = lake.folder / "_carelake/catalog"
    return {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.rglob("*.json"))}


def damage(lake):
    """What a hand can do to a catalogue: an entry gone, others changed, a view that nobody defined."""
    folder = lake.folder / "_carelake/catalog"
    (folder / "gold/doctor_summary.view.json").unlink()
    view = folder / "gold/city_distribution.view.json"
    text = json.loads(view.read_text())
    view.write_text(json.dumps(text | {"sql": "SELECT 1 AS one"}))
    table = folder / "silver/patients.table.json"
    text = json.loads(table.read_text())
    table.write_text(json.dumps(text | {"description": "Mine.", "columns": text["columns"][1:]}))
    mart = next(folder.glob("gold/*.table.json"))
    mart.unlink()
    stray = json.loads(view.read_text()) | {"name": "stray"}
    (folder / "gold/stray.view.json").write_text(json.dumps(stray))
    return f"gold.{mart.name.split('.')[0]}"


def test_a_lake_that_was_run_has_no_drift(lake):
    clinic(lake)
    lake.run()
    assert check(lake) == (0, {})
    told = carelake("publish", "--lake", lake.folder, "--check").stdout
    assert "the catalogue is what the definitions say" in told


def test_check_names_what_differs_changes_nothing_and_publish_mends_it(lake):
    clinic(lake)
    lake.run()
    good = entries(lake)
    mart = damage(lake)
    damaged = entries(lake)
    code, found = check(lake)
    assert code == 1
    assert found == {
        "gold.doctor_summary": "missing",
        "gold.city_distribution": {"differs": ["query"]},
        "silver.patients": {"differs": ["description", "columns"]},
        mart: "missing",
        "gold.stray": "unwanted_view",
    }
    assert entries(lake) == damaged, "a check changes nothing"
    told = carelake("publish", "--lake", lake.folder).stdout
    assert "0 tables changed" in told, "tables are not written again for the catalogue's sake"
    assert entries(lake) == good
    assert check(lake) == (0, {})


def test_a_run_without_news_mends_the_catalogue_too(lake):
    clinic(lake)
    lake.run()
    good = entries(lake)
    damage(lake)
    assert lake.run()["changed_tables"] == []
    assert entries(lake) == good


def test_a_table_without_a_definition_is_named_and_left(lake):
    clinic(lake)
    lake.run()
    folder = lake.folder / "_carelake/catalog/silver"
    stray = json.loads((folder / "patients.table.json").read_text()) | {"name": "stray", "location": "silver/stray"}
    (folder / "stray.table.json").write_text(json.dumps(stray))
    assert check(lake) == (0, {"silver.stray": "unwanted_table"})
    carelake("publish", "--lake", lake.folder)
    assert (folder / "stray.table.json").exists()


def test_definitions_that_changed_are_drift_until_they_are_published(lake, tmp_path):
    clinic(lake)
    lake.run()
    own = tmp_path / "own/gold"
    own.mkdir(parents=True)
    view = "-- name: city_count\n-- version: 1\n-- description: Cities.\n-- grain: one row per city\n-- owner: us\n"
    view += "-- materialised: no\n-- source: us\n-- column source: Sender.\n-- column city: City.\n"
    (own / "city_count.sql").write_text(view + "SELECT DISTINCT source, city FROM silver.patients\n")
    overlay = ["--contracts", own.parent]
    assert named(check(lake, *overlay)) == (1, {"gold.city_count": "missing"})
    carelake("publish", "--lake", lake.folder, *overlay)
    assert check(lake, *overlay) == (0, {})
    assert sorted(row["city"] for row in lake.sql("SELECT * FROM city_count")) == ["Oslo", "Rome"]
    assert named(check(lake)) == (1, {"gold.city_count": "unwanted_view"})


def test_a_folder_that_is_no_lake_is_refused(tmp_path):
    done = carelake("publish", "--lake", tmp_path / "nothing", "--check", check=False)
    assert done.returncode == 2
    assert "is not a lake" in done.stderr
