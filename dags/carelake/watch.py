"""The queue that says that conditions landed. Only a deployment that has one imports this."""

from airflow.providers.common.messaging.triggers.msg_queue import MessageQueueTrigger
from airflow.sdk import Asset, AssetWatcher

from carelake.assets import LANDED_CONDITIONS
from carelake.settings import CONNECTION


def watched_conditions(queue: str) -> Asset:
    """The asset, watched. S3's test message creates a run that finds nothing to do."""
    trigger = MessageQueueTrigger(scheme="sqs", sqs_queue=queue, aws_conn_id=CONNECTION, waiter_delay=10)
    return Asset(name=LANDED_CONDITIONS.name, uri=LANDED_CONDITIONS.uri, group="carelake", watchers=[AssetWatcher(name="conditions", trigger=trigger)])
