"""carelake_surveillance: new conditions to disease alerts within minutes."""

from datetime import timedelta

from airflow.sdk import DAG, Param, TriggerRule
from carelake.assets import DISEASE_ASSETS, LANDED_CONDITIONS
from carelake.settings import GOLD_POOL, SURVEILLANCE_QUEUE, dag_defaults
from carelake.step import Step
from carelake.way import Landed, conform, senders, take, verdict

DOC = """
### carelake_surveillance

Takes new conditions to silver and publishes gold, when the asset `landing.conditions` says that some landed: an SQS queue
that CARELAKE_SURVEILLANCE_QUEUE names, or a call of Airflow's API, creates its events. It does not wait for the night.

**Triage**

| task | when it fails |
|---|---|
| `landed`, `take`, `conform` | As in `carelake_daily`. |
| `publish` | Alerts of before stand. The next event, or the night, publishes what is there. |
"""

watched = LANDED_CONDITIONS
if SURVEILLANCE_QUEUE:
    from carelake.watch import watched_conditions

    watched = watched_conditions(SURVEILLANCE_QUEUE)

with DAG(
    "carelake_surveillance",
    schedule=[watched],
    max_active_runs=1,
    params={"days": Param(3, type="integer", minimum=1, description="Days of landing that are looked at, the day of the run included")},
    **dag_defaults(hours=0.5, doc=DOC, tags=["event", "gold"]),
):
    landed = Landed(
        task_id="landed",
        request={"dataset": "conditions", "from": "{{ macros.ds_add(dag_run.run_after.strftime('%Y-%m-%d'), 1 - params.days) }}"},
        timeout=timedelta(minutes=10).total_seconds(),
        doc_md="Lists the conditions of the last days.",
    )
    taken, answers = take(landed, {})
    places = senders(answers)
    taken >> places
    conformed = conform(places, {})
    published = Step(
        task_id="publish",
        step="publish",
        request={"as_of": "{{ dag_run.run_after.strftime('%Y-%m-%d') }}", "forward": True},
        pool=GOLD_POOL,
        outlets=DISEASE_ASSETS,
        trigger_rule=TriggerRule.NONE_FAILED_MIN_ONE_SUCCESS,
        doc_md="Alerts, signals and trends with all of gold; nothing is written when nothing changed.",
    )
    conformed >> published
    [taken, published] >> verdict(landed.output)
