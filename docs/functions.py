"""Prints docs/functions.md from the table of Trino's functions: `make docs`."""

import tomllib
from pathlib import Path

from markdown import table

TABLE = Path(__file__).resolve().parent.parent / "shared/sql/trino.toml"

INTRODUCTION = """\
# Trino's functions

This page is written by `make docs` from [shared/sql/trino.toml](../shared/sql/trino.toml). Do not edit it. A test runs
every call of it in the query session and compares the value: what is called supported here gives what stands beside it.

Athena's engine is Trino; the lake's SQL runs there as it is. What the query session of `carelake sql` and
[carelake serve](athena.md) has of Trino's functions and operators:
"""


def status(entry: dict) -> str:
    if "missing" in entry:
        return "missing"
    return "differs" if "differs" in entry else "supported"


def row(name: str, entry: dict) -> tuple:
    if "missing" in entry:
        return (f"`{name}`", "missing", "", "", f"instead: {entry['missing']}")
    return (f"`{name}`", status(entry), f"`{entry['call']}`", f"`{entry['gives']}`", entry.get("differs", ""))


def main() -> None:
    families = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    entries = [entry for family in families.values() for entry in family.values()]
    counts = [(word, sum(status(entry) == word for entry in entries)) for word in ("supported", "differs", "missing")]
    lines = [INTRODUCTION, *table(["", "functions and operators"], counts)]
    for family, members in families.items():
        lines += [f"## {family}", ""]
        lines += table(["", "", "call", "gives", "note"], [row(name, entry) for name, entry in members.items()])
    print("\n".join(lines).rstrip())


if __name__ == "__main__":
    main()
