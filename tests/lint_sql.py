"""Checks that every SQL file of the project parses in Athena's dialect."""

import sys
from pathlib import Path

import sqlglot

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("shared/sql/gold", "shared/sql/gold_identified", "shared/sql/prepared", "shared/contracts/feeds")


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
    print(f"{len(files)} SQL files, {wrong} wrong")
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main())
