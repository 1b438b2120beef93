"""Both engines behind one face: a query gives columns with Trino's types, and rows of texts as Athena writes them."""

import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass

FLOATS = ("double", "real", "float")


class Failed(Exception):
    """A query that ended with an error."""


@dataclass
class Answer:
    """What a query gave: None is NULL."""

    columns: list[tuple[str, str]]
    rows: list[tuple[str | None, ...]]


class Trino:
    """Trino's own protocol."""

    def __init__(self, url: str, catalogue: str = "awsdatacatalog", schema: str = "gold"):
        self.url = url
        self.headers = {"X-Trino-User": "test", "X-Trino-Catalog": catalogue, "X-Trino-Schema": schema, "X-Trino-Time-Zone": "UTC"}

    def call(self, method: str, url: str, body: bytes | None = None) -> dict:
        request = urllib.request.Request(url, data=body, method=method, headers=self.headers)
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)

    def run(self, sql: str) -> Answer:
        page = self.call("POST", f"{self.url}/v1/statement", sql.encode())
        columns, rows = None, []
        while True:
            if "error" in page:
                raise Failed(f"{page['error']['errorName']}: {page['error']['message']}")
            columns = columns or page.get("columns")
            rows += page.get("data", [])
            if "nextUri" not in page:
                break
            page = self.call("GET", page["nextUri"])
        columns = columns or []
        signatures = [column["typeSignature"] for column in columns]
        texts = [tuple(text(value, signature) for value, signature in zip(row, signatures, strict=True)) for row in rows]
        return Answer([(column["name"], column["type"]) for column in columns], texts)


def text(value: object, signature: dict) -> str | None:
    """A value of Trino's protocol as Athena writes it into a result."""
    if value is None:
        return None
    kind, inner = signature["rawType"], [argument["value"] for argument in signature["arguments"]]
    if kind == "array":
        return "[" + ", ".join(nested(one, inner[0]) for one in value) + "]"
    if kind == "map":
        return "{" + ", ".join(f"{nested(key, inner[0])}={nested(one, inner[1])}" for key, one in value.items()) + "}"
    if kind == "row":
        fields = [(field["fieldName"]["name"], field["typeSignature"]) for field in inner]
        return "{" + ", ".join(f"{name}={nested(one, field)}" for one, (name, field) in zip(value, fields, strict=True)) + "}"
    if kind == "boolean":
        return "true" if value else "false"
    return str(value)


def nested(value: object, signature: dict) -> str:
    found = text(value, signature)
    return "null" if found is None else found


class Carelake:
    """`carelake serve`, asked through boto3 as Athena is."""

    def __init__(self, athena):
        self.athena = athena

    def run(self, sql: str, *values: str) -> Answer:
        query = self.athena.start(sql, *values)
        status = self.athena.ended(query)["Status"]
        if status["State"] != "SUCCEEDED":
            raise Failed(status.get("StateChangeReason", status["State"]))
        pages = self.athena.client.get_paginator("get_query_results").paginate(QueryExecutionId=query)
        columns, rows = [], []
        for page in pages:
            columns = columns or [(info["Name"], named(info)) for info in page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]]
            rows += [tuple(cell.get("VarCharValue") for cell in row["Data"]) for row in page["ResultSet"]["Rows"]]
        return Answer(columns, rows[1:])


def named(info: dict) -> str:
    """Trino's name of the type that Athena describes in parts."""
    kind = info["Type"]
    return f"decimal({info['Precision']},{info['Scale']})" if kind == "decimal" else kind


def plain(kind: str) -> str:
    """A type as far as Athena's API tells: it says neither the length of a text nor what is in an array."""
    kind = re.sub(r"^(varchar|char)\(\d+\)$", r"\1", kind)
    kind = re.sub(r"^(timestamp|time)\(\d+\)", r"\1", kind)
    kind = re.sub(r"^(array|map|row)\(.*\)$", r"\1", kind)
    return {"string": "varchar", "float": "real"}.get(kind, kind)
