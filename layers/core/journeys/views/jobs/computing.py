"""Computes an accepted job: in one run, or in parts that a state machine runs and then merges.

An attempt starts when `JobStore.claim` increments the job's `attempt`. It ends with one conditional write that names
this number. Everything in between can be repeated, also concurrently: only one attempt can complete the job, and its
result is the job's result. Errors that a repeat cannot fix, such as a view that does not fit its event types, fail the
job immediately. All other errors are raised, and the queue or the state machine starts or continues an attempt.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from journeys import dates, jsontext
from journeys.errors import JourneysError, NotComputable, ServiceUnavailable, TooManyRequests
from journeys.registry.event_types import EventTypes
from journeys.telemetry import emit_count, emit_duration, log_error, logger
from journeys.views.computation.partial_result import PartialResult
from journeys.views.jobs.figures import FIGURES
from journeys.views.jobs.identity import JobIdentity
from journeys.views.jobs.model import BROKEN, Job, JobError, Status
from journeys.views.jobs.shares.store import ShareStore
from journeys.views.jobs.spec import JobSpec, make_spec
from journeys.views.jobs.store import ComputationStateMachine, JobQueue, JobStore, ShareUsed
from journeys.views.jobs.work.store import WorkStore

if TYPE_CHECKING:
    from journeys.archive.store import ArchiveStore
    from journeys.views.paths.partial_result import PathResult

MAX_RESULT_BYTES = 6_000_000
"""The size of a result, as a JSON string within JSON: the form of Lambda's response, which is limited to 6 MB."""

DELIVERIES = 3
"""Times that the queue delivers a message, as in the template."""
POSTPONED_SECONDS = 15
"""Seconds until a job is tried again whose organization uses its share of the slots while others wait."""

Run = Callable[[JobSpec, int, int], "PartialResult | PathResult"]
"""Computes the buckets of a job from first to last."""


class AttemptFailed(Exception):
    """An attempt failed and can be repeated. The message is the type of the cause.

    Lambda logs what a function raises, and the message of the cause may contain customer data.
    """


class ResultTooLarge(NotComputable):
    """The result is larger than the API can return."""

    code = "result.too.large"


class JobCompletion:
    """Ends jobs: completes them, or marks them as failed.

    All changes are conditional. They change nothing if the job has ended or another attempt has started.
    """

    def __init__(self, jobs: JobStore, work: WorkStore) -> None:
        self._jobs, self._work = jobs, work

    def merge_parts(self, organization_id: str, job_id: str, attempt: int) -> None:
        """Complete a job with the partial results of an attempt. Raises AttemptFailed."""
        with self.handle_errors(organization_id, job_id, attempt):
            spec = self._work.spec(organization_id, job_id, attempt)
            if self._jobs.is_current(spec):
                self.complete(spec, map(FIGURES[spec.kind].from_values, self._work.parts(spec)))
            else:
                self._jobs.release(organization_id, job_id)

    def complete(self, spec: JobSpec, parts: Iterable["PartialResult | PathResult"]) -> None:
        """Store the result of an attempt and complete its job. Raises ResultTooLarge."""
        figures = FIGURES[spec.kind]
        merged = figures.merge(parts)
        result = figures.to_result(spec, merged)
        text = jsontext.dumps(result)
        size = len(json.dumps(text))
        if size > MAX_RESULT_BYTES:
            raise ResultTooLarge(
                f"The result has {size} bytes; at most {MAX_RESULT_BYTES} are allowed. "
                "Group the charts by less, set groupByMax to keep the greatest groups only, or leave out the breakdown."
            )
        lists = figures.to_lists(spec, merged, result)
        if lists is not None:
            self._work.put_customers(spec, *lists)
        self._work.put_result(spec, text.encode())
        job = self._jobs.complete(spec)
        self._report_end("completed", job)
        if job is None:
            self._jobs.release(spec.organization_id, spec.job_id)

    def fail_after_retries(self, organization_id: str, job_id: str, attempt: int) -> None:
        """Fail a job whose computation failed too often, if that is the current attempt."""
        self._fail(organization_id, job_id, BROKEN, attempt)

    def fail_or_send_again(self, organization_id: str, job_id: str, queue: JobQueue) -> None:
        """Fail a job whose message was delivered too often, if each delivery started an attempt.

        Otherwise the message was returned to the queue because no function had capacity for it, or it was not the job's
        only message. Then the job is queued again if it waits, and left unchanged if an attempt is running.
        """
        job = self._jobs.read(organization_id, job_id)
        if job is not None and job.status is Status.ACCEPTED:
            logger.warning("a job without an attempt is queued again")
            queue.send(organization_id, job_id, POSTPONED_SECONDS)
        elif job is not None and job.attempt >= DELIVERIES:
            self._fail(organization_id, job_id, BROKEN, None)

    @contextmanager
    def handle_errors(self, organization_id: str, job_id: str, attempt: int) -> Iterator[None]:
        """Fail the job if the block raises an error that a retry cannot fix. Raises AttemptFailed for other errors."""
        try:
            yield
        except Exception as error:
            if isinstance(error, JourneysError) and not isinstance(error, TooManyRequests | ServiceUnavailable):
                self._fail(organization_id, job_id, JobError(error.code, error.message), attempt)
                return
            log_error("an attempt failed", error)
            raise AttemptFailed(type(error).__name__) from None

    def _fail(self, organization_id: str, job_id: str, error: JobError, attempt: int | None) -> None:
        job = self._jobs.fail(organization_id, job_id, error, attempt)
        self._report_end("failed", job)
        if job is None:
            self._jobs.release(organization_id, job_id)
        else:
            emit_count("JobsFailed", reason=error.code)

    def _report_end(self, outcome: str, job: Job | None) -> None:
        """Log and measure the end of a job. None means that the attempt was not current and changed nothing."""
        if job is None:
            logger.info("the attempt is no longer current", outcome=outcome)
            return
        logger.info("job " + outcome, attempt=job.attempt)
        if job.attempt:
            emit_duration("JobDuration", dates.now_ms() - job.date_begun)


class JobComputer:
    """Computes the jobs whose messages the queue delivers.

    An organization can have at most `slots` jobs computed at the same time, and half of that while jobs of other
    organizations wait. The queue alone does not limit them: a job that is computed in parts frees the function.
    """

    def __init__(
        self,
        jobs: JobStore,
        shares: ShareStore,
        queue: JobQueue,
        work: WorkStore,
        event_types: EventTypes,
        archive: "ArchiveStore",
        machine: ComputationStateMachine,
        identity: Callable[[str], JobIdentity],
        run: Run,
        *,
        events_per_run: int,
        slots: int,
    ) -> None:
        self._jobs, self._work, self._event_types, self._archive = jobs, work, event_types, archive
        self._shares, self._queue, self._slots, self._share = shares, queue, slots, max(1, slots // 2)
        self._machine, self._identity, self._run, self._events_per_run = machine, identity, run, events_per_run
        self._completion = JobCompletion(jobs, work)

    def compute(self, organization_id: str, job_id: str, *, repeated: bool) -> None:
        """Start an attempt: compute a job with up to `events_per_run` events here, or start the state machine for it.

        Does nothing if the job has ended, or if it has an attempt and the message is not `repeated`. Sends the message
        again if the organization has no slot left: a new message, since every message is delivered a limited
        number of times. Raises AttemptFailed, and errors of the job store if the attempt could not
        start; the queue then delivers the message again.
        """
        try:
            job = self._claim(organization_id, job_id, repeated=repeated)
        except ShareUsed:
            logger.info("the job is postponed")
            self._queue.send(organization_id, job_id, POSTPONED_SECONDS)
            return
        if job is None:
            logger.info("the job is being computed, has ended or does not exist")
            return
        with self._completion.handle_errors(organization_id, job_id, job.attempt):
            spec = make_spec(
                job,
                self._jobs.applied(job),
                self._event_types,
                self._archive.snapshot(organization_id),
                self._events_per_run,
                self._identity,
            )
            if len(spec.parts) > 1:
                self._work.put_spec(spec)
                self._machine.start(spec)
                return
            ((first, last),) = spec.parts
            self._completion.complete(spec, [self._run(spec, first, last)])

    def _claim(self, organization_id: str, job_id: str, *, repeated: bool) -> Job | None:
        """Start an attempt. Raises ShareUsed if the organization uses all slots, or its share while others wait."""
        try:
            return self._jobs.claim(organization_id, job_id, repeated=repeated, share=self._share)
        except ShareUsed:
            if self._shares.others_wait(organization_id):
                raise
            return self._jobs.claim(organization_id, job_id, repeated=repeated, share=self._slots)


class PartComputer:
    """Computes one part of a job for the state machine."""

    def __init__(self, jobs: JobStore, work: WorkStore, run: Run) -> None:
        self._jobs, self._work, self._run = jobs, work, run
        self._completion = JobCompletion(jobs, work)

    def compute(self, organization_id: str, job_id: str, attempt: int, number: int) -> None:
        """Compute the part with this number, from 0, unless another attempt is current. Raises AttemptFailed."""
        with self._completion.handle_errors(organization_id, job_id, attempt):
            spec = self._work.spec(organization_id, job_id, attempt)
            if not self._jobs.is_current(spec):
                logger.info("the attempt is no longer current", outcome="part")
                return
            self._work.put_part(spec, number, self._run(spec, *spec.parts[number]).to_values())
