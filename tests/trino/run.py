"""The real engine beside carelake's session: `make athena-conformance`.

    tests/trino/run.py TARGET [--patients N] [--seed N] [--quick] [--keep] [--page FILE]

TARGET is cargo's target folder with a debug build. A generated lake is made by the deployed functions on an emulated AWS, or with
--quick by the command, uploaded and described by the publish function. Trino
reads every table and view of its catalogue, and so does `carelake serve` in a copy of the lake: columns, types and values are
compared, order aside. So are the SQL of the marts, the prepared queries and the calls of the table of functions. What differs
must stand in known.toml with the reason. Writes docs/athena-conformance.md.
"""

import argparse
import shutil
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from types import SimpleNamespace

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "aws")]

import calls  # noqa: E402
import lake  # noqa: E402
import page  # noqa: E402
import server  # noqa: E402
from compare import difference  # noqa: E402
from emulator import free_port  # noqa: E402
from engines import Answer, Carelake, Failed, Trino  # noqa: E402

KNOWN = HERE / "known.toml"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Trino beside carelake's session")
    parser.add_argument("target", type=Path)
    parser.add_argument("--patients", type=int, default=120)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="a lake that the command makes, instead of the deployed functions")
    parser.add_argument("--keep", action="store_true", help="wait at the end, with both engines running")
    parser.add_argument("--page", type=Path, default=ROOT / "docs/athena-conformance.md")
    return parser.parse_args()


def say(words: str):
    print(f"{time.strftime('%H:%M:%S')} {words}", flush=True)


def asked(engine, sql: str, *values: str) -> Answer | str:
    """What an engine answers, or why it does not."""
    try:
        return engine.run(sql, *values)
    except Failed as error:
        return str(error)


def compared(here: Answer | str, there: Answer | str) -> str | None:
    if isinstance(here, str) or isinstance(there, str):
        said = [f"carelake: {here}"] if isinstance(here, str) else []
        said += [f"Trino: {there}"] if isinstance(there, str) else []
        return "; ".join(said)
    return difference(here, there)


def relations(glue, own: Carelake, trino: Trino) -> list[dict]:
    """Every table and view of the catalogue, read whole in both."""
    found = []
    for table in lake.entries(glue):
        name = f"{table['DatabaseName']}.{table['Name']}"
        sql = f"SELECT * FROM {name}"
        here, there = asked(own, sql), asked(trino, sql)
        found.append(outcome(name, lake.kind(table), here, there, database=table["DatabaseName"]))
    return found


def outcome(name: str, kind: str, here, there, **more) -> dict:
    rows = len(here.rows) if isinstance(here, Answer) else 0
    why = compared(here, there)
    if why:
        say(f"  {name}: {why[:300]}")
    return {"name": name, "kind": kind, "rows": rows, "differs": why, **more}


def body(file: Path) -> str:
    """The SQL below a definition's header."""
    lines = file.read_text().splitlines()
    start = next(number for number, line in enumerate(lines) if not line.startswith("--"))
    return "\n".join(lines[start:]).strip().rstrip(";")


def marts(own: Carelake, trino: Trino) -> list[dict]:
    """The SQL of the marts, which the lake keeps as tables: run anew in both."""
    found = []
    for file in sorted((ROOT / "shared/sql").glob("gold*/*.sql")):
        if "\n-- materialised: delta" in file.read_text():
            sql = body(file)
            found.append(outcome(f"{file.parent.name}.{file.stem}", "SQL of a mart", asked(own, sql), asked(trino, sql)))
    return found


def prepared(own: Carelake, trino: Trino) -> list[dict]:
    """The prepared queries, for somebody whom they have rows of."""
    of = {
        "get_doctor_summary": "SELECT max_by(practitioner_id, n) FROM (SELECT practitioner_id, count(*) AS n FROM gold.dim_visits GROUP BY practitioner_id)",
        "get_patient_history": (
            "SELECT max(i.real_patient_id) FROM identity.patients i JOIN silver.encounters e ON e.source = i.source AND e.patient_id = i.patient_id"
            " JOIN silver.sources s ON s.source = e.source AND s.feed = e.feed AND s.area = 'clinic'"
        ),
    }
    of["get_patient_lab_reports"] = of["get_patient_history"]
    found = []
    for file in sorted((ROOT / "shared/sql/prepared").glob("*.sql")):
        ((value,),) = own.run(of[file.stem]).rows
        literal = "'" + value.replace("'", "''") + "'"
        text = body(file)
        there = asked(trino, f"EXECUTE IMMEDIATE '{text.replace(chr(39), chr(39) * 2)}' USING {literal}")
        found.append(outcome(file.stem, "prepared query", asked(own, text, literal), there))
    return found


def judged(found: list[dict], known: dict[str, str]) -> int:
    """Gives what is known to differ its reason; how many things are not as they should be."""
    wrong = 0
    for one in found:
        one["reason"] = known.get(one["name"]) if one["differs"] else None
        if bool(one["differs"]) != (one["name"] in known):
            say(f"  {one['name']} {'differs' if one['differs'] else 'no longer differs: take it out of known.toml'}")
            wrong += 1
    return wrong


def main() -> int:
    given = arguments()
    home = Path(tempfile.mkdtemp(prefix="carelake-trino-"))
    import serving  # after CARELAKE_BIN is known

    made = engine = None
    try:
        server.installed()
        say("starting an emulated AWS")
        made = (lake.Uploaded if given.quick else lake.Deployed)(given.target, home / "made")
        say(f"making a lake of {given.patients} patients a feed")
        made.make(given.patients, given.seed, say)
        lake.copy(made, home / "lake")
        say("starting Trino")
        engine = server.Trino(home / "trino", free_port(), made.emulator.url, made.emulator.url)
        trino = Trino(engine.url)
        with serving.serving(SimpleNamespace(folder=home / "lake"), "--restricted") as url:
            own = Carelake(serving.Athena(url, "restricted"))
            say("tables and views")
            found = relations(made.emulator.client("glue"), own, trino)
            say("marts and prepared queries")
            queries = marts(own, trino) + prepared(own, trino)
            say("functions")
            functions = calls.run(own, trino)
            wrong = judged(found + queries, tomllib.loads(KNOWN.read_text()))
            for one in calls.untold(functions):
                say(f"  {one['name']}: {one['differs'][:300]}")
                wrong += 1
            given.page.write_text(page.written(given, made.made_by, found, queries, functions))
            if given.keep:
                say(f"Trino {engine.url}, Athena {url}, AWS {made.emulator.url}; Ctrl-C ends them")
                sys.stdin.read()
    finally:
        for started in (engine, made):
            if started:
                started.stop()
        shutil.rmtree(home, ignore_errors=True)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
