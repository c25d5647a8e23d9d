"""Lands the log's stream in the archive."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from journeys.archive.landing import Landing
from journeys.archive.store import LandingStore
from journeys.aws import s3
from journeys.settings import LandingSettings
from journeys.telemetry import follow, logger

settings = LandingSettings.read()
landing = Landing(LandingStore(s3(), settings.archive_bucket))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Answers with the records to be tried again, as Lambda's partial batch response."""
    again = landing.land(event["Records"])
    follow("landed", event["Records"], again=len(again))
    return {"batchItemFailures": [{"itemIdentifier": number} for number in again]}
