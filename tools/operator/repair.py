"""Verifies and rebuilds journeys and links, many customers at a time, while events keep arriving."""

import contextlib
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event as Flag
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from journeys import dates
from journeys.aws import is_temporary
from journeys.errors import JourneysError
from journeys.events.store import EventLog
from journeys.identity.store import LinkStore
from journeys.journey.model import Step
from journeys.journey.rebuild import RebuildOutcome, delete_generation, rebuild_journey
from journeys.journey.store import JourneyStore
from journeys.journey.survey import EVENT_ATTRIBUTES, Customer, Survey
from journeys.journey.verify import Differences, compare_with_log
from tools.errors import ToolError
from tools.operator.archive_repair import ArchiveRepair
from tools.operator.link_repair import LinkCheck
from tools.operator.report import (
    BUSY,
    EVENT_MISSING,
    ROW_MISSING,
    STEP_ORPHANED,
    STEP_WRONG_TYPE,
    SUMMARY_WRONG,
    UNREADABLE,
    RepairReport,
    RepairScope,
)
from tools.progress import ProgressBars

SEGMENTS_PER_THREAD = 4
READER_SECONDS = 60.0
"""Seconds after which no request reads rows that a rebuild replaced. A request takes at most 29 seconds."""

IN_FLIGHT_SECONDS = 60
"""Seconds that an event may take to reach its journey and the archive."""


class JourneyRepair:
    """Verifies and rebuilds the journeys of one stack, and the links between identifiers.

    Args:
        threads: how many customers, or segments of a table, are processed at the same time.
        reader_seconds: how long replaced rows are kept for requests that are reading them.
        in_flight_seconds: how long a new event may be missing from its journey and from the archive.
    """

    def __init__(
        self,
        store: JourneyStore,
        links: LinkStore,
        log: EventLog,
        *,
        threads: int = 8,
        bars: ProgressBars | None = None,
        reader_seconds: float | None = None,
        in_flight_seconds: int = IN_FLIGHT_SECONDS,
    ) -> None:
        self._store, self._links, self._log = store, links, log
        self._threads, self._bars = threads, bars or ProgressBars()
        self._reader_seconds = READER_SECONDS if reader_seconds is None else reader_seconds
        self._in_flight_seconds = in_flight_seconds
        self._stopped = Flag()
        self._replaced: deque[tuple[float, str, str]] = deque()

    def rebuild_journeys(self, scope: RepairScope, report: RepairReport) -> None:
        """Rebuilds journeys and links from the log. A correct journey is left unchanged.

        Raises:
            ToolError: the scope names a customer without any events or journey.
        """
        with (
            LinkCheck(self._links, self._log, scope, None) as links,
            self._survey(scope, EVENT_ATTRIBUTES, [links.add_events]) as survey,
        ):
            report.events = survey.events
            self._each_customer(survey, scope, partial(self._rebuild, report=report), report)
            links.finish(self, report, repair=True)
        self._delete_replaced(report, wait=True)

    def verify(
        self,
        scope: RepairScope,
        report: RepairReport,
        *,
        repair: bool = False,
        archive: ArchiveRepair | None = None,
    ) -> None:
        """Compares journeys, links, and the archive, with the log, and reports the differences.

        Args:
            repair: repairs what can be repaired.
            archive: compares the archive as well, unless the scope is one customer.

        Raises:
            ToolError: the scope names a customer without any events or journey.
        """
        since = dates.now_ms() - self._in_flight_seconds * 1000
        comparison = archive.comparison(since) if archive is not None and scope.journey_key is None else None
        with contextlib.ExitStack() as stack:
            links = stack.enter_context(LinkCheck(self._links, self._log, scope, since))
            on_events = [links.add_events]
            if comparison is not None:
                on_events.append(stack.enter_context(comparison).add_events)
            attributes = EVENT_ATTRIBUTES if comparison is None else ()
            survey = stack.enter_context(self._survey(scope, attributes, on_events))
            report.events = survey.events
            report.add_differences(UNREADABLE, survey.unreadable)
            verify_customer = partial(self._verify, since=since, report=report, repair=repair)
            self._each_customer(survey, scope, verify_customer, report, delete_obsolete=repair)
            links.finish(self, report, repair=repair)
            if comparison is not None:
                comparison.finish(scope, self._log, report, self._bars, repair=repair)
        self._delete_replaced(report, wait=True)

    # -- one customer --------------------------------------------------------------------------------------------------

    def _verify(self, customer: Customer, *, since: int, report: RepairReport, repair: bool) -> None:
        differences = compare_with_log(self._store, self._log, customer.journey_key, customer.events.values())
        arrived_later = [
            step.key for step in (*differences.missing, *differences.missing_row) if step.key not in customer.events
        ]
        differences = differences.without(customer.received_since(since) | frozenset(arrived_later))
        if repairs := repair and bool(differences):
            self._rebuild(customer, report)
        for kind, keys in _keys_by_kind(customer.journey_key, differences).items():
            report.add_differences(kind, keys)
            report.add_repaired(kind, len(keys) * repairs)

    def _rebuild(self, customer: Customer, report: RepairReport) -> None:
        done = rebuild_journey(self._store, self._log, customer.journey_key, customer.events.values())
        report.add_outcome(done.outcome)
        if done.replaced is not None:
            self._replaced.append((time.monotonic(), customer.journey_key, done.replaced))

    # -- reading the tables --------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _survey(
        self, scope: RepairScope, attributes: Sequence[str], on_events: Sequence[Callable[[list[Any]], None]]
    ) -> Iterator[Survey]:
        """Reads the log and then the journeys, sorted by customer, into a temporary folder."""
        with (
            tempfile.TemporaryDirectory(prefix="journeys-") as folder,
            contextlib.closing(Survey(Path(folder))) as survey,
        ):

            def add_events(items: list[Any]) -> None:
                survey.add_events(items, scope.journey_key)
                for add in on_events:
                    add(items)

            log_pages = partial(self._log.pages, organization_id=scope.organization_id, attributes=attributes)
            self.scan("reading the log", self._log.size(), log_pages, add_events)
            if scope.journey_key is None:
                journey_pages = partial(self._store.pages, organization_id=scope.organization_id)
                self.scan("reading the journeys", self._store.size(), journey_pages, survey.add_journeys)
            yield survey

    def scan(
        self,
        name: str,
        size: int,
        pages: Callable[[int, int], Iterator[tuple[int, list[Any]]]],
        add: Callable[[list[Any]], None],
    ) -> None:
        """Reads a table in several threads, and shows a bar."""
        segments = self._threads * SEGMENTS_PER_THREAD
        with self._bars.bar(name, size) as bar:

            def scan_segment(segment: int) -> None:
                for passed, items in pages(segment, segments):
                    if self._stopped.is_set():
                        return
                    add(items)
                    bar.advance(passed)

            self.in_threads(scan_segment, range(segments))

    # -- all customers -------------------------------------------------------------------------------------------------

    def _each_customer(
        self,
        survey: Survey,
        scope: RepairScope,
        action: Callable[[Customer], None],
        report: RepairReport,
        *,
        delete_obsolete: bool = True,
    ) -> None:
        """Runs an action for every customer whose journey may differ from the log.

        A customer whose journey is busy gets a second attempt after all others.
        """
        busy: list[Customer] = []
        with self._bars.bar("comparing", survey.events) as bar:
            for customers in survey.parts():
                suspects = [one for one in customers if scope.journey_key is not None or not one.looks_correct()]
                report.journeys += len(customers)
                report.add_outcome(RebuildOutcome.CORRECT, len(customers) - len(suspects))
                self.in_threads(partial(self._attempt, action, busy.append), suspects)
                self._delete_obsolete(customers, report, delete=delete_obsolete)
                self._delete_replaced(report, wait=False)
                bar.advance(sum(len(customer.events) for customer in customers))
            if scope.journey_key is not None and not report.journeys:
                self._require_journey(scope.journey_key)
                report.journeys = 1
                self.in_threads(partial(self._attempt, action, busy.append), [Customer(scope.journey_key)])
        still_busy: list[Customer] = []
        self.in_threads(partial(self._attempt, action, still_busy.append), busy)
        report.add_outcome(BUSY, len(still_busy))

    def _require_journey(self, journey_key: str) -> None:
        steps = self._store.steps(journey_key, ascending=True)
        if not self._store.summary(journey_key).version and next(iter(steps), None) is None:
            raise ToolError(
                "There is no such customer: the log has no event, and there is no journey. "
                "Check --organization, --source and --customer."
            )

    def _attempt(
        self, action: Callable[[Customer], None], on_busy: Callable[[Customer], None], customer: Customer
    ) -> None:
        if self._stopped.is_set():
            return
        try:
            action(customer)
        except (ClientError, BotoCoreError, JourneysError) as error:
            if not (isinstance(error, JourneysError) or is_temporary(error)):
                raise
            on_busy(customer)

    # -- deleting rows -------------------------------------------------------------------------------------------------

    def _delete_obsolete(self, customers: Iterable[Customer], report: RepairReport, *, delete: bool) -> None:
        """Counts the rows that interrupted rebuilds left behind, and deletes them if asked to."""
        now = dates.now_ms()
        for customer in customers:
            for generation in customer.obsolete_generations(now):
                report.obsolete_rows += len(customer.rows[generation])
                if delete:
                    report.add_deleted_rows(delete_generation(self._store, customer.journey_key, generation))

    def _delete_replaced(self, report: RepairReport, *, wait: bool) -> None:
        """Deletes the rows that rebuilds replaced, once no request can be reading them any more."""
        if wait and self._replaced:
            with self._bars.bar("waiting for readers", None):
                time.sleep(max(0.0, self._replaced[-1][0] + self._reader_seconds - time.monotonic()))
        due: list[tuple[str, str]] = []
        while self._replaced and (wait or self._replaced[0][0] + self._reader_seconds < time.monotonic()):
            due.append(self._replaced.popleft()[1:])
        self.in_threads(lambda replaced: report.add_deleted_rows(delete_generation(self._store, *replaced)), due)

    def in_threads(self, action: Callable[[Any], None], arguments: Iterable[Any]) -> None:
        """Runs an action for each argument in several threads. After an error, no thread keeps running."""
        with ThreadPoolExecutor(self._threads) as threads:
            running = [threads.submit(action, argument) for argument in arguments]
            try:
                for future in running:
                    future.result()
            except BaseException:
                self._stopped.set()
                threads.shutdown(cancel_futures=True)
                raise


def _keys_by_kind(journey_key: str, differences: Differences) -> dict[str, list[str]]:
    """The keys of what differs in one journey, by the kind of difference."""

    def keys(steps: Iterable[Step]) -> list[str]:
        return [f"{journey_key} {step.key}" for step in steps]

    return {
        EVENT_MISSING: keys(differences.missing),
        ROW_MISSING: keys(differences.missing_row),
        STEP_ORPHANED: keys(differences.orphaned),
        STEP_WRONG_TYPE: keys(differences.wrong_type),
        SUMMARY_WRONG: [journey_key] if differences.wrong_summary else [],
    }
