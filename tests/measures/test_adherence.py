"""Adherence (PDC): the golden cases one by one, thousands of random histories, the real exports."""

import random
from collections import Counter, defaultdict
from datetime import date, timedelta

import pytest
from adherence_oracle import Fill, adherence
from conftest import Lake
from synthea_files import Export, real_ids

AS_OF = date(2025, 6, 30)
LISINOPRIL, LOSARTAN, LOPINAVIR = "314076", "979492", "597730"


def golden() -> Export:
    export = Export()

    def history(patient, *fills, **about):
        export.patient(patient, **about)
        for start, stop, *code in fills:
            export.fill(patient, start, stop, code=code[0] if code else LISINOPRIL)

    history("early", ("2018-01-01", "2018-04-01"), ("2018-03-25", "2018-06-23"))
    history("autumn", ("2018-10-04", "2018-11-03"), ("2018-11-01", "2018-12-01"))
    history("cascade", ("2018-01-01", "2018-01-31"), ("2018-01-11", "2018-02-10"), ("2018-01-21", "2018-02-20"), ("2018-06-01", "2018-07-01"))
    history("other", ("2018-01-01", "2018-04-01"), ("2018-03-25", "2018-06-23", LOSARTAN))
    history("strength", ("2018-01-01", "2018-04-01"), ("2018-03-25", "2018-06-23", "314077"))
    history("full", ("2024-01-01", "2024-07-01"), ("2024-07-01", "2025-01-01"))
    history("hoard", *((f"2024-0{month}-01", f"2025-0{month}-01") for month in range(1, 7)))
    history("last", ("2024-10-01", "2024-12-01"), ("2024-11-01", "2024-12-01"))
    history("too_late", ("2024-10-02", "2024-12-01"), ("2024-11-01", "2024-12-01"))
    history("once", ("2024-01-01", "2024-04-01"), ("2024-01-01", "2024-04-01", "314077"))
    history("child", ("2024-01-01", "2024-04-01"), ("2024-04-01", "2024-07-01"), born="2006-01-02")
    history("grown", ("2024-01-01", "2024-04-01"), ("2024-04-01", "2024-07-01"), born="2006-01-01")
    history("dead", ("2024-01-01", "2024-01-31"), ("2024-01-31", "2024-03-01"), died="2024-01-31")
    history("hiv", ("2024-01-01", "2024-07-01", LOPINAVIR), ("2024-07-01", "2024-11-07", LOPINAVIR))
    history("heart", ("2024-01-01", "2024-07-01"), ("2024-07-01", "2024-11-07"))
    export.patient("ageless", born="")
    export.fill("ageless", "2024-01-01", "2024-04-01")
    return export


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    lake = Lake(tmp_path_factory.mktemp("adherence"))
    golden().write(lake)
    lake.run()
    return lake


@pytest.fixture(scope="module")
def supply(lake):
    names, found = real_ids(lake), defaultdict(list)
    for row in lake.sql("SELECT * FROM medication_supply ORDER BY covered_from"):
        found[names[row["patient_id"]]].append((row["covered_from"], row["covered_to"]))
    return found


@pytest.fixture(scope="module")
def measured(lake):
    names = real_ids(lake)
    return {names[row["patient_id"]]: row for row in lake.sql("SELECT * FROM medication_adherence")}


def test_an_early_refill_of_the_same_drug_covers_the_days_after_the_supply(supply):
    assert supply["early"] == [("2018-01-01", "2018-03-31"), ("2018-04-01", "2018-06-29")]


def test_30_days_on_november_1_after_30_days_on_october_4(supply):
    assert supply["autumn"] == [("2018-10-04", "2018-11-02"), ("2018-11-03", "2018-12-02")]


def test_early_refills_cascade_and_a_gap_ends_the_cascade(supply):
    assert supply["cascade"] == [
        ("2018-01-01", "2018-01-30"),
        ("2018-01-31", "2018-03-01"),
        ("2018-03-02", "2018-03-31"),
        ("2018-06-01", "2018-06-30"),
    ]


def test_another_drug_of_the_class_does_not_shift_and_a_shared_day_counts_once(supply, measured):
    assert supply["other"] == [("2018-01-01", "2018-03-31"), ("2018-03-25", "2018-06-22")]
    assert measured["other"]["covered_days"] == str((date(2018, 6, 22) - date(2018, 1, 1)).days + 1)


def test_another_strength_of_the_ingredient_shifts(supply):
    assert supply["strength"] == supply["early"]


def test_a_full_leap_year_is_366_of_366(measured):
    row = measured["full"]
    assert (row["covered_days"], row["period_days"], float(row["pdc"]), row["is_adherent"]) == ("366", "366", 1.0, "true")


def test_supply_is_capped_at_the_end_of_the_period(measured):
    assert (measured["hoard"]["covered_days"], float(measured["hoard"]["pdc"])) == ("366", 1.0)


def test_the_index_fill_lies_91_days_before_the_end(measured):
    assert (measured["last"]["exclusion"], measured["last"]["period_days"]) == ("", "92")
    assert measured["too_late"]["exclusion"] == "index_fill_too_late"


def test_two_fills_on_one_day_are_not_two_dates(measured):
    assert (measured["once"]["exclusion"], measured["once"]["fills"]) == ("fewer_than_two_fills", "2")


def test_adults_only(measured):
    assert (measured["child"]["exclusion"], measured["grown"]["exclusion"], measured["ageless"]["exclusion"]) == ("minor", "", "unknown_age")


def test_the_period_ends_with_the_patient(measured):
    assert (measured["dead"]["covered_days"], measured["dead"]["period_days"]) == ("31", "31")


def test_antiretrovirals_need_nine_days_of_ten(measured):
    assert measured["hiv"]["pdc"] == measured["heart"]["pdc"]
    assert 0.80 <= float(measured["hiv"]["pdc"]) < 0.90
    assert (measured["hiv"]["is_adherent"], measured["heart"]["is_adherent"]) == ("false", "true")


def summed(lake):
    """Checks the summary of every class and year; their number."""
    rows = lake.sql("SELECT * FROM medication_adherence_summary")
    for row in rows:
        excluded = sum(int(value) for name, value in row.items() if name.startswith("excluded_"))
        assert int(row["patients"]) == int(row["measured"]) + excluded
        assert int(row["adherent"]) <= int(row["measured"])
    return len(rows)


def test_measured_and_excluded_add_up_to_the_patients(lake):
    assert summed(lake) > 0


def compare(lake, fills, people):
    """Every patient, class and year of the lake against days lived one by one."""
    expected = {}
    for patient, those in fills.items():
        born, died = people.get(patient, (None, None))
        for key, result in adherence(those, born, died, AS_OF).items():
            expected[(*patient, *key)] = result
    found = {}
    for row in lake.sql("SELECT * FROM medication_adherence"):
        key = (row["source"], row["patient_id"], row["drug_class"], int(row["measurement_year"]))
        days = (int(row["covered_days"]), int(row["period_days"])) if row["covered_days"] else (None, None)
        found[key] = (row["exclusion"], *days)
        if row["pdc"]:
            assert 0 < float(row["pdc"]) == days[0] / days[1] <= 1
    assert found == expected
    return Counter(result[0] for result in expected.values())


def drugs(lake):
    return {row["code"]: (row["drug_class"], row["ingredient"]) for row in lake.sql("SELECT * FROM codes.drug_ingredients")}


def silver(lake):
    """Fills and lives of the patients as silver has them."""
    known, fills = drugs(lake), defaultdict(list)
    for row in lake.sql("SELECT source, patient_id, code, CAST(start_at AS DATE) AS day, CAST(stop_at AS DATE) AS stop FROM silver.medications"):
        group = known.get(row["code"], (row["code"], row["code"]))
        stop = date.fromisoformat(row["stop"]) if row["stop"] else None
        fills[row["source"], row["patient_id"]].append(Fill(*group, date.fromisoformat(row["day"]), stop))
    people = {}
    for row in lake.sql("SELECT source, patient_id, birth_date, death_date FROM silver.patients"):
        people[row["source"], row["patient_id"]] = tuple(date.fromisoformat(row[name]) if row[name] else None for name in ("birth_date", "death_date"))
    return fills, people


def test_random_histories_agree_with_days_lived_one_by_one(tmp_path):
    lake, export, rng = Lake(tmp_path), Export(), random.Random(20240630)
    codes = [LISINOPRIL, "314077", LOSARTAN, LOPINAVIR, "860975", "999999"]
    for number in range(3000):
        patient = f"p{number}"
        start = date(rng.choice([2022, 2023, 2024, 2025]), rng.choice([1, 1, 2, 3, 6, 9, 10]), rng.randint(1, 28))
        died = (start + timedelta(days=rng.randint(-40, 400))).isoformat() if rng.random() < 0.1 else ""
        export.patient(patient, born=rng.choice(["1950-05-05", "1980-01-01", "2005-06-15", "2012-01-01", ""]), died=died)
        mine = rng.sample(codes, rng.randint(1, 3))
        day = start
        for _ in range(rng.randint(1, 9)):
            supply = rng.choice([0, 7, 30, 30, 90])
            stop = "" if rng.random() < 0.03 else day + timedelta(days=supply)
            export.fill(patient, day, stop, code=rng.choice(mine))
            day += timedelta(days=rng.choice([0, 5, 20, 28, 30, 31, 45]))
    export.write(lake)
    lake.run()
    reasons = compare(lake, *silver(lake))
    assert len(reasons) == 6, reasons
    assert summed(lake) > 0


def test_the_real_exports_agree_with_days_lived_one_by_one(real_exports):
    reasons = compare(real_exports, *silver(real_exports))
    assert reasons[""] > 1000
    assert summed(real_exports) > 0
