"""Disease-risk baselines: from landing to a model and its card, without a look ahead."""

import json
import random
from datetime import date, timedelta

import pytest
from conftest import Lake, carelake
from synthea_files import Export, moment

TODAY = date(2025, 6, 30)
DIABETES, HYPERTENSION = "44054006", "59621000"
OTHERS = ("444814009", "195662009", "74400008", "66383009")


def patients_of(number: int, ill: float = 0.4, seed: int = 7) -> dict[str, dict]:
    """Adults with visits over fifteen years; some get diabetes, the heavier ones more often."""
    rng, people = random.Random(seed), {}
    for place in range(number):
        visits = sorted(rng.sample(range(200, 5400), rng.randint(6, 20)))
        weight = rng.gauss(28, 5)
        sick = rng.random() < ill * (1.6 if weight > 28 else 0.4)
        people[f"p{place}"] = {
            "born": date(rng.randint(1940, 1985), rng.randint(1, 12), rng.randint(1, 28)),
            "gender": rng.choice("MF"),
            "visits": [TODAY - timedelta(days=days) for days in visits][::-1],
            "weight": weight,
            "sick": rng.randint(2, len(visits) - 1) if sick else None,
        }
    return people


def export_of(people: dict[str, dict], later: int | None = None) -> Export:
    """Their export. With `later`, everybody who was diagnosed has other facts on that day and after it, by that seed."""
    export, rng = Export(), random.Random(11)
    for name, person in people.items():
        export.patient(name, born=person["born"].isoformat(), gender=person["gender"])
        diagnosed = None if person["sick"] is None else person["visits"][person["sick"]]
        for place, day in enumerate(person["visits"]):
            encounter, weight = f"{name}-{place}", round(person["weight"] + rng.gauss(0, 1), 1)
            code, drug = rng.choice(OTHERS), rng.choice(["314076", "860975"])
            if later is not None and diagnosed and day >= diagnosed:
                continue
            export.stay(encounter, name, day.isoformat(), day.isoformat(), kind="ambulatory")
            export.add("observations", date=moment(day.isoformat()), patient=name, encounter=encounter, code="39156-5", value=str(weight), type="numeric")
            export.condition(name, encounter, code, day.isoformat(), (day + timedelta(days=30)).isoformat())
            export.fill(name, day, day + timedelta(days=30), code=drug)
        if diagnosed:
            export.condition(name, f"{name}-{person['sick']}", DIABETES, diagnosed.isoformat())
            if later is not None:
                after(export, random.Random(f"{later} {name}"), name, diagnosed)
    return export


def after(export: Export, rng: random.Random, name: str, diagnosed: date):
    """Anything at all from the day of the diagnosis on, the disease itself again included."""
    for place in range(rng.randint(0, 6)):
        day = diagnosed + timedelta(days=rng.choice([0, 0, 1, rng.randint(0, 900)]))
        encounter = f"{name}-later-{place}"
        export.stay(encounter, name, day.isoformat(), day.isoformat(), kind=rng.choice(["inpatient", "ambulatory"]))
        export.condition(name, encounter, rng.choice([DIABETES, HYPERTENSION, *OTHERS]), day.isoformat())
        export.fill(name, day, day + timedelta(days=90), code=rng.choice(["314076", "111"]))
        value = str(rng.randint(1, 99))
        export.add(
            "observations",
            date=moment(day.isoformat()),
            patient=name,
            encounter=encounter,
            code=rng.choice(["39156-5", "4548-4", "8480-6"]),
            value=value,
            type="numeric",
        )


def lake_of(folder, export: Export) -> Lake:
    lake = Lake(folder)
    # Lakes of one key have the same pseudonyms.
    (lake.folder / "identity").mkdir(parents=True)
    (lake.folder / "identity/.key").write_text("a" * 64)
    (lake.folder / "identity/.key").chmod(0o600)
    export.write(lake)
    lake.run()
    return lake


def rows(lake: Lake) -> list[dict]:
    return lake.sql("SELECT * FROM disease_risk_features WHERE cohort = 'diabetes' ORDER BY patient_id")


def train(lake: Lake, *more) -> dict:
    return json.loads(carelake("risk", "--lake", lake.folder, "--target", "diabetes", "--json", *more).stdout)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    people = patients_of(500)
    return people, lake_of(tmp_path_factory.mktemp("risk"), export_of(people))


@pytest.fixture(scope="module")
def trained(clinic):
    return train(clinic[1])


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_on_or_after_the_first_diagnosis_changes_a_row(clinic, tmp_path, seed):
    people, lake = clinic
    before = rows(lake)
    assert sum(row["diagnosed"] == "true" for row in before) > 50
    assert rows(lake_of(tmp_path, export_of(people, later=seed))) == before


def test_what_came_before_the_first_diagnosis_does_change_rows(clinic, tmp_path):
    people, lake = clinic
    export = export_of(people)
    name, person = next((name, person) for name, person in people.items() if person["sick"])
    day = person["visits"][person["sick"]] - timedelta(days=1)
    export.condition(name, f"{name}-0", "38341003", day.isoformat())
    changed = [(old, new) for old, new in zip(rows(lake), rows(lake_of(tmp_path, export)), strict=True) if old != new]
    ((old, new),) = changed
    assert int(new["condition_count"]) == int(old["condition_count"]) + 1


def test_a_model_stands_beside_age_and_gender_alone(clinic, trained):
    _, lake = clinic
    counted = {
        row["diagnosed"]: int(row["n"]) for row in lake.sql("SELECT diagnosed, COUNT(*) AS n FROM disease_risk_features WHERE cohort = 'diabetes' GROUP BY 1")
    }
    assert (trained["cases"], trained["controls"]) == (counted["true"], counted["false"])
    assert sum(trained["excluded"].values()) + trained["cases"] + trained["controls"] == 500
    found, alone = trained["evaluation"], trained["baseline"]["evaluation"]
    assert found["rows"] == alone["rows"]
    assert found["positives"] == alone["positives"]
    assert trained["prevalence"] == found["positives"] / found["rows"]
    # Weight decides here, and age does not.
    assert found["auroc"] > alone["auroc"] + 0.05
    assert {"auroc", "pr_auc", "brier", "calibration_slope", "calibration"} <= found.keys()
    assert {"trees", "forest"} == trained["others"].keys()


def test_patients_who_measure_do_not_teach(clinic, trained):
    assert trained["train_until"] < trained["evaluate_from"]
    sides = [
        clinic[1].sql(f"SELECT patient_id FROM disease_risk_features WHERE cohort = 'diabetes' AND index_date {side}")
        for side in (f"<= DATE '{trained['train_until']}'", f">= DATE '{trained['evaluate_from']}'")
    ]
    teach, measure = ({row["patient_id"] for row in side} for side in sides)
    assert (len(teach), len(measure)) == (trained["train_rows"], trained["evaluation"]["rows"])
    assert not teach & measure


def test_the_card_says_what_the_figures_are_unfit_for(clinic, trained):
    where = ("--lake", clinic[1].folder, "--target", "diabetes", "--version", trained["version"])
    for page in (carelake("model", "card", *where).stdout, carelake("model", "card", "--html", *where).stdout):
        for words in (
            "synthetic",
            "unfit for care",
            "first diagnosis of diabetes",
            "age and gender alone",
            "the rate of the outcome",
            "a case that nobody looks for",
        ):
            assert words in page, words
        assert "missed slot" not in page
        assert "appointment" not in page
    assert "diagnosed" in carelake("model", "show", *where).stdout


def test_targets_and_sources_have_models_of_their_own(clinic, trained):
    _, lake = clinic
    of_source = train(lake, "--source", "synthea", "--only")
    assert (trained["model"], of_source["model"]) == ("risk_diabetes", "risk_diabetes.synthea")
    assert of_source["version"] == 1
    assert of_source["champion_before"] is None
    folder = lake.folder / "_carelake/models"
    before = [file.read_bytes() for file in folder.glob("risk_diabetes/champion.json")]
    carelake("model", "promote", "--lake", lake.folder, "--target", "diabetes", "--source", "synthea", "--version", 1)
    assert json.loads((folder / "risk_diabetes.synthea/champion.json").read_text())["version"] == 1
    assert [file.read_bytes() for file in folder.glob("risk_diabetes/champion.json")] == before
    listed = carelake("model", "list", "--lake", lake.folder).stdout
    assert "risk_diabetes " in listed
    assert "risk_diabetes.synthea " in listed
    refused = carelake("score", "--lake", lake.folder, check=False)
    assert refused.returncode == 2
    assert "no source has a model in use" in refused.stderr


def test_the_same_rows_and_seed_give_the_same_file(clinic, trained):
    assert train(clinic[1], "--threads", 1)["sha256"] == trained["sha256"]


def refusal(lake: Lake, *arguments) -> str:
    done = carelake("risk", "--lake", lake.folder, *arguments, check=False)
    assert done.returncode == 2, done.stdout
    return done.stderr


def test_one_outcome_alone_is_refused(tmp_path):
    people = {name: person for name, person in patients_of(300).items() if person["sick"]}
    assert "diagnosed is true in all" in refusal(lake_of(tmp_path, export_of(people)), "--target", "diabetes")


def test_an_unknown_target_is_refused_with_those_there_are(clinic):
    _, lake = clinic
    assert "there are diabetes" in refusal(lake, "--target", "gout")
    assert "no patient of north" in refusal(lake, "--target", "diabetes", "--source", "north")
    assert "small letters" in refusal(lake, "--target", "../diabetes")


def test_a_generated_hospital_gives_a_baseline(tmp_path):
    lake = Lake(tmp_path)
    carelake("generate", "--patients", 400, "--seed", 3, "--as-of", TODAY, "--out", lake.landing)
    for other in lake.landing.iterdir():
        if other.is_dir() and other.name != "synthea":
            other.rename(other.with_name("." + other.name))
    lake.run()
    report = json.loads(carelake("risk", "--lake", lake.folder, "--target", "hypertension", "--json").stdout)
    assert report["cases"] > 20
    assert report["controls"] > 20
    assert 0 <= report["evaluation"]["auroc"] <= 1
    for group in report["evaluation"]["groups"]:
        assert group["rows"] is None or group["rows"] >= 11
