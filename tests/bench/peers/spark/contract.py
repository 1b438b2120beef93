"""Spark expressions from carelake's contract files: reading schema, typing, checks, masks, pseudonyms."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructField, StructType

SPARK_TYPES = {"string": "STRING", "int": "INT", "long": "BIGINT", "double": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE", "timestamp": "TIMESTAMP"}
TRUE, FALSE = ["true", "t", "yes", "y", "1"], ["false", "f", "no", "n", "0"]
FORMAT = {"%Y": "yyyy", "%m": "MM", "%d": "dd", "%H": "HH", "%M": "mm", "%S": "ss"}


def spark_type(kind: str) -> str:
    return SPARK_TYPES.get(kind, kind)


@dataclass
class Contract:
    """A dataset's contract file."""

    feed: str
    dataset: str
    folder: Path
    raw: dict = field(repr=False)

    @property
    def columns(self) -> list[dict]:
        return self.raw["columns"]

    @property
    def key(self) -> list[str]:
        key = self.raw.get("key", [])
        return [column["name"] for column in self.columns] if key == ["*"] else key

    @property
    def table(self) -> str:
        return f"{self.feed}_{self.dataset}"

    def rules(self, *kinds: str) -> list[dict]:
        return [rule for rule in self.raw.get("rules", []) if rule["kind"] in kinds]

    def parents(self) -> set[str]:
        return {rule["parent"] for rule in self.rules("reference")}

    def has_identity(self) -> bool:
        return any(column.get("phi") in ("person_id", "identifier", "free_text") for column in self.columns)


def load(contracts: Path) -> dict[tuple[str, str], Contract]:
    found = {}
    for file in sorted(contracts.glob("feeds/*/*.toml")):
        if file.stem != "feed":
            found[file.parent.name, file.stem] = Contract(file.parent.name, file.stem, file.parent, tomllib.loads(file.read_text()))
    return found


def headers(column: dict) -> list[str]:
    """Header names or JSON paths under which a column may stand."""
    names = column.get("from", column["name"])
    return names if isinstance(names, list) else [names]


def text(column: dict, found: Column, contract: Contract) -> Column:
    """The column's text, cleaned as the contract says."""
    value = F.trim(found)
    nulls = ["", *contract.raw.get("null_values", [])]
    if "pad" in column:
        value = F.when(F.length(value) > 0, F.lpad(value, column["pad"], "0"))
    value = F.when(~value.isin(nulls + column.get("null_values", [])), value)
    return F.coalesce(value, F.lit(column["default"])) if "default" in column else value


def typed(column: dict, value: Column) -> Column:
    """The text as a value of the column's type, NULL when it is none."""
    kind = column["type"]
    if kind == "string":
        return value
    if kind == "boolean":
        lower = F.lower(value)
        return F.when(lower.isin(TRUE), F.lit(True)).when(lower.isin(FALSE), F.lit(False))
    if "format" in column:
        pattern = column["format"]
        for mark, letters in FORMAT.items():
            pattern = pattern.replace(mark, letters)
        return F.try_to_timestamp(value, F.lit(pattern)).cast(spark_type(kind))
    if kind in ("int", "long"):
        return F.coalesce(value.try_cast(spark_type(kind)), value.try_cast("DECIMAL(20,0)").try_cast(spark_type(kind)))
    return value.try_cast(spark_type(kind))


def fails(rule: dict) -> Column:
    """True for a row that breaks a rule."""
    value = F.col(rule["column"])
    match rule["kind"]:
        case "not_null":
            return value.isNull()
        case "domain":
            given = rule["values"]
            return ~F.lower(value).isin([one.lower() for one in given]) if rule.get("ignore_case") else ~value.isin(given)
        case "range":
            low = value < F.lit(rule["min"]) if "min" in rule else F.lit(False)
            return low | (value > F.lit(rule["max"]) if "max" in rule else F.lit(False))
        case "pattern":
            return ~value.rlike(f"^(?:{rule['pattern']})$")
        case "not_before":
            return value < F.col(rule["other"])
    raise ValueError(rule["kind"])


def checks(contract: Contract) -> list[tuple[str, str, Column]]:
    """Row checks: id, severity, and the condition that a row fails, over typed columns and their texts (`text_…`)."""
    found = []
    for column in contract.columns:
        name = column["name"]
        if column["type"] != "string":
            severity = "warn" if column.get("on_invalid") == "null" else "reject"
            found.append((f"{name}.type", severity, F.col(f"text_{name}").isNotNull() & F.col(name).isNull()))
        if column.get("required"):
            found.append((f"{name}.required", "reject", F.col(f"text_{name}").isNull()))
    for rule in contract.rules("domain", "range", "pattern", "not_before", "not_null"):
        found.append((rule["id"], rule["severity"], F.coalesce(fails(rule), F.lit(False))))
    return found


def masked(value: Column) -> Column:
    """Letters as x, digits as 9, at most 32 characters."""
    lower = F.regexp_replace(F.regexp_replace(value, r"\p{Lu}", "X"), r"\p{Ll}", "x")
    return F.substring(F.regexp_replace(lower, r"\p{Nd}", "9"), 1, 32)


def pseudonym(value: Column, source: str) -> Column:
    """SHA-256 of key, source and identifier, 128 bits: Spark has no HMAC, which hashes twice."""
    return F.substring(F.sha2(F.concat(F.lit(f"a key of 256 bits/{source}/"), value), 256), 1, 32)


def json_schema(contract: Contract) -> StructType:
    """What the JSON paths of a contract need to be read."""
    tree: dict = {}
    for column in contract.columns:
        for path in headers(column):
            node = tree
            for part in path.replace("[#]", "[]").split("."):
                node = node.setdefault(part, {})

    def struct(node: dict) -> StructType:
        return StructType([StructField(name.removesuffix("[]"), of(name, below)) for name, below in node.items()])

    def of(name: str, below: dict):
        inner = struct(below) if below else StringType()
        return ArrayType(inner) if name.endswith("[]") else inner

    return struct(tree)
