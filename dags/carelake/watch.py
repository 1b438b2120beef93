"""The queue that says that conditions landed. Its messages become part of Airflow's events: they must name no person.

The provider's trigger takes a second to import, which each reading of the DAGs would pay. A watcher needs its name alone.
"""

from collections.abc import AsyncIterator
from typing import Any

from airflow.sdk import Asset, AssetWatcher
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from carelake.assets import LANDED_CONDITIONS
from carelake.settings import CONNECTION

TRIGGER = "airflow.providers.amazon.aws.triggers.sqs.SqsSensorTrigger"


class Queue(BaseEventTrigger):
    """Stands for the provider's trigger, which is what the triggerer makes of it."""

    def __init__(self, queue: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.url = queue

    def serialize(self) -> tuple[str, dict[str, Any]]:
        return TRIGGER, {"sqs_queue": self.url, "aws_conn_id": CONNECTION, "waiter_delay": 10}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        raise NotImplementedError(f"the triggerer runs {TRIGGER}")
        yield


def watched_conditions(queue: str) -> Asset:
    """The asset, watched."""
    watcher = AssetWatcher(name="conditions", trigger=Queue(queue))
    return Asset(name=LANDED_CONDITIONS.name, uri=LANDED_CONDITIONS.uri, group="carelake", watchers=[watcher])
