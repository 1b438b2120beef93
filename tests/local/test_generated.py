"""A generated hospital of all feeds: every planted error is found, and nothing else is."""

import json
from collections import Counter, defaultdict

import pytest
from conftest import Lake, carelake


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    lake = Lake(tmp_path_factory.mktemp("hospital"))
    carelake("generate", "--patients", 600, "--seed", 7, "--as-of", "2025-06-30", "--out", lake.landing)
    manifest = json.loads((lake.landing / "manifest.json").read_text())
    return lake, lake.run(), manifest


def test_rows_in_are_accepted_rejected_or_deduplicated(hospital):
    _, report, manifest = hospital
    files = defaultdict(Counter)
    for file in manifest["files"]:
        files[file["source"], file["dataset"]].update(rows_in=file["rows_in"], waiting=file["rejected_at_conform"], accepted=file["accepted"])
    for one in report["datasets"]:
        expected = files[one["source"], one["dataset"]]
        assert one["rows_in"] == one["accepted"] + one["rejected"] + one["deduplicated"] == expected["rows_in"]
        assert one["waiting"] == expected["waiting"]
        assert one["accepted"] == expected["accepted"] - expected["waiting"]


def test_every_rule_fails_exactly_as_often_as_planted(hospital):
    lake, _, manifest = hospital
    expected = Counter()
    for file in manifest["files"]:
        for check in file["checks"]:
            if check["outcome"] != "deduplicated":
                expected[file["source"], check["rule"]] += check["count"]
    found = {key: check["failed"] for key, check in lake.quality().items() if check["failed"]}
    assert found == {key: count for key, count in expected.items() if count}


def test_every_rejected_row_is_the_planted_one(hospital):
    lake, _, manifest = hospital
    expected = Counter()
    for file in manifest["files"]:
        for check in file["checks"]:
            if check["outcome"] == "rejected":
                expected.update((file["source"], check["rule"], row) for row in check["rows"])
    found = Counter()
    for source in {file["source"] for file in manifest["files"]}:
        feed = next(file["feed"] for file in manifest["files"] if file["source"] == source)
        for row in lake.quarantined(f"{feed}."):
            if row["severity"] == "reject" and row["source"] == source:
                found[source, row["rule"], row["_row"]] += 1
    assert found == expected


def test_deduplicated_rows_are_the_planted_repeats(hospital):
    _, report, manifest = hospital
    expected = Counter()
    for file in manifest["files"]:
        for check in file["checks"]:
            if check["outcome"] == "deduplicated":
                expected[file["source"], file["dataset"]] += check["count"]
    found = {(one["source"], one["dataset"]): one["deduplicated"] for one in report["datasets"] if one["deduplicated"]}
    assert found == dict(expected)


def test_a_second_run_takes_nothing_and_changes_nothing(hospital):
    lake, _, manifest = hospital
    report = lake.run()
    assert report["datasets"] == []
    assert report["changed_tables"] == []
    assert report["known_files"] == len(manifest["files"])


def test_rejects_do_not_fail_a_run_unless_asked(tmp_path):
    lake = Lake(tmp_path)
    lake.write("clinic/doctors/doctors.csv", "doctor_id,name,specialization,hospital\nD1,,Cardiology,North\n")
    assert carelake(*lake.arguments(), check=False).returncode == 0
    lake.write("clinic/doctors/more.csv", "doctor_id,name,specialization,hospital\nD2,,Cardiology,North\n")
    assert carelake(*lake.arguments("--fail-on-reject"), check=False).returncode == 1


def test_the_five_totals_of_cost_agree(hospital):
    """On the network feed at its reference size: 600 patients, 60 doctors, 1,500 visits, 2,000 treatments, and planted errors."""
    lake, report, _ = hospital
    rows = {one["dataset"]: one["accepted"] for one in report["datasets"] if one["source"] == "network"}
    assert rows["patients"] >= 600
    assert rows["doctors"] >= 60
    assert rows["visits"] >= 1_500
    assert rows["treatments"] >= 2_000
    views = ("treatment_type_summary", "insurance_summary", "revenue_by_age_group", "countrywise_cost_summary", "department_treatment_summary")
    totals = {}
    for view in views:
        totals[view] = lake.one(f"SELECT sum(total_cost) FROM gold.{view}")
    totals["fact"] = lake.one("SELECT sum(treatment_cost) FROM gold.fact_treatments")
    assert len(set(totals.values())) == 1, totals


def test_marts_stand_where_the_model_says(hospital):
    lake, _, _ = hospital
    gold = lake.folder / "gold"
    assert any(gold.glob("dim_patients/source=*/country=*/*.parquet"))
    assert any(gold.glob("dim_visits/source=*/department=*/*.parquet"))
    assert any(gold.glob("fact_treatments/source=*/*.parquet"))
    history = carelake("history", "--lake", lake.folder, "fact_treatments").stdout
    assert "WRITE" in history
    assert "OPTIMIZE" not in history, "marts are written in their order"
