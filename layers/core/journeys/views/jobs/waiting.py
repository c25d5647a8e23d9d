"""Looks after jobs that wait: no message is lost for good, and no job is counted that has ended."""

from collections.abc import Iterable

from journeys import dates
from journeys.telemetry import emit_duration, log_error, logger
from journeys.views.jobs.model import ATTEMPT_DEADLINE_MS, Job, Status, moment_of
from journeys.views.jobs.shares.store import Load, ShareStore
from journeys.views.jobs.store import JobQueue, JobStore

RESEND_MS = 3_600_000
"""Milliseconds after which the message of a waiting job is sent again, once per such period."""


class WaitingJobs:
    """Checks the jobs of all organizations that wait or are computed. The timer runs it every `interval_ms`."""

    def __init__(self, jobs: JobStore, shares: ShareStore, queue: JobQueue, interval_ms: int) -> None:
        self._jobs, self._shares, self._queue, self._interval_ms = jobs, shares, queue, interval_ms

    def run(self) -> None:
        """Check the jobs of each organization, and emit how long the oldest one has been waiting."""
        oldest_ms = 0
        for load in self._shares.all():
            try:
                oldest_ms = max(oldest_ms, self._check(load))
            except Exception as error:  # One organization must not stop the others. Log only the error's type.
                log_error("the waiting jobs of an organization could not be checked", error)
        emit_duration("OldestWaitingJob", oldest_ms)

    def _check(self, load: Load) -> int:
        """Check the jobs of one organization. Returns how many milliseconds its oldest job has been waiting."""
        now = dates.now_ms()
        jobs = {job.job_id: job for job in self._jobs.find(load.organization_id, [*load.waiting, *load.computing])}
        waiting = [jobs[job_id] for job_id in load.waiting if job_id in jobs]
        waiting = [job for job in waiting if job.status is Status.ACCEPTED]
        counted = {job.job_id for job in waiting} | {
            job_id for job_id in load.computing if _occupies_slot(job_id, jobs.get(job_id), now)
        }
        if ended := (load.waiting | load.computing) - counted:
            self._shares.remove(load.organization_id, ended)
        self._send_again(waiting, now)
        return max((now - job.date_accepted for job in waiting), default=0)

    def _send_again(self, waiting: Iterable[Job], now: int) -> None:
        for job in waiting:
            waited = now - job.date_accepted
            if waited >= RESEND_MS and waited % RESEND_MS < self._interval_ms:
                logger.info("the message of a waiting job is sent again", job=job.job_id)
                self._queue.send(job.organization_id, job.job_id)


def _occupies_slot(job_id: str, job: Job | None, now: int) -> bool:
    """Whether a job has an attempt that can be running: that of a canceled job or a deleted view runs on for a while.

    The deadline of a deleted job is unknown, so it keeps its slot for the time of an attempt after its creation.
    """
    if job is None:
        return moment_of(job_id) + ATTEMPT_DEADLINE_MS > now
    return job.status is Status.EXECUTING or (job.status is Status.CANCELLED and job.deadline > now)
