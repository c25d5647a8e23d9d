"""Has the views computed whose schedules are due."""

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from journeys.aws import dynamodb, sqs
from journeys.settings import TimerSettings
from journeys.telemetry import count, logger
from journeys.views.jobs.accept import Desk, Timer
from journeys.views.jobs.store import JobQueue, JobStore
from journeys.views.schedules.store import ScheduleStore
from journeys.views.store import ViewStore

settings = TimerSettings.read()
table = settings.registry_table
desk = Desk(ViewStore(dynamodb(), table), JobStore(dynamodb(), table), JobQueue(sqs(), settings.jobs_queue_url))
timer = Timer(ScheduleStore(dynamodb(), table), desk)


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> None:
    failed = timer.run()
    if failed:
        count("SchedulesNotRun", failed)
