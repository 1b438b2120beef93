"""The no-show model from landing to predictions, on generated data whose true probabilities are known."""

import gzip
import hashlib
import json
import random
import shutil

import pyarrow
import pytest
from conftest import Lake, carelake

AS_OF = "2025-06-30"


def train(lake: Lake, source: str, *more) -> dict:
    return json.loads(carelake("train", "--lake", lake.folder, "--source", source, "--json", *more).stdout)


def score(lake: Lake, *more) -> dict:
    return json.loads(carelake("score", "--lake", lake.folder, "--json", *more).stdout)


def refused(*arguments) -> str:
    done = carelake(*arguments, check=False)
    assert done.returncode == 2, done.stdout
    return done.stderr


def models(lake: Lake, source: str):
    return lake.folder / "_carelake/models" / f"no_show_{source}"


def champion(lake: Lake, source: str) -> int:
    return json.loads((models(lake, source) / "champion.json").read_text())["version"]


def copy(lake: Lake, folder) -> Lake:
    shutil.copytree(lake.landing.parent, folder)
    return Lake(folder)


@pytest.fixture(scope="module")
def hospital(tmp_path_factory):
    """Both appointment feeds of a generated hospital, taken in, with a model each."""
    lake = Lake(tmp_path_factory.mktemp("scorer"))
    everything = lake.landing.parent / "everything"
    carelake("generate", "--patients", 5000, "--seed", 11, "--as-of", AS_OF, "--out", everything)
    for source in ("scheduling", "noshow_vitoria"):
        shutil.copytree(everything / source, lake.landing / source)
    signals = {one["source"]: one for one in json.loads((everything / "manifest.json").read_text())["signals"]}
    shutil.rmtree(everything)
    lake.run()
    reports = {source: train(lake, source) for source in signals}
    return lake, signals, reports


@pytest.fixture
def own(hospital, tmp_path):
    """A copy of that hospital, to be spoilt."""
    return copy(hospital[0], tmp_path / "copy")


@pytest.mark.parametrize("source", ["scheduling", "noshow_vitoria"])
def test_a_model_ranks_as_well_as_the_true_probabilities_allow(hospital, source):
    """The bound is the AUROC of the probabilities that outcomes were drawn from, the hidden propensity of a patient included."""
    _, signals, reports = hospital
    found = reports[source]["evaluation"]
    assert found["auroc"] >= signals[source]["late_best_auroc"] - 0.01
    assert found["auroc"] <= signals[source]["late_best_auroc"] + found["auroc_margin"]


@pytest.mark.parametrize("source", ["scheduling", "noshow_vitoria"])
def test_probabilities_are_calibrated(hospital, source):
    found = hospital[2][source]["evaluation"]
    assert 0.9 <= found["calibration_slope"] <= 1.1
    assert abs(found["calibration_intercept"]) < 0.15


def test_a_feature_that_a_source_does_not_send_is_left_out_and_named(hospital):
    assert "reminder_sent has no value in the training window and is not used" in hospital[2]["scheduling"]["warnings"]
    assert not [words for words in hospital[2]["noshow_vitoria"]["warnings"] if words.startswith("reminder_sent")]


def test_days_that_measure_come_after_days_that_teach(hospital):
    for report in hospital[2].values():
        assert report["train_until"] < report["evaluate_from"] <= report["evaluate_until"] <= report["as_of"]


def test_the_same_rows_and_seed_give_the_same_file_on_any_number_of_threads(own):
    before = (models(own, "noshow_vitoria") / "1/model.bin").read_bytes()
    report = train(own, "noshow_vitoria", "--only", "--threads", 1)
    assert (models(own, "noshow_vitoria") / f"{report['version']}/model.bin").read_bytes() == before


def test_a_model_takes_the_champions_place_only_when_it_is_better(own):
    again = train(own, "noshow_vitoria", "--only")
    assert (again["version"], again["promoted"], again["champion_before"]) == (2, False, 1)
    assert again["comparison"]["champion_auroc"] == again["comparison"]["challenger_auroc"]
    assert champion(own, "noshow_vitoria") == 1
    carelake("model", "promote", "--lake", own.folder, "--source", "noshow_vitoria", "--version", 2)
    assert champion(own, "noshow_vitoria") == 2
    assert "yes" in carelake("model", "list", "--lake", own.folder).stdout


def test_every_scheduled_appointment_to_come_is_scored_and_the_day_replaced(own):
    first = score(own)
    (scheduling,) = [one for one in first["sources"] if one["source"] == "scheduling"]
    wanted = own.one(f"select count(*) from silver.appointments where status = 'Scheduled' and appointment_date > DATE '{AS_OF}'")
    assert scheduling["appointments"] == int(wanted) > 0
    rows = own.sql("select * from gold.appointment_predictions order by appointment_id")
    assert len(rows) == int(wanted)
    assert all(row["reason_1"] and 0 < float(row["no_show_probability"]) < 1 for row in rows)
    score(own)
    again = own.sql("select * from gold.appointment_predictions order by appointment_id")
    assert [{**row, "prediction_timestamp": ""} for row in again] == [{**row, "prediction_timestamp": ""} for row in rows]
    expected = float(own.one("select sum(expected_no_shows) from gold.no_show_risk_by_day"))
    assert expected == pytest.approx(scheduling["expected_no_shows"])
    assert own.one("select count(*) from gold.overbooking_candidates where miss_probability < 0.9") == "0"
    drift = own.sql("select feature, psi, alarm from gold.model_drift where source = 'scheduling'")
    assert "score" in {row["feature"] for row in drift}


def test_without_appointments_to_come_it_says_so_and_succeeds(own):
    score(own)
    done = carelake("score", "--lake", own.folder, "--as-of", "2026-01-01")
    assert "no appointment is upcoming after 2026-01-01" in done.stdout
    assert int(own.one("select count(distinct prediction_date) from gold.appointment_predictions")) == 1


def test_outcomes_that_come_later_are_joined_back(own):
    score(own, "--as-of", "2025-05-31")
    weeks = own.sql("select * from gold.model_performance where source = 'scheduling' order by week_start")
    assert weeks
    assert weeks[0]["week_start"] == "2025-06-02", "05-31 is a Saturday, and nobody is seen on Sundays"
    for week in weeks:
        assert 0 <= int(week["caught_no_shows"]) <= int(week["no_shows"]) <= int(week["appointments"])


def text_of(file) -> str:
    with pyarrow.input_stream(str(file), compression="detect") as stream:
        return stream.read().decode("latin-1")


def mutate(text: str, rng: random.Random, day: str, settled: set) -> str:
    """Another future of a day: outcomes, states and changes of what is dated after it, and bookings made after it.

    Appointments in `settled` stay: those that were cancelled by then, in one of their versions.
    """
    header, *lines = text.splitlines()
    names = header.split(",")
    at = {name: names.index(name) for name in ("appointment_id", "appointment_date", "status", "no_show", "created_at", "updated_at")}
    out = [header]
    for line in lines:
        cells = line.split(",")
        if len(cells) != len(names) or '"' in line:
            out.append(line)
            continue
        if cells[at["appointment_date"]] > day and cells[at["appointment_id"]] not in settled:
            missed = rng.random() < 0.5
            cells[at["status"]] = rng.choice(["No-show", "Completed", "Scheduled"])
            cells[at["no_show"]] = "true" if missed else "false"
            cells[at["updated_at"]] = "2025-08-30T08:00:00Z"
        out.append(",".join(cells))
        if rng.random() < 0.05:
            later = list(cells)
            later[at["appointment_id"]] = f"F{rng.randrange(10**9)}"
            later[at["created_at"]] = later[at["updated_at"]] = "2025-07-01T08:00:00Z"
            out.append(",".join(later))
    return "\n".join(out) + "\n"


def predictions(lake: Lake) -> list[dict]:
    score(lake, "--as-of", AS_OF, "--source", "scheduling")
    return lake.sql(
        "select appointment_id, no_show_probability, risk_band, reason_1, reason_2, reason_3 from gold.appointment_predictions"
        " where source = 'scheduling' order by appointment_id"
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_no_field_of_the_future_changes_a_score(hospital, tmp_path, seed):
    """Outcomes, states, changes after the day, and appointments booked later are replaced; the lake's key and model stay."""
    original = hospital[0]
    expected = predictions(copy(original, tmp_path / "before"))
    other = Lake(tmp_path / "after")
    rng = random.Random(seed)
    shutil.copytree(original.landing / "scheduling", other.landing / "scheduling")
    files = [file for file in (other.landing / "scheduling/appointments").rglob("*.csv*") if file.suffix != ".zst"]
    rows = [line.split(",") for file in (other.landing / "scheduling/appointments").rglob("*.csv*") for line in text_of(file).splitlines()]
    settled = {cells[0] for cells in rows if not {"Scheduled", "Completed", "No-show"} & set(cells)}
    for file in files:
        text = mutate(text_of(file), rng, AS_OF, settled).encode("latin-1")
        file.write_bytes(gzip.compress(text, mtime=0) if file.suffix == ".gz" else text)
    (other.folder / "identity").mkdir(parents=True, mode=0o700)
    shutil.copy2(original.folder / "identity/.key", other.folder / "identity/.key")
    other.run()
    shutil.copytree(original.folder / "_carelake/models", other.folder / "_carelake/models")
    changed = int(other.one(f"select count(*) from silver.appointments where appointment_date > DATE '{AS_OF}' and no_show is not null"))
    assert changed > 100
    assert predictions(other) == expected


def test_what_cannot_be_learnt_from_is_refused_and_leaves_nothing(own):
    before = sorted(path.name for path in models(own, "scheduling").rglob("*"))
    call = ["train", "--lake", own.folder, "--source"]
    assert "nothing to learn from; outcomes are known of" in refused(*call, "scheduling", "--train-until", "2020-01-01")
    assert "nothing to measure on" in refused(*call, "scheduling", "--evaluate-from", "2030-01-01")
    assert "learnt from" in refused(*call, "scheduling", "--train-until", "2025-01-31", "--evaluate-from", "2025-01-01")
    assert "no appointment whose outcome is known" in refused(*call, "nobody")
    assert "cost" in refused(*call, "scheduling", "--cost-missed=-1")
    assert sorted(path.name for path in models(own, "scheduling").rglob("*")) == before
    assert "no model in use" in refused("score", "--lake", own.folder, "--source", "nobody")


def test_labels_of_one_kind_teach_nothing(lake):
    rows = [
        f"A{n},P{n % 40},D1,2025-0{1 + n % 5}-1{n % 9},2025-0{1 + n % 5}-1{n % 9}T09:00:00Z,30,Scan,Completed,false,,2024-12-01T08:00:00Z,2024-12-01T08:00:00Z"
        for n in range(400)
    ]
    header = "appointment_id,patient_id,physician_id,appointment_date,appointment_time,duration_minutes,reason,status,no_show,notes,created_at,updated_at"
    lake.write("scheduling/appointments/a.csv", "\n".join([header, *rows]) + "\n")
    lake.run()
    assert "all outcomes are the same" in refused("train", "--lake", lake.folder, "--source", "scheduling")
    assert not models(lake, "scheduling").exists()


def test_a_spoilt_model_is_refused_and_predictions_stay(own):
    score(own)
    count = own.one("select count(*) from gold.appointment_predictions")
    file = models(own, "scheduling") / "1/model.bin"
    good = file.read_bytes()
    for bad, words in [(good[:-100], "cut short"), (good[:-1] + bytes([good[-1] ^ 1]), "changed"), (b"", "cut short")]:
        file.write_bytes(bad)
        assert words in refused("score", "--lake", own.folder, "--source", "scheduling")
    file.unlink()
    assert "gone" in refused("score", "--lake", own.folder, "--source", "scheduling")
    assert own.one("select count(*) from gold.appointment_predictions") == count
    file.write_bytes(good)
    score(own, "--source", "scheduling")


def of_another_feature_list(file) -> None:
    """Makes the model file one that is whole, but of a feature list with another name, as an older carelake would have left it."""
    body = json.loads(file.read_bytes().splitlines()[1])
    listed = body["model"]["features"]
    listed["version"] += 1
    lines = [f"{listed['name']}\n{listed['version']}\n{listed['label']}\n", *(f"{one['name']}\t{one['kind'].title()}\n" for one in listed["feature"])]
    body["header"]["schema_hash"] = hashlib.sha256("".join(lines).encode()).hexdigest()
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()
    sealed = b"carelake-model 1 %d\n%s" % (len(text), text)
    file.write_bytes(sealed + b"\nsha256 " + hashlib.sha256(sealed).hexdigest().encode() + b"\n")
    described = file.with_name("version.json")
    version = json.loads(described.read_text()) | {"sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "bytes": file.stat().st_size}
    described.write_text(json.dumps(version))


def test_a_model_of_another_feature_list_is_refused_and_nothing_is_written(own):
    score(own, "--as-of", "2025-06-29")
    tables = ["gold.appointment_predictions", "gold.model_drift"]
    before = [own.sql(f"select * from {table}") for table in tables]
    files = sorted(str(path) for path in (own.folder / "gold").rglob("*"))
    of_another_feature_list(models(own, "scheduling") / "1/model.bin")
    for call in (["score"], ["score", "--source", "scheduling"]):
        said = refused(*call, "--lake", own.folder, "--as-of", AS_OF)
        assert "another feature list" in said, said
    assert [own.sql(f"select * from {table}") for table in tables] == before
    assert sorted(str(path) for path in (own.folder / "gold").rglob("*")) == files
    report = train(own, "scheduling", "--only")
    assert (report["promoted"], champion(own, "scheduling")) == (True, report["version"])
    assert score(own)["sources"]


def test_an_outcome_of_an_appointment_to_come_is_counted_and_not_used(hospital, tmp_path):
    """A sender claims, before the as-of day, that every appointment to come was missed."""
    original = hospital[0]
    expected = predictions(copy(original, tmp_path / "before"))
    other = copy(original, tmp_path / "after")
    wanted = {row["appointment_id"] for row in expected}
    files = sorted((other.landing / "scheduling/appointments").rglob("*.csv*"))
    header, *rows = (line for file in files for line in text_of(file).splitlines())
    names = header.split(",")
    at = {name: names.index(name) for name in ("appointment_id", "appointment_date", "status", "no_show", "updated_at")}
    whole = [row.split(",") for row in rows if row.count(",") == header.count(",") and '"' not in row]
    newest = {row[at["appointment_id"]]: row for row in sorted(whole, key=lambda row: row[at["updated_at"]])}
    ahead = [row for number, row in newest.items() if number in wanted and row[at["status"]] == "Scheduled"]
    for row in ahead:
        row[at["status"]], row[at["no_show"]], row[at["updated_at"]] = "No-show", "true", "2025-06-30T06:00:00Z"
    other.write("scheduling/appointments/claims.csv", "\n".join([header, *(",".join(row) for row in ahead)]) + "\n")
    other.run()
    outcome = "(status in ('Completed', 'No-show') or status is null and no_show is not null)"
    told = int(other.one(f"select count(*) from silver.appointments where source = 'scheduling' and appointment_date > DATE '{AS_OF}' and {outcome}"))
    assert told > 100
    assert predictions(other) == expected
    (scored,) = score(other, "--source", "scheduling")["sources"]
    assert scored["outcomes_from_the_future"] == told
    report = train(other, "scheduling", "--only")
    assert f"{told} outcomes of appointments dated after {AS_OF} are not used" in report["warnings"]
    assert report["evaluation"] == hospital[2]["scheduling"]["evaluation"]


def test_a_crash_before_the_alias_leaves_the_champion(own):
    half = models(own, "scheduling") / "2"
    half.mkdir()
    (half / "model.bin").write_bytes(b"half")
    assert score(own)["sources"]
    assert train(own, "scheduling", "--only")["version"] == 3
    assert champion(own, "scheduling") in (1, 3)


def test_the_card_is_one_page_that_needs_nothing_from_outside(own):
    markdown = carelake("model", "card", "--lake", own.folder, "--source", "scheduling").stdout
    assert "Denying" in markdown
    assert "Helping patients to come" in markdown
    page = own.folder.parent / "card.html"
    carelake("model", "card", "--lake", own.folder, "--source", "scheduling", "--html", "--out", page)
    text = page.read_text()
    assert "<svg" in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "https://" not in text


def test_a_lake_without_gold_says_what_to_do(lake):
    assert "carelake run" in refused("train", "--lake", lake.folder, "--source", "scheduling")


def test_the_real_appointments_are_learnt_from(lake, shared_data):
    file = shared_data / "noshow_vitoria/appointments_to_2016-05-25.csv.gz"
    if not file.exists():
        pytest.skip("the real appointments are not here")
    lake.land("noshow_vitoria", "appointments", file)
    lake.run()
    found = train(lake, "noshow_vitoria", "--train-until", "2016-05-18", "--only")
    assert (found["train_rows"], found["evaluation"]["rows"]) == (59_267, 16_016)
    assert found["evaluation"]["auroc"] > 0.745
    assert found["evaluation"]["brier"] < 0.1455
    assert 0.9 < found["evaluation"]["calibration_slope"] < 1.1
    assert "season is the same in the whole training window and is not used" in found["warnings"]


def test_an_erased_patient_has_no_predictions_in_any_version(own):
    score(own)
    score(own, "--as-of", "2025-06-29")
    patient = own.one("select min(patient_id) from gold.appointment_predictions where source = 'scheduling'")
    real = own.one(f"select real_patient_id from identity.patients where source = 'scheduling' and patient_id = '{patient}'")
    total = int(own.one("select count(*) from gold.appointment_predictions"))
    theirs = int(own.one(f"select count(*) from gold.appointment_predictions where patient_id = '{patient}'"))
    done = carelake("erase", "--lake", own.folder, "--source", "scheduling", "--patient", real, "--landing", own.landing, "--yes")
    receipt = json.loads(done.stdout)
    assert receipt["removed"]["rows"]["gold.appointment_predictions"] == theirs > 0
    assert int(own.one("select count(*) from gold.appointment_predictions")) == total - theirs
    for file in (own.folder / "gold/appointment_predictions").rglob("*.json"):
        assert patient not in file.read_text()
    score(own)


def test_predictions_have_the_pseudonyms_of_a_new_key(own):
    score(own)
    score(own, "--as-of", "2025-06-29")
    real = """SELECT i.real_patient_id, p.appointment_id, p.prediction_date, p.no_show_probability
        FROM gold.appointment_predictions p JOIN identity.patients i ON i.source = p.source AND i.patient_id = p.patient_id"""
    before, old = (sorted(map(repr, own.sql(query))) for query in (real, "SELECT DISTINCT patient_id FROM gold.appointment_predictions"))
    assert before, "some predictions are of patients who were delivered"
    carelake("rotate-key", "--lake", own.folder, "--landing", own.landing, "--yes")
    new = sorted(map(repr, own.sql("SELECT DISTINCT patient_id FROM gold.appointment_predictions")))
    assert len(new) == len(old)
    assert not set(new) & set(old)
    assert sorted(map(repr, own.sql(real))) == before
    assert score(own)["sources"], "the model of before is used"
    assert sorted(map(repr, own.sql(real))) == before
