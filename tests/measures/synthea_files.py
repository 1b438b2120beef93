"""A small synthea export written row by row, for tests of the clinical measures."""

import csv
import io
from collections import defaultdict

COLUMNS = {
    "patients": "Id BIRTHDATE DEATHDATE GENDER RACE COUNTY STATE",
    "encounters": "Id START STOP PATIENT ORGANIZATION ENCOUNTERCLASS CODE DESCRIPTION REASONCODE",
    "conditions": "START STOP PATIENT ENCOUNTER CODE DESCRIPTION",
    "medications": "START STOP PATIENT ENCOUNTER CODE DESCRIPTION DISPENSES REASONCODE",
    "procedures": "START STOP PATIENT ENCOUNTER CODE DESCRIPTION",
    "observations": "DATE PATIENT ENCOUNTER CODE DESCRIPTION VALUE UNITS TYPE",
    "organizations": "Id NAME",
}


class Export:
    """Rows by dataset; what is not said is blank."""

    def __init__(self):
        self.rows = defaultdict(list)

    def add(self, dataset: str, **values):
        self.rows[dataset].append({name.upper(): value for name, value in values.items()})

    def patient(self, patient: str, born="1950-01-01", died="", gender="F", race="white", **more):
        self.add("patients", id=patient, birthdate=born, deathdate=died, gender=gender, race=race, **more)

    def stay(self, encounter: str, patient: str, start: str, stop: str, kind="inpatient", code="185347001", **more):
        self.add("encounters", id=encounter, patient=patient, start=moment(start), stop=moment(stop), encounterclass=kind, code=code, **more)

    def fill(self, patient: str, day, stop, code="314076", **more):
        self.add("medications", patient=patient, start=moment(str(day)), stop=moment(str(stop)), code=code, description=f"drug {code}", **more)

    def condition(self, patient: str, encounter: str, code: str, start, stop="", text="", **more):
        self.add(
            "conditions", patient=patient, encounter=encounter, code=code, start=start, stop=stop, description=text or f"Disease {code} (disorder)", **more
        )

    def write(self, lake, source="synthea"):
        for dataset, rows in self.rows.items():
            names = COLUMNS[dataset].split()
            text = io.StringIO()
            writer = csv.DictWriter(text, [name.upper() for name in names], restval="", lineterminator="\n")
            text.write(",".join(names) + "\n")
            writer.writerows(rows)
            lake.write(f"{source}/{dataset}/{dataset}.csv", text.getvalue())


def moment(text: str) -> str:
    """A day as its noon; a moment as it is; blank stays blank."""
    return f"{text}T12:00:00Z" if len(text) == 10 else text


def real_ids(lake) -> dict[str, str]:
    """The patients' identifiers by pseudonym."""
    rows = lake.sql("SELECT patient_id, real_patient_id FROM identity.patients")
    return {row["patient_id"]: row["real_patient_id"] for row in rows}
