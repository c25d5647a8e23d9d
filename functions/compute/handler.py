"""Computes jobs, one message of their queue at a time."""

import json
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext
from botocore.exceptions import BotoCoreError, ClientError

from journeys.archive.store import ArchiveStore
from journeys.aws import batch_s3, dynamodb, sqs, stepfunctions
from journeys.registry.schemas.store import SchemaStore
from journeys.settings import ComputeSettings
from journeys.telemetry import log_error, logger
from journeys.views.jobs.computing import Computer
from journeys.views.jobs.running import Runner
from journeys.views.jobs.store import JobQueue, JobStore, Machine, WorkStore

AGAIN_SECONDS = 20
"""When a job that met trouble of ours is handed out again."""

settings = ComputeSettings.read()
table = settings.registry_table
archive = ArchiveStore(dynamodb(), table, batch_s3, settings.archive_bucket)
queue = JobQueue(sqs(), settings.jobs_queue_url)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    computer = Computer(
        JobStore(dynamodb(), table),
        WorkStore(batch_s3(), settings.archive_bucket),
        SchemaStore(dynamodb(), table),
        archive,
        Machine(stepfunctions(), settings.computation_arn),
        Runner(archive, int(context.memory_limit_in_mb)),
        events_per_run=int(settings.events_per_run),
    )
    for record in event["Records"]:
        message = json.loads(record["body"])
        logger.append_keys(job=message["jobId"])
        try:
            computer.compute(message["organizationId"], message["jobId"])
        except Exception:
            try:
                queue.hand_out_again(record["receiptHandle"], AGAIN_SECONDS)
            except (ClientError, BotoCoreError) as error:
                log_error("a job is only handed out again later", error)
            raise
