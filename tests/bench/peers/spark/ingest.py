"""Ingest in Spark: landing files of a dataset → bronze, identity, quarantine."""

from datetime import date
from functools import reduce
from pathlib import Path

from contract import Contract, checks, headers, json_schema, masked, pseudonym, text, typed
from pyspark import StorageLevel
from pyspark.sql import Column, DataFrame, Observation, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.types import StringType, StructField, StructType

WIDTH = "_wrong_width"


def day_of(file: Path) -> str:
    """The job's day: of the folder, else of the file's modification time."""
    digits = file.parent.name.replace("-", "")
    if len(digits) == 8 and digits.isdigit():
        return f"{digits[:4]}-{digits[4:6]}-{digits[6:]}"
    return date.fromtimestamp(file.stat().st_mtime).isoformat()


def of_csv(spark: SparkSession, contract: Contract, files: list[str]) -> DataFrame:
    """The texts of the contract's columns; files of one header are read together."""
    by_header: dict[str, list[str]] = {}
    for file in files:
        with Path(file).open(encoding="utf-8-sig", errors="replace") as lines:
            by_header.setdefault(lines.readline().strip(), []).append(file)
    parts = [of_header(spark, contract, header.split(","), same) for header, same in by_header.items()]
    return reduce(DataFrame.union, parts)


def of_header(spark: SparkSession, contract: Contract, header: list[str], files: list[str]) -> DataFrame:
    """Files of one header. Only datasets with free text can have line breaks in a field."""
    names = [name.strip('" ') for name in header]
    schema = StructType([StructField(name, StringType()) for name in [*names, WIDTH]])
    lines = any(column.get("phi") == "free_text" for column in contract.columns)
    rows = spark.read.schema(schema).csv(files, header=True, escape='"', multiLine=lines, mode="PERMISSIVE", columnNameOfCorruptRecord=WIDTH)
    by_name = {name.lower(): name for name in names}

    def found(column: dict) -> Column:
        place = next((by_name[name.lower()] for name in headers(column) if name.lower() in by_name), None)
        return F.col(f"`{place}`") if place else F.lit(None).cast("string")

    texts = [text(column, found(column), contract).alias(f"text_{column['name']}") for column in contract.columns]
    return rows.select(*texts, F.col(WIDTH).isNotNull().alias(WIDTH), F.col("_metadata.file_path").alias("_path"))


def of_json(spark: SparkSession, contract: Contract, files: list[str]) -> DataFrame:
    """One row an element of the innermost array; positions from 1."""
    rows = spark.read.schema(json_schema(contract)).json(files, multiLine=True)
    rows = rows.select(F.struct(*rows.columns).alias("root"), F.col("_metadata.file_path").alias("_path"))
    longest = max((headers(column)[0] for column in contract.columns), key=lambda path: path.count("["))
    arrays = [part.split("[")[0] for part in longest.split(".") if "[" in part]
    above = "root"
    for name in arrays:
        rows = rows.select("*", F.posexplode_outer(f"{above}.{name}").alias(f"pos_{name}", f"at_{name}"))
        above = f"at_{name}"

    def found(column: dict) -> Column:
        parts = headers(column)[0].split(".")
        inside = [part.split("[")[0] for part in parts if "[" in part]
        if parts[-1].endswith("[#]"):
            return (F.col(f"pos_{inside[-1]}") + 1).cast("string")
        rest = parts[max((place + 1 for place, part in enumerate(parts) if "[" in part), default=0) :]
        return F.col(".".join([f"at_{inside[-1]}" if inside else "root", *rest]))

    texts = [text(column, found(column), contract).alias(f"text_{column['name']}") for column in contract.columns]
    return rows.select(*texts, F.lit(False).alias(WIDTH), "_path")


def nulled(contract: Contract) -> dict[str, Column]:
    """Columns whose values outside a range become NULL."""
    rules = {rule["column"]: rule for rule in contract.rules("range") if rule.get("set_null")}
    found = {}
    for name, rule in rules.items():
        inside = F.col(name).between(rule.get("min", -1e308), rule.get("max", 1e308))
        found[name] = F.when(inside, F.col(name))
    return found


def judged(contract: Contract, rows: DataFrame) -> DataFrame:
    """Typed rows with the ids of the checks they fail in `_rejects` and `_warns`."""
    days = rows.select("_path").distinct().collect()
    day = F.create_map(*[F.lit(part) for (path,) in days for part in (path, day_of(Path(path.removeprefix("file:").replace("//", "/"))))])
    values = [typed(column, F.col(f"text_{column['name']}")).alias(column["name"]) for column in contract.columns]
    # A row of the wrong width has no values to judge.
    order = F.concat(day[F.col("_path")], F.lit("/"), F.substring(F.sha2("_path", 256), 1, 16))
    rows = rows.select(
        "*", *values, order.alias("_order"), day[F.col("_path")].cast("date").alias("ingest_date"), F.monotonically_increasing_id().alias("_row")
    )
    # Spark replaces what is not UTF-8 by U+FFFD.
    broken = F.contains(F.concat_ws("", *[f"text_{column['name']}" for column in contract.columns]), F.lit("\ufffd"))
    failing = {"reject": [F.when(F.col(WIDTH), F.lit("row.shape")), F.when(~F.col(WIDTH) & broken, F.lit("row.encoding"))], "warn": []}
    for name, severity, fails in checks(contract):
        failing[severity].append(F.when(~F.col(WIDTH) & fails, F.lit(name)))
    rows = rows.withColumn("_rejects", F.array_compact(F.array(*failing["reject"])))
    rows = rows.withColumn("_warns", F.array_compact(F.array(*failing["warn"])) if failing["warn"] else F.array().cast("array<string>"))
    if contract.raw.get("duplicates") == "reject" and contract.key:
        first = F.row_number().over(Window.partitionBy("_path", F.size("_rejects") == 0, *contract.key).orderBy("_row"))
        again = F.when((first > 1) & (F.size("_rejects") == 0), F.array(F.lit("key.unique"))).otherwise(F.col("_rejects"))
        rows = rows.withColumn("_rejects", again)
    return rows.withColumns(nulled(contract))


def counts(contract: Contract, rows: DataFrame) -> tuple[DataFrame, Observation]:
    """The rows, observed: numbers of rows, of rejected rows and of failures of each check."""
    seen = Observation()
    names = ["row.shape", "row.encoding", "key.unique", *(name for name, _, _ in checks(contract))]
    failed = [F.sum(F.array_contains(F.concat("_rejects", "_warns"), name).cast("long")).alias(name.replace(".", "/")) for name in names]
    return rows.observe(seen, F.count(F.lit(1)).alias("rows_in"), F.sum((F.size("_rejects") > 0).cast("long")).alias("rejected"), *failed), seen


def ingest(spark: SparkSession, contract: Contract, source: str, files: list[str], lake: str) -> dict:
    """Writes bronze, identity and quarantine of one source and dataset; its counts."""
    read = of_csv if files[0].endswith(".csv") else of_json
    rows, seen = counts(contract, judged(contract, read(spark, contract, files)))
    rows = rows.withColumn("source", F.lit(source)).withColumn("feed", F.lit(contract.feed)).persist(StorageLevel.MEMORY_AND_DISK)
    good = rows.where(F.size("_rejects") == 0)
    place = ["source", "feed", "ingest_date", "_order", "_row"]
    by_phi = {
        kind: [c["name"] for c in contract.columns if c.get("phi", "none") in kind] for kind in (("none", "quasi"), ("person_id",), ("identifier", "free_text"))
    }
    (open_columns, ids, person) = by_phi.values()
    named = [pseudonym(F.col(name), source).alias(name) for name in ids]
    layers = {"bronze": good.select(*open_columns, *named, *place)}
    if contract.has_identity():
        layers["identity"] = good.select(*named, *[F.col(name).alias(f"real_{name}") for name in ids], *person, *place)
    record = F.to_json(F.struct(*[masked(F.col(f"text_{column['name']}")).alias(column["name"]) for column in contract.columns]))
    bad = rows.where(F.size("_rejects") > 0).select(*place, F.explode("_rejects").alias("rule"), record.alias("record"))
    for layer, frame in {**layers, "quarantine": bad}.items():
        frame.write.mode("append").partitionBy("source", "ingest_date").parquet(f"{lake}/{layer}/{contract.table}")
    rows.unpersist()
    found = seen.get
    return {"source": source, "dataset": contract.dataset, "rows_in": found["rows_in"], "rejected": found["rejected"] or 0}
