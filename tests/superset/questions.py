"""What a chart asks: its parameters as the query that the browser makes of them."""

from typing import Any

Params = dict[str, Any]


def axis(params: Params) -> dict:
    """The x axis, cut into the chart's time grain."""
    name = params["x_axis"]
    return {
        "columnType": "BASE_AXIS",
        "sqlExpression": name,
        "label": name,
        "expressionType": "SQL",
        "isColumnReference": True,
        "timeGrain": params.get("time_grain_sqla"),
    }


def order(params: Params) -> list:
    by = params.get("timeseries_limit_metric") or params.get("metric") or next(iter(params.get("metrics") or []), None)
    return [[by, not params.get("order_desc", True)]] if by else []


def query(params: Params) -> dict:
    """The query object of a chart."""
    grouped = params.get("groupby") or []
    columns: list = [grouped] if isinstance(grouped, str) else list(grouped)
    metrics = list(params.get("metrics") or [])
    if metric := params.get("metric"):
        metrics.append(metric)
    asked: dict[str, Any] = {"filters": [], "extras": {"having": "", "where": ""}, "row_limit": params.get("row_limit", 100), "annotation_layers": []}
    for one in params.get("adhoc_filters", []):
        asked["filters"].append({"col": one["subject"], "op": one["operator"], "val": one["comparator"]})
    kind = params["viz_type"]
    if kind.startswith("echarts_"):
        columns = [axis(params), *columns]
    elif kind == "heatmap_v2":
        columns = [params["x_axis"], *columns]
    if params.get("query_mode") == "raw":
        return asked | {"columns": params["all_columns"], "orderby": [], "metrics": None}
    return asked | {"columns": columns, "metrics": metrics, "orderby": order(params)}


def context(dataset: int, params: Params) -> dict:
    """The request of a chart's data."""
    return {"datasource": {"id": dataset, "type": "table"}, "force": True, "queries": [query(params)], "result_format": "json", "result_type": "full"}
