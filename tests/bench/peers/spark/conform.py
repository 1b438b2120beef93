"""Conform in Spark: bronze → the canonical silver tables."""

import tomllib
from pathlib import Path

import sqlglot
from contract import Contract, spark_type
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.utils import AnalysisException


def spark_sql(text: str) -> str:
    """A query of Athena's dialect in Spark's."""
    return sqlglot.transpile(text, read="athena", write="spark")[0]


class Tables:
    """The canonical tables: their files say columns, key and partitions."""

    def __init__(self, spark: SparkSession, contracts: Path, lake: str):
        self.spark, self.lake = spark, lake
        self.described = {
            f"{file.parent.name}.{file.stem}": tomllib.loads(file.read_text())
            for database in ("silver", "identity")
            for file in (contracts / database).glob("*.toml")
        }

    def columns(self, table: str) -> list[tuple[str, str]]:
        return [(column["name"], spark_type(column["type"])) for column in self.described[table]["columns"]]

    def schema(self, table: str) -> str:
        own = ", ".join(f"`{name}` {kind}" for name, kind in self.columns(table))
        periods = ", ".join(f"{name} {'INT' if name == 'year' else 'STRING'}" for name in self.described[table]["partition_by"] if name in ("year", "month"))
        return f"feed STRING, {own}, ingest_date DATE, _order STRING, _row BIGINT, source STRING" + (f", {periods}" if periods else "")

    def read(self, table: str) -> DataFrame:
        path = f"{self.lake}/{table.replace('.', '/')}"
        if not Path(path).exists():
            return self.spark.createDataFrame([], self.schema(table))
        return self.spark.read.schema(self.schema(table)).parquet(path)

    def write(self, table: str, rows: DataFrame) -> None:
        """Adds a source's rows, one file a partition."""
        by = self.described[table]["partition_by"]
        rows.repartition(*by).write.mode("append").partitionBy(*by).parquet(f"{self.lake}/{table.replace('.', '/')}")


def winners(rows: DataFrame, key: list[str], latest: bool) -> DataFrame:
    """One row a key: the greatest updated_at where it counts, then the latest file, then the last row."""
    order = [*(["updated_at"] if latest else []), "_order", "_row"]
    rank = F.row_number().over(Window.partitionBy(*key).orderBy(*[F.col(name).desc_nulls_last() for name in order]))
    return rows.withColumn("_rank", rank).where("_rank = 1").drop("_rank")


def snapshots(rows: DataFrame) -> DataFrame:
    """For each job date one row a key from all job dates up to it."""
    days = rows.select(F.col("snapshot_date").alias("_day")).distinct()
    rows = rows.join(F.broadcast(days), F.col("snapshot_date") <= F.col("_day"))
    key = Window.partitionBy("_day", "patient_id")
    first = rows.withColumn("created_date", F.min("created_date").over(key))
    newest = F.row_number().over(key.orderBy(F.desc("snapshot_date"), F.desc("_order"), F.desc("_row")))
    return first.withColumn("_rank", newest).where("_rank = 1").withColumn("snapshot_date", F.col("_day")).drop("_rank", "_day")


def shaped(tables: Tables, table: str, rows: DataFrame) -> DataFrame:
    """The mapping's result with every column of the table, cast, and its period."""
    described = tables.described[table]
    have = set(rows.columns)
    own = [(F.col(name) if name in have else F.lit(None)).cast(kind).alias(name) for name, kind in tables.columns(table)]
    more = ["source", "feed", F.col("job_date").alias("ingest_date") if "job_date" in have else F.lit(None).cast("date").alias("ingest_date"), "_order", "_row"]
    rows = rows.select(*own, *more)
    if "year" in described["partition_by"]:
        rows = rows.withColumn("year", F.year(described["period_of"]))
    if "month" in described["partition_by"]:
        rows = rows.withColumn("month", F.date_format(described["period_of"], "yyyy-MM"))
    return rows


def with_parents(tables: Tables, contract: Contract, target: dict, source: str, rows: DataFrame, lake: str) -> tuple[DataFrame, int]:
    """Rows whose parents are known; orphans of rules that reject go to quarantine, those of rules that warn are counted."""
    orphans = 0
    for rule in contract.rules("reference"):
        if f"silver.{rule.get('target', contract.raw['targets'][0]['table']).removeprefix('silver.')}" != target["table"]:
            continue
        parent_column = rule.get("parent_column", rule["column"])
        parents = tables.read(f"silver.{rule['parent'].removeprefix('silver.')}").where(F.col("source") == source).select(F.col(parent_column).alias("_parent"))
        known = F.col(rule["column"]) == F.col("_parent")
        lost = rows.where(F.col(rule["column"]).isNotNull()).join(parents, known, "left_anti")
        if rule["severity"] == "warn":
            lost.count()
            continue
        out = lost.select("source", "_order", "_row", F.lit(rule["id"]).alias("rule")).persist()
        orphans += out.count()
        out.write.mode("append").partitionBy("source").parquet(f"{lake}/quarantine_orphans/{contract.table}")
        rows = rows.join(out.select("_order", "_row"), ["_order", "_row"], "left_anti")
    return rows, orphans


def joined_checks(tables: Tables, contract: Contract, source: str) -> None:
    """Counts the rows that break a rule over a row and its parent."""
    for rule in contract.rules("joined"):
        child = tables.read(f"silver.{rule.get('target', contract.raw['targets'][0]['table']).removeprefix('silver.')}").where(F.col("source") == source)
        parent = tables.read(f"silver.{rule['parent'].removeprefix('silver.')}").where(F.col("source") == source)
        on = " AND ".join(f"child.{name} = parent.{name}" for name in rule["on"])
        child.alias("child").join(parent.alias("parent"), F.expr(on)).where(F.expr(spark_sql(f"SELECT {rule['violation']}").removeprefix("SELECT "))).count()


def conform(spark: SparkSession, tables: Tables, contract: Contract, source: str, lake: str, left_out: list[str]) -> int:
    """Brings every target of a source and dataset into silver; the number of orphans."""
    for layer in ("bronze", "identity"):
        path = Path(f"{lake}/{layer}/{contract.table}")
        if path.exists():
            spark.read.parquet(str(path)).where(F.col("source") == source).createOrReplaceTempView(layer)
    orphans = 0
    for target in contract.raw.get("targets", []):
        try:
            mapped = spark.sql(spark_sql((contract.folder / target["sql"]).read_text()))
        except AnalysisException as error:
            left_out.append(f"{target['sql']}: {str(error).splitlines()[0]}")
            continue
        mapped = mapped.withColumn("source", F.lit(source)).withColumn("feed", F.lit(contract.feed))
        rows = shaped(tables, target["table"], mapped)
        if target["table"].startswith("silver."):
            rows, lost = with_parents(tables, contract, target, source, rows, lake)
            orphans += lost
        if target["load"] == "upsert":
            latest = bool(contract.raw.get("latest_by")) and "updated_at" in rows.columns
            rows = winners(rows, tables.described[target["table"]]["key"], latest)
        elif target["load"] == "snapshot":
            rows = snapshots(rows)
        tables.write(target["table"], rows)
    joined_checks(tables, contract, source)
    return orphans
