"""Rows a second and peak memory of whole runs on generated hospitals of growing size.

python tests/bench/run.py CARELAKE [PATIENTS …]
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def measure(command: list[str]) -> tuple[float, int, str]:
    """Seconds, peak resident kilobytes and standard output of a command."""
    with tempfile.TemporaryFile("w+") as out:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        if os.waitstatus_to_exitcode(status) != 0:
            sys.exit(f"{command} failed")
        out.seek(0)
        return seconds, usage.ru_maxrss, out.read()


def main() -> None:
    binary, *sizes = sys.argv[1:]
    print("| patients | rows in | files MB | ingest s | conform s | publish s | rows/s | peak MB | second run s |")
    print("|---:|---:|---:|---:|---:|---:|---:|---:|---:|")
    for patients in sizes or ["1000", "5000", "20000"]:
        with tempfile.TemporaryDirectory() as folder:
            landing, lake = Path(folder, "landing"), Path(folder, "lake")
            subprocess.run([binary, "generate", "--patients", patients, "--seed", "1", "--out", landing], check=True, capture_output=True)
            run = [binary, "run", "--landing", str(landing), "--lake", str(lake), "--json"]
            seconds, memory, out = measure(run)
            report = json.loads(out)
            again, _, _ = measure(run)
            rows = sum(one["rows_in"] for one in report["datasets"])
            size = sum(one["bytes"] for one in report["datasets"]) / 1e6
            stages = " | ".join(f"{stage['seconds']:.2f}" for stage in report["stages"])
            print(f"| {patients} | {rows} | {size:.1f} | {stages} | {rows / seconds:.0f} | {memory / 1024:.0f} | {again:.2f} |", flush=True)


if __name__ == "__main__":
    main()
