"""The dashboards of Superset name columns that are there: of gold views by their headers, of silver by its contracts."""

import re
import sys
import tomllib
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import sqlglot
import yaml
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify

ROOT = Path(__file__).resolve().parents[2]
ASSETS = ROOT / "infra/superset"
sys.path.insert(0, str(ASSETS))

from bundle import bundle  # noqa: E402


def read(folder: str) -> dict[str, dict[str, Any]]:
    return {file.stem: yaml.safe_load(file.read_text()) for file in sorted((ASSETS / folder).rglob("*.yaml"))}


DATABASES, DATASETS, CHARTS, DASHBOARDS = map(read, ("databases", "datasets", "charts", "dashboards"))
BY_UUID = {one["uuid"]: one for kind in (DATABASES, DATASETS, CHARTS, DASHBOARDS) for one in kind.values()}
# Columns that every silver table has beside its own.
EVERYWHERE = ("source", "feed", "ingest_date", "_order", "_row")


def header(view: str) -> list[str]:
    return re.findall(r"^-- column (\w+):", (ROOT / f"shared/sql/gold/{view}.sql").read_text(), re.MULTILINE)


def silver() -> dict[str, dict[str, str]]:
    tables = {}
    for file in (ROOT / "shared/contracts/silver").glob("*.toml"):
        own = [column["name"] for column in tomllib.loads(file.read_text())["columns"]]
        tables[file.stem] = {name: "varchar" for name in [*EVERYWHERE, *own]}
    return tables


def gold(sql: str) -> dict[str, dict[str, str]]:
    """The columns of the gold views that a query reads."""
    views = {table.name for table in sqlglot.parse_one(sql, dialect="athena").find_all(exp.Table) if table.db == "gold"}
    return {view: {name: "varchar" for name in header(view)} for view in views}


def names(expression: str) -> set[str]:
    """The columns that an expression reads."""
    return {column.name for column in sqlglot.parse_one(expression, dialect="athena").find_all(exp.Column)}


def columns(dataset: dict) -> set[str]:
    return {column["column_name"] for column in dataset["columns"]}


def metrics(dataset: dict) -> set[str]:
    return {metric["metric_name"] for metric in dataset["metrics"]}


def parametrised(kind: dict):
    return pytest.mark.parametrize("one", kind.values(), ids=list(kind))


@parametrised(DATASETS)
def test_a_dataset_has_the_columns_of_its_view(one):
    stored = [column["column_name"] for column in one["columns"] if "expression" not in column]
    if one["sql"] is None:
        assert one["schema"] == "gold"
        assert set(stored) <= set(there := header(one["table_name"])), "a column that the view does not have"
        assert "source" in stored
        assert stored == [name for name in there if name in stored]
    else:
        query = qualify(
            sqlglot.parse_one(one["sql"], dialect="athena"),
            schema={"silver": silver(), "gold": gold(one["sql"])},
            dialect="athena",
            validate_qualify_columns=True,
        )
        assert query.named_selects == stored
        assert {table.db for table in query.find_all(exp.Table)} <= {"silver", "gold"}


@parametrised(DATASETS)
def test_metrics_and_computed_columns_read_columns_of_the_dataset(one):
    there = columns(one)
    computed = [column["expression"] for column in one["columns"] if "expression" in column]
    for expression in [*(metric["expression"] for metric in one["metrics"]), *computed]:
        assert names(expression) <= there, expression
    # In Athena a name in ORDER BY is that of the result before that of the table.
    assert not metrics(one) & there


@parametrised(DATASETS)
def test_a_share_is_never_added_up_or_averaged(one):
    if one["sql"] is None:
        text = (ROOT / f"shared/sql/gold/{one['table_name']}.sql").read_text()
        shares = set(re.findall(r"^-- column (\w+):.*\[(?:0-1|%)\]$", text, re.MULTILINE))
        for metric in one["metrics"]:
            for call in sqlglot.parse_one(metric["expression"], dialect="athena").find_all(exp.Sum, exp.Avg):
                assert not (isinstance(call.this, exp.Column) and call.this.name in shares), metric["expression"]


@parametrised(CHARTS)
def test_a_chart_asks_for_columns_and_metrics_of_its_dataset(one):
    dataset, params = BY_UUID[one["dataset_uuid"]], one["params"]
    assert params["viz_type"] == one["viz_type"]
    grouped = params.get("groupby") or []
    asked = {grouped} if isinstance(grouped, str) else set(grouped)
    asked |= set(params.get("all_columns") or []) | ({params["x_axis"]} if "x_axis" in params else set())
    asked |= {one["subject"] for one in params.get("adhoc_filters", [])}
    assert asked <= columns(dataset)
    wanted = set(params.get("metrics") or []) | {params[key] for key in ("metric", "timeseries_limit_metric") if params.get(key)}
    assert wanted <= metrics(dataset)
    assert wanted or params.get("query_mode") == "raw"
    assert set(params.get("column_config") or {}) <= asked | wanted


@parametrised(DASHBOARDS)
def test_a_dashboard_shows_charts_in_rows_of_twelve(one):
    parts = {key: part for key, part in one["position"].items() if isinstance(part, dict)}
    for part in parts.values():
        if part["type"] == "CHART":
            chart = BY_UUID[part["meta"]["uuid"]]
            assert part["meta"]["sliceName"] == chart["slice_name"]
        if part["type"] == "ROW":
            assert sum(parts[child]["meta"]["width"] for child in part["children"]) == 12, part["id"]
    for choice in one["metadata"]["native_filter_configuration"]:
        (target,) = choice["targets"]
        assert target["column"]["name"] in columns(BY_UUID[target["datasetUuid"]])


def test_every_chart_is_on_one_dashboard():
    shown = [part["meta"]["uuid"] for one in DASHBOARDS.values() for part in one["position"].values() if isinstance(part, dict) and part["type"] == "CHART"]
    assert sorted(shown) == sorted(chart["uuid"] for chart in CHARTS.values())
    offered = {choice["targets"][0]["datasetUuid"] for one in DASHBOARDS.values() for choice in one["metadata"]["native_filter_configuration"]}
    assert offered | {chart["dataset_uuid"] for chart in CHARTS.values()} == {dataset["uuid"] for dataset in DATASETS.values()}
    assert len(BY_UUID) == sum(map(len, (DATABASES, DATASETS, CHARTS, DASHBOARDS)))


def test_there_is_one_connection_and_it_is_that_of_analysts():
    ((_, database),) = DATABASES.items()
    assert database["sqlalchemy_uri"].endswith("/gold?work_group=analyst")
    assert not any(database[may] for may in ("allow_dml", "allow_ctas", "allow_cvas"))
    assert {dataset["database_uuid"] for dataset in DATASETS.values()} == {database["uuid"]}


def test_another_connection_changes_one_line():
    def files(packed: bytes) -> dict[str, list[str]]:
        with zipfile.ZipFile(BytesIO(packed)) as opened:
            return {name: opened.read(name).decode().splitlines() for name in opened.namelist()}

    uri = "awsathena+rest://athena.eu-central-1.amazonaws.com:443/gold?work_group=carelake-analyst"
    one, other = files(bundle()), files(bundle(uri))
    assert bundle() == bundle()
    assert one.keys() == other.keys()
    changed = [(name, after) for name in one for before, after in zip(one[name], other[name], strict=True) if before != after]
    assert changed == [("carelake/databases/carelake.yaml", f"sqlalchemy_uri: {uri}")]
