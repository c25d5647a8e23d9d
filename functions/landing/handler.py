"""Lambda function that lands the log's stream in the archive."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from journeys.archive.landing import Landing
from journeys.archive.store import LandingStore
from journeys.aws import s3
from journeys.settings import LandingSettings
from journeys.stream.batch import process_batch
from journeys.telemetry import logger

settings = LandingSettings.read()
landing = Landing(LandingStore(s3(), settings.archive_bucket))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Returns Lambda's partial batch response, which names the records to retry."""
    return process_batch(event["Records"], landing.land, message="landed")
