"""Creates the jobs of the schedules that are due. A schedule of EventBridge invokes it every five minutes."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from journeys.aws import dynamodb, sqs
from journeys.settings import TimerSettings
from journeys.telemetry import emit_count, logger
from journeys.views.jobs.service import JobService
from journeys.views.jobs.store import JobQueue, JobStore
from journeys.views.schedules.store import ScheduleStore
from journeys.views.schedules.timer import Timer
from journeys.views.store import ViewStore

settings = TimerSettings.read()
table = settings.registry_table
jobs = JobService(
    ViewStore(dynamodb(), table),
    JobStore(dynamodb(), table),
    JobQueue(sqs(), settings.jobs_queue_url),
    int(settings.job_retention_days),
)
timer = Timer(ScheduleStore(dynamodb(), table), jobs)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    failed = timer.run()
    if failed:
        emit_count("SchedulesNotRun", failed)
