"""What the files of a lake hold, in a form by which two lakes are compared."""

import hashlib
import json
from pathlib import Path

from deltalake import DeltaTable

# What differs between two runs over the same files: times, table versions, and who wrote an object.
VOLATILE = {"seconds", "parents", "versions", "orphans_tag"}


def snapshot(lake: Path) -> dict[str, object]:
    """Objects byte for byte, Delta tables row for row, ledger and checks without times and versions.

    Files half written by a process that was killed (`name#1`) are no objects: `maintain` removes them.
    """
    found: dict[str, object] = {}
    for path in sorted(lake.rglob("*")):
        name = path.relative_to(lake).as_posix()
        if path.name == "_delta_log":
            found[name] = rows(path.parent)
        elif path.suffix == ".parquet" and "/ingest_date=" in name:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        elif name.startswith("_carelake/catalog/") and path.suffix == ".json":
            found[name] = path.read_text()
        elif name.startswith(("_carelake/ledger/", "_carelake/checks/")) and path.suffix == ".json":
            found[name] = {key: value for key, value in json.loads(path.read_text()).items() if key not in VOLATILE}
    return found


def rows(table: Path) -> list[str]:
    """The rows of a Delta table, sorted."""
    return sorted(map(repr, DeltaTable(table).to_pyarrow_table().to_pylist()))


def delta_tables(lake: Path) -> list[Path]:
    """The folders of a lake's Delta tables."""
    return sorted(log.parent for log in lake.rglob("_delta_log"))


def difference(wanted: dict, found: dict) -> list[str]:
    """Names under which two snapshots differ."""
    return sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
