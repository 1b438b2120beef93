"""Identifiers planted in every PHI field of every feed are found nowhere but in landing and identity."""

import os
import signal
import subprocess
import time

import pytest
from conftest import BINARY, Lake, carelake
from sentinels import HEADER, Planter, contracts, findings, found_in, plant

BROKEN = (
    "CAST({c} AS INTEGER)",
    "CAST({c} AS DATE)",
    "CAST({c} AS TIMESTAMP)",
    "CAST({c} AS DECIMAL(10,2))",
    "CAST({c} AS BOOLEAN)",
    "CAST({c} AS DOUBLE)",
    "CAST({c} AS TIME)",
    "CAST({c} AS INTERVAL)",
    "date_parse({c}, '%Y-%m-%d')",
    "date_format(TIMESTAMP '2020-01-01 00:00:00', {c})",
    "date_trunc({c}, TIMESTAMP '2020-01-01 00:00:00')",
    "date_add({c}, 1, DATE '2020-01-01')",
    "date_diff({c}, DATE '2020-01-01', DATE '2020-01-01')",
    "regexp_like({c}, '[' || {c})",
    "regexp_extract({c}, '(' || {c})",
    "regexp_replace({c}, {c} || '(', 'x')",
    "from_iso8601_date({c})",
    "to_timestamp({c})",
    "to_date({c})",
    "to_char(DATE '2020-01-01', {c})",
    "arrow_cast({c}, 'Int32')",
    "decode({c}, 'hex')",
    "decode({c}, {c})",
    "chr(CAST(length({c}) AS INTEGER) * -1)",
    "repeat({c}, 1000000000)",
    "1 / (length({c}) - length({c}))",
    "element_at(split({c}, ''), {c})",
    "json_extract_scalar({c}, {c})",
    "no_such_function({c})",
    "{c} + 1",
    "{c} || no_such_column",
    "approx_percentile({c}, 0.5)",
    "INTERVAL '1' DAY + {c}",
    "TIMESTAMP '2020-01-01 00:00:00' AT TIME ZONE {c}",
    "lpad({c}, -1, {c})",
    "substr({c}, 0, -5)",
)


class Witness:
    """Runs commands and keeps all they say, at the highest verbosity."""

    def __init__(self):
        self.heard: list[tuple[str, bytes]] = []
        self.environment = {**os.environ, "RUST_LOG": "trace", "RUST_BACKTRACE": "full"}

    def hear(self, *arguments) -> subprocess.CompletedProcess:
        done = subprocess.run([BINARY, *map(str, arguments)], capture_output=True, timeout=600, env=self.environment)
        self.heard.append((" ".join(map(str, arguments)), done.stdout + done.stderr))
        return done

    @classmethod
    def of(cls, heard) -> "Witness":
        """A witness of those commands alone."""
        witness = cls()
        witness.heard = list(heard)
        return witness


@pytest.fixture(scope="module")
def planted(tmp_path_factory):
    lake, planter, witness = Lake(tmp_path_factory.mktemp("sentinels")), Planter(), Witness()
    carelake("generate", "--patients", 12, "--seed", 3, "--out", lake.landing)
    plant(lake, planter)
    done = witness.hear(*lake.arguments())
    assert done.returncode == 0, done.stdout + done.stderr
    return lake, planter, witness


def told(witness: Witness, planter: Planter) -> list:
    found = [(command, found_in(said, [])[:3]) for command, said in witness.heard]
    return [one for one in found if one[1]]


def test_the_sentinels_are_where_they_may_be(planted):
    """Otherwise all the other tests would pass on an empty lake."""
    lake, _, _ = planted
    named = [f"{feed}_{name}" for (feed, name), contract in contracts().items() if any(c.get("phi") == "identifier" for c in contract["columns"])]
    for table in named:
        assert "Zq" in str(lake.sql(f"SELECT * FROM identity.{table}")), table
    assert "Zq" in str(lake.sql("SELECT * FROM identity.patients"))
    assert "7391900" in str(lake.sql("SELECT * FROM identity.noshow_vitoria_appointments"))
    assert "nickname" in str(lake.sql("SELECT * FROM identity.clinic_patients"))


def test_every_kind_of_rule_was_broken(planted):
    lake, _, _ = planted
    broken = {rule.rsplit(".", 1)[1] for (_, rule), check in lake.quality().items() if check["failed"]}
    assert {"type", "required", "shape", "encoding", "readable", "unique", "gender_domain", "cost_not_negative"} <= broken


def test_no_file_of_the_lake_holds_a_sentinel(planted):
    lake, planter, _ = planted
    assert findings(lake.folder, planter.doubles) == []


def test_a_sentinel_would_be_found(planted, tmp_path):
    lake, planter, _ = planted
    for name in ("_carelake", "silver"):
        (tmp_path / name).mkdir()
    (tmp_path / "_carelake/run.json").write_text("x zq000001 x")
    subprocess.run(["cp", "-r", lake.folder / "identity/patients", tmp_path / "silver/patients"], check=True)
    subprocess.run(["cp", "-r", lake.folder / "identity/synthea_patients", tmp_path / "silver/synthea"], check=True)
    found = {name.split("/")[0] for name, _ in findings(tmp_path, planter.doubles)}
    assert found == {"_carelake", "silver"}
    assert any(name.endswith(".json") and "_delta_log" in name for name, _ in findings(tmp_path, planter.doubles))


def test_a_header_that_looks_like_a_value_is_in_no_report(planted):
    lake, _, witness = planted
    assert not any(HEADER.encode() in said for command, said in witness.heard if command.startswith("run"))
    reports = [path.read_text() for path in lake.folder.glob("_carelake/**/*.json")]
    assert reports
    assert not any(HEADER in report for report in reports)


def test_no_command_tells_a_sentinel(planted):
    lake, planter, witness = planted
    at = ["--lake", lake.folder]
    for table in ("patients", "encounters", "treatments"):
        witness.hear("history", *at, f"silver.{table}")
    for line in carelake("tables", *at).stdout.splitlines()[3:-2]:
        witness.hear("describe", *at, line.split()[1])
    for format in ("table", "csv", "json"):
        witness.hear("dq", *at, "--format", format)
        witness.hear("quarantine", "show", "", *at, "--limit", 1_000_000, "--format", format)
    witness.hear("tables", *at)
    witness.hear("quarantine", "list", *at)
    witness.hear("quarantine", "list", *at, "--source", "clinic")
    for layer in ("bronze", "silver", "gold", "quarantine"):
        for table in carelake("tables", *at).stdout.split():
            if table.startswith(f"{layer}."):
                witness.hear("sql", *at, "--format", "csv", f"SELECT * FROM {table}")
    witness.hear("call", *at, "get_patient_history")
    witness.hear("call", *at, "no_such_query", "x")
    witness.hear("call", *at, "get_patient_history", "x", "y")
    assert told(witness, planter) == []


def test_no_error_of_a_query_tells_a_sentinel(planted):
    lake, planter, witness = planted
    columns = {"identity.patients": "full_name", "identity.clinic_patients": "name"}
    for table, column in columns.items():
        for expression in BROKEN:
            witness.hear("sql", "--lake", lake.folder, f"SELECT count({expression.format(c=column)}) FROM {table}")
            witness.hear("sql", "--lake", lake.folder, f"SELECT count(*) FROM {table} WHERE {expression.format(c=column)} IS NULL")
    assert told(witness, planter) == []


def test_a_draft_of_a_contract_tells_no_sentinel(planted):
    lake, planter, witness = planted
    files = [path for path in sorted(lake.landing.rglob("*")) if path.is_file() and path.suffix not in (".toml",)]
    for path in files[::3]:
        given = lake.folder.parent / f"sample{''.join(path.suffixes[-2:]) if path.suffix in ('.gz', '.zst') else path.suffix}"
        given.write_bytes(path.read_bytes())
        witness.hear("contract", "new", "--from", given)
    assert told(witness, planter) == []


def test_wrong_folders_tell_no_sentinel(planted, tmp_path):
    lake, _planter, witness = planted
    witness.hear("run", "--landing", tmp_path / "nowhere", "--lake", tmp_path / "lake")
    witness.hear("run", "--landing", lake.landing, "--lake", next(path for path in lake.landing.rglob("*.csv")))
    witness.hear("sql", "--lake", lake.landing, "SELECT 1")
    gone = lake.write("clinic/patients/2025-07-03/Zq000009 Sentinel.csv", "x")
    gone.unlink()
    gone.symlink_to("nowhere")
    assert witness.hear(*lake.arguments()).returncode == 3
    gone.unlink()
    heard = [(command, said) for command, said in witness.heard if "Zq" not in command]
    assert [one for one in heard if found_in(one[1], [])] == []


def test_watch_and_replay_tell_no_sentinel(planted):
    lake, planter, witness = planted
    witness.hear("quarantine", "replay", *lake.arguments()[1:])
    lake.write(
        "clinic/patients/2025-07-04/Zq000010 Sentinel.csv",
        f"patient_id,name,gender\n{planter.text()},{planter.text()},F\n{planter.text()},{planter.text()},{planter.text()}\n",
    )
    arguments = ["watch", *map(str, lake.arguments()[1:-1])]
    watching = subprocess.Popen([BINARY, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=witness.environment)
    time.sleep(8)
    watching.send_signal(signal.SIGINT)
    said, _ = watching.communicate(timeout=60)
    assert b"1 files taken" in said
    witness.heard.append((" ".join(arguments), said))
    assert told(witness, planter) == []
    assert findings(lake.folder, planter.doubles) == []


def test_upkeep_and_a_rotation_tell_no_sentinel(planted):
    lake, planter, witness = planted
    at = ["--lake", lake.folder]
    for more in (["--dry-run"], ["--keep-versions-for", "0s"], ["--json"], ["--keep-versions-for", "soon"]):
        witness.hear("maintain", *at, *more)
    landing = ["--landing", lake.landing]
    for more in (["--dry-run"], [], ["--yes"]):
        witness.hear("rotate-key", *at, *landing, *more)
    assert witness.heard[-1][1].count(b"sha256") == 1, witness.heard[-1][1]
    witness.hear("rotate-key", *at, "--landing", next(path for path in lake.landing.rglob("*.csv")), "--yes")
    witness.hear(*lake.arguments())
    assert told(Witness.of(one for one in witness.heard if ".csv" not in one[0]), planter) == []
    assert findings(lake.folder, planter.doubles) == []
    reports = [path.read_text() for path in (lake.folder / "_carelake").rglob("*.json")]
    assert not any(HEADER in report for report in reports)
