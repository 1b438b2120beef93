"""Writes the twins for sharing: gold/<view>_public.sql of each view in shared/sql/twins.toml. `make docs` runs it."""

import re
import sys
import tomllib
from pathlib import Path

SQL = Path(__file__).resolve().parent.parent / "shared/sql"
LEAST = 11


def header(text: str) -> dict[str, str]:
    """The entries of a view's header."""
    joined = re.sub(r"\n--   +", " ", text)
    return dict(re.findall(r"^-- ([^:]+): (.*)$", joined, re.M))


def wrapped(key: str, value: str) -> str:
    """A header entry on lines of at most 120 characters."""
    lines, line = [], f"-- {key}:"
    for word in value.split():
        if len(line) + 1 + len(word) > 118:
            lines.append(line)
            line = "--   "
        line += f" {word}"
    return "\n".join([*lines, line])


def small(value: str) -> str:
    return f"{value} BETWEEN 1 AND {LEAST - 1}"


def name_of(column: str) -> str:
    return column.rsplit(" AS ", 1)[-1]


def expression(column: str) -> str:
    return column.rsplit(" AS ", 1)[0] if " AS " in column else f"v.{column}"


def partition(columns: list[str]) -> str:
    return ", ".join(["c.source", *(f"c.{name_of(column)}" for column in columns)])


def hidden(counts: list[str], parts: list[list[str]]) -> str:
    tests = [small(f"v.{count}") for count in counts] + [small(f"v.{whole} - v.{part}") for part, whole in parts]
    return "\n            OR ".join(tests)


def twin(name: str, spec: dict) -> str:
    """The SQL of a twin."""
    head = header((SQL / f"gold/{name}.sql").read_text())
    keys, shown, counts = spec["keys"], spec.get("shown", []), spec["counts"]
    values, parts, margin = spec.get("values", []), spec.get("parts", []), spec["margin"]
    size = counts[0]
    entries = [
        ("name", f"{name}_public"),
        ("version", "1"),
        ("description", f"{name} for sharing: small numbers are not shown, nor what would tell them."),
        ("grain", head["grain"] if "where" not in spec else f"one row per row of {name} that crosses no other"),
        ("owner", head["owner"]),
        ("materialised", "no"),
        (
            "source",
            f"CMS cell size suppression: a row with a count from 1 to {LEAST - 1}, or with a part that leaves so few of its whole, shows"
            " no number. Where one such row stands alone among rows that add up, or all such rows together are fewer than"
            f" {LEAST}, the smallest other row shows none either",
        ),
    ]
    entries += [(f"column {column}", head[f"column {column}"]) for column in ["source", *keys, *shown]]
    for column in [*counts, *values]:
        text = head[f"column {column}"]
        text, unit = re.fullmatch(r"(.*?)(?:, NULL without any)?( \[[^\[]*(?:\[[^\]]*\])?\])?", text).groups()
        entries.append((f"column {column}", f"{text}, NULL when it is not shown{unit or ''}"))
    entries.append(("column is_suppressed", "whether the row's numbers are not shown"))

    extra = [f"        {column}," for column in margin if " AS " in column]
    where = f"\n    WHERE {spec['where']}" if "where" in spec else ""
    lines = ["WITH cells AS (", "    SELECT", "        v.source,"]
    lines += [f"        v.{column}," for column in [*keys, *shown, *counts, *values]]
    lines += extra
    lines += [
        f"        CASE\n            WHEN {hidden(counts, parts)} THEN 1\n            ELSE 0\n        END AS is_small",
        f"    FROM gold.{name} v{where}",
        "),",
    ]
    source = "cells"
    if "whole" in spec:
        lines += wholes(spec)
        source = "marked"
    order = ", ".join(f"c.{column}" for column in [size, *keys])
    lines += ["ranked AS (", "    SELECT", "        c.source,"]
    lines += [f"        c.{column}," for column in [*keys, *shown, *counts, *values]]
    lines += [
        "        c.is_small,",
        f"        SUM(c.is_small) OVER (PARTITION BY {partition(margin)}) AS small_rows,",
        f"        SUM(CASE WHEN c.is_small = 1 THEN c.{size} ELSE 0 END) OVER (PARTITION BY {partition(margin)}) AS small_size,",
        "        ROW_NUMBER() OVER (",
        f"            PARTITION BY {partition(margin)}, c.is_small, CASE WHEN c.{size} = 0 THEN 1 ELSE 0 END",
        f"            ORDER BY {order}",
        "        ) AS size_rank",
        f"    FROM {source} c",
        "),",
        "judged AS (",
        "    SELECT",
        "        r.source,",
    ]
    lines += [f"        r.{column}," for column in [*keys, *shown, *counts, *values]]
    lines += [
        "        r.is_small = 1",
        f"        OR (r.small_rows > 0 AND r.{size} > 0 AND r.size_rank = 1 AND (r.small_rows = 1 OR r.small_size < {LEAST})) AS is_suppressed",
        "    FROM ranked r",
        ")",
        "SELECT",
        "    j.source,",
    ]
    lines += [f"    j.{column}," for column in [*keys, *shown]]
    lines += [f"    CASE WHEN NOT j.is_suppressed THEN j.{column} END AS {column}," for column in [*counts, *values]]
    lines += ["    j.is_suppressed", "FROM judged j"]
    return "\n".join([*(wrapped(key, value) for key, value in entries), *lines]) + "\n"


def wholes(spec: dict) -> list[str]:
    """Rows whose whole is hidden: it is the same in many rows, and must be hidden in all of them."""
    whole, of = spec["whole"], spec["of"]
    named = [name_of(column) for column in spec["margin"] if " AS " in column]
    shape = ", ".join(["p.source", *(f"p.{column}" for column in named)])
    same = " AND ".join(f"h.{column} = c.{column}" for column in ["source", *of])
    rest = [*spec["keys"], *spec.get("shown", []), *spec["counts"], *spec.get("values", []), *named]
    return [
        "populations AS (",
        "    SELECT DISTINCT",
        "        c.source,",
        *(f"        c.{column}," for column in [*of, *named]),
        f"        c.{whole},",
        f"        CASE WHEN {small(f'c.{whole}')} THEN 1 ELSE 0 END AS is_small",
        "    FROM cells c",
        "),",
        "ordered AS (",
        "    SELECT",
        "        p.source,",
        *(f"        p.{column}," for column in of),
        "        p.is_small,",
        f"        SUM(p.is_small) OVER (PARTITION BY {shape}) AS small_rows,",
        f"        SUM(CASE WHEN p.is_small = 1 THEN p.{whole} ELSE 0 END) OVER (PARTITION BY {shape}) AS small_size,",
        f"        ROW_NUMBER() OVER (PARTITION BY {shape}, p.is_small ORDER BY {', '.join(f'p.{column}' for column in [whole, *of])}) AS size_rank",
        "    FROM populations p",
        "),",
        "marked AS (",
        "    SELECT",
        "        c.source,",
        *(f"        c.{column}," for column in rest),
        "        CASE",
        "            WHEN c.is_small = 1 OR h.is_small = 1 THEN 1",
        f"            WHEN h.small_rows > 0 AND h.size_rank = 1 AND (h.small_rows = 1 OR h.small_size < {LEAST}) THEN 1",
        "            ELSE 0",
        "        END AS is_small",
        "    FROM cells c",
        f"    JOIN ordered h\n        ON {same}",
        "),",
    ]


def main() -> None:
    twins = tomllib.loads((SQL / "twins.toml").read_text())
    for name, spec in twins.items():
        text = twin(name, spec)
        file = SQL / f"gold/{name}_public.sql"
        if "--check" in sys.argv:
            assert file.read_text() == text, f"{file.name} is not what docs/twins.py writes; run make docs"
        else:
            file.write_text(text)


if __name__ == "__main__":
    main()
