"""The whole run, landing → gold, of a generated hospital: carelake beside one PySpark process."""

import shutil
import subprocess
import time
from pathlib import Path

from bench import Bench
from measure import Measured, TooLong, run, say

AS_OF = "2025-06-30"
# Rows of the hospital that goes through both. PySpark takes many minutes for ten million.
MILLIONS = 2
# Seconds that PySpark is given.
LIMIT = 300
# Rows in for one patient of `carelake generate`, to choose the number of patients for a number of rows.
ROWS_A_PATIENT = 181


def hospital(bench: Bench, millions: float) -> Path:
    """A generated hospital of about so many million rows, as plain files: PySpark from PyPI cannot read zstd."""
    landing = bench.work / f"hospital-{millions:g}"
    if not landing.exists():
        patients = round(millions * 1e6 / ROWS_A_PATIENT)
        say(f"  generating a hospital of {patients:,} patients")
        making = bench.work / "hospital.part"
        shutil.rmtree(making, ignore_errors=True)
        subprocess.run([bench.binary, "generate", "--patients", str(patients), "--seed", "1", "--out", making], check=True, capture_output=True)
        subprocess.run([bench.python, bench.here / "data.py", "plain", making], check=True)
        making.rename(landing)
    return landing


def once(bench: Bench, landing: Path, lake: Path) -> tuple[Measured, dict]:
    """One run and its report."""
    done = run([bench.binary, "run", "--landing", landing, "--lake", lake, "--as-of", AS_OF, "--json"])
    return done, bench.report(done.out)


def of_carelake(bench: Bench, landing: Path, lake: Path) -> dict:
    """A first run and a second one with nothing new."""
    shutil.rmtree(lake, ignore_errors=True)
    done, report = once(bench, landing, lake)
    again, nothing = once(bench, landing, lake)
    assert nothing["datasets"] == []
    total = {name: sum(one[name] for one in report["datasets"]) for name in ("rows_in", "accepted", "rejected", "deduplicated", "waiting", "bytes")}
    assert total["rows_in"] == total["accepted"] + total["rejected"] + total["deduplicated"]
    stages = {stage["stage"]: stage["seconds"] for stage in report["stages"]}
    return {"seconds": done.seconds, "cpu": done.cpu, "peak_mb": done.peak_mb, "again": again.seconds, "stages": stages, **total}


def silver_rows(bench: Bench, lake: Path, tables: list[str]) -> dict[str, int]:
    """Rows of silver tables."""
    counts = " UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in tables)
    out = run([bench.binary, "sql", "--lake", lake, "--format", "csv", counts]).out
    return {name: int(count) for name, count in (line.split(",") for line in out.strip().splitlines()[1:])}


def of_spark(bench: Bench, landing: Path) -> dict | None:
    """One process from landing to gold; None when it takes too long."""
    lake = bench.work / "spark-lake"
    shutil.rmtree(lake, ignore_errors=True)
    lake.mkdir()
    command = [bench.python, bench.here / "peers/spark_whole.py", landing, lake, bench.root, 2, AS_OF]
    try:
        return run(command, None, {"BENCH_STARTED": str(time.time())}, LIMIT).last_json()
    except TooLong as error:
        say(f"  {error}")
        return None
    finally:
        shutil.rmtree(lake)


def measure(bench: Bench) -> None:
    """The same landing folder through both."""
    landing = hospital(bench, 0.1 if bench.quick else MILLIONS)
    lake = bench.work / "lake"
    say("whole run: carelake")
    figures = {"carelake": of_carelake(bench, landing, lake), "limit": LIMIT}
    say(f"  {figures['carelake']['seconds']:.1f} s; again {figures['carelake']['again']:.2f} s")
    say(f"whole run: PySpark, at most {LIMIT} s")
    figures["spark"] = spark = of_spark(bench, landing)
    if spark:
        figures["silver"] = silver_rows(bench, lake, list(spark["silver"]))
        say(f"  {spark['whole']:.1f} s")
    bench.results.keep("whole", figures)
    shutil.rmtree(lake)
    shutil.rmtree(landing)
