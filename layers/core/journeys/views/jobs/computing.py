"""From an accepted job to its result: in one run, or in parts that a state machine has computed and merged.

A try begins with a claim, which counts it, and ends with one conditional write that names its count. Whatever happens
in between may happen again, or twice at the same time: one try completes the job, and its result is the job's. What is
wrong with the view, or too much for it, ends the job at once; our own trouble goes on to whoever tries again.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from journeys import dates, jsontext
from journeys.errors import JourneysError, NotComputable, ServiceUnavailable, TooManyRequests
from journeys.registry.schemas.store import SchemaStore
from journeys.telemetry import emit_count, emit_duration, log_error, logger
from journeys.views.computation.part import Part, merge, to_result
from journeys.views.jobs.model import BROKEN, Job, JobError
from journeys.views.jobs.order import Order, make_order
from journeys.views.jobs.store import JobStore, Machine, WorkStore

if TYPE_CHECKING:
    from journeys.archive.store import ArchiveStore

LARGEST_RESULT = 6_000_000
"""Bytes of a result as a JSON text within a JSON text, which is how Lambda answers, with 6 MB at most."""

Run = Callable[[Order, int, int], Part]
"""Computes the buckets from first to last of an order."""


class TryFailed(Exception):
    """Trouble of ours, by its type alone: what a function raises is logged, and its words may be a customer's."""


class ResultTooLarge(NotComputable):
    """The groups of the charts are more than an answer can hold."""

    code = "result.too.large"


class Endings:
    """How jobs end."""

    def __init__(self, jobs: JobStore, work: WorkStore) -> None:
        self._jobs, self._work = jobs, work

    def merged(self, organization_id: str, job_id: str, attempt: int) -> None:
        """Completes a job with the parts of its try, unless that try counts no more. Raises TryFailed."""
        with self.failing(organization_id, job_id, attempt):
            order = self._work.order(organization_id, job_id, attempt)
            if self._jobs.is_current(order):
                self.complete(order, self._work.parts(order))

    def complete(self, order: Order, parts: Iterable[Part]) -> None:
        """Keeps the result of an order and completes its job, unless its try counts no more. Raises ResultTooLarge."""
        text = jsontext.dumps(to_result(order.definition, merge(parts)))
        size = len(json.dumps(text))
        if size > LARGEST_RESULT:
            raise ResultTooLarge(
                f"The result takes {size} bytes, and {LARGEST_RESULT} can be answered with; "
                "group charts by less, or keep the greatest groups with groupByMax."
            )
        self._work.put_result(order, text.encode())
        self._ended("completed", self._jobs.complete(order))

    def broken(self, organization_id: str, job_id: str, attempt: int | None = None) -> None:
        """Ends a job, or only that try of it, which our own trouble has kept from completing."""
        self._fail(organization_id, job_id, BROKEN, attempt)

    @contextmanager
    def failing(self, organization_id: str, job_id: str, attempt: int) -> Iterator[None]:
        """Fails the job where what is done raises what would be raised again. Raises TryFailed for all else."""
        try:
            yield
        except Exception as error:
            if isinstance(error, JourneysError) and not isinstance(error, TooManyRequests | ServiceUnavailable):
                self._fail(organization_id, job_id, JobError(error.code, error.message), attempt)
                return
            log_error("a try failed", error)
            raise TryFailed(type(error).__name__) from None

    def _fail(self, organization_id: str, job_id: str, error: JobError, attempt: int | None) -> None:
        job = self._jobs.fail(organization_id, job_id, error, attempt)
        self._ended("failed", job)
        if job is not None:
            emit_count("JobsFailed", reason=error.code)

    def _ended(self, how: str, job: Job | None) -> None:
        """Tells of an end; None is a try whose job had ended, or that another try had taken over."""
        if job is None:
            logger.info("a try counts no more", how=how)
            return
        logger.info("job " + how, attempt=job.attempt)
        if job.attempt:
            emit_duration("JobDuration", dates.now_ms() - job.date_begun)


class Computer:
    """Computes jobs, as the queue hands them out."""

    def __init__(
        self,
        jobs: JobStore,
        work: WorkStore,
        schemas: SchemaStore,
        archive: "ArchiveStore",
        machine: Machine,
        run: Run,
        *,
        events_per_run: int,
    ) -> None:
        self._jobs, self._work, self._schemas, self._archive = jobs, work, schemas, archive
        self._machine, self._run, self._events_per_run = machine, run, events_per_run
        self._endings = Endings(jobs, work)

    def compute(self, organization_id: str, job_id: str) -> None:
        """Computes a job here where it is small, and has the state machine compute it where not.

        Does nothing for a job that has ended. Raises what the stores raise; then the job should be handed out again.
        """
        job = self._jobs.claim(organization_id, job_id)
        if job is None:
            logger.info("a job has ended, or is not there")
            return
        with self._endings.failing(organization_id, job_id, job.attempt):
            order = make_order(
                job,
                self._jobs.view(job).definition,
                self._schemas.get,
                self._archive.snapshot(organization_id),
                self._events_per_run,
            )
            if len(order.parts) > 1:
                self._work.put_order(order)
                self._machine.start(order)
                return
            ((first, last),) = order.parts
            self._endings.complete(order, [self._run(order, first, last)])


class PartComputer:
    """Computes one part of a job, as the state machine asks for it."""

    def __init__(self, jobs: JobStore, work: WorkStore, run: Run) -> None:
        self._jobs, self._work, self._run = jobs, work, run
        self._endings = Endings(jobs, work)

    def compute(self, organization_id: str, job_id: str, attempt: int, number: int) -> None:
        """Computes the part of that number, unless its try counts no more. Raises TryFailed."""
        with self._endings.failing(organization_id, job_id, attempt):
            order = self._work.order(organization_id, job_id, attempt)
            if not self._jobs.is_current(order):
                logger.info("a try counts no more", how="part")
                return
            self._work.put_part(order, number, self._run(order, *order.parts[number]))
