"""Twins for sharing: no small number is shown, and none can be told from what is."""

import tomllib
from collections import defaultdict

import pytest
from conftest import ROOT, Lake, carelake

TWINS = tomllib.loads((ROOT / "shared/sql/twins.toml").read_text())
LEAST = 11


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    """A hospital in which many cells are small."""
    lake = Lake(tmp_path_factory.mktemp("public"))
    carelake("generate", "--patients", 400, "--seed", 5, "--as-of", "2025-06-30", "--out", lake.landing)
    lake.run()
    return lake


def number(text: str) -> float | None:
    return float(text) if text else None


@pytest.fixture(scope="module", params=sorted(TWINS))
def pair(request, hospital):
    """The spec of a twin, its rows, and those of the view by key."""
    name, spec = request.param, TWINS[request.param]
    keys = ["source", *spec["keys"]]
    view = {tuple(row[key] for key in keys): row for row in hospital.sql(f"SELECT * FROM gold.{name}")}
    twin = {tuple(row[key] for key in keys): row for row in hospital.sql(f"SELECT * FROM gold.{name}_public")}
    assert twin
    return name, spec, view, twin


def small(spec, row) -> bool:
    counts = [number(row[count]) for count in spec["counts"]]
    counts += [number(row[whole]) - number(row[part]) for part, whole in spec.get("parts", [])]
    return any(0 < count < LEAST for count in counts)


def test_a_twin_shows_what_the_view_has_or_nothing(pair):
    name, spec, view, twin = pair
    assert twin.keys() <= view.keys()
    if "where" not in spec:
        assert twin.keys() == view.keys(), name
    for key, row in twin.items():
        for column in [*spec["counts"], *spec.get("values", [])]:
            wanted = "" if row["is_suppressed"] == "true" else view[key][column]
            # A mean depends in its last digit on the order in which numbers were added.
            assert row[column] == wanted or float(row[column]) == pytest.approx(float(wanted)), (name, key, column)


def test_no_small_number_is_shown(pair):
    _, spec, _, twin = pair
    for key, row in twin.items():
        if row["is_suppressed"] == "false":
            assert not small(spec, row), key


@pytest.mark.parametrize("name", ["encounters_per_disease_by_age_group", "prevalence", "vw_disease_trends"])
def test_twins_of_rare_diseases_hide_something_and_show_something(hospital, name):
    found = {row["is_suppressed"] for row in hospital.sql(f"SELECT DISTINCT is_suppressed FROM gold.{name}_public")}
    assert found == {"true", "false"}


def margin_of(spec, row) -> tuple:
    """The rows with which a row adds up to a total."""
    shapes = [name for name in ("gender", "race", "age_group") if name in row and row[name] != "All"]
    named = [row[column] for column in spec["margin"] if " AS " not in column]
    total = row.get("code") == "All"
    return (row["source"], *named, tuple(shapes) if any(" AS shape" in column for column in spec["margin"]) else (), total)


def test_a_total_tells_no_hidden_number(pair):
    """Whoever knows the total of a margin, and so the sum of its hidden rows, learns no small number from it."""
    name, spec, view, twin = pair
    size = spec["counts"][0]
    margins = defaultdict(list)
    for key, row in twin.items():
        margins[margin_of(spec, row)].append((key, row))
    for margin, rows in margins.items():
        hidden = [number(view[key][size]) for key, row in rows if row["is_suppressed"] == "true" and number(view[key][size])]
        others = [number(view[key][size]) for key, row in rows if row["is_suppressed"] == "false" and number(view[key][size])]
        if hidden and others:
            assert len(hidden) > 1, (name, margin)
            assert sum(hidden) >= LEAST, (name, margin)


def test_the_population_of_a_hidden_cell_is_hidden_for_every_code(hospital):
    rows = hospital.sql("SELECT * FROM gold.prevalence_public")
    view = hospital.sql("SELECT DISTINCT source, gender, race, age_group, patients FROM gold.prevalence")
    shown = {(row["source"], row["gender"], row["race"], row["age_group"]) for row in rows if row["is_suppressed"] == "false"}
    for dimension in ("gender", "race", "age_group"):
        others = [name for name in ("gender", "race", "age_group") if name != dimension]
        cells = defaultdict(list)
        for row in view:
            if row[dimension] != "All" and all(row[name] == "All" for name in others):
                cells[row["source"]].append((float(row["patients"]), (row["source"], row["gender"], row["race"], row["age_group"])))
        for found in cells.values():
            if any(0 < size < LEAST for size, _ in found):
                never = [size for size, cell in found if cell not in shown and size]
                assert (len(never) > 1 and sum(never) >= LEAST) or len(found) == len(never)
