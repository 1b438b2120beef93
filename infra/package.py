"""Builds the functions for Lambda into infra/build, one bootstrap a folder, and checks what they need of it.

provided.al2023 has glibc 2.34. A bootstrap that needs a later one does not start there, so that this ends with an error.
The sizes of the zips are bounded too: a larger zip starts slower.

    infra/package.py [FUNCTION ...] [FLAGS OF CARGO]

Without a function all are built; without flags by the profile `lambda`.
"""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

FUNCTIONS = {"ingest": 10, "conform": 30, "publish": 30, "train": 30, "score": 30, "maintain": 30}
"""Each function with the MB that its zip may have. Ingest links no query engine."""
GLIBC = (2, 34)
TARGET = "x86_64-unknown-linux-gnu"
BUILD = Path(__file__).resolve().parent / "build"


def glibc(symbols: str) -> tuple[int, int]:
    """The latest glibc version among the dynamic symbols that `objdump -T` lists."""
    found = [tuple(map(int, version.split("."))) for version in re.findall(r"\(?GLIBC_(\d+\.\d+)", symbols)]
    return max(found, default=(0, 0))


def zipped_mb(binary: Path) -> float:
    """The size in MB (1,000,000 bytes) of a zip with the binary in it."""
    file = binary.parent.with_suffix(".zip")
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        packed.write(binary, "bootstrap")
    size = file.stat().st_size / 1e6
    file.unlink()
    return size


def problems(function: str, binary: Path) -> list[str]:
    """What keeps the bootstrap from being deployed; prints what was found."""
    symbols = subprocess.run(["objdump", "-T", binary], capture_output=True, text=True, check=True).stdout
    needs, size, most = glibc(symbols), zipped_mb(binary), FUNCTIONS[function]
    print(f"{function:<9} {binary.stat().st_size / 1e6:6.1f} MB  {size:5.1f} MB zipped (at most {most})  glibc {needs[0]}.{needs[1]}")
    found = []
    if needs > GLIBC:
        found.append(f"{function} needs glibc {needs[0]}.{needs[1]}; Lambda's provided.al2023 has {GLIBC[0]}.{GLIBC[1]}")
    if size > most:
        found.append(f"{function} is {size:.1f} MB zipped; it may have {most}")
    return found


def main() -> int:
    given = sys.argv[1:]
    functions = [name for name in given if name in FUNCTIONS] or list(FUNCTIONS)
    flags = [flag for flag in given if flag not in FUNCTIONS] or ["--profile", "lambda"]
    for function in functions:
        shutil.rmtree(BUILD / function, ignore_errors=True)
    wanted = [part for function in functions for part in ("--bin", function)]
    target = f"{TARGET}.{GLIBC[0]}.{GLIBC[1]}"
    command = ["cargo", "lambda", "build", "--locked", "--workspace", "--target", target, "--lambda-dir", str(BUILD), *wanted, *flags]
    if subprocess.run(command, env=os.environ | {"CARGO_INCREMENTAL": "0"}).returncode:
        print("the build failed; rustup target add x86_64-unknown-linux-gnu, if the target is missing", file=sys.stderr)
        return 1
    found = [problem for function in functions for problem in problems(function, BUILD / function / "bootstrap")]
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
