"""Days as Airflow runs them: the real scheduler, the deployed functions, an emulated AWS."""

from hospital import DAY, land, overlap, silver, spans, visit


def test_what_landed_is_found_and_counted_and_every_row_is_accounted_for(site, first):
    landed = site.airflow.answer("carelake_daily", first, "landed")
    assert {(one["source"], one["partition"]) for one in landed} == {("north", DAY), ("south", DAY), ("scheduling", DAY)}
    counted = 0
    for index, place in enumerate(landed):
        (dataset,) = site.airflow.answer("carelake_daily", first, "take.ingest", index)["datasets"]
        assert (dataset["source"], dataset["dataset"]) == (place["source"], place["dataset"])
        assert dataset["rows_in"] == dataset["accepted"] + dataset["rejected"] + dataset["deduplicated"] > 0
        counted += dataset["rows_in"]
    assert counted > 1000


def test_two_senders_of_the_same_numbers_stay_apart_and_are_taken_at_the_same_time(site, first):
    for source, city in (("north", "Oslo"), ("south", "Kyiv")):
        cities = silver(site, "patients", source=source)["city"].to_list()
        assert sorted(cities) == sorted([city, "Rome"])
    taken = spans(site, "carelake_daily", first, "take.ingest")
    north, south = ([span for label, span in taken.items() if label.startswith(source)] for source in ("north", "south"))
    assert len(north) == len(south) == 3
    assert any(overlap(one, other) for one in north for other in south), taken
    conformed = spans(site, "carelake_daily", first, "conform")
    assert set(conformed) == {"north", "south", "scheduling"}


def test_functions_tell_lineage_with_the_task_and_the_run_that_asked(site, first):
    tasks = {(event["job"]["name"], event["run"]["runId"]) for event in site.events("airflow")}
    by_run: dict[str, list[dict]] = {}
    for event in site.events("functions"):
        by_run.setdefault(event["run"]["runId"], []).append(event)
    asked = set()
    for events in by_run.values():
        kinds = [event["eventType"] for event in events]
        assert kinds in (["START", "COMPLETE"], ["START", "FAIL"]), kinds
        parent = events[-1]["run"]["facets"].get("parent")
        if parent is None:
            continue  # a queue called: S3 tries out the wiring when it is deployed
        assert (parent["job"]["name"], parent["run"]["runId"]) in tasks, "Airflow told of the same run"
        assert (parent["root"]["job"]["name"], parent["root"]["run"]["runId"]) in tasks
        asked.add(parent["job"]["name"])
    assert {"carelake_daily.landed", "carelake_daily.take.ingest", "carelake_daily.conform", "carelake_gold.publish"} <= asked
    ends = [event for event in site.events("functions") if event["eventType"] == "COMPLETE"]
    touched = {(dataset["namespace"], dataset["name"]) for event in ends for dataset in event["inputs"] + event["outputs"]}
    lake, landing, identity = (f"s3://{bucket}" for bucket in (site.stack.lake, site.stack.landing, site.stack.identity))
    wanted = {(landing, "north/visits"), (lake, "bronze/clinic_visits"), (identity, "identity/clinic_patients")}
    assert wanted | {(lake, "silver/encounters"), (lake, "gold/appointment_features")} <= touched
    moves = [({one["name"] for one in event["inputs"]}, {one["name"] for one in event["outputs"]}) for event in ends]
    assert any("bronze/clinic_visits" in read and "silver/encounters" in wrote for read, wrote in moves)
    assert any("silver/appointments" in read and "gold/appointment_features" in wrote for read, wrote in moves)


def test_a_day_ends_in_predictions(site, trained):
    model = site.airflow.answer("carelake_train", trained, "promote", 0)
    assert model["promoted"]
    assert model["auroc"] > 0.5
    land(site, "north", "2025-07-01", visits=visit("V3", "2025-06-30"))
    run = site.airflow.trigger("carelake_daily", "2025-07-01")
    assert site.airflow.wait("carelake_daily", run) == "success"
    scored = site.airflow.triggered("carelake_score", "2025-07-01")
    assert scored["state"] == "success"
    told = site.airflow.answer("carelake_score", scored["dag_run_id"], "score")
    predictions = site.stack.delta("gold", "appointment_predictions")
    assert predictions.height == told["appointments"] > 0
    assert set(predictions["prediction_date"].cast(str)) == {"2025-07-01"}
    assert predictions["no_show_probability"].is_between(0, 1).all()


def test_the_same_day_again_changes_nothing(site, first, trained):
    before, runs = site.content(), {dag: len(site.airflow.runs(dag)) for dag in ("carelake_gold", "carelake_score")}
    run = site.airflow.trigger("carelake_daily", DAY)
    assert site.airflow.wait("carelake_daily", run) == "success"
    for dag, count in runs.items():
        site.airflow.until(lambda: len(site.airflow.runs(dag)) == count + 1, 120, f"{dag} is started")  # noqa: B023
        assert site.airflow.triggered(dag, DAY)["state"] == "success"
    after = site.content()
    # Predictions say when they were made, and checks of which versions of tables they are; nothing else may differ.
    written = ("/gold/appointment_predictions/", "/gold/model_performance_log/", "/gold/model_drift/", "/_carelake/checks/")
    changed = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    assert [key for key in changed if not any(table in key for table in written)] == []
    answers = [site.airflow.answer("carelake_daily", one, "take.ingest", 0)["datasets"] for one in (run, first)]
    assert answers[0] == answers[1], "the same counts, though nothing was taken"
