"""Measures processes: wall and CPU seconds, peak memory. Imports nothing large: a child's peak includes its parent's."""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Measured:
    """One run of a command."""

    seconds: float  # wall, start of the process to its end
    cpu: float  # seconds of all threads and children
    peak_mb: float  # largest resident set of the process or one of its children, in 10^6 bytes
    out: str  # standard output

    def last_json(self) -> dict:
        """The last line of output, which peers write as JSON."""
        return json.loads(self.out.strip().splitlines()[-1])


class TooLong(Exception):
    """A command did not end in the time it was given."""


def run(command: list, cores: int | None = None, environment: dict | None = None, limit: float | None = None) -> Measured:
    """Runs a command, on the first `cores` cores if given, for at most `limit` seconds. Ends the benchmark when it fails."""
    words = [str(word) for word in command]
    if cores:
        words = ["taskset", "-c", f"0-{cores - 1}", *words]
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as problems:
        start = time.perf_counter()
        process = subprocess.Popen(words, stdout=out, stderr=problems, env={**os.environ, **(environment or {})}, start_new_session=True)
        # With its children: PySpark's work is done by a Java process.
        stop = threading.Timer(limit or 1e6, os.killpg, (process.pid, signal.SIGKILL))
        stop.daemon = True
        stop.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        finally:
            stop.cancel()
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if limit and seconds >= limit and process.returncode == -signal.SIGKILL:
            raise TooLong(f"{' '.join(words)} did not end within {limit:.0f} s")
        if process.returncode != 0:
            problems.seek(0)
            sys.exit(f"{' '.join(words)} failed with {process.returncode}:\n{problems.read()[-3000:]}")
        out.seek(0)
        return Measured(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / 1e6, out.read())


def spread(values: list[float]) -> dict:
    """Median, least and greatest. Nothing is dropped."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "n": len(values)}


class Results:
    """Figures of the parts of the benchmark, kept in a JSON file so that a part can be run again alone."""

    def __init__(self, file: Path):
        self.file = file
        self.parts = json.loads(file.read_text()) if file.exists() else {}

    def keep(self, part: str, figures: object) -> None:
        """Replaces the figures of a part and writes the file."""
        self.parts[part] = figures
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps(self.parts, indent=1) + "\n")


def say(text: str) -> None:
    """Shows progress."""
    print(text, file=sys.stderr, flush=True)
