"""The tables of the lake as assets. Their partition is the day of landing."""

from airflow.sdk import Asset

from carelake.tables import GOLD, SILVER


def table(database: str, name: str) -> Asset:
    return Asset(name=f"{database}.{name}", uri=f"x-carelake://lake/{database}/{name}", group="carelake")


SILVER_ASSETS = [table("silver", name) for name in SILVER]
GOLD_ASSETS = [table("gold", name) for name in GOLD]
FEATURES = table("gold", "appointment_features")
PREDICTIONS = table("gold", "appointment_predictions")
DISEASE_ASSETS = [table("gold", name) for name in ("disease_alerts", "disease_signals", "disease_trends")]
LANDED_CONDITIONS = Asset(name="landing.conditions", uri="x-carelake://landing/conditions", group="carelake")
