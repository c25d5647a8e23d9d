"""Ingest deliveries that were acknowledged before. The deliveries queue invokes it with one message at a time."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from journeys.aws import dynamodb, s3, sqs
from journeys.defects import report
from journeys.events.bindings import Bindings
from journeys.events.failures.store import FailureStore
from journeys.events.ingest import Ingest
from journeys.events.store import EventLog
from journeys.registry.configurations.store import ConfigurationStore
from journeys.registry.schemas.store import SchemaStore
from journeys.settings import DeliverySettings
from journeys.telemetry import logger
from journeys.webhooks.deliveries.consumer import DeliveryConsumer
from journeys.webhooks.deliveries.store import DeliveryQueue, DeliveryStore
from journeys.webhooks.mapper import Mapper
from journeys.webhooks.processing import Processor
from journeys.webhooks.store import EndpointStore

FIRST_RETRY_SECONDS = 30
"""Seconds until the second attempt. Each further attempt waits four times as long as the one before it."""
LONGEST_RETRY_SECONDS = 900

settings = DeliverySettings.read()
table = settings.registry_table
bindings = Bindings(ConfigurationStore(dynamodb(), table), SchemaStore(dynamodb(), table))
failures = FailureStore(dynamodb(), settings.failures_table, s3, settings.archive_bucket)
queue = DeliveryQueue(s3, settings.archive_bucket, sqs, settings.deliveries_queue_url)
consumer = DeliveryConsumer(
    EndpointStore(dynamodb(), table),
    Processor(Ingest(EventLog(dynamodb(), settings.events_table), failures, bindings), Mapper(bindings), failures),
    queue,
    DeliveryStore(dynamodb(), settings.deliveries_table),
)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    failed = [record for record in event["Records"] if not is_ingested(record["body"])]
    for record in failed:
        retry_later(record)
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}


def is_ingested(message: str) -> bool:
    """Whether every event of a message's delivery is stored now."""
    try:
        return consumer.consume(message)
    except Exception as error:  # The queue keeps the message, and after five attempts the dead-letter queue does.
        report("a queued delivery was not ingested", error)
        return False


def retry_later(record: dict[str, Any]) -> None:
    """Let the queue wait longer after each attempt, so that the attempts outlast an outage of some minutes."""
    attempts = int(record["attributes"]["ApproximateReceiveCount"])
    seconds = min(FIRST_RETRY_SECONDS * 4 ** (attempts - 1), LONGEST_RETRY_SECONDS)
    try:
        queue.retry_in(record["receiptHandle"], seconds)
    except Exception as error:  # The message returns after the queue's visibility timeout.
        report("the retry delay of a delivery could not be set", error)
