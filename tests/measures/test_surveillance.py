"""Surveillance: EARS on worked values and random counts, trends against a count of every patient."""

import random
from collections import defaultdict
from datetime import date, timedelta
from statistics import NormalDist, mean, stdev

import pytest
from conftest import CONTRACTS, Lake
from surveillance_oracle import ears, trends
from synthea_files import Export

DAY, AS_OF = timedelta(days=1), date(2025, 6, 30)
DISEASE, OTHER, DIABETES, STAGES = "840539006", "66383009", "44054006", ("59621000", "38341003")


def land(lake: Lake, series: dict[str, list[int | None]], first=date(2024, 1, 1)):
    """Cases by day and disease; a day of None is one of which nothing arrived."""
    export, number = Export(), 0
    for code, counts in series.items():
        for place, count in enumerate(counts):
            day = first + place * DAY
            if count is not None:
                export.stay(f"any-{code}-{place}", "watch", day.isoformat(), "", kind="ambulatory")
            for _ in range(count or 0):
                number += 1
                export.patient(f"p{number}", county="Essex" if number % 2 else "Suffolk")
                export.condition(f"p{number}", f"any-{code}-{place}", code, day.isoformat())
    export.patient("watch", county="Essex")
    export.write(lake)
    lake.run()


def signals(lake, code=DISEASE, region="All") -> dict[date, dict]:
    rows = lake.sql(f"SELECT * FROM disease_signals WHERE code = '{code}' AND region = '{region}' ORDER BY day")
    return {date.fromisoformat(row["day"]): row for row in rows}


def test_ears_on_values_worked_out_by_hand(lake):
    # Baselines of the twelfth day: C1 4 6 5 5 6 4 5, C2 5 4 6 5 4 6 5; mean 5 each, sample sd 0.8165.
    land(lake, {DISEASE: [5, 5, 5, 4, 6, 5, 4, 6, 5, 5, 5, 9, 7, 5]})
    rows = signals(lake)
    day = date(2024, 1, 12)
    c1 = (9 - mean([6, 5, 4, 6, 5, 5, 5])) / stdev([6, 5, 4, 6, 5, 5, 5])
    c2 = (9 - mean([5, 4, 6, 5, 4, 6, 5])) / stdev([5, 4, 6, 5, 4, 6, 5])
    assert float(rows[day]["c1"]) == pytest.approx(c1)
    assert float(rows[day]["c2"]) == pytest.approx(c2) == pytest.approx(4.898979)
    assert float(rows[day]["c3"]) == pytest.approx(c2 - 1)
    next_c2 = (7 - mean([4, 6, 5, 4, 6, 5, 5])) / stdev([4, 6, 5, 4, 6, 5, 5])
    assert float(rows[day + DAY]["c3"]) == pytest.approx(next_c2 - 1 + c2 - 1)
    alerts = {row["day"]: row for row in lake.sql("SELECT * FROM disease_alerts WHERE region = 'All'")}
    assert (alerts["2024-01-12"]["is_c1_alert"], alerts["2024-01-12"]["is_c2_alert"], alerts["2024-01-12"]["is_c3_alert"]) == ("true",) * 3
    assert alerts["2024-01-13"]["is_c1_alert"] == "false"
    assert "2024-01-11" not in alerts


# Upper bounds of C1 at alpha 0.05 that the R package surveillance publishes for Salmonella Newport in Germany, the first
# weeks of 2011 (tests/testthat/test-earsC.R of its source). A bound is mean + z sd of seven counts; of whole numbers only
# those with these sums and sums of squares have it: 12 and 26, 12 and 26, 11 and 25, 13 and 33.
PUBLISHED = {
    (1, 1, 1, 1, 2, 3, 3): 3.278854,
    (1, 1, 1, 2, 3, 3, 1): 3.278854,
    (1, 1, 2, 3, 3, 1, 0): 3.436517,
    (1, 2, 3, 3, 1, 0, 3): 3.855617,
}


@pytest.mark.parametrize("lag", [0, 2], ids=["C1", "C2, the same two days later"])
def test_published_bounds_are_met(lake, lag):
    codes = {f"{place}{more}": [*counts, *[4] * lag, more] for place, counts in enumerate(PUBLISHED) for more in (10, 20)}
    land(lake, codes)
    quantile = NormalDist().inv_cdf(0.95)
    day = date(2024, 1, 1) + (7 + lag) * DAY
    statistic = "c2" if lag else "c1"
    for place, bound in enumerate(PUBLISHED.values()):
        low, high = (float(signals(lake, f"{place}{more}")[day][statistic]) for more in (10, 20))
        spread = 10 / (high - low)
        assert 10 - low * spread + quantile * spread == pytest.approx(bound, abs=1e-6)


def test_the_standard_deviation_is_at_least_one_half(lake):
    land(lake, {DISEASE: [1] * 10 + [2]})
    assert float(signals(lake)[date(2024, 1, 11)]["c1"]) == 2.0


def test_a_day_without_a_feed_is_missing_and_not_zero(lake):
    land(lake, {DISEASE: [4, 4, 4, None, 4, None, 4, 4, 4, 5]})
    row = signals(lake)[date(2024, 1, 10)]
    assert (row["baseline_days"], float(row["c1"])) == ("5", 2.0)
    assert date(2024, 1, 4) not in signals(lake)


def test_a_short_baseline_gives_no_statistic(lake):
    land(lake, {DISEASE: [3, 3, 3, 50, 3]})
    rows = signals(lake)
    assert [bool(rows[date(2024, 1, day)]["c1"]) for day in (3, 4, 5)] == [False, False, True]
    assert not [row for row in lake.sql("SELECT day FROM disease_alerts") if row["day"] == "2024-01-04"]


def test_findings_raise_no_alert(lake):
    land(lake, {DISEASE: [1] * 12})
    export = Export()
    for number in range(40):
        export.patient(f"q{number}")
        export.condition(f"q{number}", "any-840539006-11", "160903007", "2024-01-12", text="Full-time employment (finding)")
    export.write(lake, source="other")
    (lake.landing / "sources.toml").write_text('[sources.other]\nfeed = "synthea"\n')
    lake.run()
    assert lake.one("SELECT COUNT(*) FROM disease_signals WHERE code = '160903007'") == "0"


def test_alerts_are_ranked_and_state_the_false_alerts_to_expect(lake):
    land(lake, {DISEASE: [5, 4, 5, 6, 5, 4, 5, 6, 5, 4, 30], OTHER: [5, 4, 5, 6, 5, 4, 5, 6, 5, 4, 12]})
    rows = lake.sql("SELECT * FROM disease_alerts ORDER BY alert_rank")
    assert [int(row["alert_rank"]) for row in rows] == list(range(1, len(rows) + 1))
    assert [float(row["strength"]) for row in rows] == sorted((float(row["strength"]) for row in rows), reverse=True)
    assert rows[0]["code"] == DISEASE
    tests = lake.sql("SELECT COUNT(c1) AS a, COUNT(c2) AS b, COUNT(c3) AS c FROM disease_signals")[0]
    expected = 0.0155 * (int(tests["a"]) + int(tests["b"])) + 0.063 * int(tests["c"])
    assert {float(row["expected_false_alerts"]) for row in rows} == {float(rows[0]["expected_false_alerts"])}
    assert float(rows[0]["expected_false_alerts"]) == pytest.approx(expected)


def test_the_stated_rates_of_false_alarms_are_those_of_normal_counts():
    lines = (CONTRACTS / "codes/surveillance_methods.csv").read_text().splitlines()[1:]
    stated = {line.split(",")[0]: float(line.split(",")[2]) for line in lines}
    rng, days = random.Random(1), 60_000
    counts = [rng.gauss(0, 1) for _ in range(days)]
    alarms, above, tests = defaultdict(int), [0.0, 0.0], 0
    for day in range(9, days):
        early, late = counts[day - 9 : day - 2], counts[day - 7 : day]
        statistic = {}
        for name, baseline in (("C1", late), ("C2", early)):
            middle = sum(baseline) / 7
            statistic[name] = (counts[day] - middle) / (sum((value - middle) ** 2 for value in baseline) / 6) ** 0.5
            alarms[name] += statistic[name] > 3
        above.append(max(0.0, statistic["C2"] - 1))
        alarms["C3"] += sum(above[-3:]) > 2
        tests += 1
    for name, rate in stated.items():
        assert alarms[name] / tests == pytest.approx(rate, rel=0.1), name


def test_random_counts_agree_with_a_count_of_every_day(lake):
    rng = random.Random(20240630)
    codes = [DISEASE, OTHER, "195662009", "444814009"]
    land(lake, {code: [None if rng.random() < 0.05 else rng.choice([0, 0, 1, 2, 3, 8]) for _ in range(200)] for code in codes})
    check_signals(lake)


def check_signals(lake):
    complete, counts = defaultdict(set), defaultdict(lambda: defaultdict(set))
    for row in lake.sql("SELECT DISTINCT source, encounter_date AS day FROM silver.encounters"):
        complete[row["source"]].add(date.fromisoformat(row["day"]))
    regions = {(row["source"], row["patient_id"]): row["county"] or row["state"] for row in lake.sql("SELECT * FROM silver.patients")}
    diseases = {(row["source"], row["code"]) for row in lake.sql("SELECT * FROM condition_names WHERE is_disorder")}
    for row in lake.sql("SELECT source, patient_id, code, start_date FROM silver.conditions"):
        day = date.fromisoformat(row["start_date"])
        complete[row["source"]].add(day)
        if (row["source"], row["code"]) in diseases and day <= AS_OF:
            for region in ("All", regions.get((row["source"], row["patient_id"])) or "Unknown"):
                counts[row["source"], region, row["code"]][day].add(row["patient_id"])
    expected = {}
    for (source, region, code), days in counts.items():
        for day, values in ears({day: len(patients) for day, patients in days.items()}, complete[source]).items():
            expected[source, region, code, day.isoformat()] = values
    rows = {(row["source"], row["region"], row["code"], row["day"]): row for row in lake.sql("SELECT * FROM disease_signals")}
    assert rows.keys() == expected.keys()
    for key, values in expected.items():
        for name, value in zip(("c1", "c2", "c3"), values, strict=True):
            found = float(rows[key][name]) if rows[key][name] else None
            assert found == pytest.approx(value, abs=1e-6), (key, name)


def test_the_real_exports_agree_with_a_count_of_every_day(real_exports):
    check_signals(real_exports)


def check_trends(lake):
    parse = lambda text: date.fromisoformat(text) if text else None  # noqa: E731
    people, diagnoses = defaultdict(dict), defaultdict(list)
    for row in lake.sql("SELECT * FROM silver.patients"):
        people[row["source"]][row["patient_id"]] = (parse(row["birth_date"]), parse(row["death_date"]))
    cohorts = {row["code"]: row["cohort"] for row in lake.sql("SELECT * FROM codes.named_cohorts")}
    for row in lake.sql("SELECT * FROM silver.conditions"):
        if row["patient_id"] in people[row["source"]] and parse(row["start_date"]) <= AS_OF:
            entry = (row["patient_id"], parse(row["start_date"]), parse(row["stop_date"]))
            diagnoses[row["source"], "code", row["code"]].append(entry)
            if row["code"] in cohorts:
                diagnoses[row["source"], "cohort", cohorts[row["code"]]].append(entry)
    expected = {}
    for (source, kind, code), rows in diagnoses.items():
        for period in ("week", "month"):
            for begin, values in trends(rows, people[source], period).items():
                expected[source, kind, code, period, begin.isoformat()] = values
    found, columns = {}, ("new_cases", "patients", "active_patients", "population")
    for row in lake.sql("SELECT * FROM disease_trends"):
        found[row["source"], row["kind"], row["code"], row["period"], row["period_start"]] = tuple(int(row[name]) for name in columns)
        if int(row["population"]):
            assert 0 <= float(row["prevalence"]) == int(row["active_patients"]) / int(row["population"]) <= 1
    assert found == expected
    return found


def test_random_histories_agree_with_a_count_of_every_patient(lake):
    rng, export = random.Random(20240630), Export()
    for number in range(400):
        born = date(rng.randint(1930, 2015), rng.randint(1, 12), 1)
        died = date(2024, rng.randint(1, 12), rng.randint(1, 28)).isoformat() if rng.random() < 0.2 else ""
        export.patient(f"p{number}", born=rng.choice([born.isoformat()] * 9 + [""]), died=died)
        for _ in range(rng.randint(0, 5)):
            start = date(2023, 1, 1) + rng.randint(0, 700) * DAY
            stop = "" if rng.random() < 0.4 else (start + rng.choice([0, 1, 6, 7, 30, 90, 400]) * DAY).isoformat()
            export.condition(f"p{number}", f"e{number}", rng.choice([DISEASE, DIABETES, *STAGES]), start.isoformat(), stop)
    export.write(lake)
    lake.run()
    found = check_trends(lake)
    assert {key[2] for key in found if key[1] == "cohort"} == {"diabetes", "hypertension"}


def test_the_real_exports_agree_with_a_count_of_every_patient(real_exports):
    found = check_trends(real_exports)
    assert {key[2] for key in found if key[1] == "cohort"} == {"diabetes", "hypertension", "prediabetes"}
