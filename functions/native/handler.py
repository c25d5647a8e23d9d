"""Ingests the events of contact centers.

The queue of native events invokes it with up to ten messages. `journeys import-native` invokes it with past events:
`{"messages": [...], "validateOnly": false}`, where each message is the text of an EventBridge event.
"""

import time
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from journeys.aws import dynamodb, s3
from journeys.defects import report
from journeys.events.failures.store import FailureStore
from journeys.events.store import EventLog
from journeys.native.ingest import CONSUME_SECONDS, NativeConsumer, NativeIngest
from journeys.registry.native_sources.store import NativeSourceStore
from journeys.settings import IngestSettings
from journeys.telemetry import logger

settings = IngestSettings.read()
failures = FailureStore(dynamodb(), settings.failures_table, s3, settings.archive_bucket)
consumer = NativeConsumer(
    NativeSourceStore(dynamodb(), settings.registry_table),
    NativeIngest(EventLog(dynamodb(), settings.events_table), failures),
)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    deadline = time.monotonic() + CONSUME_SECONDS
    if "messages" in event:
        return ingest_past(event, context.aws_request_id, deadline)
    failed = [record for record in event["Records"] if not is_ingested(record, deadline)]
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}


def is_ingested(record: dict[str, Any], deadline: float) -> bool:
    """Whether a message is done: its event was stored, dropped, or stored as a failure."""
    try:
        request_id, seconds = f"native-{record['messageId']}", deadline - time.monotonic()
        return consumer.consume(record["body"], request_id=request_id, seconds=seconds).is_settled
    except Exception as error:  # The queue keeps the message, and after five attempts the dead-letter queue does.
        report("a native event was not ingested", error)
        return False


def ingest_past(event: dict[str, Any], request_id: str, deadline: float) -> dict[str, Any]:
    """What became of each message of an import. With `validateOnly`, nothing is stored."""
    outcomes = [
        consumer.consume(
            message,
            request_id=f"native-{request_id}-{index}",  # Events with equal receipts would count as one.
            seconds=deadline - time.monotonic(),
            validate_only=event.get("validateOnly", False),
        )
        for index, message in enumerate(event["messages"])
    ]
    return {"outcomes": [outcome.to_values() for outcome in outcomes]}
