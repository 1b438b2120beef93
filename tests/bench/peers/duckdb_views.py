"""DuckDB over the Delta tables of a lake: every gold view, timed and summed up.

python duckdb_views.py LAKE SQL_FOLDER THREADS TIMES   SQL_FOLDER holds the views in Athena's dialect

Prints one JSON object: for each view the milliseconds of each run, the rows, and the same sums that carelake is asked
for, or why it cannot run.
"""

import json
import sys
import time
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb
import sqlglot
from deltalake import DeltaTable
from sqlglot import exp


def tables(session: duckdb.DuckDBPyConnection, lake: Path) -> None:
    """A view over the active files of each Delta table, with the types of its partition columns."""
    session.execute("SET parquet_metadata_cache = true")
    for log in sorted(lake.glob("*/*/_delta_log")):
        database, name = log.parent.parent.name, log.parent.name
        if database not in ("silver", "gold", "codes"):
            continue
        table = DeltaTable(str(log.parent))
        types = {
            field.name: "INTEGER" if str(field.type.type) == "integer" else "DATE" if str(field.type.type) == "date" else "VARCHAR"
            for field in table.schema().fields
        }
        partitions = {column: types[column] for column in table.metadata().partition_columns}
        files = ", ".join(f"'{uri}'" for uri in table.file_uris())
        hive = f", hive_partitioning = true, hive_types = {partitions}" if partitions else ""
        session.execute(f"CREATE SCHEMA IF NOT EXISTS {database}")
        session.execute(f"CREATE VIEW {database}.{name} AS SELECT * FROM read_parquet([{files}]{hive})")


def views(folder: Path) -> list[tuple[str, str]]:
    """Names and SQL in DuckDB's dialect, each view after those it reads."""
    texts = {file.stem: sqlglot.parse_one(file.read_text(), read="athena") for file in sorted(folder.glob("*.sql"))}
    read = {name: {table.name for table in tree.find_all(exp.Table) if table.db == "gold"} & texts.keys() for name, tree in texts.items()}
    # DuckDB's date_diff counts new years passed; Athena's counts whole years, as date_sub does.
    translated = {name: tree.sql(dialect="duckdb").replace("DATE_DIFF(", "DATE_SUB(") for name, tree in texts.items()}
    return [(name, translated[name]) for name in TopologicalSorter(read).static_order()]


def sums(columns: list[tuple[str, str]]) -> str:
    """What two results must agree in: rows, sums of numbers, numbers of values."""
    parts = ["count(*)"]
    for name, kind in columns:
        number = kind.upper().startswith(("DECIMAL", "DOUBLE", "INT", "BIGINT", "SMALLINT", "HUGEINT", "FLOAT", "UBIGINT"))
        parts.append(f"sum(CAST({name} AS DOUBLE))" if number else f"count({name})")
    return ", ".join(parts)


def timed(session: duckdb.DuckDBPyConnection, name: str, sql: str, times: int) -> dict:
    """Runs of a view after a first one, each planned anew and taken as Arrow, as carelake does."""
    runs = []
    for _ in range(times + 1):
        start = time.perf_counter()
        session.sql(sql).to_arrow_table()
        runs.append((time.perf_counter() - start) * 1e3)
    columns = [(row[0], row[1]) for row in session.execute(f"DESCRIBE {sql}").fetchall()]
    asked = sums(columns)
    return {"ms": runs[1:], "asked": asked, "sums": [float(value or 0) for value in session.execute(f"SELECT {asked} FROM ({sql}) v").fetchall()[0]]}


def main() -> None:
    lake, folder, threads, times = sys.argv[1:]
    session = duckdb.connect(config={"threads": int(threads)})
    session.execute("SET TimeZone = 'UTC'")
    tables(session, Path(lake))
    found = {}
    materialised = {row[0] for row in session.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'gold'").fetchall()}
    for name, sql in views(Path(folder)):
        try:
            found[name] = timed(session, name, sql, int(times))
            if name not in materialised:
                session.execute(f"CREATE VIEW gold.{name} AS {sql}")
        except duckdb.Error as error:
            found[name] = {"failed": str(error).splitlines()[0]}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
