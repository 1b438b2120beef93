"""CPU seconds of each kind of thread of a process, by the names that the threads bear."""

import os
import subprocess
import time
from collections import defaultdict
from pathlib import Path

# Seconds between two looks. What a thread does after the last look at it is missed.
EVERY = 0.01


def cpu_by_thread(command: list, cores: int) -> dict[str, float]:
    """Runs a command on the first cores; CPU seconds by thread name."""
    words = ["taskset", "-c", f"0-{cores - 1}", *map(str, command)]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    last: dict[str, tuple[str, float]] = {}
    while process.poll() is None:
        last |= look(process.pid)
        time.sleep(EVERY)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(words)} failed with {process.returncode}")
    total: dict[str, float] = defaultdict(float)
    for name, seconds in last.values():
        total[name] += seconds
    return dict(total)


def look(pid: int) -> dict[str, tuple[str, float]]:
    """Name and CPU seconds so far of each thread that lives."""
    found = {}
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return found
    for task in tasks:
        try:
            head, _, tail = (task / "stat").read_text().rpartition(")")
        except OSError:
            continue
        fields = tail.split()
        user, system = int(fields[11]), int(fields[12])
        found[task.name] = (head.partition("(")[2], (user + system) / os.sysconf("SC_CLK_TCK"))
    return found
