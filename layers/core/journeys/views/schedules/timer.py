"""The timer: creates the jobs of the schedules that are due."""

from hashlib import blake2b

from journeys import dates
from journeys.errors import LimitReached, NotFound
from journeys.telemetry import log_error, logger
from journeys.views.jobs.service import JobService
from journeys.views.schedules.model import Schedule, next_date
from journeys.views.schedules.store import ScheduleStore

SETTLE_MS = 600_000
"""The least number of milliseconds between a schedule's due date and its job.

Events received before the due date reach the archive within this time: a batch is gathered for up to five minutes, and
writing it to the archive can take several attempts.
"""
SPREAD_MS = 3_600_000
"""Milliseconds after the due date within which the jobs of all schedules are created, evenly spread."""


class Timer:
    """Creates the jobs of due schedules.

    For each schedule, the timer first creates the job and then moves the schedule to its next date. If it stops in
    between, the next run creates the same job again, which changes nothing. No period is missed or computed twice.
    """

    def __init__(self, schedules: ScheduleStore, jobs: JobService) -> None:
        self._schedules, self._jobs = schedules, jobs

    def run(self) -> int:
        """Create the jobs that are due. Returns the number of schedules that failed; the next run retries them."""
        now_ms, failed = dates.now_ms(), 0
        full: set[str] = set()
        for schedule in self._schedules.due(now_ms - SETTLE_MS):
            settled_ms = now_ms - delay_ms(schedule.view_id)
            if schedule.date_next > settled_ms or schedule.organization_id in full:
                continue
            try:
                self._run_schedule(schedule, settled_ms)
            except LimitReached:  # As many of its jobs wait as are allowed. The next run retries its schedules.
                full.add(schedule.organization_id)
            except Exception as error:  # A broken schedule must not stop the others. Log only the error's type.
                log_error("a scheduled job could not be created", error)
                failed += 1
        return failed

    def _run_schedule(self, schedule: Schedule, settled_ms: int) -> None:
        try:
            job = self._jobs.accept_scheduled(schedule, latest_due_date(schedule, settled_ms))
            logger.info("scheduled job created", job=job.job_id)
        except NotFound:
            logger.info("the view of a schedule was deleted")
        self._schedules.advance(schedule, settled_ms)


def delay_ms(view_id: str) -> int:
    """Milliseconds between the due date of a view's schedule and its job. A view always has the same delay."""
    number = int.from_bytes(blake2b(view_id.encode(), digest_size=8).digest(), "big")
    return SETTLE_MS + number % (SPREAD_MS - SETTLE_MS)


def latest_due_date(schedule: Schedule, now_ms: int) -> int:
    """The schedule's last due date at or before `now_ms`, in milliseconds. Earlier missed dates are skipped."""
    due_ms = schedule.date_next
    while (following := next_date(schedule.frequency, due_ms)) <= now_ms:
        due_ms = following
    return due_ms
