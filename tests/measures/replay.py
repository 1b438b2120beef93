"""A stream of daily files replayed: each day arrives, is taken, and changes the alerts. `make replay` runs it.

Four weeks of a disease with chance counts arrive at once, then a day at a time, with an outbreak in the middle. After the
last day all files are taken by a second lake in one run; the trends, signals and alerts of both must be the same.
"""

import argparse
import csv
import io
import json
import random
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

DAY = timedelta(days=1)
DISEASES = {"840539006": "COVID-19 (disorder)", "6142004": "Influenza (disorder)", "195967001": "Asthma (disorder)"}
OUTBREAK, REGIONS = "6142004", ("Essex County", "Suffolk County", "Middlesex County")
VIEWS = ("disease_trends", "disease_signals", "disease_alerts")


class Hospital:
    """Daily files of a hospital, the same for the same seed."""

    def __init__(self, seed: int, first: date, surge: dict[date, int]):
        self.chance, self.first, self.surge, self.number = random.Random(seed), first, surge, 0

    def day(self, day: date) -> dict[str, str]:
        """The text of each file of a day."""
        patients, encounters, conditions = [], [], []
        for code, text in DISEASES.items():
            cases = sum(self.chance.random() < 0.25 for _ in range(20)) + (self.surge.get(day, 0) if code == OUTBREAK else 0)
            for _ in range(cases):
                self.number += 1
                who, at = f"p{self.number}", f"e{self.number}"
                born = date(1940, 1, 1) + self.chance.randrange(25_000) * DAY
                patients.append({"Id": who, "BIRTHDATE": born, "GENDER": self.chance.choice("MF"), "COUNTY": self.chance.choice(REGIONS)})
                encounters.append({"Id": at, "START": f"{day}T10:00:00Z", "STOP": f"{day}T10:30:00Z", "PATIENT": who, "ENCOUNTERCLASS": "ambulatory"})
                conditions.append({"START": day, "STOP": "", "PATIENT": who, "ENCOUNTER": at, "CODE": code, "DESCRIPTION": text})
        return {name: sheet(rows) for name, rows in (("patients", patients), ("encounters", encounters), ("conditions", conditions))}


def sheet(rows: list[dict]) -> str:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


class Lake:
    def __init__(self, command: str, folder: Path):
        self.command, self.landing, self.folder = command, folder / "landing", folder / "lake"

    def land(self, day: date, files: dict[str, str]):
        for name, text in files.items():
            path = self.landing / f"synthea/{name}/{day}/{name}.csv"
            path.parent.mkdir(parents=True)
            path.write_text(text)

    def run(self, as_of: date) -> float:
        start = time.perf_counter()
        self.call("run", "--landing", self.landing, "--lake", self.folder, "--as-of", as_of, "--json")
        return time.perf_counter() - start

    def sql(self, query: str) -> list[dict]:
        return [json.loads(line) for line in self.call("sql", "--lake", self.folder, "--format", "json", query).splitlines()]

    def call(self, *arguments) -> str:
        done = subprocess.run([self.command, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stdout + done.stderr)
        return done.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", help="the carelake command")
    parser.add_argument("--days", type=int, default=14, help="days that arrive one by one")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    first = date(2025, 5, 1)
    begin = first + 28 * DAY
    surge = {begin + n * DAY: more for n, more in zip(range(options.days // 2, options.days), (9, 14, 12), strict=False)}
    with tempfile.TemporaryDirectory() as folder:
        stream, whole = Lake(options.command, Path(folder, "stream")), Lake(options.command, Path(folder, "whole"))
        hospital = Hospital(options.seed, first, surge)
        days = [first + n * DAY for n in range(28 + options.days)]
        for day in days[:28]:
            files = hospital.day(day)
            stream.land(day, files)
            whole.land(day, files)
        print(f"28 days in {stream.run(begin - DAY):.1f} s; then a day at a time:")
        for day in days[28:]:
            files = hospital.day(day)
            stream.land(day, files)
            whole.land(day, files)
            seconds = stream.run(day)
            (cases,) = stream.sql(f"SELECT cases FROM disease_signals WHERE code = '{OUTBREAK}' AND region = 'All' AND day = DATE '{day}'") or [{"cases": 0}]
            alerts = stream.sql(
                f"SELECT alert_rank, region, condition, cases, strength, expected_false_alerts FROM disease_alerts WHERE day = DATE '{day}' ORDER BY alert_rank"
            )
            mark = "outbreak" if day in surge else ""
            print(f"{day}  {seconds:4.1f} s  {cases['cases']:>2} cases of influenza  {mark}")
            for alert in alerts:
                print(
                    f"    alert {alert['alert_rank']} of the source: {alert['condition']}, {alert['region']}: {alert['cases']} cases, {alert['strength']:.1f} times the threshold"
                )
        (expected,) = stream.sql("SELECT COUNT(*) AS alerts, COALESCE(MAX(expected_false_alerts), 0) AS by_chance FROM disease_alerts")
        print(f"{expected['alerts']} alerts in all, {expected['by_chance']:.1f} to expect by chance, the methods added up")
        print(f"all files at once: {whole.run(days[-1]):.1f} s")
        for view in VIEWS:
            one, other = (sorted(json.dumps(row, sort_keys=True) for row in lake.sql(f"SELECT * FROM {view}")) for lake in (stream, whole))
            if one != other or not one:
                sys.exit(f"{view} differs between the stream and the whole")
            print(f"{view}: {len(one)} rows, the same from the stream and at once")


if __name__ == "__main__":
    main()
