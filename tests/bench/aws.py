"""From landing to gold on the emulated stack: seconds of each step, for files that come one after the other.

    tests/bench/aws.py TARGET [FILES] [ROWS]

TARGET is cargo's target folder with a debug build. A file of 17,000 rows has about 1 MB. A step ends when its ledger entry is
written, and the view shows a row when conform has committed it: most views of gold read silver. Materialised marts follow with
publish. Part of the waiting is the emulator's, which looks at its queues once a second; `in the function` is what the functions
themselves say that they took.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "aws"))
from stack import Stack

HEADER = "patient_id,name,gender,dob,blood_group,city\n"


def file(number: int, rows: int) -> str:
    """A file that moves every patient to another city, so that silver stays as large as it is."""
    lines = [f"P{row:06d},Ann Example {row},F,1980-01-01,A+,City {number}\n" for row in range(rows)]
    return HEADER + "".join(lines)


def entries(stack: Stack, step: str) -> int:
    return len(stack.keys(stack.lake, f"_carelake/ledger/{step}/"))


def until(done, start: float, seconds: float = 120) -> float:
    while not done():
        if time.monotonic() - start > seconds:
            raise TimeoutError("a step did not end; see the functions' logs")
        time.sleep(0.02)
    return time.monotonic() - start


def one(stack: Stack, number: int, rows: int) -> dict[str, float]:
    """Seconds from the upload of a file to the end of each step."""
    key, city = f"clinic/patients/2025-01-01/{number:04d}.csv", f"City {number}"
    ingested, conformed = entries(stack, "ingest"), entries(stack, "conform")
    start = time.monotonic()
    stack.put(key, file(number, rows))
    times = {"ingest": until(lambda: entries(stack, "ingest") > ingested, start)}
    times["conform"] = until(lambda: entries(stack, "conform") > conformed, start)
    times["gold view"] = until(lambda: any(row["city"] == city for row in stack.view("city_distribution")), start)
    stack.settle()
    return times


def durations(stack: Stack) -> dict[str, list[float]]:
    """Seconds that the functions say each invocation with work took."""
    found: dict[str, list[float]] = {}
    for line in stack.said().splitlines():
        _, _, text = line.partition(" ")
        if '"DurationMs"' in text and text.startswith("{"):
            said = json.loads(text)
            found.setdefault(said["function"].removeprefix("carelake-"), []).append(said["DurationMs"] / 1000)
    return found


def figures(values: list[float]) -> str:
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return f"{statistics.median(ordered):8.2f} {p95:8.2f} {ordered[-1]:8.2f}"


def main() -> None:
    target = Path(sys.argv[1])
    files = int(sys.argv[2]) if len(sys.argv) > 2 else 50
    rows = int(sys.argv[3]) if len(sys.argv) > 3 else 17_000
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(target, Path(folder) / "aws")
        try:
            one(stack, 0, 1)
            times = [one(stack, number, rows) for number in range(1, files + 1)]
            said = durations(stack)
        finally:
            stack.stop()
    print(f"{files} files of {len(file(1, rows)) / 1e6:.2f} MB, debug build; seconds: median, p95, most")
    for step in times[0]:
        print(f"landing to {step:<14} {figures([time[step] for time in times])}")
    for function, values in said.items():
        print(f"in the function {function:<9} {figures(values)}")


if __name__ == "__main__":
    main()
