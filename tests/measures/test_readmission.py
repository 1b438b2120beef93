"""Readmissions: the golden cases one by one, thousands of random histories, the real exports."""

import random
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta

import pytest
from conftest import Lake
from readmission_oracle import Stay, judge
from synthea_files import Export

POLICIES = ("crude_30d", "hwr_like_30d", "pcr_like_30d")
AS_OF = date(2025, 6, 30)
PLANNED, REHABILITATION, PSYCHIATRIC, PREGNANCY = "183495009", "56876005", "58214004", "398254007"
KINDS = {PLANNED: "planned", REHABILITATION: "rehabilitation", PSYCHIATRIC: "psychiatric", PREGNANCY: "pregnancy"}


def golden() -> Export:
    export = Export()

    def history(patient, *stays, died=""):
        export.patient(patient, died=died)
        for number, (start, stop, *code) in enumerate(stays, start=1):
            export.stay(f"{patient}-{number}", patient, start, stop, organization=f"H{number}", **({"code": code[0]} if code else {}))

    history("late", ("2024-01-02", "2024-01-05"), ("2024-08-01", "2024-08-03"))
    history("day30", ("2024-02-20", "2024-03-01"), ("2024-03-31", "2024-04-02"))
    history("day31", ("2024-02-20", "2024-03-01"), ("2024-04-01", "2024-04-02"))
    history("same", ("2024-03-01", "2024-03-05"), ("2024-03-05T18:00:00Z", "2024-03-09"), ("2024-03-20", "2024-03-22"))
    history("next", ("2024-03-01", "2024-03-05"), ("2024-03-06", "2024-03-09"))
    history("two", ("2024-03-01", "2024-03-05"), ("2024-03-12", "2024-03-14"), ("2024-03-25", "2024-03-27"))
    history("planned", ("2024-03-01", "2024-03-05"), ("2024-03-12", "2024-03-14", PLANNED), ("2024-03-25", "2024-03-27"))
    history("dead", ("2024-03-01", "2024-03-05"), died="2024-03-05")
    history("open", ("2024-03-01", ""), ("2024-03-20", "2024-03-22"))
    history("back", ("2024-03-05", "2024-03-01"))
    history("overlap", ("2024-03-01", "2024-03-05"), ("2024-03-04", "2024-03-09"), ("2024-03-09", "2024-03-12"), ("2024-04-01", "2024-04-03"))
    history("hours", ("2024-03-01T08:00:00Z", "2024-03-01T20:00:00Z"))
    history("december1", ("2024-11-20", "2024-12-01"))
    history("december2", ("2024-11-20", "2024-12-02"))
    history("birth", ("2024-03-01", "2024-03-05", PREGNANCY), ("2024-03-20", "2024-03-22"))
    history("mind", ("2024-03-01", "2024-03-05", PSYCHIATRIC))
    history("rehab", ("2024-03-01", "2024-03-05", REHABILITATION))
    history("recent", ("2025-05-20", "2025-06-01"))
    export.patient("watched")
    export.stay("watched-1", "watched", "2024-03-01", "2024-03-05")
    export.stay("watched-2", "watched", "2024-03-15", "2024-03-17", kind="observation")
    return export


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    lake = Lake(tmp_path_factory.mktemp("readmission"))
    golden().write(lake)
    lake.run()
    return lake


@pytest.fixture(scope="module")
def stays(lake):
    rows = lake.sql("SELECT * FROM readmission_stays")
    return {(row["policy"], row["stay_id"]): row for row in rows}


def outcome(stays, stay, policy="hwr_like_30d"):
    row = stays[policy, stay]
    return row["exclusion"] or {"true": "readmitted", "false": "not readmitted"}[row["is_readmitted"]]


def test_209_days_later_is_no_readmission(stays):
    for policy in POLICIES:
        assert outcome(stays, "late-1", policy) == "not readmitted"


def test_day_30_counts(stays):
    for policy in POLICIES:
        assert outcome(stays, "day30-1", policy) == "readmitted"
        assert stays[policy, "day30-1"]["days_to_readmission"] == "30"


def test_day_31_does_not_count(stays):
    for policy in POLICIES:
        assert outcome(stays, "day31-1", policy) == "not readmitted"


@pytest.mark.parametrize("patient", ["same", "next"])
def test_the_same_or_next_day_elsewhere_is_a_transfer(stays, patient):
    for policy in POLICIES[1:]:
        assert outcome(stays, f"{patient}-1", policy) == "transferred"
    assert outcome(stays, f"{patient}-1", "crude_30d") == "readmitted"


def test_the_stay_that_received_the_patient_carries_the_index(stays):
    assert (outcome(stays, "same-2"), outcome(stays, "next-2")) == ("readmitted", "not readmitted")


def test_two_readmissions_count_as_one_for_the_index(stays):
    row = stays["hwr_like_30d", "two-1"]
    assert (row["is_readmitted"], row["readmission_stay_id"]) == ("true", "two-2")


def test_planned_then_unplanned_is_no_readmission(stays):
    assert outcome(stays, "planned-1") == "not readmitted"
    assert outcome(stays, "planned-1", "pcr_like_30d") == "planned_readmission"
    assert outcome(stays, "planned-1", "crude_30d") == "readmitted"


def test_who_died_is_no_index(stays):
    assert {outcome(stays, "dead-1", policy) for policy in POLICIES} == {"died"}


def test_without_a_discharge_there_is_no_index(stays):
    assert {outcome(stays, "open-1", policy) for policy in POLICIES} == {"no_discharge"}


def test_admission_after_discharge_is_quarantined(lake, stays):
    assert ("crude_30d", "back-1") not in stays
    (row,) = lake.quarantined("synthea.encounters.stop_not_before_start")
    assert row["severity"] == "reject"


def test_overlapping_and_abutting_stays_are_one_admission(stays):
    for policy in POLICIES:
        row = stays[policy, "overlap-1"]
        assert (row["encounters"], row["discharge_at"][:10], row["organization_id"]) == ("3", "2024-03-12", "H3")
        assert outcome(stays, "overlap-1", policy) == "readmitted"
        assert (policy, "overlap-2") not in stays


def test_pcr_drops_same_day_stays_births_and_discharges_after_december_1(stays):
    for stay, why in (("hours-1", "same_day"), ("birth-1", "pregnancy"), ("december2-1", "outside_index_period")):
        assert outcome(stays, stay, "pcr_like_30d") == why
        assert outcome(stays, stay) in ("readmitted", "not readmitted")
    assert outcome(stays, "december1-1", "pcr_like_30d") == "not readmitted"


def test_hwr_leaves_psychiatry_and_rehabilitation_out(stays):
    assert (outcome(stays, "mind-1"), outcome(stays, "rehab-1")) == ("psychiatric", "rehabilitation")


def test_the_30_days_must_be_over(stays):
    assert outcome(stays, "recent-1") == "incomplete_follow_up"
    assert outcome(stays, "recent-1", "crude_30d") == "not readmitted"


def test_observation_counts_for_pcr_alone(stays):
    assert outcome(stays, "watched-1", "pcr_like_30d") == "readmitted"
    assert outcome(stays, "watched-1") == "not readmitted"


def counted(lake):
    for row in lake.sql("SELECT * FROM readmission_30d"):
        excluded = sum(int(value) for name, value in row.items() if name.startswith("excluded_"))
        assert int(row["admissions"]) == int(row["index_admissions"]) + excluded
        assert int(row["readmissions"]) <= int(row["index_admissions"])
        if int(row["index_admissions"]):
            assert float(row["readmission_rate"]) == int(row["readmissions"]) / int(row["index_admissions"])
        else:
            assert row["readmission_rate"] == ""
        yield row


def test_index_and_exclusions_add_up_to_the_admissions(lake):
    assert len(list(counted(lake))) == 3


def random_histories(export: Export, patients: int, seed: int) -> dict:
    """Stays crowded into a few months, so that they overlap, touch and follow each other."""
    rng = random.Random(seed)
    people = {}
    for number in range(patients):
        patient = f"p{number}"
        begin = datetime(rng.choice([2023, 2024, 2025]), rng.randint(1, 12), rng.randint(1, 28))
        stays = []
        for place in range(rng.randint(1, 6)):
            start = begin + timedelta(days=rng.randint(0, 75), hours=12 * rng.randint(0, 1))
            stop = None if rng.random() < 0.05 else start + timedelta(hours=12 * rng.choice([0, 1, 1, 2, 3, 5, 8, 14, 60]))
            code = rng.choice([*KINDS, *["185347001"] * 8])
            kind = "observation" if rng.random() < 0.15 else "inpatient"
            stays.append((Stay(f"{patient}-{place}", start, stop, {KINDS[code]} if code in KINDS else set()), kind))
            where = rng.choice(["code", "reasoncode", "procedure"]) if code in KINDS else "code"
            text = "" if stop is None else f"{stop:%Y-%m-%dT%H:%M:%SZ}"
            codes = {"code": code} if where == "code" else {"reasoncode": code} if where == "reasoncode" else {}
            export.stay(f"{patient}-{place}", patient, f"{start:%Y-%m-%dT%H:%M:%SZ}", text, kind=kind, **codes)
            if where == "procedure":
                export.add("procedures", start=f"{start:%Y-%m-%dT%H:%M:%SZ}", patient=patient, encounter=f"{patient}-{place}", code=code)
        died = (begin + timedelta(days=rng.randint(0, 120))).date() if rng.random() < 0.15 else None
        export.patient(patient, died=died.isoformat() if died else "")
        people[patient] = (stays, died)
    return people


def test_random_histories_agree_with_a_walk_through_the_days(tmp_path):
    lake, export = Lake(tmp_path), Export()
    people = random_histories(export, 3000, seed=20240630)
    export.write(lake)
    lake.run()
    rows = lake.sql("SELECT policy, stay_id, exclusion, readmission_stay_id, is_readmitted FROM readmission_stays")
    found = {(row["policy"], row["stay_id"]): (row["exclusion"], row["readmission_stay_id"], row["is_readmitted"]) for row in rows}
    expected = {}
    for stays, died in people.values():
        for policy in POLICIES:
            scope = [stay for stay, kind in stays if kind == "inpatient" or policy == "pcr_like_30d"]
            judged = judge(policy, scope, died, AS_OF)
            expected |= {(policy, name): result for name, result in judged.items()}
    assert found == expected
    reasons = Counter(result[0] for result in expected.values())
    assert len(reasons) == 11, reasons
    assert len(list(counted(lake))) == 3


def moment_of(text: str) -> datetime:
    return datetime.fromisoformat(text.removesuffix(" UTC"))


def test_the_real_exports_agree_with_a_walk_through_the_days(real_exports):
    lake = real_exports
    kinds = {row["code"]: row["category"] for row in lake.sql("SELECT category, code FROM codes.admission_categories")}
    of_stay = defaultdict(set)
    for row in lake.sql("SELECT source, encounter_id, code FROM silver.procedures"):
        of_stay[row["source"], row["encounter_id"]].add(row["code"])
    deaths = {(row["source"], row["patient_id"]): row["death_date"] for row in lake.sql("SELECT source, patient_id, death_date FROM silver.patients")}
    people = defaultdict(list)
    for row in lake.sql("SELECT * FROM silver.encounters WHERE encounter_class = 'inpatient'"):
        codes = {row["code"], row["reason_code"]} | of_stay[row["source"], row["encounter_id"]]
        stop = moment_of(row["stop_at"]) if row["stop_at"] else None
        stay = Stay(row["encounter_id"], moment_of(row["start_at"]), stop, {kinds[code] for code in codes if code in kinds})
        people[row["source"], row["patient_id"]].append(stay)
    expected = {}
    for (source, patient), stays in people.items():
        died = deaths.get((source, patient))
        for policy in POLICIES:
            judged = judge(policy, stays, date.fromisoformat(died) if died else None, AS_OF)
            expected |= {(source, policy, name): result for name, result in judged.items()}
    rows = lake.sql("SELECT source, policy, stay_id, exclusion, readmission_stay_id, is_readmitted FROM readmission_stays")
    found = {(row["source"], row["policy"], row["stay_id"]): (row["exclusion"], row["readmission_stay_id"], row["is_readmitted"]) for row in rows}
    assert found == expected
    assert len(list(counted(lake))) == 18
