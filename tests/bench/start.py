"""How soon a function asks Lambda's runtime API for work, from the start of its process; and how large it is.

    tests/bench/start.py [FOLDER] [STARTS]

FOLDER has FUNCTION/bootstrap as `make package` leaves it (the default), or the functions side by side as a build of cargo does.
Before a cold start the program's pages are dropped from the page cache; its few shared libraries stay there, as they do on a
machine that runs many functions. Ends with 1 when a warm start, or the zip of a packaged function, is over its bar.
"""

import io
import os
import signal
import socket
import statistics
import sys
import time
import zipfile
from pathlib import Path

FUNCTIONS = ("ingest", "conform", "publish", "train", "score", "maintain")
WITHOUT_ENGINE = ("ingest",)
ROOT = Path(__file__).resolve().parents[2]
NEXT = b"GET /2018-06-01/runtime/invocation/next"


def environment(port: int) -> dict[str, str]:
    """What Lambda gives a function, with places that are never asked."""
    lambdas = {"RUNTIME_API": f"127.0.0.1:{port}", "FUNCTION_NAME": "probe", "FUNCTION_MEMORY_SIZE": "1769", "FUNCTION_VERSION": "1"}
    lambdas |= {"LOG_STREAM_NAME": "probe", "LOG_GROUP_NAME": "probe"}
    own = {f"CARELAKE_{name}_BUCKET": name.lower() for name in ("LAKE", "IDENTITY", "LANDING")}
    keys = {"AWS_ACCESS_KEY_ID": "probe", "AWS_SECRET_ACCESS_KEY": "probe", "AWS_REGION": "us-east-1"}
    return {f"AWS_LAMBDA_{name}": value for name, value in lambdas.items()} | own | keys | {"TMPDIR": "/tmp"}


def drop_pages(program: Path) -> None:
    with program.open("rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def resident_mb(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def start(program: Path) -> tuple[float, float]:
    """Milliseconds from the start of the process to its first poll, and the MB that it holds then."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        quiet = [(os.POSIX_SPAWN_OPEN, descriptor, "/dev/null", os.O_WRONLY, 0) for descriptor in (1, 2)]
        began = time.perf_counter()
        process = os.posix_spawn(program, [program], environment(server.getsockname()[1]), file_actions=quiet)
        try:
            connection, _ = server.accept()
            with connection:
                asked = connection.recv(4096)
                took = (time.perf_counter() - began) * 1000
                assert asked.startswith(NEXT), asked[:80]
                held = resident_mb(process)
        finally:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
    return took, held


def zipped_mb(program: Path) -> float:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        file.write(program, "bootstrap")
    return len(packed.getvalue()) / 1e6


def p95(values: list[float]) -> float:
    return sorted(values)[min(len(values) - 1, round(0.95 * len(values)))]


def bars(function: str) -> tuple[int, int]:
    """Milliseconds of a warm start, and MB of the zip, that a function may have."""
    return (15, 10) if function in WITHOUT_ENGINE else (30, 30)


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "infra/build"
    starts = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    missed = []
    print(f"{starts} starts each; milliseconds to the first poll")
    print(f"{'function':<10}{'warm':>8}{'p95':>8}{'bar':>6}{'cold':>8}{'p95':>8}{'MB held':>9}{'MB':>8}{'zipped':>8}{'bar':>6}")
    for function in FUNCTIONS:
        packaged = folder / function / "bootstrap"
        program = packaged if packaged.exists() else folder / function
        if not program.is_file():
            print(f"{function:<10}   not built")
            continue
        start(program)
        warm = [start(program) for _ in range(starts)]
        cold = []
        for _ in range(starts):
            drop_pages(program)
            cold.append(start(program)[0])
        times, (most, largest) = [time for time, _ in warm], bars(function)
        size, packed = program.stat().st_size / 1e6, zipped_mb(program) if program == packaged else None
        print(
            f"{function:<10}{statistics.median(times):8.1f}{p95(times):8.1f}{most:6}{statistics.median(cold):8.1f}{p95(cold):8.1f}"
            f"{statistics.median(held for _, held in warm):9.1f}{size:8.1f}{packed or float('nan'):8.1f}{largest:6}"
        )
        if statistics.median(times) > most:
            missed.append(f"{function} starts in {statistics.median(times):.1f} ms; it may take {most}")
        if packed and packed > largest:
            missed.append(f"{function} is {packed:.1f} MB zipped; it may have {largest}")
    print("\n".join(missed), file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
