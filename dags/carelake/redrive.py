"""Dead letters go back to their queues, where they are handled as if they had just come."""

from typing import Any

from airflow.sdk import get_current_context, task

from carelake.settings import CONNECTION, NAME

QUEUES = ("ingest", "parts", "conform", "publish")


@task(multiple_outputs=False, doc_md="Puts dead letters back, if the parameter `redrive` says so.")
def redrive() -> dict[str, int]:
    """How many messages each queue had given up."""
    from airflow.providers.amazon.aws.hooks.sqs import SqsHook

    if not get_current_context()["params"]["redrive"]:
        return {}
    client: Any = SqsHook(aws_conn_id=CONNECTION).conn
    moved = {}
    for queue in QUEUES:
        url = client.get_queue_url(QueueName=f"{NAME}-{queue}-dead")["QueueUrl"]
        names = ["QueueArn", "ApproximateNumberOfMessages"]
        found = client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        moved[queue] = int(found["ApproximateNumberOfMessages"])
        if moved[queue]:
            client.start_message_move_task(SourceArn=found["QueueArn"])
    return moved
