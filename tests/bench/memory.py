"""Peak memory of a run over one file: 100 MB and 4 GB of CSV, to bronze alone and on to silver and gold."""

import shutil

from bench import Bench
from ingest import bronze_only, carelake, land
from measure import say

# Name and rows at full size; with --quick a hundredth.
SIZES = [("100 MB", 760_000), ("4 GB", 30_400_000)]


def measure(bench: Bench) -> None:
    """One run of each size: peak memory differs little between runs."""
    contracts = bronze_only(bench)
    figures = []
    for name, full in SIZES:
        rows = full // 100 if bench.quick else full
        file = bench.generate("csv", "memory.csv", rows)
        landing = land(bench, "scheduling/appointments", file)
        result = {"name": name, "bytes": file.stat().st_size, "rows": rows}
        for reach, folder in (("bronze", contracts), ("gold", None)):
            say(f"memory {name}, to {reach}")
            done, report = carelake(bench, landing, None, folder)
            assert report["datasets"][0]["rows_in"] == rows
            stages = {stage["stage"]: stage["seconds"] for stage in report["stages"]}
            result[reach] = {"peak_mb": done.peak_mb, "seconds": done.seconds, "cpu": done.cpu, "stages": stages}
            say(f"  peak {done.peak_mb:.0f} MB, {done.seconds:.1f} s")
        figures.append(result)
        bench.results.keep("memory", figures)
        file.unlink()
        shutil.rmtree(landing)
