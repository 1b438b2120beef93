"""The benchmark: carelake beside DuckDB, Polars and PySpark on generated data. `make bench` runs it.

python tests/bench/run.py CARELAKE PYTHON [--quick] [--only ingest,memory,whole,scale,views] [--keep]

PYTHON is an interpreter with tests/bench/requirements.txt. Figures are kept part by part in results.json of the work
folder, so that a part can be run again alone; at the end docs/performance.md is written from it.
"""

import argparse
import importlib
import shutil
import subprocess
import time
from pathlib import Path

from bench import HERE, Bench
from measure import Results, say

PARTS = ["ingest", "memory", "whole", "scale", "views"]


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="carelake beside DuckDB, Polars and PySpark")
    parser.add_argument("binary", type=Path, help="the carelake command, a release build")
    parser.add_argument("python", type=Path, help="interpreter with the peers")
    parser.add_argument("--only", default=",".join(PARTS), help="parts to run, by commas")
    parser.add_argument("--quick", action="store_true", help="small data, to try the benchmark out; writes no page")
    parser.add_argument("--times", type=int, default=0, help="repeats of short measurements; 3, or 2 with --quick")
    parser.add_argument("--work", type=Path, default=Path.home() / ".cache/carelake/bench-data", help="folder for data, about 15 GB")
    parser.add_argument("--keep", action="store_true", help="keep the data")
    return parser.parse_args()


def main() -> None:
    given = arguments()
    wanted = [part for part in PARTS if part in given.only.split(",")]
    data = given.work / "data"
    data.mkdir(parents=True, exist_ok=True)
    results = Results(given.work / ("quick.json" if given.quick else "results.json"))
    bench = Bench(given.binary.resolve(), given.python.absolute(), data, results, given.quick, given.times or (2 if given.quick else 3))
    begun = time.monotonic()
    try:
        for part in wanted:
            start = time.monotonic()
            say(f"== {part}, {wanted.index(part) + 1} of {len(wanted)}; {(start - begun) / 60:.0f} minutes so far")
            importlib.import_module(part).measure(bench)
            results.keep("minutes", {**results.parts.get("minutes", {}), part: (time.monotonic() - start) / 60})
    finally:
        if not given.keep:
            shutil.rmtree(data)
    if not given.quick:
        subprocess.run([bench.python, HERE / "performance.py", results.file, bench.binary], check=True)


if __name__ == "__main__":
    main()
