"""Days of the past, and what upkeep does."""

from hospital import land, overlap, times, visit, visits

BAD_DAY = "99/99/9999"


def test_a_backfill_of_three_days_starts_gold_once_for_each(site, later):
    days = ["2025-05-01", "2025-05-02", "2025-05-03"]
    for number, day in enumerate(days):
        land(site, "north", day, visits=visit(f"B{number}", f"2025-04-{number + 10}"))
    before = site.stack.delta("gold", "as_of")
    run = site.airflow.trigger("carelake_backfill", source="north", dataset="visits", **{"from": days[0], "to": days[-1]})
    assert site.airflow.wait("carelake_backfill", run) == "success"
    for day in days:
        assert site.airflow.triggered("carelake_gold", day)["state"] == "success"
    assert [sum(one["partition_key"] == day for one in site.airflow.runs("carelake_gold")) for day in days] == [1, 1, 1]
    assert visits(site, "B[0-2]$") == 3
    assert site.stack.delta("gold", "as_of").equals(before), "the repair of past days leaves the day of gold"


def test_airflows_own_backfill_runs_days_of_two_senders_side_by_side_and_none_is_anothers(site, later):
    days = ["2025-04-01", "2025-04-02"]
    for source, day in zip(("north", "south"), days, strict=True):
        land(site, source, day, visits=visit("C1", "2025-03-30"))
    span = ("--from-date", f"{days[0]}T00:00:00", "--to-date", f"{days[-1]}T23:59:59")
    site.airflow.command("backfill", "create", "--dag-id", "carelake_daily", *span, "--max-active-runs", "2")
    runs = {}
    for day in days:
        runs[day] = site.airflow.triggered("carelake_daily", day)
        assert runs[day]["state"] == "success"
        assert site.airflow.triggered("carelake_gold", day)["state"] == "success"
    for dag in ("carelake_daily", "carelake_gold"):
        assert [sum(one["partition_key"] == day for one in site.airflow.runs(dag)) for day in days] == [1, 1]
    assert overlap(times(runs[days[0]]), times(runs[days[1]]))
    found = {tuple(key.split("/")[2:4]) for key in site.stack.keys(site.stack.lake, "bronze/clinic_visits/") if "ingest_date=2025-04-" in key}
    assert found == {("source=north", "ingest_date=2025-04-01"), ("source=south", "ingest_date=2025-04-02")}
    assert visits(site, "C1") == 2


def test_a_replay_takes_files_with_rejects_again_and_changes_no_row(site, later):
    days = ["2025-03-01", "2025-03-02"]
    for number, day in enumerate(days):
        bad = visit(f"R{number}2", "2024-01-02" if number else BAD_DAY)
        land(site, "east", day, visits=visit(f"R{number}1", "2024-01-01") + bad)
    site.stack.invoke("ingest", source="east")
    site.stack.invoke("conform", source="east")

    def rows() -> dict[str, str]:
        return {key: tag for key, tag in site.content().items() if "/bronze/" in key or "/quarantine/" in key}

    before = rows()
    run = site.airflow.trigger("carelake_replay", source="east", rule="clinic.visits.visit_date.type", redrive=True)
    site.airflow.wait("carelake_replay", run)
    assert site.airflow.answer("carelake_replay", run, "redrive") == dict.fromkeys(("ingest", "parts", "conform", "publish"), 0)
    answer = site.airflow.answer("carelake_replay", run, "take.ingest", 0)
    assert answer["replayed_files"] == 1, "one of the two files has a row that the rule rejected"
    assert (answer["files_ingested"], answer["files_known"]) == (1, 1)
    assert rows() == before
    # A quarter of the rows is rejected, so that the gate is not passed; the good ones go on all the same.
    assert site.airflow.task("carelake_replay", run, "take.gate", "east/visits")["state"] == "failed"
    assert site.airflow.triggered("carelake_gold", days[-1])["state"] == "success"


def test_maintenance_runs_and_reviews_quarantine_on_the_first_sunday_alone(site, later):
    for at, reviews in (("2026-03-01T13:00:00Z", True), ("2026-03-08T13:00:00Z", False)):
        run = site.airflow.trigger("carelake_maintenance", at=at)
        state = site.airflow.wait("carelake_maintenance", run)
        states = {task["task_id"]: task["state"] for task in site.airflow.tasks("carelake_maintenance", run)}
        assert states["maintain"] == states["monthly"] == "success"
        assert states["review"] == ("success" if reviews else "skipped")
        if reviews:
            answer = site.airflow.answer("carelake_maintenance", run, "review")
            assert answer["checks"] > 0
            assert state == ("failed" if answer["failing"] else "success")
