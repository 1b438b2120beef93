"""Whether two answers are the same: columns, types and every value, order of the rows aside."""

import math
import re

from engines import Answer, plain

RELATIVE = 1e-9
# A number within a list or map counts as one, so that floats there are compared as numbers too.
NUMBER = re.compile(r"(?<![\w.])-?\d+\.\d+(?:E-?\d+)?(?![\w.])")


def difference(wanted: Answer, got: Answer) -> str | None:
    """The first thing that differs, without a value of a person; none when nothing does."""
    names, found = ([name for name, _ in answer.columns] for answer in (wanted, got))
    if names != found:
        return f"columns {', '.join(names)}; Trino has {', '.join(found)}"
    for (name, here), (_, there) in zip(wanted.columns, got.columns, strict=True):
        if plain(here) != plain(there):
            return f"`{name}` is {here}; Trino has {there}"
    if len(wanted.rows) != len(got.rows):
        return f"{len(wanted.rows)} rows; Trino has {len(got.rows)}"
    floats = [plain(kind) in ("double", "real", "array", "map", "row") for _, kind in wanted.columns]
    return values(wanted.rows, got.rows, names, floats)


def values(wanted: list[tuple], got: list[tuple], names: list[str], floats: list[bool]) -> str | None:
    def key(row: tuple) -> tuple:
        exact = [(value is None, value or "") for value, loose in zip(row, floats, strict=True) if not loose]
        near = [rounded(value) for value, loose in zip(row, floats, strict=True) if loose]
        return (*exact, *near)

    different: dict[str, int] = {}
    for here, there in zip(sorted(wanted, key=key), sorted(got, key=key), strict=True):
        for name, loose, one, other in zip(names, floats, here, there, strict=True):
            if not (near(one, other) if loose else one == other):
                different[name] = different.get(name, 0) + 1
    return ", ".join(f"{count} of {len(wanted)} rows in `{name}`" for name, count in different.items()) or None


def rounded(value: str | None) -> tuple[bool, str]:
    """A sorting key in which floats that are as good as equal stand at one place."""
    if value is None:
        return (True, "")
    return (False, NUMBER.sub(lambda found: f"{float(found.group()):.6e}", value))


def near(one: str | None, other: str | None) -> bool:
    """Equal, or equal but for floats that differ by less than the last digits of a sum in another order."""
    if one is None or other is None or one == other:
        return one == other
    try:
        return math.isclose(float(one), float(other), rel_tol=RELATIVE)
    except ValueError:
        pass
    if NUMBER.sub("#", one) != NUMBER.sub("#", other):
        return False
    pairs = zip(NUMBER.findall(one), NUMBER.findall(other), strict=True)
    return all(math.isclose(float(here), float(there), rel_tol=RELATIVE) for here, there in pairs)
