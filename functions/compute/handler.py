"""Computes jobs. The jobs queue invokes it with one message at a time."""

import json
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from journeys.archive.store import ArchiveStore
from journeys.aws import batch_s3, dynamodb, sqs, stepfunctions
from journeys.identity.store import IdentitySettingsStore, LinkStore
from journeys.registry.event_types import EventTypes
from journeys.settings import ComputeSettings
from journeys.telemetry import log_error, logger
from journeys.views.jobs.computing import JobComputer
from journeys.views.jobs.identity import IdentityReader
from journeys.views.jobs.running import Runner
from journeys.views.jobs.shares.store import ShareStore
from journeys.views.jobs.store import ComputationStateMachine, JobQueue, JobStore
from journeys.views.jobs.work.store import WorkStore

RETRY_SECONDS = 20
"""Seconds until the queue delivers the message of a failed attempt again."""

settings = ComputeSettings.read()
table = settings.registry_table
archive = ArchiveStore(dynamodb(), table, batch_s3, settings.archive_bucket)
queue = JobQueue(sqs(), settings.jobs_queue_url)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    computer = JobComputer(
        JobStore(dynamodb(), table),
        ShareStore(dynamodb(), table),
        queue,
        WorkStore(batch_s3(), settings.archive_bucket),
        EventTypes(dynamodb(), table),
        archive,
        ComputationStateMachine(stepfunctions(), settings.computation_arn),
        IdentityReader(IdentitySettingsStore(dynamodb(), table), LinkStore(dynamodb(), settings.links_table)),
        Runner(archive, int(context.memory_limit_in_mb)),
        events_per_run=int(settings.events_per_run),
        slots=int(settings.compute_slots),
    )
    for record in event["Records"]:
        message = json.loads(record["body"])
        logger.append_keys(job=message["jobId"])
        try:
            repeated = int(record["attributes"]["ApproximateReceiveCount"]) > 1
            computer.compute(message["organizationId"], message["jobId"], repeated=repeated)
        except Exception:
            try:
                queue.retry_in(record["receiptHandle"], RETRY_SECONDS)
            except (ClientError, BotoCoreError) as error:
                log_error("the retry delay of a job could not be shortened", error)
            raise
