"""The work of `carelake run` in one PySpark process: landing → bronze, identity, quarantine → silver → gold.

python spark_whole.py LANDING LAKE REPOSITORY THREADS AS_OF   BENCH_STARTED is the time at which the process was started
"""

import json
import os
import re
import shutil
import sys
import time
from graphlib import TopologicalSorter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "spark"))

import tomllib

from conform import Tables, conform, spark_sql
from contract import Contract, load
from ingest import ingest
from pyspark.sql import SparkSession
from pyspark.sql.utils import AnalysisException, ParseException


def session(threads: str, scratch: str) -> SparkSession:
    options = {
        "spark.driver.memory": "8g",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
        "spark.local.dir": scratch,
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.ansi.enabled": "false",
        "spark.sql.parquet.compression.codec": "zstd",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "8",
        "spark.sql.sources.partitionColumnTypeInference.enabled": "true",
        "spark.sql.warehouse.dir": f"{scratch}/warehouse",
    }
    builder = SparkSession.builder.master(f"local[{threads}]")
    for name, value in options.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def rank(contracts: dict, contract: Contract) -> int:
    """Parents before children."""
    makers = [other for other in contracts.values() if other.feed == contract.feed and other.dataset != contract.dataset]
    above = [other for other in makers for target in other.raw.get("targets", []) if target["table"].removeprefix("silver.") in contract.parents()]
    return max((rank(contracts, other) + 1 for other in above), default=0)


def gold(spark: SparkSession, tables: Tables, root: Path, lake: str, sources: dict, as_of: str, left_out: list[str]) -> int:
    """Marts written, every other view planned; the number of both."""
    for table in tables.described:
        tables.read(table).createOrReplaceTempView(table.replace(".", "__"))
    areas = {feed: tomllib.loads((root / f"shared/contracts/feeds/{feed}/feed.toml").read_text())["areas"] for feed in set(sources.values())}
    rows = [(source, feed, area) for source, feed in sources.items() for area in areas[feed]]
    spark.createDataFrame(rows, "source STRING, feed STRING, area STRING").createOrReplaceTempView("silver__sources")
    spark.sql(f"SELECT DATE '{as_of}' AS as_of_date").createOrReplaceTempView("gold__as_of")
    done = 0
    for name, text in views(root):
        try:
            frame = spark.sql(plain_names(spark_sql(text)))
        except (AnalysisException, ParseException) as error:
            left_out.append(f"{name}: {str(error).splitlines()[0]}")
            continue
        if "-- materialised: delta" in text:
            (by,) = re.findall(r"-- partition_by: (.*)", text) or [""]
            parts = [part.strip() for part in by.split(",") if part.strip()]
            path = f"{lake}/{name.replace('.', '/')}"
            frame.repartition(*parts).write.partitionBy(*parts).parquet(path) if parts else frame.write.parquet(path)
            frame = spark.read.parquet(path)
        frame.createOrReplaceTempView(plain_names(name))
        done += 1
    return done


def plain_names(text: str) -> str:
    """`gold.patients` as `gold__patients`: temporary views have no database."""
    return re.sub(r"\b(silver|identity|gold|gold_identified)\.(\w+)", r"\1__\2", text)


def views(root: Path) -> list[tuple[str, str]]:
    """The gold views with their SQL, each after those it reads."""
    files = [file for folder in ("gold", "gold_identified") for file in sorted((root / f"shared/sql/{folder}").glob("*.sql"))]
    texts = {f"{file.parent.name}.{file.stem}": file.read_text() for file in files}
    read = {name: set(re.findall(r"\bgold(?:_identified)?\.\w+", re.sub("--.*", "", text))) & texts.keys() for name, text in texts.items()}
    return [(name, texts[name]) for name in TopologicalSorter(read).static_order()]


def main() -> None:
    landing, lake, repository, threads, as_of = sys.argv[1:]
    started = float(os.environ["BENCH_STARTED"])
    root = Path(repository)
    spark = session(threads, f"{lake}/_scratch")
    marks = {"start": time.time()}
    contracts = load(root / "shared/contracts")
    sources, work, reports, left_out = {}, [], [], []
    for folder in sorted(Path(landing).glob("*/*")):
        source, contract = folder.parent.name, contracts.get((folder.parent.name, folder.name))
        files = sorted(str(file) for file in folder.rglob("*") if file.is_file() and not file.name.startswith("."))
        if contract and files:
            sources[source] = contract.feed
            reports.append(ingest(spark, contract, source, files, lake))
            work.append((rank(contracts, contract), source, contract))
    marks["ingest"] = time.time()
    for list_file in (root / "shared/contracts/codes").glob("*.csv"):
        spark.sql("CREATE DATABASE IF NOT EXISTS codes")
        spark.read.csv(str(list_file), header=True).write.mode("overwrite").saveAsTable(f"codes.{list_file.stem}")
    tables = Tables(spark, root / "shared/contracts", lake)
    orphans = sum(conform(spark, tables, contract, source, lake, left_out) for _, source, contract in sorted(work, key=lambda one: one[0]))
    marks["conform"] = time.time()
    views = gold(spark, tables, root, lake, sources, as_of, left_out)
    marks["publish"] = time.time()
    stages, before = {}, started
    for name, mark in marks.items():
        stages[name], before = mark - before, mark
    status = Path(f"/proc/{spark.sparkContext._gateway.proc.pid}/status").read_text()
    peak = next(int(line.split()[1]) * 1024 / 1e6 for line in status.splitlines() if line.startswith("VmHWM"))
    rows = {table: tables.read(table).count() for table in tables.described}
    figures = {"whole": before - started, "stages": stages, "peak_mb": peak, "views": views, "left_out": left_out, "orphans": orphans}
    spark.stop()
    shutil.rmtree(f"{lake}/_scratch", ignore_errors=True)
    print(json.dumps({**figures, "rows_in": sum(one["rows_in"] for one in reports), "rejected": sum(one["rejected"] for one in reports), "silver": rows}))


if __name__ == "__main__":
    main()
