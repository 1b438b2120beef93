"""Journeys, latencies, stays, demographics and features, counted in plain loops: written from the definitions, not from the SQL."""

from collections import Counter, defaultdict
from datetime import date, datetime
from functools import cache
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

    @cache  # noqa: B019
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

    def age_at(self, patient: tuple, day: date) -> int | None:
        """Completed years on a day, of the dead too."""
        return years(day_of(self.patients[patient]["birth_date"]), day)

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


def features(silver: Silver, patient: tuple, day: date) -> tuple:
    """What was known of a patient before a day: counts, then values."""

    def before(table, column):
        return [row for row in silver.by_patient(table)[patient] if day_of(row[column]) < day]

    conditions, visits = before("conditions", "start_date"), before("encounters", "encounter_date")
    active = {row["code"] for row in conditions if not row["stop_date"] or day_of(row["stop_date"]) >= day}
    measures = defaultdict(list)
    for row in before("observations", "observed_at"):
        if row["code"] in silver.measures and row["value_number"]:
            measures[silver.measures[row["code"]]].append((moment_of(row["observed_at"]), float(row["value_number"])))

    def average(name):
        return mean(value for _, value in measures[name]) if measures[name] else None

    def last(name):
        return max(measures[name])[1] if measures[name] else None

    return (
        len({row["code"] for row in conditions}),
        len(active),
        len({row["code"] for row in before("medications", "start_at")}),
        len(visits),
        sum(row["encounter_class"] == "inpatient" for row in visits),
        average("bmi"),
        last("bmi"),
        average("systolic"),
        average("diastolic"),
        last("hba1c"),
        last("total_cholesterol"),
    )


def feature_dates(as_of: date) -> set[date]:
    """The as-of day and the first days of twelve months."""
    months = [as_of.year * 12 + as_of.month - 1 - back for back in range(12)]
    return {as_of, *(date(month // 12, month % 12 + 1, 1) for month in months)}


def feature_store(silver: Silver) -> dict[tuple, tuple]:
    found = {}
    for patient, row in silver.patients.items():
        born = day_of(row["birth_date"])
        for day in feature_dates(silver.as_of):
            if born is None or born < day:
                found[(*patient, day.isoformat())] = (silver.age(patient, day), *features(silver, patient, day))
    return found


def disease_risk(silver: Silver, cohorts: dict[str, set[str]]) -> dict[tuple, tuple]:
    """Exclusion, outcome and index date of each patient and cohort: decision 47, patient by patient."""
    known = defaultdict(list)
    for table, column in (("conditions", "start_date"), ("medications", "start_at"), ("encounters", "encounter_date")):
        for row in silver.tables[table]:
            known[row["source"], row["patient_id"]].append(day_of(row[column]))
    for row in silver.tables["observations"]:
        if row["code"] in silver.measures and row["value_number"]:
            known[row["source"], row["patient_id"]].append(day_of(row["observed_at"]))
    first = {patient: min(days) for patient, days in known.items() if min(days) <= silver.as_of}
    last_visit = {}
    for row in silver.tables["encounters"]:
        patient, day = (row["source"], row["patient_id"]), day_of(row["encounter_date"])
        if day <= silver.as_of:
            last_visit[patient] = max(day, last_visit.get(patient, day))
    found = {}
    for source in {patient[0] for patient in silver.patients}:
        for cohort, codes in cohorts.items():
            diagnosed = {}
            for row in silver.tables["conditions"]:
                patient, day = (row["source"], row["patient_id"]), day_of(row["start_date"])
                if row["source"] == source and row["code"] in codes and day <= silver.as_of:
                    diagnosed[patient] = min(day, diagnosed.get(patient, day))
            if diagnosed:
                people = [patient for patient in silver.patients if patient[0] == source]
                found |= {(*patient, cohort): row for patient, row in indexed(silver, people, diagnosed, first, last_visit)}
    return found


def indexed(silver: Silver, people: list, diagnosed: dict, first: dict, last_visit: dict):
    """The row of each patient of a source for one cohort."""

    def adult(patient, day):
        born = day_of(silver.patients[patient]["birth_date"])
        return born is None or (born <= day and years(born, day) >= 18)

    def counts(patient):
        return first[patient] < diagnosed[patient] and adult(patient, diagnosed[patient])

    cases = sorted(diagnosed[patient] for patient in people if patient in diagnosed and counts(patient))
    for patient in people:
        born = day_of(silver.patients[patient]["birth_date"])
        if patient not in first:
            yield patient, ("no_facts", "", "")
        elif patient in diagnosed:
            if diagnosed[patient] <= first[patient]:
                yield patient, ("no_history", "", "")
            elif not adult(patient, diagnosed[patient]):
                yield patient, ("minor", "", "")
            else:
                yield patient, ("", "true", diagnosed[patient].isoformat())
        else:
            later = [day for day in cases if day > first[patient] and adult(patient, day)]
            seed = sum((day - date(1800, 1, 1)).days for day in (first[patient], born or first[patient]))
            if not later:
                yield patient, ("no_comparable_date", "", "")
            elif last_visit.get(patient, date.min) < (day := later[seed * 7919 % len(later)]):
                yield patient, ("not_observed", "", "")
            else:
                yield patient, ("", "false", day.isoformat())
