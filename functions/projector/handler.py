"""Brings the log's stream into customers' journeys."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from journeys.aws import dynamodb, s3
from journeys.events.failures.store import FailureStore
from journeys.journey.store import JourneyStore
from journeys.journey.stream import Projector
from journeys.settings import ProjectorSettings
from journeys.telemetry import follow, logger

settings = ProjectorSettings.read()
projector = Projector(
    JourneyStore(dynamodb(), settings.journeys_table),
    FailureStore(dynamodb(), settings.failures_table, s3, settings.archive_bucket),
)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers with the records to be tried again, as Lambda's partial batch response."""
    again = projector.project(event["Records"])
    follow("projected", event["Records"], again=len(again))
    return {"batchItemFailures": [{"itemIdentifier": number} for number in again]}
