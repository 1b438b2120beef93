"""Journeys, latencies, stays, demographics, features: random histories and the real exports against plain counts."""

import random
from collections import defaultdict
from datetime import date, timedelta

import clinical_oracle as oracle
import pytest
from conftest import Lake
from synthea_files import Export, moment

AS_OF = date(2025, 6, 30)
CODES = ("44054006", "59621000", "38341003", "74400008", "195662009", "444814009", "66383009")


def generated(lake: Lake, seed: int = 20240630, patients: int = 500) -> Lake:
    rng, export = random.Random(seed), Export()
    for number in range(patients):
        name = f"p{number}"
        born = date(rng.randint(1900, 2024), rng.randint(1, 12), rng.randint(1, 28))
        died = (date(2022, 1, 1) + timedelta(days=rng.randint(0, 1500))).isoformat() if rng.random() < 0.1 else ""
        race = rng.choice(["white", "black", "asian", ""])
        export.patient(name, born=rng.choice([born.isoformat()] * 9 + [""]), died=died, gender=rng.choice("MF"), race=race)
        for place in range(rng.randint(0, 6)):
            begin = date(2022, 1, 1) + timedelta(days=rng.randint(0, 1400))
            encounter = f"{name}-{place}"
            kind = rng.choice(["inpatient", "ambulatory", "wellness"])
            stop = (begin + timedelta(days=rng.choice([0, 0, 1, 3, 10]))).isoformat()
            stay = {"reasoncode": rng.choice(CODES)} if rng.random() < 0.5 else {}
            export.stay(encounter, name, begin.isoformat(), rng.choice([stop] * 9 + [""]), kind=kind, organization=f"H{number % 3}", **stay)
            for code in rng.sample(CODES, rng.randint(0, 3)):
                start = begin + timedelta(days=rng.choice([-5, -1, 0, 0, 0, 2, 9]))
                end = "" if rng.random() < 0.5 else (start + timedelta(days=rng.randint(0, 300))).isoformat()
                where = rng.choice([encounter] * 9 + ["nowhere"])
                export.condition(name, where, code, start.isoformat(), end)
                if rng.random() < 0.5:
                    day = begin + timedelta(days=rng.randint(-20, 60))
                    export.fill(name, day, day + timedelta(days=30), code=rng.choice(["314076", "860975"]), reasoncode=code)
            for code in rng.sample(["39156-5", "8480-6", "8462-4", "4548-4", "2093-3", "18262-6", "2085-9", "2571-8"], 4):
                value = str(round(rng.uniform(1, 200), 1))
                export.add("observations", date=moment(begin.isoformat()), patient=name, encounter=encounter, code=code, value=value, type="numeric")
    for number in range(2):
        export.add("organizations", id=f"H{number}", name=f"Hospital {number}")
    export.write(lake)
    lake.run()
    return lake


@pytest.fixture(scope="module", params=["random histories", "real exports"])
def both(request, tmp_path_factory):
    lake = generated(Lake(tmp_path_factory.mktemp("clinical"))) if request.param == "random histories" else request.getfixturevalue("real_exports")
    return lake, oracle.Silver(lake, AS_OF)


def number(text: str) -> float | None:
    return float(text) if text else None


def same(lake, view: str, key: str, columns: str, expected: dict, parse=number, where: str = ""):
    """The rows of a view are exactly the expected ones."""
    rows = lake.sql(f"SELECT * FROM {view} {where}")
    found = {tuple(row[name] for name in key.split()): tuple(parse(row[name]) for name in columns.split()) for row in rows}
    assert len(rows) == len(found) > 0, f"{view}: its key is not unique"
    assert found.keys() == expected.keys()
    for name, those in expected.items():
        for one, other in zip(found[name], those, strict=True):
            close = isinstance(one, float) and other is not None and one == pytest.approx(other, rel=1e-9, abs=1e-6)
            assert close or one == other, (name, found[name], those)


def test_journeys_count_distinct_encounters_without_fan_out(both):
    lake, silver = both

    def parse(text):
        return date.fromisoformat(text) if text.count("-") == 2 else int(text) if text else None

    columns = "event_number first_diagnosis days_to_medication recovery_date encounters_before_treatment encounters_after_treatment"
    same(lake, "patient_journey", "source patient_id code", columns, oracle.journeys(silver), parse)
    most = {patient: len(rows) for patient, rows in silver.by_patient("encounters").items()}
    for row in lake.sql("SELECT * FROM patient_journey WHERE first_medication_date IS NOT NULL"):
        total = int(row["encounters_before_treatment"]) + int(row["encounters_after_treatment"])
        assert total == most.get((row["source"], row["patient_id"]), 0)


def test_the_view_of_journeys_says_ongoing(both):
    lake, _ = both
    (row,) = lake.sql("""
        SELECT COUNT(*) AS rows, COUNT(CASE WHEN (v.recovery = 'ongoing') = (j.recovery_date IS NULL) THEN 1 END) AS alike
        FROM vw_patient_journey v
        JOIN patient_journey j ON j.source = v.source AND j.patient_id = v.patient_id AND j.code = v.code""")
    assert row["rows"] == row["alike"] == lake.one("SELECT COUNT(*) FROM patient_journey")


def test_latency_clamps_one_day_and_counts_what_it_leaves_out(both):
    lake, silver = both
    columns = "measured mean_latency_days median_latency_days excluded_starts_before_encounter"
    same(lake, "encounter_to_diagnosis_latency", "source code", columns, oracle.latencies(silver))
    (row,) = lake.sql("SELECT MIN(latency_days) AS least, COUNT(exclusion) + COUNT(latency_days) AS sum, COUNT(*) AS n FROM diagnosis_latency")
    assert (row["least"], row["sum"]) == ("0", row["n"])
    for row in lake.sql("SELECT * FROM encounter_to_diagnosis_latency"):
        excluded = int(row["excluded_starts_before_encounter"]) + int(row["excluded_unknown_encounter"])
        assert int(row["diagnoses"]) == int(row["measured"]) + excluded


def test_stays_are_measured_as_hcup_and_cms_do(both):
    lake, silver = both
    columns = "stays avg_stay_days avg_los_days avg_los_billing_days"
    same(lake, "avg_stay_duration", "source code", columns, oracle.stays(silver))


def test_encounters_and_patients_are_counted_once(both):
    lake, silver = both
    same(lake, "encounters_per_disease_by_age_group", "source code age_group", "encounters patients", oracle.by_age(silver))
    encounters, patients = defaultdict(set), defaultdict(set)
    for row in silver.tables["conditions"]:
        encounters[row["source"], row["code"]].add(row["encounter_id"])
        patients[row["source"], row["code"]].add(row["patient_id"])
    expected = {key: (len(encounters[key]), len(patients[key])) for key in encounters}
    same(lake, "encounters_per_disease", "source code", "encounters patients", expected)


def test_the_top_5_are_diseases_and_ties_go_to_the_lower_code(both):
    lake, silver = both
    diseases = {(row["source"], row["code"]) for row in lake.sql("SELECT * FROM condition_names WHERE is_disorder")}
    groups = defaultdict(list)
    for (source, code, group), (_, patients) in oracle.by_age(silver).items():
        if (source, code) in diseases:
            groups[source, group].append((-patients, code))
    expected = {(*key, str(place)): (code,) for key, those in groups.items() for place, (_, code) in enumerate(sorted(those)[:5], start=1)}
    same(lake, "top_5_conditions", "source age_group place", "code", expected, str)
    assert not lake.sql("SELECT * FROM top_5_conditions WHERE condition LIKE '%employment%'")


def test_prevalence_is_a_share_of_the_cell(both):
    lake, silver = both
    expected = oracle.prevalence(silver)
    same(lake, "prevalence", "source code gender race age_group", "patients_with_code patients", expected)
    for row in lake.sql("SELECT * FROM prevalence"):
        assert 0 < float(row["prevalence"]) == int(row["patients_with_code"]) / int(row["patients"]) <= 1


def test_averages_take_the_latest_value_of_each_patient(both):
    lake, silver = both
    key = "source gender race age_group"
    same(lake, "avg_bmi", key, "patients avg_bmi", oracle.averages(silver, ("bmi",)))
    lipids = ("total_cholesterol", "ldl_cholesterol", "hdl_cholesterol", "triglycerides")
    columns = "patients " + " ".join(f"avg_{name}" for name in lipids)
    same(lake, "avg_cholesterol", key, columns, oracle.averages(silver, lipids))


FEATURES = "condition_count active_condition_count medication_count encounter_count inpatient_count avg_bmi latest_bmi"
FEATURES += " avg_systolic avg_diastolic hba1c total_cholesterol"


def test_features_of_every_date_are_made_of_what_came_before_it(both):
    lake, silver = both
    same(lake, "patient_feature_store", "source patient_id as_of_date", f"age {FEATURES}", oracle.feature_store(silver))


def test_disease_risk_rows_are_indexed_as_the_definition_says(both):
    lake, silver = both
    cohorts = defaultdict(set)
    for row in lake.sql("SELECT cohort, code FROM codes.named_cohorts"):
        cohorts[row["cohort"]].add(row["code"])
    expected = oracle.disease_risk(silver, cohorts)
    same(lake, "disease_risk_features", "source patient_id cohort", "exclusion diagnosed index_date", expected, str)
    rows = lake.sql("SELECT * FROM disease_risk_features WHERE exclusion IS NULL")
    assert {row["diagnosed"] for row in rows} == {"true", "false"}
    for row in rows:
        patient, day = (row["source"], row["patient_id"]), date.fromisoformat(row["index_date"])
        found = (number(row["age"]), *(number(row[name]) for name in FEATURES.split()))
        wanted = (silver.age_at(patient, day), *oracle.features(silver, patient, day))
        if not silver.patients[patient]["birth_date"]:
            found, wanted = found[1:], wanted[1:]
        assert [value is None for value in found] == [value is None for value in wanted], (row["cohort"], patient)
        pairs = [(one, other) for one, other in zip(found, wanted, strict=True) if one is not None]
        assert all(one == pytest.approx(other, rel=1e-9, abs=1e-6) for one, other in pairs), (row["cohort"], patient)


def test_quality_metrics_add_up_to_their_measures(both):
    lake, _ = both
    (row,) = lake.sql("""
        SELECT SUM(index_admissions) AS indexes, SUM(readmissions) AS readmissions, SUM(adherence_measured) AS adherence,
            SUM(diagnoses_measured) AS diagnoses, SUM(mean_latency_days * diagnoses_measured) AS latency, SUM(stays) AS stays
        FROM vw_quality_metrics""")
    (policy,) = lake.sql("SELECT SUM(index_admissions) AS i, SUM(readmissions) AS r FROM readmission_30d WHERE policy = 'hwr_like_30d'")
    assert (row["indexes"], row["readmissions"]) == (policy["i"], policy["r"])
    assert row["adherence"] == lake.one("SELECT SUM(measured) FROM medication_adherence_summary")
    assert row["diagnoses"] == lake.one("SELECT COUNT(latency_days) FROM diagnosis_latency")
    assert float(row["latency"]) == pytest.approx(float(lake.one("SELECT SUM(latency_days) FROM diagnosis_latency")))
    assert row["stays"] == lake.one("SELECT COUNT(*) FROM silver.encounters WHERE encounter_class = 'inpatient' AND stop_at IS NOT NULL")
    keys = lake.sql("SELECT COUNT(*) AS n FROM (SELECT DISTINCT source, organization_id, month FROM vw_quality_metrics) k")
    assert keys[0]["n"] == lake.one("SELECT COUNT(*) FROM vw_quality_metrics")
