"""What every part of the benchmark is given: the command, the work folder, the results."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from measure import Results, say

HERE = Path(__file__).resolve().parent


@dataclass
class Bench:
    """Settings of a run of the benchmark."""

    binary: Path  # the carelake command
    python: Path  # interpreter with the peers
    work: Path  # folder for data, removed at the end
    results: Results
    quick: bool  # small data, to try the benchmark out
    times: int  # repeats of what is short

    here: Path = HERE
    root: Path = HERE.parent.parent

    def generate(self, kind: str, name: str, rows: int) -> Path:
        """Writes one of the files of data.py unless it is there."""
        file = self.work / name
        if not file.exists():
            say(f"  writing {name}: {rows:,} rows")
            subprocess.run([self.python, self.here / "data.py", kind, file, str(rows)], check=True)
        return file

    def report(self, out: str) -> dict:
        """The report of a run; failures end the benchmark."""
        report = json.loads(out)
        if report["failures"]:
            raise SystemExit(f"carelake run failed: {report['failures']}")
        return report

    def remove(self, path: Path) -> None:
        """Removes a file or folder, whichever is there."""
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
