"""Checks that every SQL file of the project parses in Athena's dialect, and that its numbers mean the same in Athena."""

import re
import sys
from pathlib import Path

import sqlglot

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("shared/sql/gold", "shared/sql/gold_identified", "shared/sql/prepared", "shared/contracts/feeds")

# Athena reads 0.2 as a decimal, whose quotient keeps one digit; the session here as a double. 0.2E0 is a double in both.
POINTED = re.compile(r"\d*\.\d*")


def decimals(statement: sqlglot.exp.Expression) -> list[str]:
    """Numbers that are a decimal in Athena and a double here."""
    return [found.this for found in statement.find_all(sqlglot.exp.Literal) if not found.is_string and POINTED.fullmatch(found.this)]


def main() -> int:
    files = [file for folder in FOLDERS for file in sorted((ROOT / folder).rglob("*.sql"))]
    wrong = 0
    for file in files:
        try:
            statements = sqlglot.parse(file.read_text(), dialect="athena")
        except sqlglot.errors.ParseError as error:
            print(f"{file.relative_to(ROOT)}: {error}")
            wrong += 1
            continue
        if len(statements) != 1:
            print(f"{file.relative_to(ROOT)}: {len(statements)} statements; write one SELECT")
            wrong += 1
        for number in [number for statement in statements if statement for number in decimals(statement)]:
            print(f"{file.relative_to(ROOT)}: {number} is a decimal in Athena and a double here; write {number}E0, or CAST it")
            wrong += 1
    print(f"{len(files)} SQL files, {wrong} wrong")
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main())
