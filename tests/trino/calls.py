"""The table of Trino's functions, asked of Trino: what is called supported gives the same there."""

import tomllib
from pathlib import Path

from compare import near
from engines import FLOATS, Answer, Failed, plain

TABLE = Path(__file__).resolve().parents[2] / "shared/sql/trino.toml"


def one(engine, call: str) -> tuple[str, str]:
    """The value of a call, as Athena writes it, and its type; ('', why) when the engine refuses it."""
    try:
        answer: Answer = engine.run(f"SELECT {call}")
    except Failed as error:
        return "", str(error)
    ((_, kind),), ((value,),) = answer.columns, answer.rows
    return ("NULL" if value is None else value), kind


def same(gives: str, got: tuple[str, str]) -> bool:
    value, kind = got
    return near(gives, value) if plain(kind) in FLOATS else gives == value


# The table says of literals that whole numbers are bigint here and numbers with a point double: what is made of them as well.
LITERALS = {("bigint", "integer"), ("double", "decimal")}


def difference(gives: str, here: tuple[str, str], there: tuple[str, str]) -> str | None:
    """How Trino's value or its type is another."""
    if not here[0]:
        return f"carelake: {here[1]}"
    if not there[0]:
        return there[1]
    if not same(gives, there):
        return f"gives `{there[0]}`"
    ours, theirs = plain(here[1]), plain(there[1])
    if ours == theirs or (ours.split("(")[0], theirs.split("(")[0]) in LITERALS:
        return None
    return f"gives {there[1]}; here {here[1]}"


def run(own, trino) -> list[dict]:
    """Every call of the table in both engines. A difference must be one that the table tells."""
    found = []
    for family, members in tomllib.loads(TABLE.read_text(encoding="utf-8")).items():
        for name, entry in members.items():
            if "missing" in entry:
                continue
            call, gives = entry["call"], entry["gives"]
            differs = difference(gives, one(own, call), one(trino, call))
            more = {"family": family, "call": call, "gives": gives, "reason": entry.get("differs")}
            found.append({"name": name, "differs": differs, **more})
    return found


def untold(found: list[dict]) -> list[dict]:
    """Differences of which the table says nothing."""
    return [one for one in found if one["differs"] and not one["reason"]]
