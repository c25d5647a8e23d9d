"""Creates the jobs of the schedules that are due, and looks after jobs that wait.

A schedule of EventBridge invokes it every five minutes.
"""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from journeys.aws import dynamodb, sqs
from journeys.registry.event_types import EventTypes
from journeys.registry.quotas.store import QuotaStore
from journeys.settings import TimerSettings
from journeys.telemetry import emit_count, logger
from journeys.views.jobs.service import JobService
from journeys.views.jobs.shares.store import ShareStore
from journeys.views.jobs.store import JobQueue, JobStore
from journeys.views.jobs.waiting import WaitingJobs
from journeys.views.schedules.store import ScheduleStore
from journeys.views.schedules.timer import Timer
from journeys.views.store import ViewStore

INTERVAL_MS = 300_000
"""Milliseconds between two invocations, as in the template."""

settings = TimerSettings.read()
table = settings.registry_table
jobs = JobService(
    ViewStore(dynamodb(), table),
    JobStore(dynamodb(), table),
    JobQueue(sqs(), settings.jobs_queue_url),
    QuotaStore(dynamodb(), table),
    EventTypes(dynamodb(), table),
    int(settings.job_retention_days),
)
timer = Timer(ScheduleStore(dynamodb(), table), jobs)
waiting = WaitingJobs(
    JobStore(dynamodb(), table), ShareStore(dynamodb(), table), JobQueue(sqs(), settings.jobs_queue_url), INTERVAL_MS
)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    failed = timer.run()
    if failed:
        emit_count("SchedulesNotRun", failed)
    waiting.run()
