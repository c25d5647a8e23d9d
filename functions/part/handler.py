"""Computes one part of a job. The state machine invokes it for each part."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from journeys.archive.store import ArchiveStore
from journeys.aws import batch_s3, dynamodb
from journeys.settings import ArchiveSettings
from journeys.telemetry import logger
from journeys.views.jobs.computing import PartComputer
from journeys.views.jobs.running import Runner
from journeys.views.jobs.store import JobStore
from journeys.views.jobs.work.store import WorkStore

settings = ArchiveSettings.read()
archive = ArchiveStore(dynamodb(), settings.registry_table, batch_s3, settings.archive_bucket)
jobs = JobStore(dynamodb(), settings.registry_table)
work = WorkStore(batch_s3(), settings.archive_bucket)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    logger.append_keys(job=event["jobId"])
    computer = PartComputer(jobs, work, Runner(archive, int(context.memory_limit_in_mb)))
    computer.compute(event["organizationId"], event["jobId"], event["attempt"], event["part"])
