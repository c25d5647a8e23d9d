"""Rebuilds and verifies journeys, several at a time, with progress."""

import contextlib
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event as Flag
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from journeys import dates
from journeys.aws import THROTTLES, error_code
from journeys.errors import JourneysError
from journeys.events.store import EventLog
from journeys.journey.model import Step
from journeys.journey.rebuild import RebuildOutcome, delete_generation, rebuild_journey
from journeys.journey.store import JourneyStore
from journeys.journey.survey import EVENT_ATTRIBUTES, Customer, Survey
from journeys.journey.verify import Differences, compare_with_log
from tools.operator.archive_repair import Archive
from tools.operator.report import (
    BUSY,
    EVENT_MISSING,
    ROW_MISSING,
    STEP_FOREIGN,
    STEP_MISTAKEN,
    SUMMARY_WRONG,
    UNREADABLE,
    Report,
    Scope,
)
from tools.progress import Bars

SEGMENTS_A_THREAD = 4
READERS_GONE = 60.0
"""Seconds after which no request is reading rows any more that it began with; one takes 29 at most."""

UNDER_WAY = 60
"""Seconds within which an event need not be in its journey or in the archive yet."""


_MAY_PASS = THROTTLES | {"InternalServerError", "ServiceUnavailable"}


class Operator:
    """Does the work on one stack's journeys and archive. `threads` is how much of it at the same time."""

    def __init__(
        self,
        store: JourneyStore,
        log: EventLog,
        *,
        threads: int = 8,
        bars: Bars | None = None,
        readers_gone: float = READERS_GONE,
        under_way: int = UNDER_WAY,
    ) -> None:
        self._store, self._log = store, log
        self._threads, self._bars = threads, bars or Bars()
        self._readers_gone, self._under_way = readers_gone, under_way
        self._stopped = Flag()
        self._replaced: deque[tuple[float, str, str]] = deque()

    def rebuild(self, scope: Scope, report: Report) -> None:
        """Makes journeys those of the log. One that is right already is left as it is."""
        with self._surveyed(scope, EVENT_ATTRIBUTES) as survey:
            report.events = survey.events
            self._each(survey, scope, partial(self._rebuild, report=report), report)
        self._sweep_replaced(report, wait=True)

    def verify(self, scope: Scope, report: Report, *, mend: bool = False, archive: "Archive | None" = None) -> None:
        """Compares journeys, and the archive, with the log; what differs is reported, and mended where asked for."""
        since = dates.now_ms() - self._under_way * 1000
        comparison = archive.comparison(since) if archive is not None and scope.customer is None else None

        def check(customer: Customer) -> None:
            found = compare_with_log(self._store, self._log, customer.journey_key, customer.events.values())
            late = [one.key for one in (*found.missing, *found.missing_row) if one.key not in customer.events]
            found = found.without(customer.received_since(since) | frozenset(late))
            mends = mend and bool(found)
            if mends:
                self._rebuild(customer, report)
            for kind, names in _by_kind(customer.journey_key, found).items():
                report.differs(kind, names)
                report.add(report.mended, Counter({kind: len(names) * mends}))

        with contextlib.ExitStack() as stack:
            if comparison is not None:
                stack.enter_context(comparison)
            also = comparison.take if comparison is not None else None
            attributes = EVENT_ATTRIBUTES if comparison is None else ()
            survey = stack.enter_context(self._surveyed(scope, attributes, also))
            report.events = survey.events
            report.differs(UNREADABLE, survey.unreadable)
            self._each(survey, scope, check, report, sweeps=mend)
            if comparison is not None:
                comparison.finish(scope, self._log, report, self._bars, mend=mend)
        self._sweep_replaced(report, wait=True)

    # -- the scans -----------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _surveyed(
        self, scope: Scope, attributes: Sequence[str], also: Callable[[list[Any]], None] | None = None
    ) -> Iterator[Survey]:
        """The log and then the journeys, sorted by customer, on disk as long as they are needed."""
        with tempfile.TemporaryDirectory(prefix="journeys-") as folder, contextlib.closing(Survey(Path(folder))) as to:

            def take(items: list[Any]) -> None:
                to.add_events(items, scope.customer)
                if also is not None:
                    also(items)

            organization_id = scope.organization_id
            self._scan(
                "reading the log",
                self._log.size(),
                lambda *of: self._log.pages(*of, organization_id=organization_id, attributes=attributes),
                take,
            )
            if scope.customer is None:
                self._scan(
                    "reading the journeys",
                    self._store.size(),
                    lambda *of: self._store.pages(*of, organization_id=organization_id),
                    to.add_journeys,
                )
            yield to

    def _scan(
        self,
        name: str,
        size: int,
        pages: Callable[[int, int], Iterator[tuple[int, list[Any]]]],
        take: Callable[[list[Any]], None],
    ) -> None:
        segments = self._threads * SEGMENTS_A_THREAD
        with self._bars.bar(name, size) as advance:

            def one(segment: int) -> None:
                for passed, items in pages(segment, segments):
                    if self._stopped.is_set():
                        return
                    take(items)
                    advance(passed)

            self._all(one, range(segments))

    # -- customer by customer ------------------------------------------------------------------------------------------

    def _each(
        self,
        survey: Survey,
        scope: Scope,
        what: Callable[[Customer], None],
        report: Report,
        *,
        sweeps: bool = True,
    ) -> None:
        """Does something about every customer who does not seem right; one who is busy gets a second turn."""
        waiting: list[Customer] = []

        def one(customer: Customer) -> None:
            if self._stopped.is_set():
                return
            try:
                what(customer)
            except (ClientError, BotoCoreError, JourneysError) as error:
                if isinstance(error, ClientError) and error_code(error) not in _MAY_PASS:
                    raise
                if again:
                    report.add(report.outcomes, [BUSY])
                else:
                    waiting.append(customer)

        again = False
        with self._bars.bar("comparing", survey.events) as advance:
            for customers in survey.parts():
                wrong = [
                    customer for customer in customers if scope.customer is not None or not customer.looks_correct()
                ]
                report.journeys += len(customers)
                report.add(report.outcomes, Counter({RebuildOutcome.CORRECT: len(customers) - len(wrong)}))
                self._all(one, wrong)
                self._sweep_left_over(customers, report, delete=sweeps)
                self._sweep_replaced(report, wait=False)
                advance(sum(len(customer.events) for customer in customers))
            if (
                scope.customer is not None and not report.journeys
            ):  # nothing in the log, and maybe a journey all the same
                report.journeys = 1
                self._all(one, [Customer(scope.customer)])
        again = True
        self._all(one, waiting)

    def _rebuild(self, customer: Customer, report: Report) -> None:
        done = rebuild_journey(self._store, self._log, customer.journey_key, customer.events.values())
        report.add(report.outcomes, [done.outcome])
        if done.replaced is not None:
            self._replaced.append((time.monotonic(), customer.journey_key, done.replaced))

    # -- what is left over ---------------------------------------------------------------------------------------------

    def _sweep_left_over(self, customers: Iterable[Customer], report: Report, *, delete: bool) -> None:
        """Deletes, or only counts, the rows that an earlier run could not delete any more."""
        now = dates.now_ms()
        for customer in customers:
            for generation in customer.obsolete_generations(now):
                report.left_over += len(customer.rows[generation])
                if delete:
                    report.count_swept(delete_generation(self._store, customer.journey_key, generation))

    def _sweep_replaced(self, report: Report, *, wait: bool) -> None:
        """Deletes the rows in whose place new ones are, when nobody can be reading them any more."""
        if wait and self._replaced:
            with self._bars.bar("waiting for readers", None):
                time.sleep(max(0.0, self._replaced[-1][0] + self._readers_gone - time.monotonic()))
        due: list[tuple[str, str]] = []
        while self._replaced and (wait or self._replaced[0][0] + self._readers_gone < time.monotonic()):
            due.append(self._replaced.popleft()[1:])

        def one(replaced: tuple[str, str]) -> None:
            report.count_swept(delete_generation(self._store, *replaced))

        self._all(one, due)

    def _all(self, what: Callable[[Any], None], of: Iterable[Any]) -> None:
        """Does something with each, several at the same time; whatever ends it, nothing goes on in the background."""
        with ThreadPoolExecutor(self._threads) as threads:
            running = [threads.submit(what, one) for one in of]
            try:
                for one in running:
                    one.result()
            except BaseException:
                self._stopped.set()
                threads.shutdown(cancel_futures=True)
                raise


def _by_kind(journey_key: str, found: Differences) -> dict[str, list[str]]:
    """The keys of what differs, by what is wrong with it."""

    def named(steps: Iterable[Step]) -> list[str]:
        return [f"{journey_key} {one.key}" for one in steps]

    return {
        EVENT_MISSING: named(found.missing),
        ROW_MISSING: named(found.missing_row),
        STEP_FOREIGN: named(found.orphaned),
        STEP_MISTAKEN: named(found.wrong_type),
        SUMMARY_WRONG: [journey_key] if found.wrong_summary else [],
    }
