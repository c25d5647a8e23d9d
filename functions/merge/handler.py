"""Ends jobs: completes one with its parts, or fails those that could not be computed.

The state machine asks for it, with an `error` where a part could not be computed; and the queue of messages that were
handed out too often.
"""

import json
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from journeys.aws import batch_s3, dynamodb
from journeys.settings import ArchiveSettings
from journeys.telemetry import logger
from journeys.views.jobs.computing import Endings
from journeys.views.jobs.store import JobStore, WorkStore

settings = ArchiveSettings.read()
endings = Endings(JobStore(dynamodb(), settings.registry_table), WorkStore(batch_s3(), settings.archive_bucket))


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    if "Records" in event:
        for record in event["Records"]:
            message = json.loads(record["body"])
            logger.append_keys(job=message["jobId"])
            endings.broken(message["organizationId"], message["jobId"])
        return
    logger.append_keys(job=event["jobId"])
    if "error" in event:
        logger.error("a part could not be computed", error_type=event["error"].get("Error"))
        endings.broken(event["organizationId"], event["jobId"], event["attempt"])
    else:
        endings.merged(event["organizationId"], event["jobId"], event["attempt"])
