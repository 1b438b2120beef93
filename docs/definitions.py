"""Prints docs/definitions.md from the headers of the gold SQL files: `make docs`."""

import re
from pathlib import Path

from markdown import codes, table

SQL = Path(__file__).resolve().parent.parent / "shared/sql"

INTRODUCTION = """\
# Definitions of gold

This page is written by `make docs` from the headers of the files in [shared/sql](../shared/sql). Do not edit it.
A view is one SELECT in Athena's dialect. `carelake describe` shows the types of its columns and its SQL.

- The first column is `source`: every measure is per sender.
- Rates are doubles from 0 to 1; shares in percent say so. Money is `decimal(18,2)`. An average over nothing is NULL.
- A week is an ISO week; `week_start` is its Monday.
- The day as of which ages are reckoned is in `gold.as_of`; no view reads the clock.
- Which sources a view covers is decided by their subject area, in `silver.sources`
  (see [decision 11](decisions/0011-subject-areas.md)).
- The clinical measures are explained in [measures](measures.md).
- The version is raised when the meaning changes.
"""

ABOUT = {
    "gold": "Views and marts without names and real identifiers of patients.",
    "gold_identified": "Twins with names and real identifiers. For the restricted role.",
    "prepared": "Queries with parameters, run by `carelake call NAME VALUE …`. They read `identity`.",
}

TABLE = re.compile(
    r"\b(?:from|join)\s+((?:silver|gold|gold_identified|identity|codes)\.\w+)",
    re.IGNORECASE,
)


def parse(path: Path) -> dict:
    """The header of a file: single values, columns, parameters; and the tables its SQL reads."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    length = next(i for i, line in enumerate(lines) if not line.startswith("--"))
    entries: list[list[str]] = []
    for line in lines[:length]:
        rest = line.lstrip("-")
        if rest.startswith("   ") and entries:
            entries[-1][1] += " " + rest.strip()
        elif rest.strip():
            key, value = rest.split(":", 1)
            entries.append([" ".join(key.split()), value.strip()])
    header: dict = {"columns": [], "parameters": [], "exclusions": []}
    for key, value in entries:
        kind, _, name = key.partition(" ")
        if kind in ("column", "parameter", "exclusion"):
            header[f"{kind}s"].append((name, value))
        else:
            header[key] = value
    header["reads"] = sorted(set(TABLE.findall("\n".join(lines[length:]))))
    return header


def unit_of(text: str) -> tuple[str, str]:
    """Description and unit: the unit stands in brackets at the end."""
    found = re.fullmatch(r"(.*?)\s*\[([^\[\]]*)\]", text)
    return (found[1], found[2]) if found else (text, "")


def kept(header: dict) -> str:
    """How the view is stored."""
    if header["materialised"] == "no":
        return "a view, computed when it is read"
    parts = ["a Delta Lake table, computed by `carelake run`"]
    for key, words in (
        ("partition_by", "partitioned by"),
        ("z_order", "clustered (Z-order) by"),
    ):
        if key in header:
            parts.append(f"{words} {codes(re.split(r', *', header[key]))}")
    return ", ".join(parts)


def section(folder: str, path: Path, header: dict) -> list[str]:
    name = header["name"]
    sql = f"[{path.name}](../shared/sql/{folder}/{path.name})"
    lines = [
        f"### {folder}.{name}" if folder != "prepared" else f"### {name}",
        "",
        header["description"],
        "",
        f"- Grain: {header['grain']}",
        f"- Definition: {header['source']}",
        f"- Version {header['version']}; owner: {header['owner']}; SQL: {sql}",
    ]
    if folder != "prepared":
        lines.append(f"- Stored as: {kept(header)}")
    lines += [f"- Reads: {codes(header['reads'])}", ""]
    if header["parameters"]:
        rows = [(f"`{name}`", text) for name, text in header["parameters"]]
        lines += table(["parameter", "what it is"], rows)
    rows = []
    for column, text in header["columns"]:
        description, unit = unit_of(text)
        rows.append((f"`{column}`", unit, description))
    return lines + table(["column", "unit", "what it is"], rows)


def page() -> str:
    lines = [INTRODUCTION]
    for folder, about in ABOUT.items():
        files = [(path, parse(path)) for path in sorted((SQL / folder).glob("*.sql"))]
        title = "Prepared queries" if folder == "prepared" else folder
        lines += [f"## {title}", "", about, ""]
        names = [(f"`{header['name']}`", header["description"]) for _, header in files]
        lines += table(["name", "what it shows"], names)
        for path, header in files:
            if "measure" in header:
                continue
            lines += section(folder, path, header)
    return "\n".join(lines).rstrip() + "\n"


if __name__ == "__main__":
    print(page(), end="")
