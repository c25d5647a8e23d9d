"""Ends jobs: completes a job with its partial results, or marks it as failed.

One function serves three callers, because all of them end a job with the same conditional write: the state machine
when all parts are computed, the state machine when a part failed after its retries, and the dead-letter queue of the
jobs queue. A function of its own for failures would need another role, log group and alarm, and would differ only in
not reading partial results.
"""

import json
from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from journeys.aws import batch_s3, dynamodb, sqs
from journeys.settings import JobSettings
from journeys.telemetry import logger
from journeys.views.jobs.computing import JobCompletion
from journeys.views.jobs.store import JobQueue, JobStore
from journeys.views.jobs.work.store import WorkStore

settings = JobSettings.read()
completion = JobCompletion(
    JobStore(dynamodb(), settings.registry_table), WorkStore(batch_s3(), settings.archive_bucket)
)

queue = JobQueue(sqs(), settings.jobs_queue_url)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    if "Records" in event:
        for record in event["Records"]:
            fail_dead_letter(json.loads(record["body"]))
    elif "error" in event:
        fail_attempt(event)
    else:
        merge_parts(event)


def merge_parts(event: Mapping[str, Any]) -> None:
    """Complete a job. The state machine calls this when all parts of an attempt are computed."""
    logger.append_keys(job=event["jobId"])
    completion.merge_parts(event["organizationId"], event["jobId"], event["attempt"])


def fail_attempt(event: Mapping[str, Any]) -> None:
    """Fail a job. The state machine calls this when a part of the current attempt failed after its retries."""
    logger.append_keys(job=event["jobId"])
    logger.error("a part could not be computed", error_type=event["error"].get("Error"))
    completion.fail_after_retries(event["organizationId"], event["jobId"], event["attempt"])


def fail_dead_letter(message: Mapping[str, Any]) -> None:
    """Fail a job whose message the queue delivered too often, or send its message again if it was never begun."""
    logger.append_keys(job=message["jobId"])
    completion.fail_or_send_again(message["organizationId"], message["jobId"], queue)
