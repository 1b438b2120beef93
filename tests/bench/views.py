"""Every gold view in carelake and in DuckDB: the same Delta files, the same SQL, the same threads, equal results."""

import csv
import io
import math
import shutil

from bench import Bench
from measure import run, say
from whole import hospital, once

THREADS = 2


def of_carelake(bench: Bench, lake, name: str, asked: str | None) -> dict:
    """Milliseconds of each run, planning included, and the sums."""
    sql = (bench.root / f"shared/sql/gold/{name}.sql").read_text()
    query = [bench.binary, "sql", "--lake", lake, "--format", "csv"]
    # The first run opens the tables, which DuckDB is given open.
    timed = run([*query, "--timing", bench.times + 1, "--", sql], THREADS)
    rows = list(csv.DictReader(io.StringIO(timed.out)))
    first, *later = [float(row["planning_ms"]) + float(row["running_ms"]) for row in rows]
    found = {"first_ms": first, "ms": later, "planning_ms": [float(row["planning_ms"]) for row in rows[1:]], "process_s": timed.seconds}
    if asked:
        line = run([*query, "--", f"SELECT {asked} FROM ({sql}\n) v"], THREADS).out.strip().splitlines()[-1]
        found["sums"] = [float(value or 0) for value in line.split(",")]
    return found


def equal(asked: str, one: list[float], other: list[float]) -> bool:
    """The same sums. DuckDB averages money in floating point, so that an average in the middle of two cents may be a cent less."""
    rows = one[0]
    for name, own, peer in zip(asked.split(", "), one, other, strict=True):
        cents = 0.01 * rows + 1e-6 if "avg_" in name else 1e-6
        if not math.isclose(own, peer, rel_tol=1e-9, abs_tol=cents):
            return False
    return True


def measure(bench: Bench) -> None:
    lake = bench.work / "views-lake"
    if not lake.exists():
        landing = hospital(bench, 0.1 if bench.quick else 10)
        say("views: building the lake")
        once(bench, landing, lake)
        shutil.rmtree(landing)
    folder = bench.root / "shared/sql/gold"
    say("views: DuckDB")
    command = [bench.python, bench.here / "peers/duckdb_views.py", lake, folder, THREADS, bench.times]
    duckdb = run(command, THREADS).last_json()
    figures = {}
    for name in sorted(duckdb):
        peer = duckdb[name]
        say(f"views: {name}")
        figures[name] = {"carelake": of_carelake(bench, lake, name, peer.get("asked")), "duckdb": peer}
        if "sums" in peer and not equal(peer["asked"], figures[name]["carelake"]["sums"], peer["sums"]):
            raise SystemExit(f"{name}: carelake {figures[name]['carelake']['sums']}, DuckDB {peer['sums']}")
        bench.results.keep("views", figures)
    shutil.rmtree(lake)
