"""Writes docs/athena-conformance.md from what a run found."""

import sys
from argparse import Namespace
from collections.abc import Iterable
from pathlib import Path

from server import VERSION

sys.path.append(str(Path(__file__).resolve().parents[2] / "docs"))
from markdown import table

INTRODUCTION = """\
# Trino beside carelake's session

This page is written by `make athena-conformance`. Do not edit it.

Athena's engine version 3 is made of Trino. A lake of a generated hospital, {patients} patients a feed (seed {seed}), lies on an
emulated AWS: made by {made_by}. Trino {version} reads it by the emulated Glue and S3: the catalogue is named awsdatacatalog, its
tables are read with Trino's connectors for Hive and Delta Lake. The same buckets, copied into a folder with Glue's entries as its
catalogue, are read by [`carelake serve`](athena.md).

Compared are names, types and every value, order of the rows aside; floats are the same when they differ by less than 1e-9 of
their value. Types are compared as far as Athena's API tells them: not the length of a text, not what is in an array.
"""

LIMITS = """\
## What this does not show

- Athena is Trino with connectors of its own, and in a version that AWS chooses. Here it is Trino {version} with Trino's own.
- The Glue is the emulator's, which knows no segments of partitions and no pages: Trino asks for one segment.
- Trino reads as the root user: the roles of the deployed stack are tested by `make test-aws`.
"""


def count(found: Iterable[dict]) -> tuple[int, int, int]:
    """How many, how many equal, how many different."""
    found = list(found)
    different = sum(bool(one["differs"]) for one in found)
    return len(found), len(found) - different, different


def relations(found: list[dict], queries: list[dict]) -> list[str]:
    rows = []
    for database in sorted({one["database"] for one in found}):
        for kind in ("Parquet", "Delta", "view"):
            of = [one for one in found if (one["database"], one["kind"]) == (database, kind)]
            if of:
                filled = sum(one["rows"] > 0 for one in of)
                rows.append((f"`{database}`", kind, *count(of), filled, f"{sum(one['rows'] for one in of):,}"))
    for kind in ("SQL of a mart", "prepared query"):
        of = [one for one in queries if one["kind"] == kind]
        filled = sum(one["rows"] > 0 for one in of)
        rows.append(("", kind, *count(of), filled, f"{sum(one['rows'] for one in of):,}"))
    every = [*found, *queries]
    filled = sum(one["rows"] > 0 for one in every)
    rows.append(("all", "", *count(every), filled, f"{sum(one['rows'] for one in every):,}"))
    return table(["database", "kind", "", "equal", "differ", "with rows", "rows"], rows)


def differences(found: list[dict]) -> list[str]:
    rows = [(f"`{one['name']}`", one["differs"], one["reason"] or "**not known**") for one in found if one["differs"]]
    return table(["", "difference", "why"], rows) if rows else ["None.", ""]


def functions(found: list[dict]) -> list[str]:
    total, equal, different = count(found)
    lines = [f"{total} calls, {equal} with the same value and type in Trino, {different} not.", ""]
    lines += ["A whole number in a query is a bigint here and an integer in Trino, a number with a point a double here and a"]
    lines += ["decimal there. What is made of such literals has their types, and is not counted again.", ""]
    rows = [(f"`{one['name']}`", f"`{one['call']}`", f"`{one['gives']}`", one["differs"], one["reason"] or "**not known**") for one in found if one["differs"]]
    return lines + table(["", "call", "here", "Trino", "why"], rows)


def written(given: Namespace, made_by: str, found: list[dict], queries: list[dict], asked: list[dict]) -> str:
    """The page."""
    lines = [INTRODUCTION.format(made_by=made_by, patients=given.patients, seed=given.seed, version=VERSION)]
    lines += ["## Tables, views and queries", "", *relations(found, queries)]
    lines += ["### What differs", "", *differences([*found, *queries])]
    lines += ["## Functions", "", "The calls of the [table of functions](functions.md), each run in both.", "", *functions(asked)]
    empty = [f"`{one['name']}`" for one in [*found, *queries] if not one["rows"]]
    if empty:
        lines += ["## Without rows", "", f"Nothing of the generated hospital is in {', '.join(empty)}: names and types alone are compared.", ""]
    return "\n".join([*lines, LIMITS.format(version=VERSION)])
