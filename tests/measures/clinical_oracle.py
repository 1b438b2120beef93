"""Journeys, latencies, stays, demographics and features, counted in plain loops: written from the definitions, not from the SQL."""

from collections import Counter, defaultdict
from datetime import date, datetime
from statistics import mean, median

GROUPS = ((17, "0-17"), (34, "18-34"), (49, "35-49"), (64, "50-64"), (120, "65+"))


def day_of(text: str) -> date | None:
    return date.fromisoformat(text[:10]) if text else None


def moment_of(text: str) -> datetime | None:
    return datetime.fromisoformat(text.removesuffix(" UTC")) if text else None


def years(born: date | None, day: date) -> int | None:
    if born is None or born > day:
        return None
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def group_of(age: int | None) -> str:
    if age is None:
        return "Unknown"
    return next((name for most, name in GROUPS if age <= most), "Unknown")


class Silver:
    """The silver tables of a lake, by source and patient."""

    def __init__(self, lake, as_of: date):
        self.as_of = as_of
        self.patients = {(row["source"], row["patient_id"]): row for row in lake.sql("SELECT * FROM silver.patients")}
        self.tables = {name: lake.sql(f"SELECT * FROM silver.{name}") for name in ("encounters", "conditions", "medications", "observations")}
        self.measures = {row["code"]: row["measure"] for row in lake.sql("SELECT * FROM codes.observation_measures")}
        self.encounters = {(row["source"], row["encounter_id"]): row for row in self.tables["encounters"]}

    def by_patient(self, table: str) -> dict[tuple, list[dict]]:
        found = defaultdict(list)
        for row in self.tables[table]:
            found[row["source"], row["patient_id"]].append(row)
        return found

    def age(self, patient: tuple, day: date) -> int | None:
        row = self.patients.get(patient)
        if row is None:
            return None
        died = day_of(row["death_date"])
        return years(day_of(row["birth_date"]), min(day, died) if died else day)

    def cells(self, patient: tuple) -> list[tuple]:
        row = self.patients[patient]
        gender, race, group = row["gender"], row["race"] or "Unknown", group_of(self.age(patient, self.as_of))
        return [("All", "All", "All"), (gender, "All", "All"), ("All", race, "All"), ("All", "All", group), (gender, race, group)]


def journeys(silver: Silver) -> dict[tuple, tuple]:
    encounters, medications = silver.by_patient("encounters"), silver.by_patient("medications")
    found = {}
    for patient, rows in silver.by_patient("conditions").items():
        firsts = {code: min(day_of(row["start_date"]) for row in rows if row["code"] == code) for code in {row["code"] for row in rows}}
        order = sorted(firsts, key=lambda code: (firsts[code], code))
        for code in order:
            stops = [day_of(row["stop_date"]) for row in rows if row["code"] == code and row["stop_date"]]
            treated = [day_of(row["start_at"]) for row in medications[patient] if row["reason_code"] == code]
            before = after = 0
            if treated:
                visits = {row["encounter_id"]: day_of(row["encounter_date"]) for row in encounters[patient]}
                before = sum(day < min(treated) for day in visits.values())
                after = sum(day >= min(treated) for day in visits.values())
            days = (min(treated) - firsts[code]).days if treated else None
            found[(*patient, code)] = (order.index(code) + 1, firsts[code], days, min(stops, default=None), before, after)
    return found


def latencies(silver: Silver) -> dict[tuple, tuple]:
    values, excluded = defaultdict(list), Counter()
    for row in silver.tables["conditions"]:
        encounter = silver.encounters.get((row["source"], row["encounter_id"]))
        days = (day_of(row["start_date"]) - day_of(encounter["encounter_date"])).days if encounter else None
        for key in ((row["source"], row["code"]), (row["source"], "All")):
            values[key] += [] if days is None or days < -1 else [max(0, days)]
            excluded[key] += days is not None and days < -1
    return {key: (len(those), mean(those) if those else None, median(those) if those else None, excluded[key]) for key, those in values.items()}


def stays(silver: Silver) -> dict[tuple, tuple]:
    carried = defaultdict(set)
    for row in silver.tables["encounters"]:
        if row["encounter_class"] == "inpatient" and row["reason_code"]:
            carried[row["source"], row["reason_code"]].add(row["encounter_id"])
    for row in silver.tables["conditions"]:
        encounter = silver.encounters.get((row["source"], row["encounter_id"]))
        if encounter and encounter["encounter_class"] == "inpatient":
            carried[row["source"], row["code"]].add(row["encounter_id"])
    found = {}
    for (source, code), names in carried.items():
        spans = [(moment_of(silver.encounters[source, name]["start_at"]), moment_of(silver.encounters[source, name]["stop_at"])) for name in names]
        spans = [(start, stop) for start, stop in spans if stop]
        nights = [(stop.date() - start.date()).days for start, stop in spans]
        exact = [int((stop - start).total_seconds()) / 86400 for start, stop in spans]
        averages = (mean(exact), mean(nights), mean(max(1, days) for days in nights)) if spans else (None,) * 3
        found[source, code] = (len(spans), *averages)
    return found


def by_age(silver: Silver) -> dict[tuple, tuple]:
    """Encounters and patients of each code and age group."""
    encounters, patients = defaultdict(set), defaultdict(set)
    for row in silver.tables["conditions"]:
        patient = (row["source"], row["patient_id"])
        key = (row["source"], row["code"], group_of(silver.age(patient, day_of(row["start_date"]))))
        encounters[key].add(row["encounter_id"])
        patients[key].add(row["patient_id"])
    return {key: (len(encounters[key]), len(patients[key])) for key in encounters}


def prevalence(silver: Silver) -> dict[tuple, tuple]:
    cells, affected = defaultdict(set), defaultdict(set)
    for patient in silver.patients:
        for cell in silver.cells(patient):
            cells[(patient[0], *cell)].add(patient)
    for row in silver.tables["conditions"]:
        patient = (row["source"], row["patient_id"])
        if patient in silver.patients:
            for cell in silver.cells(patient):
                affected[(patient[0], row["code"], *cell)].add(patient)
    return {key: (len(ill), len(cells[(key[0], *key[2:])])) for key, ill in affected.items()}


def values(silver: Silver) -> dict[tuple, dict[str, list[tuple]]]:
    """The numeric values of each patient by measure, oldest first."""
    found = defaultdict(lambda: defaultdict(list))
    for row in silver.tables["observations"]:
        if row["code"] in silver.measures and row["value_number"] and day_of(row["observed_at"]) <= silver.as_of:
            entry = (moment_of(row["observed_at"]), float(row["value_number"]))
            found[row["source"], row["patient_id"]][silver.measures[row["code"]]].append(entry)
    return {patient: {name: sorted(those) for name, those in measures.items()} for patient, measures in found.items()}


def averages(silver: Silver, names: tuple[str, ...]) -> dict[tuple, tuple]:
    """For each cell the patients with any of the measures, and the mean of their latest values of each."""
    people, latest = defaultdict(set), defaultdict(list)
    for patient, measures in values(silver).items():
        for name in set(names) & measures.keys():
            if patient in silver.patients:
                for cell in silver.cells(patient):
                    people[(patient[0], *cell)].add(patient)
                    latest[(patient[0], *cell), name].append(measures[name][-1][1])
    return {cell: (len(those), *(mean(latest[cell, name]) if latest[cell, name] else None for name in names)) for cell, those in people.items()}


def features(silver: Silver) -> dict[tuple, tuple]:
    tables = {name: silver.by_patient(name) for name in ("encounters", "conditions", "medications")}
    observed, found = values(silver), {}

    def until(rows, column):
        return [row for row in rows if day_of(row[column]) <= silver.as_of]

    for patient in silver.patients:
        conditions = until(tables["conditions"][patient], "start_date")
        active = {row["code"] for row in conditions if not row["stop_date"] or day_of(row["stop_date"]) > silver.as_of}
        visits = until(tables["encounters"][patient], "encounter_date")
        measures = observed.get(patient, {})

        def average(name, measures=measures):
            return mean(value for _, value in measures[name]) if name in measures else None

        def last(name, measures=measures):
            return measures[name][-1][1] if name in measures else None

        found[patient] = (
            silver.age(patient, silver.as_of),
            len({row["code"] for row in conditions}),
            len(active),
            len({row["code"] for row in until(tables["medications"][patient], "start_at")}),
            len(visits),
            sum(row["encounter_class"] == "inpatient" for row in visits),
            average("bmi"),
            last("bmi"),
            average("systolic"),
            average("diastolic"),
            last("hba1c"),
            last("total_cholesterol"),
        )
    return found
