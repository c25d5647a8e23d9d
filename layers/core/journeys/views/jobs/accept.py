"""Taking jobs in: for whoever asks, and for schedules that are due."""

from botocore.exceptions import BotoCoreError, ClientError

from journeys import dates
from journeys.errors import NotFound, ServiceUnavailable
from journeys.telemetry import count, logger, report
from journeys.views.jobs.model import NOT_QUEUED, Job, Status, accepted, new_id, scheduled_id
from journeys.views.jobs.store import JobQueue, JobStore
from journeys.views.schedules.model import Schedule, next_date
from journeys.views.schedules.store import ScheduleStore
from journeys.views.store import ViewStore

SETTLE_MS = 600_000
"""How long after its moment a scheduled job is made: events received before it are in the archive by then, which is
behind by the time that a batch is gathered for, five minutes at most, and by the tries that landing it takes."""


class Desk:
    """Accepts jobs: a row says that there is one, and a message that somebody should compute it."""

    def __init__(self, views: ViewStore, jobs: JobStore, queue: JobQueue) -> None:
        self._views, self._jobs, self._queue = views, jobs, queue

    def accept(self, organization_id: str, view_id: str, version: int, user_id: str) -> Job:
        """A new job. Raises NotFound, and ServiceUnavailable where it could not be queued; then it has failed."""
        view, now = self._views.get_version(organization_id, view_id, version), dates.now_ms()
        job = accepted(organization_id, view, new_id(now), user_id, date_created=now, now=now)
        self._jobs.create(job, view)
        try:
            self._queue.send(organization_id, job.job_id)
        except (ClientError, BotoCoreError) as error:
            report("a job could not be queued", error)
            self._jobs.fail(organization_id, job.job_id, NOT_QUEUED)
            count("JobsFailed", reason=NOT_QUEUED.code)
            raise ServiceUnavailable("The job could not be queued; ask for it again in a moment.") from None
        return job

    def accept_scheduled(self, schedule: Schedule, moment: int) -> Job:
        """The job of a schedule for a moment, of the view's latest version: the same job however often it is asked for.

        The view is computed as of that moment, however late. Raises NotFound, and what the stores raise.
        """
        organization_id = schedule.organization_id
        view, job_id = self._views.get(organization_id, schedule.view_id), scheduled_id(schedule.view_id, moment)
        job = accepted(organization_id, view, job_id, schedule.client_id, date_created=moment, now=dates.now_ms())
        if not self._jobs.create(job, view):
            job = self._jobs.get(organization_id, job_id)
        if job.status is Status.ACCEPTED:
            self._queue.send(organization_id, job_id)  # also where somebody else made the row, and then ended
        return job


class Timer:
    """Has schedules computed that are due. A job comes first, and then the schedule's next date: so none is missed, and
    what is made again is the same job. A job is as of its moment, and is made once the archive has come to it."""

    def __init__(self, schedules: ScheduleStore, desk: Desk) -> None:
        self._schedules, self._desk = schedules, desk

    def run(self) -> int:
        """Makes the jobs that are due, and answers how many could not be made; those come again at the next run."""
        settled, failed = dates.now_ms() - SETTLE_MS, 0
        for schedule in self._schedules.due(settled):
            try:
                self._accept(schedule, settled)
            except Exception as error:  # whatever is wrong with one, the others are made; and its words are not logged
                report("a scheduled job could not be made", error)
                failed += 1
        return failed

    def _accept(self, schedule: Schedule, settled: int) -> None:
        try:
            job = self._desk.accept_scheduled(schedule, latest_date(schedule, settled))
            logger.info("scheduled", job=job.job_id)
        except NotFound:
            logger.info("the view of a schedule is gone")
        self._schedules.advance(schedule, settled)


def latest_date(schedule: Schedule, now: int) -> int:
    """The last moment up to now at which a schedule fell due; those before it were missed, and are not made up for."""
    moment = schedule.date_next
    while (following := next_date(schedule.frequency, moment)) <= now:
        moment = following
    return moment
