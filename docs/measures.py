"""Prints docs/measures.md from the headers of the clinical measures: `make docs`."""

from definitions import SQL, kept, parse, unit_of
from markdown import codes, table

INTRODUCTION = """\
# Clinical measures

This page is written by `make docs` from the headers of the files in [shared/sql/gold](../shared/sql/gold). Do not edit
it. `carelake measures list` and `carelake measures explain NAME` show the same; [definitions](definitions.md) has the
other views.

- The measures cover every source whose feed takes part in the subject area `clinical`
  (see [decision 11](decisions/0011-subject-areas.md)).
- What a measure leaves out is counted: measured and excluded add up to all.
- Codes stand in [code lists](#code-lists), dated and with their source, never in SQL.
- Every measure is checked against a second computation in Python, written from its definition, over random histories
  and real exports: [tests/measures](../tests/measures). Only `vw_quality_metrics`, which joins others, is checked by its
  sums.
- The policies of readmission are like those of CMS and HEDIS, not those: they do not adjust for risk, do not ask for an
  age, and the code lists are short. Do not publish them under the names of the programmes.
"""

CODES = """\
## Code lists

Tables of the database `codes`, written by `carelake run` from [shared/contracts/codes](../shared/contracts/codes). A
folder given with `--contracts` may replace a list (`codes/<list>.csv`).
"""


def section(path, header: dict) -> list[str]:
    lines = [
        f"### {header['name']}",
        "",
        header["description"],
        "",
        f"- Grain: {header['grain']}",
        f"- Definition: {header['source']}",
        f"- Version {header['version']}; owner: {header['owner']}; SQL: [{path.name}](../shared/sql/gold/{path.name})",
        f"- Stored as: {kept(header)}",
        f"- Reads: {codes(header['reads'])}",
        "",
    ]
    if header["exclusions"]:
        rows = [(f"`{name}`", text) for name, text in header["exclusions"]]
        lines += table(["exclusion", "what is left out"], rows)
    rows = []
    for column, text in header["columns"]:
        description, unit = unit_of(text)
        rows.append((f"`{column}`", unit, description))
    return lines + table(["column", "unit", "what it is"], rows)


def lists() -> list[str]:
    rows = []
    for path in sorted((SQL.parent / "contracts/codes").glob("*.csv")):
        lines = path.read_text(encoding="utf-8").splitlines()
        names = codes(lines[0].split(","))
        link = f"[{path.stem}](../shared/contracts/codes/{path.name})"
        rows.append((link, str(len(lines) - 1), names))
    return [CODES, *table(["list", "entries", "columns"], rows)]


def page() -> str:
    found = [(path, parse(path)) for path in sorted((SQL / "gold").glob("*.sql"))]
    found = [(path, header) for path, header in found if "measure" in header]
    lines = [INTRODUCTION]
    for family in sorted({header["measure"] for _, header in found}):
        mine = [(path, header) for path, header in found if header["measure"] == family]
        lines += [f"## {family.capitalize()}", ""]
        rows = [(f"[{header['name']}](#{header['name']})", header["description"]) for _, header in mine]
        lines += table(["measure", "what it shows"], rows)
        for path, header in mine:
            lines += section(path, header)
    return "\n".join(lines + lists()).rstrip() + "\n"


if __name__ == "__main__":
    print(page(), end="")
