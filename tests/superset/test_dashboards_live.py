"""The dashboards in a running Superset over `carelake serve`: every chart answers, with what the lake holds."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from instance import ROOT, Superset, bundle, hospital, running
from questions import context

ASSETS = ROOT / "infra/superset"
CHARTS = sorted((ASSETS / "charts").glob("*.yaml"))
DASHBOARDS = {"cost-and-departments", "clinic-operations", "no-show-risk", "data-quality"}


def named(file: Path) -> str:
    """The chart's name; Superset's own reader of YAML is in another virtual environment."""
    return file.read_text().partition("slice_name: ")[2].partition("\n")[0].strip("'\"")


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    return hospital(tmp_path_factory.mktemp("hospital"), 1000)


@pytest.fixture(scope="module")
def superset(lake, tmp_path_factory):
    with running(lake, tmp_path_factory.mktemp("superset")) as server:
        yield server


@pytest.fixture(scope="module")
def charts(superset) -> dict[str, dict]:
    return {chart["slice_name"]: superset.api.get(f"chart/{chart['id']}")["result"] | chart for chart in superset.all("chart")}


def rows(superset: Superset, chart: dict, **more) -> list[dict]:
    asked = context(chart["datasource_id"], json.loads(chart["params"]))
    asked["queries"][0].update(more)
    (answer,) = superset.api.post("chart/data", asked)["result"]
    assert not answer["error"], answer["error"]
    return answer["data"]


def value(superset: Superset, chart: dict) -> float:
    (row,) = rows(superset, chart)
    (found,) = row.values()
    return float(found)


def test_every_dashboard_has_its_charts(superset, charts):
    assert {one["slug"] for one in superset.all("dashboard")} == DASHBOARDS
    shown = [one["slice_name"] for slug in DASHBOARDS for one in superset.api.get(f"dashboard/{slug}/charts")["result"]]
    assert sorted(shown) == sorted(charts) == sorted(map(named, CHARTS))


@pytest.mark.parametrize("file", CHARTS, ids=lambda file: file.stem)
def test_a_chart_has_rows(file, superset, charts):
    found = rows(superset, charts[named(file)])
    assert found
    for column in found[0]:
        assert any(row[column] is not None for row in found), f"{column} is empty"


@pytest.mark.parametrize(
    ("chart", "sql"),
    [
        ("Total cost", "SELECT sum(treatment_cost) AS value FROM gold.fact_treatments"),
        ("Cost per visit", "SELECT CAST((SELECT sum(treatment_cost) FROM gold.fact_treatments) AS double) / count(*) AS value FROM gold.dim_visits"),
        ("Follow-up rate", "SELECT avg(CASE WHEN follow_up_required THEN 1e0 ELSE 0e0 END) AS value FROM gold.dim_visits"),
        ("Expected misses", "SELECT sum(expected_no_shows) AS value FROM gold.no_show_risk_by_day"),
        ("Rows in silver", "SELECT sum(row_count) AS value FROM (SELECT count(*) AS row_count FROM silver.patients UNION ALL {counts})"),
    ],
)
def test_a_figure_is_that_of_the_lake(chart, sql, superset, charts, lake):
    tables = [file.stem for file in (ROOT / "shared/contracts/silver").glob("*.toml") if file.stem not in ("patients", "patient_snapshots")]
    counts = " UNION ALL ".join(f"SELECT count(*) AS row_count FROM silver.{table}" for table in tables)
    assert value(superset, charts[chart]) == pytest.approx(float(lake.one(sql.format(counts=counts))))


def test_the_filter_of_a_dashboard_narrows_its_charts(superset, charts):
    by_source = {"filters": [{"col": "source", "op": "IN", "val": ["network"]}]}
    assert rows(superset, charts["Cost by department"], **by_source)
    assert not rows(superset, charts["Cost by department"], filters=[{"col": "source", "op": "IN", "val": ["nobody"]}])


def test_columns_have_the_types_of_the_catalogue(superset):
    types = superset.catalogue()
    for dataset in superset.all("dataset"):
        described = superset.api.get(f"dataset/{dataset['id']}")["result"]
        stored = {column["column_name"]: column["type"] for column in described["columns"] if not column["expression"]}
        if not described["sql"]:
            assert stored == {name: types[described["table_name"], name].upper() for name in stored}


def test_superset_finds_the_schemas_and_tables_itself(superset):
    (database,) = superset.all("database")
    schemas = superset.api.get(f"database/{database['id']}/schemas/")["result"]
    assert {"gold", "silver"} <= set(schemas)
    assert not {"identity", "gold_identified", "quarantine"} & set(schemas)
    tables = superset.api.get(f"database/{database['id']}/tables/?q=(schema_name:gold)")["result"]
    assert {"department_treatment_summary", "fact_treatments"} <= {one["value"] for one in tables}
    columns = superset.api.get(f"database/{database['id']}/table_metadata/?name=department_treatment_summary&schema=gold")["columns"]
    assert [one["name"] for one in columns][:2] == ["source", "department"]


def test_importing_again_changes_nothing(superset, charts):
    superset.api.send(bundle())
    assert {chart["slice_name"]: chart["id"] for chart in superset.all("chart")} == {name: chart["id"] for name, chart in charts.items()}
    assert len(superset.all("dashboard")) == len(DASHBOARDS)


def test_nothing_is_answered_without_a_login(superset):
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{superset.url}/api/v1/chart/", timeout=60)
