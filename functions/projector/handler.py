"""Lambda function that projects the log's stream into customers' journeys, and into links between their identifiers."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from journeys.aws import dynamodb, s3
from journeys.events.failures.store import FailureStore
from journeys.identity.store import LinkStore
from journeys.journey.projector import Projector
from journeys.journey.store import JourneyStore
from journeys.settings import ProjectorSettings
from journeys.stream.batch import process_batch
from journeys.telemetry import logger

settings = ProjectorSettings.read()
projector = Projector(
    JourneyStore(dynamodb(), settings.journeys_table),
    LinkStore(dynamodb(), settings.links_table),
    FailureStore(dynamodb(), settings.failures_table, s3, settings.archive_bucket),
)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Returns Lambda's partial batch response, which names the records to retry."""
    return process_batch(event["Records"], projector.project, message="projected")
