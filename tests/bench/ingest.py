"""Speed of ingest: a landing file → validated bronze, identity and quarantine; the peers write plain Parquet of the same file."""

import os
import shutil
import time
from pathlib import Path

from bench import Bench
from measure import Measured, run, say, spread
from threads import cpu_by_thread

# Kind, dataset of carelake, ending, rows at full size, rows with --quick.
KINDS = [
    ("csv", "scheduling/appointments", "csv", 2_000_000, 200_000),
    ("ndjson", "scheduling/appointments", "ndjson", 500_000, 50_000),
    ("events", "source_a/visit_events", "json", 100_000, 10_000),
]


def bronze_only(bench: Bench) -> Path:
    """Contracts that end at bronze: those of carelake without targets and without rules over other tables."""
    folder = bench.work / "contracts"
    for feed, dataset in (("scheduling", "appointments"), ("source_a", "visit_events")):
        text = (bench.root / f"shared/contracts/feeds/{feed}/{dataset}.toml").read_text()
        blocks = text.split("\n[[")
        kept = [one for one in blocks if not one.startswith("targets]]") and '\nkind = "reference"' not in one]
        file = folder / f"feeds/{feed}/{dataset}.toml"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("\n[[".join(kept))
    return folder


def land(bench: Bench, dataset: str, file: Path) -> Path:
    """A landing folder with a link to the file."""
    landing = bench.work / f"landing-{file.stem}"
    folder = landing / dataset
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file.name).unlink(missing_ok=True)
    os.link(file, folder / file.name)
    return landing


def carelake(bench: Bench, landing: Path, cores: int | None, contracts: Path | None = None) -> tuple[Measured, dict]:
    """A first run over a landing folder, and its report. The lake is removed."""
    lake = bench.work / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    options = ["--contracts", contracts] if contracts else []
    done = run([bench.binary, "run", "--landing", landing, "--lake", lake, "--as-of", "2025-06-30", "--json", *options], cores)
    shutil.rmtree(lake)
    report = bench.report(done.out)
    return done, report


def repeat(bench: Bench, work) -> dict:
    """Inside and whole-process seconds, CPU seconds and peak memory of a peer or of carelake, several times."""
    inside, whole, cpu, peak = [], [], [], []
    for _ in range(bench.times):
        done, seconds = work()
        inside.append(seconds)
        whole.append(done.seconds)
        cpu.append(done.cpu)
        peak.append(done.peak_mb)
    return {"inside": spread(inside), "whole": spread(whole), "cpu": spread(cpu), "peak_mb": spread(peak)}


def of_carelake(bench: Bench, landing: Path, cores: int, contracts: Path, rows: int) -> dict:
    def once():
        done, report = carelake(bench, landing, cores, contracts)
        taken = report["datasets"][0]
        assert taken["rows_in"] == taken["accepted"] + taken["rejected"] + taken["deduplicated"]
        assert taken["rows_in"] == rows or rows == 0, taken
        assert taken["rejected"] > 0, "the planted bad rows were not found"
        return done, report["stages"][0]["seconds"]

    return repeat(bench, once)


def of_threads(bench: Bench, landing: Path, contracts: Path) -> dict[str, float]:
    """CPU seconds by thread of one run on two cores."""
    lake = bench.work / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    command = [bench.binary, "run", "--landing", landing, "--lake", lake, "--as-of", "2025-06-30", "--json", "--contracts", contracts]
    found = cpu_by_thread(command, 2)
    shutil.rmtree(lake)
    return found


def of_peer(bench: Bench, script: str, kind: str, file: Path, cores: int) -> dict:
    out = bench.work / f"{script}.out"

    def once():
        threads = [] if script == "polars_ingest" else [cores]
        command = [bench.python, bench.here / f"peers/{script}.py", kind, file, out, *threads]
        done = run(command, cores, {"POLARS_MAX_THREADS": str(cores)})
        return done, done.last_json()["seconds"]

    try:
        return repeat(bench, once)
    finally:
        bench.remove(out)


def of_spark(bench: Bench, kind: str, file: Path) -> dict:
    """One process: cold, then warm. `whole` is from its start to the end of the first write."""
    out = bench.work / "spark.out"
    started = str(time.time())
    done = run([bench.python, bench.here / "peers/pyspark_ingest.py", kind, file, out, 2], 2, {"BENCH_STARTED": started})
    bench.remove(out)
    return done.last_json()


def measure(bench: Bench) -> None:
    """Every kind of file, on one core and on two."""
    contracts = bronze_only(bench)
    figures = {}
    for kind, dataset, ending, full, quick in KINDS:
        rows = quick if bench.quick else full
        file = bench.generate(kind, f"{kind}.{ending}", rows)
        landing = land(bench, dataset, file)
        result = {"bytes": file.stat().st_size, "rows": rows}
        for cores in (1, 2):
            say(f"ingest {kind}, {cores} core{'s' if cores > 1 else ''}: carelake, DuckDB, Polars")
            result[f"carelake_{cores}"] = of_carelake(bench, landing, cores, contracts, rows if kind != "events" else 0)
            result[f"duckdb_{cores}"] = of_peer(bench, "duckdb_ingest", kind, file, cores)
            result[f"polars_{cores}"] = of_peer(bench, "polars_ingest", kind, file, cores)
        result["threads"] = of_threads(bench, landing, contracts)
        say(f"ingest {kind}, 2 cores: PySpark")
        result["spark_2"] = of_spark(bench, kind, file)
        figures[kind] = result
        bench.results.keep("ingest", figures)
        file.unlink()
        shutil.rmtree(landing)
